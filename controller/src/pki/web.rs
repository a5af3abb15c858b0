//! What the app's server demands of a connection: TLS 1.3, and nothing of who calls. People sign in; programs bring a token.

use std::sync::Arc;

use rustls::{ServerConfig, version::TLS13};

use super::{PkiError, Shown, provider};

/// For HTTPS.
pub fn web_config(shown: Arc<Shown>) -> Result<Arc<ServerConfig>, PkiError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(shown);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

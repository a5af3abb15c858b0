//! One request to the office over HTTPS: enrolment, and the renewal of a pole whose certificate ran out in the dark.
//!
//! Bounds: [`PATIENCE`] from the first packet to the last byte, [`MAX_ANSWER_BYTES`] of answer. Plain HTTP goes to this
//! machine only.

use std::{sync::Arc, time::Duration};

use crate::config::is_loopback;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Uri,
    body::Bytes,
    client::conn::http1,
    header::{CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use rustls::{CertificateError, ClientConfig, pki_types::ServerName};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// For everything together: a weak 3G line takes its time.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Root documents make it large, and there may be several.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Where the office is: `https://host:port`, or `http://` on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficeUrl {
    is_tls: bool,
    host: String,
    port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UrlError {
    #[error("the office's address looks like https://loa.xa.vn or https://10.0.0.1:8443")]
    NotOne,
    #[error("the office is asked over HTTPS; http:// is for an office on this same machine only")]
    NotSafe,
}

impl OfficeUrl {
    /// # Errors
    /// What it must look like.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let uri: Uri = text.parse().map_err(|_| UrlError::NotOne)?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(UrlError::NotOne),
        };
        let authority = uri.authority().ok_or(UrlError::NotOne)?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(UrlError::NotOne);
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        if !is_tls && !is_loopback(&host) {
            return Err(UrlError::NotSafe);
        }
        Ok(Self {
            is_tls,
            port: authority
                .port_u16()
                .unwrap_or(if is_tls { 443 } else { 80 }),
            host,
        })
    }
}

/// What the office said.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

#[derive(Debug, Error)]
pub enum HttpError {
    #[error("the office cannot be reached: {0}; is there a line, and is the address right?")]
    Unreachable(#[source] std::io::Error),
    #[error("this is not the office of the sticker: its certificate has another fingerprint")]
    AnotherOffice,
    #[error("no safe connection to the office: {0}")]
    Tls(#[source] std::io::Error),
    #[error("the office did not answer within {} s", PATIENCE.as_secs())]
    TooSlow,
    #[error("the office's answer cannot be read: {0}")]
    NotHttp(String),
}

/// Sends `body` to `path` of the office, and reads its answer.
///
/// # Errors
/// When there is none.
pub async fn post(
    office: &OfficeUrl,
    path: &str,
    content_type: &str,
    body: Vec<u8>,
    tls: ClientConfig,
) -> Result<Answer, HttpError> {
    timeout(PATIENCE, async {
        let tcp = TcpStream::connect((office.host.as_str(), office.port))
            .await
            .map_err(HttpError::Unreachable)?;
        let host = match office.host.contains(':') {
            true => format!("[{}]:{}", office.host, office.port),
            false => format!("{}:{}", office.host, office.port),
        };
        let request = Request::post(path)
            .header(HOST, host)
            .header(CONTENT_TYPE, content_type)
            .header("Accept-Language", "en")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| HttpError::NotHttp(error.to_string()))?;
        if !office.is_tls {
            return exchange(tcp, request).await;
        }
        let name = ServerName::try_from(office.host.clone())
            .map_err(|error| HttpError::Tls(std::io::Error::other(error)))?;
        let stream = TlsConnector::from(Arc::new(tls))
            .connect(name, tcp)
            .await
            .map_err(explain_tls)?;
        exchange(stream, request).await
    })
    .await
    .map_err(|_| HttpError::TooSlow)?
}

fn explain_tls(error: std::io::Error) -> HttpError {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(
            CertificateError::ApplicationVerificationFailure,
        )) => HttpError::AnotherOffice,
        _ => HttpError::Tls(error),
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let wrong = |error: hyper::Error| HttpError::NotHttp(error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(wrong)?;
    let serve = tokio::spawn(connection);
    let answered = async {
        let response = sender.send_request(request).await.map_err(wrong)?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES)
            .collect()
            .await
            .map_err(|error| HttpError::NotHttp(error.to_string()))?
            .to_bytes();
        Ok(Answer { status, body })
    }
    .await;
    serve.abort();
    answered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_office_is_asked_over_https_or_on_this_machine() {
        let of = |host: &str, port, is_tls| {
            Ok(OfficeUrl {
                is_tls,
                host: host.into(),
                port,
            })
        };
        assert_eq!(
            OfficeUrl::parse("https://loa.xa.vn"),
            of("loa.xa.vn", 443, true)
        );
        assert_eq!(
            OfficeUrl::parse("https://[2001:db8::1]:8443/"),
            of("2001:db8::1", 8443, true)
        );
        assert_eq!(
            OfficeUrl::parse("http://127.0.0.1:8080"),
            of("127.0.0.1", 8080, false)
        );
        assert_eq!(OfficeUrl::parse("http://loa.xa.vn"), Err(UrlError::NotSafe));
        for text in ["loa.xa.vn", "ftp://a", "https://", "https://a@b", ""] {
            assert_eq!(OfficeUrl::parse(text), Err(UrlError::NotOne), "{text}");
        }
    }
}

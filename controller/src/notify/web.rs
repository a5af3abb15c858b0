//! One JSON POST to a server that somebody named: no redirects, ten seconds, a small bounded answer.

use std::{sync::Arc, time::Duration};

use loa_station::is_public;
use serde_json::Value;
use ureq::{
    Agent, Error,
    config::Config,
    http::Uri,
    tls::{RootCerts, TlsConfig},
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

use super::NotifyError;

/// For the whole call.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of an answer that is read; the rest is not.
const ANSWER_BYTES: u64 = 16 * 1024;

/// Makes calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller(Agent);

/// An answer with a status of success or not.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub retry_after_s: Option<u64>,
    pub body: String,
}

impl Caller {
    /// `to_private`: also to this machine and into private networks.
    pub fn new(to_private: bool) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let config = Config::builder()
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(None)
            .max_idle_connections(0)
            .user_agent(concat!("loa-controller/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        let resolver = Public {
            to_private,
            inner: DefaultResolver::default(),
        };
        Self(Agent::with_parts(
            config,
            DefaultConnector::default(),
            resolver,
        ))
    }

    /// An error's text may hold the URL, which is nobody else's business: it is not passed on.
    pub async fn post(&self, url: &str, json: &Value) -> Result<Answer, NotifyError> {
        let (agent, url, body) = (self.0.clone(), url.to_owned(), json.to_string());
        let called = tokio::task::spawn_blocking(move || {
            let mut answer = agent
                .post(&url)
                .header("content-type", "application/json; charset=utf-8")
                .send(body)?;
            let retry_after_s = answer
                .headers()
                .get("retry-after")
                .and_then(|value| value.to_str().ok()?.parse().ok());
            let status = answer.status().as_u16();
            let reader = answer.body_mut().with_config().limit(ANSWER_BYTES);
            Ok(Answer {
                status,
                retry_after_s,
                // An answer that is too long or no text says nothing, and was one all the same.
                body: reader.read_to_string().unwrap_or_default(),
            })
        });
        match called.await {
            Ok(answer) => answer.map_err(|error: Error| match error {
                Error::Timeout(_) => NotifyError::unreached("no answer within ten seconds"),
                Error::HostNotFound => {
                    NotifyError::unreached("the host is not found, or lies in a private network")
                }
                Error::BadUri(_) | Error::Http(_) => NotifyError::refused("this is no URL"),
                Error::Io(error) => NotifyError::unreached(error),
                Error::Tls(what) => NotifyError::unreached(what),
                Error::Rustls(error) => NotifyError::unreached(error),
                _ => NotifyError::unreached("the connection failed"),
            }),
            Err(died) => Err(NotifyError::unreached(died)),
        }
    }
}

/// Finds addresses; those that are not on the public internet only when that is allowed. So whoever may set a webhook
/// cannot reach through the office what he could not reach himself.
#[derive(Debug)]
struct Public {
    to_private: bool,
    inner: DefaultResolver,
}

impl Resolver for Public {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let all = self.inner.resolve(uri, config, timeout)?;
        let mut allowed = self.empty();
        for address in all.iter() {
            if self.to_private || is_public(address.ip()) {
                allowed.push(*address);
            }
        }
        if allowed.is_empty() {
            return Err(Error::HostNotFound);
        }
        Ok(allowed)
    }
}

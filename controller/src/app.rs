//! The whole controller in one process: database, broker, engine, HTTP. `serve` runs it, and so does the demo.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use loa_protocol::time::WallTime;

use crate::{
    auth,
    broker::{Broker, BrokerConfig, BrokerError, CONTROLLER_USERNAME, LoaAdmission, SpeakerTokens},
    chance,
    clock::Clock,
    config::{Config, split_address},
    engine::{Engine, EngineHandle, EngineOptions},
    http::{self, AppState, Patience, StateError},
    link::{LinkOptions, MAX_PACKET_BYTES},
    rounds::rounds,
    store::{Store, StoreError},
};

/// How long answers that are under way may take when the program ends.
const LAST_ANSWERS: Duration = Duration::from_secs(3);
/// How often what need not be kept is deleted.
const TIDY: Duration = Duration::from_secs(3_600);

/// Why the controller did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error("the API cannot listen on {address}: {source}; set server.listen to another address")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("{path}: {source}", path = path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("mqtt.external.address {0:?} is not host:port")]
    Address(String),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the HTTP server: {0}")]
    Http(#[source] io::Error),
}

/// A running controller.
pub struct App {
    config: Config,
    store: Store,
    broker: Option<Broker>,
    engine: Engine,
    router: Router,
    address: SocketAddr,
    /// Hangs up on those who watch events, and takes no new calls.
    closing: CancellationToken,
    http: tokio::sync::Mutex<JoinHandle<io::Result<()>>>,
    tidy: JoinHandle<()>,
    rounds: JoinHandle<()>,
    /// When this run began.
    run: WallTime,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("api", &self.address)
            .field("broker", &self.broker)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Everything is up when this returns, but for the connection to the broker, which is tried for ever.
    pub async fn start(config: Config, clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        // First, for it fails most often (the port is taken) and leaves nothing behind.
        let listen = config.server.listen;
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|source| AppError::Listen {
                address: listen,
                source,
            })?;
        let address = listener.local_addr().map_err(AppError::Http)?;
        let store = Store::open(&config.data_dir, clock.clone()).await?;
        let run = store.begin_run().await?;
        let tokens = SpeakerTokens::default();
        let (broker, link) = start_broker(&config, tokens.clone()).await?;
        let engine = Engine::start(EngineOptions {
            store: store.clone(),
            clock: clock.clone(),
            link,
            tokens,
            bytes_per_s: config.delivery.bytes_per_s,
            reconnect_jitter_s: config.delivery.reconnect_jitter_s,
        })
        .await?;
        let state = AppState::new(store.clone(), engine.handle(), config.clone(), clock).await?;
        let closing = state.closing();
        let router = http::router(state.clone());
        let http = tokio::spawn(http::serve(
            listener,
            router.clone(),
            closing.clone(),
            Patience::default(),
        ));
        Ok(Self {
            rounds: tokio::spawn(rounds(state.clone(), run)),
            run,
            tidy: tokio::spawn(tidy(state)),
            config,
            store,
            broker,
            engine,
            router,
            address,
            closing,
            http: tokio::sync::Mutex::new(http),
        })
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn engine(&self) -> EngineHandle {
        self.engine.handle()
    }

    /// The API, for calls from within.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// How people reach the API, without a slash at the end.
    pub fn base_url(&self) -> String {
        self.config.base_url(self.address)
    }

    /// `host:port` of the broker, for this machine.
    pub fn broker_address(&self) -> String {
        match &self.broker {
            Some(broker) => broker.address().to_string(),
            None => self.config.broker_address(),
        }
    }

    /// The one-time link by which the first administrator signs in, while there is none.
    pub async fn first_link(&self) -> Result<Option<String>, StoreError> {
        auth::first_link(&self.store, &self.base_url()).await
    }

    /// Waits until the HTTP server ends by itself, which it should not.
    pub async fn ended(&self) -> Result<(), AppError> {
        match (&mut *self.http.lock().await).await {
            Ok(done) => done.map_err(AppError::Http),
            Err(died) => Err(AppError::Http(io::Error::other(died))),
        }
    }

    /// From the outside in: answers first, then what speakers said, then the line, the broker and the database.
    pub async fn stop(self) {
        self.tidy.abort();
        self.rounds.abort();
        self.closing.cancel();
        let mut http = self.http.into_inner();
        if tokio::time::timeout(LAST_ANSWERS, &mut http).await.is_err() {
            http.abort();
        }
        self.engine.stop().await;
        if let Err(error) = self.store.keep_run(self.run).await {
            tracing::warn!(%error, "the office could not note until when it ran");
        }
        if let Some(broker) = self.broker {
            broker.stop().await;
        }
        self.store.close().await;
    }
}

async fn start_broker(
    config: &Config,
    tokens: SpeakerTokens,
) -> Result<(Option<Broker>, LinkOptions), AppError> {
    if let Some(external) = &config.mqtt.external {
        let path = &external.password_file;
        let password = std::fs::read_to_string(path).map_err(|source| AppError::File {
            path: path.clone(),
            source,
        })?;
        let (host, port) = split_address(&external.address)
            .ok_or_else(|| AppError::Address(external.address.clone()))?;
        let link = LinkOptions {
            host,
            port,
            client_id: CONTROLLER_USERNAME.into(),
            username: external.username.clone(),
            password: password.trim_end().to_owned(),
        };
        return Ok((None, link));
    }
    let password = chance::token();
    let broker = Broker::start(BrokerConfig {
        listen: config.mqtt.listen,
        max_packet_bytes: MAX_PACKET_BYTES,
        max_connections: config.mqtt.max_connections,
        allow: Arc::new(LoaAdmission::new(password.as_bytes(), tokens)),
    })
    .await?;
    let address = broker.address();
    let host = if address.ip().is_unspecified() {
        "127.0.0.1".to_owned()
    } else {
        address.ip().to_string()
    };
    let link = LinkOptions {
        host,
        port: address.port(),
        client_id: CONTROLLER_USERNAME.into(),
        username: CONTROLLER_USERNAME.into(),
        password,
    };
    Ok((Some(broker), link))
}

async fn tidy(state: AppState) {
    let mut due = tokio::time::interval(TIDY);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        due.tick().await;
        if let Err(error) = http::tidy(&state).await {
            tracing::warn!(%error, "the database was not tidied; trying again in an hour");
        }
    }
}

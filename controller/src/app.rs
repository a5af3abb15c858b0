//! The whole controller in one process: database, broker, engine, HTTP. `serve` runs it, and so does the demo.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use loa_protocol::time::WallTime;

use crate::{
    auth,
    broker::{
        Broker, BrokerConfig, BrokerError, CONTROLLER_USERNAME, LoaAdmission, Roster, SpeakerTokens,
    },
    chance,
    clock::Clock,
    config::{Config, ExternalBroker, split_address},
    engine::{Engine, EngineHandle, EngineOptions},
    http::{self, AppState, Patience, StateError},
    link::{LinkOptions, MAX_PACKET_BYTES},
    live::{Calls, relay},
    pki::{Identity, Peer, PkiError, Shown, controller_config, keep, line_config, web_config},
    rounds::rounds,
    store::{Store, StoreError},
    watch,
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
    #[error(transparent)]
    Pki(#[from] PkiError),
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
    calls: Calls,
    /// Other stations on the air.
    relays: JoinHandle<()>,
    /// Alerts: looks, and tells people.
    watch: JoinHandle<()>,
    certificates: JoinHandle<()>,
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
    pub async fn start(mut config: Config, clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        // First, for it fails most often (the port is taken) and leaves nothing behind.
        let listen = config.server.listen;
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|source| AppError::Listen {
                address: listen,
                source,
            })?;
        let address = listener.local_addr().map_err(AppError::Http)?;
        // From here on it says where we are.
        config.server.listen = address;
        let store = Store::open(&config.data_dir, clock.clone()).await?;
        let run = store.begin_run().await?;
        let (tokens, roster) = (SpeakerTokens::default(), Roster::default());
        admit_known(&store, &tokens, &roster).await?;
        let identity = Identity::open(&config, store.data_dir(), address, clock.now())?;
        let line = start_line(&config, &identity, &tokens, &roster, clock.now()).await?;
        let Line {
            broker,
            link,
            client,
        } = line;
        if let Some(broker) = &broker {
            config.mqtt.listen = broker.address();
        }
        let engine = Engine::start(EngineOptions {
            store: store.clone(),
            clock: clock.clone(),
            link,
            tokens,
            roster,
            authority: Some(identity.authority().clone()),
            bytes_per_s: config.delivery.bytes_per_s,
            reconnect_jitter_s: config.delivery.reconnect_jitter_s,
        })
        .await?;
        let state = AppState::new(
            store.clone(),
            engine.handle(),
            config.clone(),
            clock.clone(),
            identity.clone(),
        )
        .await?;
        let closing = state.closing();
        let calls = state.calls();
        let router = http::router(state.clone());
        let http = tokio::spawn(http::serve(
            listener,
            identity.web().map(web_config).transpose()?,
            router.clone(),
            closing.clone(),
            Patience::default(),
        ));
        Ok(Self {
            certificates: tokio::spawn(keep(
                identity,
                store.clone(),
                client,
                clock,
                closing.clone(),
            )),
            watch: tokio::spawn(watch::run(state.clone(), closing.clone())),
            rounds: tokio::spawn(rounds(state.clone(), run)),
            calls,
            relays: tokio::spawn(relay::run(state.clone(), closing.clone())),
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
    pub async fn stop(mut self) {
        self.tidy.abort();
        self.rounds.abort();
        self.certificates.abort();
        self.closing.cancel();
        // What is said is over, and the poles hear of it, while there is still a line.
        if tokio::time::timeout(LAST_ANSWERS, self.calls.close())
            .await
            .is_err()
        {
            tracing::warn!("a call was not put in order; the next start does it");
        }
        let mut http = self.http.into_inner();
        if tokio::time::timeout(LAST_ANSWERS, &mut http).await.is_err() {
            http.abort();
        }
        // It ends between two steps: what is being told is told, and noted.
        if tokio::time::timeout(LAST_ANSWERS, &mut self.watch)
            .await
            .is_err()
        {
            self.watch.abort();
        }
        if tokio::time::timeout(LAST_ANSWERS, &mut self.relays)
            .await
            .is_err()
        {
            self.relays.abort();
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

/// The way to the speakers.
struct Line {
    broker: Option<Broker>,
    link: LinkOptions,
    /// What the controller shows to a broker elsewhere.
    client: Option<Arc<Shown>>,
}

async fn start_line(
    config: &Config,
    identity: &Identity,
    tokens: &SpeakerTokens,
    roster: &Roster,
    now: WallTime,
) -> Result<Line, AppError> {
    if let Some(external) = &config.mqtt.external {
        return outside(external, identity, now);
    }
    let password = chance::token();
    let (tls, allow) = if config.mqtt.tls {
        let tls = line_config(identity.authority(), roster.clone(), identity.line())?;
        let allow = LoaAdmission::with_certificates(password.as_bytes(), roster.clone());
        (Some(tls), allow)
    } else {
        let allow = LoaAdmission::new(password.as_bytes(), tokens.clone());
        (None, allow)
    };
    let broker = Broker::start(BrokerConfig {
        listen: config.mqtt.listen,
        max_packet_bytes: MAX_PACKET_BYTES,
        max_connections: config.mqtt.max_connections,
        allow: Arc::new(allow),
        tls,
    })
    .await?;
    let address = broker.controller_address();
    let link = LinkOptions {
        host: address.ip().to_string(),
        port: address.port(),
        client_id: CONTROLLER_USERNAME.into(),
        username: CONTROLLER_USERNAME.into(),
        password,
        tls: None,
    };
    Ok(Line {
        broker: Some(broker),
        link,
        client: None,
    })
}

/// A broker of somebody else's.
fn outside(
    external: &ExternalBroker,
    identity: &Identity,
    now: WallTime,
) -> Result<Line, AppError> {
    let password = match &external.password_file {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path).map_err(|source| AppError::File {
            path: path.clone(),
            source,
        })?,
    };
    let (host, port) = split_address(&external.address)
        .ok_or_else(|| AppError::Address(external.address.clone()))?;
    let client = match external.tls {
        false => None,
        true => {
            let pair = identity.authority().controller(now)?;
            Some(Arc::new(Shown::new(&pair.chain, &pair.key)?))
        }
    };
    let tls = client
        .clone()
        .map(|client| controller_config(identity.authority(), client))
        .transpose()?;
    let link = LinkOptions {
        host,
        port,
        client_id: CONTROLLER_USERNAME.into(),
        username: external.username.clone(),
        password: password.trim_end().to_owned(),
        tls,
    };
    Ok(Line {
        broker: None,
        link,
        client,
    })
}

/// Before anybody can knock: a fleet that comes back at the very start is not to be turned away as strangers. The engine keeps
/// the lists from then on.
async fn admit_known(
    store: &Store,
    tokens: &SpeakerTokens,
    roster: &Roster,
) -> Result<(), StoreError> {
    let known = store.mqtt_tokens().await?.into_iter();
    tokens.replace(known.map(|(id, token)| (id.to_string(), token)).collect());
    let certificates = store.certificates_in_force().await?.into_iter();
    roster.replace(certificates.map(|one| Peer {
        speaker: one.speaker.to_string(),
        serial: one.serial,
    }));
    Ok(())
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

//! The embedded MQTT broker: RMQTT on a runtime of its own, behind the topic table of the wire.
//!
//! It is only a pipe. It keeps nothing on disk, and sessions end with their connection: whoever (re)connects reads and
//! reports everything again. What RMQTT 0.24 does not do by itself is done here, each beside its reason: retained
//! messages, wills under the same table as publishes, a stop that frees port and memory, one queue bound per principal.
//!
//! Bounds, and what happens there:
//! - a packet above `max_packet_bytes` ends its connection;
//! - a client beyond `max_connections` is refused with "server unavailable" (a known one may always replace itself);
//! - a speaker's queue holds [`SPEAKER_QUEUE`] messages, the controller's [`CONTROLLER_QUEUE`]: a further QoS 0 message
//!   is dropped, a further QoS 1 message takes the place of the oldest; both are counted in [`BrokerCounters::overflowed`];
//! - a packet of a stream that waits for a client for two seconds is dropped when its turn comes: whoever publishes it says so
//!   (MQTT 5's message expiry), so what a slow speaker gets of a call is never older;
//! - a peer that takes nothing for [`SEND_PATIENCE`] is disconnected; until then what is published to it waits in
//!   memory without a bound of RMQTT's own, so whoever publishes content must pace it;
//! - retained messages: [`MAX_RETAINED`] topics and [`MAX_RETAINED_BYTES`]; beyond that one is passed on, not kept.
//!
//! Speakers come through TLS (`front`), which bounds what strangers cost; the controller itself comes by a listener of its
//! own that only this machine reaches. Without TLS, within this machine, there is one listener for all, and RMQTT waits for
//! the first bytes of a new connection for ever: a silent peer costs one file descriptor and nobody else's time.

mod admission;
mod eviction;
mod front;
mod relay;
mod retained;
mod roster;
mod tickets;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU16,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use rmqtt::{
    acl::{self, AuthInfo},
    codec::v5::SubscribeAckReason,
    context::ServerContext,
    fitter::{DefaultFitter, FitterManager},
    hook::{Handler, HookResult, Parameter, ReturnType, Type},
    net,
    router::DefaultRouter,
    server::MqttServer,
    session::Session,
    shared::DefaultShared,
    types::{
        AuthResult, ClientId, ConnectInfo, FitterType, FromType, Id, LastWill, ListenerConfig,
        Publish, PublishAclResult, Reason, SubscribeAclResult,
    },
};
use rustls::ServerConfig;
use tokio::{
    net::TcpSocket,
    runtime::{self, Runtime},
};

pub use admission::{
    Admission, CONTROLLER_USERNAME, Knock, LoaAdmission, Principal, SpeakerTokens, TokenHash,
    token_hash,
};
use front::Front;
pub use front::{HALF_OPEN, PATIENCE as TLS_PATIENCE};
use retained::Retained;
pub use retained::{MAX_RETAINED, MAX_RETAINED_BYTES};
pub use roster::Roster;
use tickets::Tickets;

/// For the controller's log filter: RMQTT tells of every bad packet of every peer, and prints payloads when debugging.
pub const LOG_DIRECTIVES: &str = "rmqtt=error,rmqtt_net=error,rmqtt_codec=error";

/// Messages waiting for one speaker: three bursts of 75 blocks and its documents. Not more, for a stop command waits
/// behind them: 256 blocks of 16 KiB are 4 MiB, which a weak 3G link takes a minute to swallow.
pub const SPEAKER_QUEUE: usize = 256;
/// Messages waiting for the controller: the retained status of every speaker of a province at once.
pub const CONTROLLER_QUEUE: usize = 65_536;
/// How long a peer may take nothing before it is given up.
pub const SEND_PATIENCE: Duration = Duration::from_secs(30);
/// The longest keep-alive granted, in seconds (told in CONNACK). A client is gone after one and a half of it, so a dead
/// pole shows within 90 s. Below 6 s RMQTT adds 3 s instead.
pub const MAX_KEEP_ALIVE_S: u16 = 60;

const MAX_INFLIGHT: NonZeroU16 = NonZeroU16::new(64).expect("64 is not zero");
const MAX_SUBSCRIPTIONS: usize = 1_024;
const MAX_TOPIC_LEVELS: usize = 16;
const MAX_CLIENT_ID_BYTES: usize = 128;
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);
/// RMQTT reads zero as "for ever", so the shortest it can do.
const SESSION_EXPIRY: Duration = Duration::from_secs(1);
const STOP_PATIENCE: Duration = Duration::from_secs(2);
const WORKERS: usize = 2;
/// RMQTT's listeners: for whoever knows a token or the controller's password, and for those who hold a ticket.
const OPEN: u16 = 1;
const BEHIND_TLS: u16 = 2;
const BACKLOG: u32 = 4_096;
/// How long a local process that is not the front may hold up the listener for ticket holders.
const TICKET_PATIENCE: Duration = Duration::from_secs(1);

/// What a broker is started with.
#[derive(Clone)]
pub struct BrokerConfig {
    /// Port 0 takes any free port; see [`Broker::address`].
    pub listen: SocketAddr,
    /// Longest MQTT packet either way, without its fixed header of at most 5 bytes; more than 0.
    pub max_packet_bytes: u32,
    /// Most sessions at once; more than 0.
    pub max_connections: usize,
    pub allow: Arc<dyn Admission>,
    /// What speakers have to show; see [`line_config`](crate::pki::line_config). `None`: no TLS, for this machine only.
    pub tls: Option<Arc<ServerConfig>>,
}

impl fmt::Debug for BrokerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokerConfig")
            .field("listen", &self.listen)
            .field("max_packet_bytes", &self.max_packet_bytes)
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error("the broker's {0} is 0, which would mean no limit: give it a number")]
    NoLimit(&'static str),
    #[error("the broker's max_connections {0} is too large: at most 1000000")]
    TooMany(usize),
    #[error("the broker got no threads from the system: {0}")]
    Threads(#[source] io::Error),
    #[error(
        "the broker cannot listen on {listen}: {reason}; choose another address or stop what is there"
    )]
    Listen { listen: SocketAddr, reason: String },
}

/// What has happened since the start, for the metrics page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrokerCounters {
    /// Connections now.
    pub connections: u64,
    pub refused_connects: u64,
    /// Strangers who did not come through TLS.
    pub refused_handshakes: u64,
    pub denied_publishes: u64,
    pub denied_subscribes: u64,
    /// Messages lost because a client's queue was full.
    pub overflowed: u64,
    /// Messages passed on but not retained, because the store of retained messages was full.
    pub unretained: u64,
}

/// A running broker. Dropping it stops it too, without waiting until the port is free.
pub struct Broker {
    address: SocketAddr,
    controller_address: SocketAddr,
    gate: Gate,
    running: Option<Running>,
}

struct Running {
    runtime: Runtime,
    context: ServerContext,
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker")
            .field("address", &self.address)
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}

impl Broker {
    /// Listens and serves from when this returns. Several brokers live side by side in one process.
    pub async fn start(config: BrokerConfig) -> Result<Broker, BrokerError> {
        if config.max_packet_bytes == 0 {
            return Err(BrokerError::NoLimit("max_packet_bytes"));
        }
        if config.max_connections == 0 {
            return Err(BrokerError::NoLimit("max_connections"));
        }
        if config.max_connections > 1_000_000 {
            return Err(BrokerError::TooMany(config.max_connections));
        }
        // A runtime of its own, because RMQTT has no way to stop: with the runtime every task ends and every socket closes.
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("loa-broker")
            .enable_all()
            .build()
            .map_err(BrokerError::Threads)?;
        let gate = Gate {
            allow: config.allow.clone(),
            tallies: Arc::default(),
            tickets: Tickets::default(),
        };
        let listen = config.listen;
        let served = runtime.spawn(serve(config, gate.clone())).await;
        match served {
            Ok(Ok((address, controller_address, context))) => Ok(Broker {
                address,
                controller_address,
                gate,
                running: Some(Running { runtime, context }),
            }),
            failed => {
                runtime.shutdown_background();
                let reason = match failed {
                    Ok(Err(error)) => format!("{error:#}"),
                    Err(died) => died.to_string(),
                    Ok(Ok(_)) => unreachable!("matched above"),
                };
                Err(BrokerError::Listen { listen, reason })
            }
        }
    }

    /// Where it listens, with the port that port 0 became.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the controller itself connects, without TLS and within this machine.
    pub fn controller_address(&self) -> SocketAddr {
        self.controller_address
    }

    pub fn counters(&self) -> BrokerCounters {
        let tallies = &self.gate.tallies;
        let connections = self
            .running
            .as_ref()
            .map_or(0, |running| running.context.connections.count());
        BrokerCounters {
            connections: u64::try_from(connections).unwrap_or(0),
            refused_connects: tallies.refused_connects.get(),
            refused_handshakes: tallies.refused_handshakes.get(),
            denied_publishes: tallies.denied_publishes.get(),
            denied_subscribes: tallies.denied_subscribes.get(),
            overflowed: tallies.overflowed.get(),
            unretained: tallies.unretained.get(),
        }
    }

    /// Cuts every connection without a word or a will, like a power cut, and returns when the port is free (within 4 s).
    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            // Fails only if the calling runtime is itself ending, and then the thread still does its work.
            let _ = tokio::task::spawn_blocking(move || running.end()).await;
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            // A runtime may not be ended on a thread that runs tasks.
            std::thread::spawn(move || running.end());
        }
    }
}

impl Running {
    fn end(self) {
        self.runtime.shutdown_timeout(STOP_PATIENCE);
        // RMQTT's context holds its parts and its parts hold the context: break the ring, or every stop leaks a broker.
        // Sessions spawn a task as they are dropped, so this needs a runtime around it.
        let Ok(broom) = runtime::Builder::new_current_thread().enable_time().build() else {
            return;
        };
        let context = self.context;
        let _ = broom.block_on(async {
            tokio::time::timeout(STOP_PATIENCE, async {
                *context.extends.shared_mut().await = Box::new(DefaultShared::new(None));
                *context.extends.router_mut().await = Box::new(DefaultRouter::new(None));
            })
            .await
        });
    }
}

/// Runs inside the broker's runtime, so that its sockets belong to it.
/// Returns where speakers connect, and where the controller does.
async fn serve(
    config: BrokerConfig,
    gate: Gate,
) -> rmqtt::Result<(SocketAddr, SocketAddr, ServerContext)> {
    let context = ServerContext::new()
        // "Busy" is the load of the whole machine, kept in a static: a compiler next door would lock the poles out.
        .busy_check_enable(false)
        .mqtt_max_sessions(isize::try_from(config.max_connections)?)
        .build()
        .await;
    *context.extends.retain_mut().await = Box::new(Retained::new(gate.tallies.clone()));
    *context.extends.fitter_mgr_mut().await = Box::new(Fitters(gate.clone()));
    let hooks = context.extends.hook_mgr().register();
    for kind in [
        Type::ClientAuthenticate,
        Type::ClientSubscribeCheckAcl,
        Type::MessagePublishCheckAcl,
        Type::MessagePublish,
        Type::MessageDropped,
    ] {
        hooks.add(kind, Box::new(gate.clone())).await;
    }
    // Without this RMQTT lets everything pass.
    hooks.start().await;

    // First the port that may be taken.
    let outside = match &config.tls {
        Some(tls) => Some((tls.clone(), listen(config.listen)?)),
        None => None,
    };
    let inside = match outside {
        Some(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        None => config.listen,
    };
    let open = builder(&config, inside).bind()?.tcp()?;
    let controller_address = open.local_addr()?;
    let server = MqttServer::new(context.clone()).listener_by_id(open, OPEN);
    let (address, server) = match outside {
        None => (controller_address, server),
        Some((tls, listener)) => {
            let behind = builder(&config, inside)
                .proxy_protocol(true)
                .proxy_protocol_timeout(TICKET_PATIENCE)
                .bind()?
                .tcp()?;
            let front = Front::new(
                tls,
                behind.local_addr()?,
                gate.tickets.clone(),
                gate.tallies.clone(),
            );
            let address = listener.local_addr()?;
            tokio::spawn(front.run(listener, config.max_connections));
            (address, server.listener_by_id(behind, BEHIND_TLS))
        }
    };
    tokio::spawn(eviction::watch(context.clone(), gate));
    tokio::spawn(server.build().run());
    Ok((address, controller_address, context))
}

fn listen(address: SocketAddr) -> io::Result<tokio::net::TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn builder(config: &BrokerConfig, listen: SocketAddr) -> net::Builder {
    net::Builder::new()
        .name("loa")
        .laddr(listen)
        .backlog(BACKLOG as i32)
        .reuseaddr(Some(true))
        .nodelay(true)
        .allow_anonymous(false)
        .max_connections(config.max_connections)
        .max_packet_size(config.max_packet_bytes)
        .allow_zero_keepalive(false)
        .max_keepalive(MAX_KEEP_ALIVE_S)
        .handshake_timeout(HANDSHAKE_PATIENCE)
        .send_timeout(SEND_PATIENCE)
        .max_inflight(MAX_INFLIGHT)
        .max_mqueue_len(SPEAKER_QUEUE)
        .max_clientid_len(MAX_CLIENT_ID_BYTES)
        .max_topic_levels(MAX_TOPIC_LEVELS)
        .max_subscriptions(MAX_SUBSCRIPTIONS)
        .max_session_expiry_interval(SESSION_EXPIRY)
        // Zero is "never": a retained programme is as good after a month as after a minute, and MQTT 5 forbids
        // repeating a message on a connection that stands.
        .message_expiry_interval(Duration::ZERO)
        .message_retry_interval(Duration::ZERO)
}

/// RMQTT's questions, answered by [`Admission`].
#[derive(Clone)]
struct Gate {
    allow: Arc<dyn Admission>,
    tallies: Arc<Tallies>,
    tickets: Tickets,
}

#[async_trait]
impl Handler for Gate {
    async fn hook(&self, question: &Parameter, so_far: Option<HookResult>) -> ReturnType {
        match question {
            Parameter::ClientAuthenticate(connect) => (
                false,
                Some(HookResult::AuthResult(self.authenticate(connect))),
            ),
            Parameter::ClientSubscribeCheckAcl(session, wish) => {
                let answer = if principal_of(session)
                    .is_some_and(|who| self.allow.may_subscribe(&who, &wish.topic_filter))
                {
                    SubscribeAclResult::new_success(wish.opts.qos(), None)
                } else {
                    if let Some(times) = self.tallies.denied_subscribes.count() {
                        tracing::warn!(client = %session.id.client_id, filter = %clip(&wish.topic_filter), times, "subscription denied");
                    }
                    SubscribeAclResult::new_failure(SubscribeAckReason::NotAuthorized)
                };
                (false, Some(HookResult::SubscribeAclResult(answer)))
            }
            Parameter::MessagePublishCheckAcl(session, message) => {
                let answer = if principal_of(session)
                    .is_some_and(|who| self.allow.may_publish(&who, &message.topic))
                {
                    PublishAclResult::allow()
                } else {
                    if let Some(times) = self.tallies.denied_publishes.count() {
                        tracing::warn!(client = %session.id.client_id, topic = %clip(&message.topic), times, "publish denied and dropped");
                    }
                    PublishAclResult::rejected(false, None)
                };
                (false, Some(HookResult::PublishAclResult(answer)))
            }
            Parameter::MessagePublish(Some(session), from, will)
                if matches!(from.typ(), FromType::LastWill) && is_replaced(session).await =>
            {
                (false, Some(HookResult::Publish(to_nobody(will))))
            }
            Parameter::MessageDropped(to, _, message, Reason::MessageQueueFull) => {
                if let Some(times) = self.tallies.overflowed.count() {
                    let client = to.as_ref().map_or("", |to| &to.client_id);
                    tracing::warn!(client, topic = %clip(&message.topic), times, "message dropped: the client's queue is full");
                }
                (false, so_far)
            }
            _ => (true, so_far),
        }
    }
}

impl Gate {
    fn authenticate(&self, connect: &ConnectInfo) -> AuthResult {
        let who = self.admit(connect);
        let refusal = match &who {
            None => AuthResult::BadUsernameOrPassword,
            // The wire is MQTT 5: an older client could not be told of a denial.
            Some(_) if matches!(connect, ConnectInfo::V3(..)) => AuthResult::NotAuthorized,
            // RMQTT publishes a will without asking again.
            Some(who) if !self.may_leave(who, connect.last_will()) => AuthResult::NotAuthorized,
            // Never RMQTT's superuser: that one is asked nothing.
            Some(who) => return AuthResult::Allow(false, Some(carry(who))),
        };
        if let Some(times) = self.tallies.refused_connects.count() {
            let holder = self.holder(connect);
            let from = holder
                .map(|holder| holder.from)
                .or_else(|| connect.ipaddress());
            tracing::warn!(client = %clip(connect.client_id()), ?from, times, known = who.is_some(), "connection refused");
        }
        refusal
    }

    /// Whose certificate it was, of one that came through TLS.
    fn holder(&self, connect: &ConnectInfo) -> Option<Arc<tickets::Holder>> {
        let id = connect.id();
        (id.lid == BEHIND_TLS)
            .then_some(id.remote_addr)
            .flatten()
            .and_then(|shown| self.tickets.holder(shown))
    }

    fn admit(&self, connect: &ConnectInfo) -> Option<Principal> {
        let holder = self.holder(connect);
        // Behind TLS only a ticket counts.
        if holder.is_none() && connect.id().lid != OPEN {
            return None;
        }
        self.allow.may_connect(Knock {
            client_id: connect.client_id(),
            username: connect.username().map(|name| &**name),
            password: connect.password().map(|password| &**password),
            certificate: holder.as_deref().map(|holder| &holder.peer),
        })
    }

    fn may_leave(&self, who: &Principal, will: Option<LastWill<'_>>) -> bool {
        let topic = match will {
            None => return true,
            Some(LastWill::V3(will)) => &will.topic,
            Some(LastWill::V5(will)) => &will.topic,
        };
        self.allow.may_publish(who, topic)
    }
}

/// RMQTT gives a session one place for what authentication found: its rules. The principal travels in the first.
fn carry(who: &Principal) -> AuthInfo {
    let rules = match who {
        Principal::Controller => vec![],
        Principal::Speaker(id) => vec![acl::Rule {
            permission: acl::Permission::Allow,
            action: acl::Action::All,
            qos: None,
            retain: None,
            topic: acl::Topic {
                eq_topic_filter: Some(id.clone()),
                topic_filter: None,
            },
        }],
    };
    AuthInfo {
        superuser: *who == Principal::Controller,
        expire_at: None,
        rules,
    }
}

fn principal_of(session: &Session) -> Option<Principal> {
    let carried = session.auth_info.as_ref()?;
    if carried.superuser {
        return Some(Principal::Controller);
    }
    let id = carried.rules.first()?.topic.eq_topic_filter.clone()?;
    Some(Principal::Speaker(id))
}

/// Whether the same client has come back on another connection. The old one may take [`SEND_PATIENCE`] to be given up,
/// and its "offline" would then stand above the "online" of the new one.
async fn is_replaced(session: &Session) -> bool {
    let sessions = session.scx.extends.shared().await;
    sessions.entry(session.id.clone()).id_same() == Some(false)
}

/// A hook cannot drop a message, but it can address one to a client that cannot exist.
fn to_nobody(message: &Publish) -> Publish {
    let mut void = message.clone().target_clientid(ClientId::default());
    void.retain = false;
    void
}

/// Gives each principal its own queue bound. RMQTT makes the queue apart from the answer of the hook, so it asks again.
struct Fitters(Gate);

impl FitterManager for Fitters {
    fn create(&self, connect: Arc<ConnectInfo>, id: Id, listener: ListenerConfig) -> FitterType {
        let listener = match self.0.admit(&connect) {
            Some(Principal::Controller) => {
                Arc::new((*listener).clone().max_mqueue_len(CONTROLLER_QUEUE))
            }
            _ => listener,
        };
        Arc::new(DefaultFitter::new(connect, id, listener))
    }
}

#[derive(Default)]
struct Tallies {
    refused_connects: Tally,
    refused_handshakes: Tally,
    denied_publishes: Tally,
    denied_subscribes: Tally,
    overflowed: Tally,
    unretained: Tally,
}

#[derive(Default)]
struct Tally(AtomicU64);

impl Tally {
    /// Counts one more; says how many when this one is worth a line in the log: the 1st, 2nd, 4th, 8th …
    fn count(&self) -> Option<u64> {
        let times = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        times.is_power_of_two().then_some(times)
    }
    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a stranger sent, short enough for the log and without control characters.
fn clip(text: &str) -> String {
    text.chars()
        .take(120)
        .flat_map(char::escape_debug)
        .collect()
}

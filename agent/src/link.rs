//! The line to the broker: one MQTT 5 connection on a task of its own, made again and again with full jitter.
//!
//! Each connection is a new client with nothing left over from the last one: after `Connected` the logic subscribes
//! and reports everything anew, so nothing needs to be kept here. Nothing here blocks the loop.
//!
//! An enrolled pole speaks TLS 1.3, each connection with the certificate that it has then. One that is not speaks in clear,
//! which its configuration allows towards this machine only.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
    time::Duration,
};

use loa_protocol::{
    content::Wants, envelope::Document, event::Events, id::SpeakerId, programme::Programme,
    topic::Topic,
};
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, DisconnectProperties, DisconnectReasonCode,
    Event, EventLoop, Incoming, LastWill, MqttOptions, NetworkOptions, PublishOptions, QoS,
    StateError, SubscribeFilterInput, TlsConfiguration, Transport,
};
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    chance, clock,
    config::{Access, Office},
    identity::{
        Identity,
        line::{self, Distrust, KnownTime},
    },
    logic::port::{CertificateNews, Input},
};

/// The broker takes a silent speaker for dead after one and a half of this.
const KEEP_ALIVE_S: u16 = 30;
/// Time for a connection to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Packets that may wait to be sent. Beyond it what is asked for again anyway (QoS 0) is dropped, and for anything else
/// the line is cut: on the next connection everything is told anew.
const OUTGOING: usize = 256;
/// Publishes under way and not acknowledged, either way. The client keeps a place for each: its own bound takes 13 MB.
const UNACKNOWLEDGED: u16 = 64;
/// Packets in the client's own queue.
const CLIENT_QUEUE: usize = 16;
/// Messages that may wait for the loop; then the socket is not read, and the broker waits.
const INCOMING: usize = 64;
/// A connection that lasted this long was a good one: the next try may come soon.
const GOOD_AFTER_US: u64 = 10_000_000;
/// First bound of the waiting time while there has been no connection; doubles with each failure.
const FIRST_WAIT_S: f64 = 1.0;
/// What a topic and a header may add to the largest document.
const HEADROOM_BYTES: usize = 16 * 1024;

/// Largest packet either way: the largest document of any type.
const MAX_PACKET_BYTES: u32 = {
    let mut max = Programme::MAX_BYTES;
    if Events::MAX_BYTES > max {
        max = Events::MAX_BYTES;
    }
    if Wants::MAX_BYTES > max {
        max = Wants::MAX_BYTES;
    }
    (max + HEADROOM_BYTES) as u32
};

/// The loop's end of the line.
#[derive(Debug)]
pub struct Link {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// Into the queue of the connection that is up.
    queue: Mutex<Option<mpsc::Sender<Outgoing>>>,
    /// After a lost connection, the first bound of the waiting time in seconds: the office spreads its fleet with it.
    jitter_s: AtomicU16,
    /// Cut the line and make it anew.
    cut: Notify,
    /// The line ends by our own wish, to be made anew at once.
    is_renewed: AtomicBool,
    /// What the broker is to publish when the line breaks: a sealed status.
    will: Mutex<Vec<u8>>,
    quit: watch::Sender<bool>,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Option<mpsc::Sender<Outgoing>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn will(&self) -> MutexGuard<'_, Vec<u8>> {
        self.will.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What waits to be sent. Its order is kept: who subscribes and then asks must not be answered too early.
#[derive(Debug)]
enum Outgoing {
    Subscribe(Vec<String>),
    Unsubscribe(Vec<String>),
    Publish(Topic, Vec<u8>),
    /// The broker publishes the will.
    GoodBye,
    /// It does not: this pole is back in a moment.
    BackSoon,
}

/// How a connection is secured.
#[derive(Debug)]
pub enum Security {
    /// In clear; the configuration has seen to it that nobody is in between.
    Plain,
    Tls {
        /// The newest.
        identity: watch::Receiver<Arc<Identity>>,
        time: Arc<KnownTime>,
    },
}

impl Security {
    fn transport(&self) -> Result<Transport, String> {
        let Security::Tls { identity, time } = self else {
            return Ok(Transport::Tcp);
        };
        let identity = identity.borrow().clone();
        let config = line::client_config(&identity, Arc::clone(time))
            .map_err(|error| format!("this pole's identity cannot be used: {error}"))?;
        Ok(Transport::Tls(TlsConfiguration::Rustls(Arc::new(config))))
    }
}

/// Starts to connect. `will`, a sealed status, is published by the broker when the line breaks. The receiver must be
/// read: nothing more is taken from the broker meanwhile.
pub fn start(
    office: &Office,
    speaker: &SpeakerId,
    will: Vec<u8>,
    security: Security,
) -> (Link, mpsc::Receiver<Input>) {
    let (told, inputs) = mpsc::channel(INCOMING);
    let shared = Arc::new(Shared {
        queue: Mutex::new(None),
        jitter_s: AtomicU16::new(0),
        cut: Notify::new(),
        is_renewed: AtomicBool::new(false),
        will: Mutex::new(will),
        quit: watch::Sender::new(false),
    });
    let task = tokio::spawn(keep_connected(
        options(office, speaker),
        speaker.clone(),
        security,
        Backoff::new(office.reconnect_max_s),
        Arc::clone(&shared),
        told,
    ));
    (Link { shared, task }, inputs)
}

impl Link {
    pub fn subscribe(&self, filters: Vec<String>) {
        self.send(true, Outgoing::Subscribe(filters));
    }

    pub fn unsubscribe(&self, filters: Vec<String>) {
        self.send(true, Outgoing::Unsubscribe(filters));
    }

    pub fn publish(&self, topic: Topic, payload: Vec<u8>) {
        self.send(topic.qos() > 0, Outgoing::Publish(topic, payload));
    }

    /// What the office wants after a lost connection.
    pub fn set_jitter_s(&self, jitter_s: u16) {
        self.shared.jitter_s.store(jitter_s, Ordering::Relaxed);
    }

    /// What the broker publishes when the next connection breaks.
    pub fn set_will(&self, will: Vec<u8>) {
        *self.shared.will() = will;
    }

    /// Ends the connection in order and makes the next one at once, with the newest certificate.
    pub fn renew(&self) {
        self.shared.is_renewed.store(true, Ordering::Relaxed);
        self.send(true, Outgoing::BackSoon);
    }

    /// Without a connection nothing is done: the next one begins with everything.
    fn send(&self, must_arrive: bool, outgoing: Outgoing) {
        let full = match self.shared.queue().as_ref() {
            Some(queue) => matches!(
                queue.try_send(outgoing),
                Err(mpsc::error::TrySendError::Full(_))
            ),
            None => false,
        };
        if full && must_arrive {
            tracing::warn!("the line does not take what is sent: it is cut and made anew");
            self.shared.cut.notify_one();
        } else if full {
            tracing::debug!("the line is slow: a message is dropped, it will be asked for again");
        }
    }

    /// Sends what waits, says good-bye (the broker publishes the will) and waits, but no longer than `patience`.
    pub async fn close(mut self, patience: Duration) {
        // Should it not fit, the line just ends, and the broker publishes the will all the same.
        self.send(false, Outgoing::GoodBye);
        let _ = self.shared.quit.send(true);
        if timeout(patience, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// Feeds one connection from its queue until either ends.
async fn pump(client: AsyncClient, mut queue: mpsc::Receiver<Outgoing>) {
    while let Some(outgoing) = queue.recv().await {
        let sent = match outgoing {
            Outgoing::Publish(topic, payload) => {
                let qos = if topic.qos() > 0 {
                    QoS::AtLeastOnce
                } else {
                    QoS::AtMostOnce
                };
                let options = PublishOptions::new(qos).retain(topic.is_retained());
                client.publish(topic.to_string(), payload, options).await
            }
            Outgoing::Subscribe(filters) => match subscribe(&client, filters).await {
                Ok(()) => Ok(()),
                Err(error) => {
                    tracing::error!(%error, "the broker refuses a subscription");
                    Ok(())
                }
            },
            Outgoing::Unsubscribe(filters) => client.unsubscribe_many(filters).await,
            Outgoing::GoodBye => {
                disconnect(&client, DisconnectReasonCode::DisconnectWithWillMessage).await
            }
            Outgoing::BackSoon => {
                disconnect(&client, DisconnectReasonCode::NormalDisconnection).await
            }
        };
        // The connection has ended; its task tells the loop.
        if sent.is_err() {
            return;
        }
    }
}

async fn disconnect(
    client: &AsyncClient,
    reason: DisconnectReasonCode,
) -> Result<(), rumqttc::ClientError> {
    let properties = DisconnectProperties {
        session_expiry_interval: None,
        reason_string: None,
        user_properties: Vec::new(),
        server_reference: None,
    };
    client.disconnect_with_properties(reason, properties).await
}

/// Waits until the broker has taken it: the client's own queues do not keep a subscription before a later publish.
async fn subscribe(
    client: &AsyncClient,
    filters: Vec<String>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let filters = filters
        .into_iter()
        .map(|filter| SubscribeFilterInput::new(filter, QoS::AtLeastOnce));
    let taken = client.subscribe_many_tracked(filters).await?;
    Ok(taken.wait_completion_async().await?)
}

fn options(office: &Office, speaker: &SpeakerId) -> MqttOptions {
    let mut options = MqttOptions::new(speaker.as_str(), (office.host.clone(), office.port));
    options
        .set_keep_alive(KEEP_ALIVE_S)
        .set_clean_start(true)
        .set_connect_timeout(CONNECT_TIMEOUT)
        .set_max_packet_size(Some(MAX_PACKET_BYTES))
        .set_outgoing_inflight_upper_limit(UNACKNOWLEDGED)
        .set_receive_maximum(Some(UNACKNOWLEDGED));
    match &office.access {
        Access::Plain {
            token: Some(token), ..
        } => options.set_credentials(speaker.as_str(), token.clone()),
        // The certificate says who this is; the name must only agree with it.
        Access::Plain { token: None, .. } | Access::Enrolled(_) => {
            options.set_username(speaker.as_str())
        }
    };
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    options
}

fn last_will(speaker: &SpeakerId, status: Vec<u8>) -> LastWill {
    let topic = Topic::Status(speaker.clone());
    let retain = topic.is_retained();
    LastWill::new(topic.to_string(), status, QoS::AtLeastOnce, retain, None)
}

async fn keep_connected(
    options: MqttOptions,
    speaker: SpeakerId,
    security: Security,
    mut backoff: Backoff,
    shared: Arc<Shared>,
    told: mpsc::Sender<Input>,
) {
    let mut quit = shared.quit.subscribe();
    let mut last_reason = String::new();
    loop {
        let (up_since_us, end) = match security.transport() {
            Ok(transport) => {
                let mut options = options.clone();
                options
                    .set_transport(transport)
                    .set_last_will(last_will(&speaker, shared.will().clone()));
                let (client, events) = AsyncClient::builder(options).capacity(CLIENT_QUEUE).build();
                one_connection(client, events, &shared, &told).await
            }
            Err(reason) => (None, End::of(reason)),
        };
        let End { reason, distrust } = end;
        shared.queue().take();
        if *quit.borrow() || told.is_closed() {
            return;
        }
        if let Some(since_us) = up_since_us {
            if told.send(Input::Disconnected).await.is_err() {
                return;
            }
            if clock::mono_us().saturating_sub(since_us) > GOOD_AFTER_US {
                backoff.reset(f64::from(shared.jitter_s.load(Ordering::Relaxed)));
            }
        }
        if distrust == Some(Distrust::Expired)
            && told
                .send(Input::Certificate(CertificateNews::ToldExpired))
                .await
                .is_err()
        {
            return;
        }
        if shared.is_renewed.swap(false, Ordering::Relaxed) && up_since_us.is_some() {
            tracing::info!("the line is made anew with the next certificate");
            continue;
        }
        // A pole without a line says so once, not every few minutes.
        if up_since_us.is_some() || reason != last_reason {
            tracing::warn!(reason, "no line to the broker");
            last_reason = reason;
        }
        let wait = backoff.next_wait(chance::unit());
        tokio::select! {
            () = sleep(wait) => {}
            _ = quit.changed() => return,
        }
    }
}

/// Why a connection ended, or did not come up.
struct End {
    reason: String,
    distrust: Option<Distrust>,
}

impl End {
    fn of(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            distrust: None,
        }
    }
}

/// Runs one connection to its end: since when was it up, if ever, and why did it end?
async fn one_connection(
    client: AsyncClient,
    mut events: EventLoop,
    shared: &Shared,
    told: &mpsc::Sender<Input>,
) -> (Option<u64>, End) {
    let mut client = Some(client);
    let mut up_since_us = None;
    loop {
        let event = tokio::select! {
            event = events.poll() => event,
            // Leaving in the middle of a poll loses only what this connection had.
            () = shared.cut.notified() => return (up_since_us, End::of("it was too slow")),
        };
        let input = match event {
            Ok(Event::Incoming(Incoming::ConnAck(_))) => {
                if let Some(client) = client.take() {
                    let (queue, waiting) = mpsc::channel(OUTGOING);
                    *shared.queue() = Some(queue);
                    tokio::spawn(pump(client, waiting));
                }
                up_since_us = Some(clock::mono_us());
                tracing::info!("the line to the broker is up");
                Input::Connected
            }
            Ok(Event::Incoming(Incoming::Publish(publish))) => {
                match String::from_utf8(publish.topic.to_vec()) {
                    Ok(topic) => Input::Message {
                        topic,
                        payload: publish.payload.to_vec(),
                    },
                    Err(_) => continue,
                }
            }
            Ok(_) => continue,
            Err(error) => return (up_since_us, explain(&error)),
        };
        if told.send(input).await.is_err() {
            return (up_since_us, End::of("the program ends"));
        }
    }
}

/// What an operator can do something about is said in words.
fn explain(error: &ConnectionError) -> End {
    use ConnectReturnCode::{
        BadClientId, BadUserNamePassword, Banned, ClientIdentifierNotValid, NotAuthorized,
    };
    let distrust = match error {
        // The client's own errors end the chain of causes here.
        ConnectionError::MqttState(StateError::Deserialization(inner)) => Distrust::within(inner),
        error => Distrust::within(error),
    };
    if let Some(distrust) = distrust {
        return End {
            reason: format!("{} ({error})", distrust.words()),
            distrust: Some(distrust),
        };
    }
    End::of(match error {
        ConnectionError::ConnectionRefused(
            code @ (BadClientId
            | BadUserNamePassword
            | Banned
            | ClientIdentifierNotValid
            | NotAuthorized),
        ) => format!(
            "the office does not let this speaker in ({code:?}): if it was retired or its board replaced, enrol it again"
        ),
        ConnectionError::ConnectionRefused(code) => {
            format!("the broker lets nobody in now ({code:?})")
        }
        error => error.to_string(),
    })
}

/// Full jitter: a random part of a bound that doubles from one failure to the next.
#[derive(Debug)]
pub struct Backoff {
    bound_s: f64,
    max_s: f64,
}

impl Backoff {
    /// `max_s`: the longest bound, in seconds.
    pub fn new(max_s: u32) -> Self {
        let max_s = f64::from(max_s);
        Self {
            bound_s: FIRST_WAIT_S.min(max_s),
            max_s,
        }
    }

    /// A good connection was lost: begin again from `first_s`.
    pub fn reset(&mut self, first_s: f64) {
        self.bound_s = first_s.max(FIRST_WAIT_S).min(self.max_s);
    }

    /// `unit` is a random number in `0.0..1.0`.
    pub fn next_wait(&mut self, unit: f64) -> Duration {
        let wait = Duration::from_secs_f64(self.bound_s * unit);
        self.bound_s = (self.bound_s * 2.0).min(self.max_s);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_spread_out_up_to_the_bound_and_never_beyond() {
        let mut backoff = Backoff::new(300);
        let waits: Vec<u64> = (0..12)
            .map(|_| backoff.next_wait(0.999_999).as_secs_f64().round() as u64)
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(backoff.next_wait(0.0), Duration::ZERO);
        backoff.reset(30.0);
        assert!(backoff.next_wait(0.5) == Duration::from_secs(15));
        backoff.reset(0.0);
        assert!(backoff.next_wait(0.5) == Duration::from_millis(500));
        let mut impatient = Backoff::new(1);
        impatient.reset(30.0);
        assert!(impatient.next_wait(1.0) <= Duration::from_secs(1));
    }
}

//! The office's line to the broker: MQTT 5, clean start, tried again for ever.
//!
//! One connection at a time, each with a client of its own, so that nothing of an old one can leak into a new one:
//! what was queued when the line broke is dropped, for the logic says everything again when it is up.
//!
//! Documents, packets of streams and blocks wait in three queues, in this order, and at most `AHEAD` messages are handed to the client
//! ahead of the socket: a burst of audio delays a document by that much and no more.
//!
//! Bounds: [`DOCUMENTS`] documents wait; when there are more, the broker takes nothing, and the line is cut and begun
//! anew. [`BLOCKS`] blocks wait; a further one is dropped, and whoever misses it asks again.
//! [`LIVE`] packets wait; a further one is dropped, for it would come too late.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use loa_protocol::topic::Topic;
use rumqttc::{
    AsyncClient, ClientError, Event, EventLoop, MqttOptions, NetworkOptions, Packet,
    PublishOptions, PublishProperties, QoS, SubscribeFilterInput, TlsConfiguration, Transport,
};
use rustls::ClientConfig;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
};

use crate::chance;

/// Documents waiting for the socket.
pub const DOCUMENTS: usize = 8_192;
/// Blocks waiting for the socket.
pub const BLOCKS: usize = 64;
/// Packets of streams waiting for the socket: half a second of ten streams on ten channels each. A further one is dropped.
pub const LIVE: usize = 1_250;
/// How long a packet of a stream is worth anything, in seconds.
const LIVE_STANDS_S: u32 = 2;
/// Messages handed to the client but not on the wire.
const AHEAD: usize = 8;
/// Messages received that the engine has not looked at; then the socket is not read.
const RECEIVED: usize = 4_096;
/// Largest packet either way; the wire's largest document is 1 MiB.
pub const MAX_PACKET_BYTES: u32 = (1 << 20) + (64 << 10);
const KEEP_ALIVE_S: u16 = 30;
const BACK_OFF_FIRST: Duration = Duration::from_millis(200);
const BACK_OFF_MOST: Duration = Duration::from_secs(10);

/// Where the broker is and who we are there.
#[derive(Clone)]
pub struct LinkOptions {
    pub host: String,
    pub port: u16,
    pub client_id: String,
    pub username: String,
    /// Empty: the certificate says who we are.
    pub password: String,
    /// How the broker is believed and what is shown to it; `None`: no TLS, within this machine.
    pub tls: Option<Arc<ClientConfig>>,
}

impl std::fmt::Debug for LinkOptions {
    /// Without the password: options end up in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkOptions")
            .field("address", &format!("{}:{}", self.host, self.port))
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub enum LinkEvent {
    Connected,
    Disconnected { reason: String },
    Message { topic: String, payload: Bytes },
}

enum Outgoing {
    Subscribe(Vec<String>),
    Publish(Topic, Bytes),
}

/// With the connection for which it was meant.
type Queued = (u64, Outgoing);

#[derive(Debug)]
pub struct Link {
    documents: mpsc::Sender<Queued>,
    live: mpsc::Sender<Queued>,
    blocks: mpsc::Sender<Queued>,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    /// Counts the connections; what was queued for an earlier one is dropped.
    connection: AtomicU64,
    /// The present connection is no good.
    cut: Notify,
    /// The program ends: say goodbye.
    goodbye: Notify,
    live_sent: AtomicU64,
    live_dropped: AtomicU64,
}

/// Hands blocks to the line from any thread.
#[derive(Clone, Debug)]
pub struct BlockSender {
    blocks: mpsc::Sender<Queued>,
    state: Arc<State>,
}

impl BlockSender {
    /// `false`: the line is behind, and this block is dropped.
    pub fn send(&self, topic: Topic, bytes: Bytes) -> bool {
        let connection = self.state.connection.load(Ordering::Acquire);
        self.blocks
            .try_send((connection, Outgoing::Publish(topic, bytes)))
            .is_ok()
    }
}

/// Hands the packets of streams to the line from any thread.
#[derive(Clone, Debug)]
pub struct LiveSender {
    packets: mpsc::Sender<Queued>,
    state: Arc<State>,
}

impl LiveSender {
    /// `false`: the line is behind, and this packet is dropped.
    pub fn send(&self, topic: Topic, bytes: Bytes) -> bool {
        let connection = self.state.connection.load(Ordering::Acquire);
        let sent = self
            .packets
            .try_send((connection, Outgoing::Publish(topic, bytes)))
            .is_ok();
        let counter = match sent {
            true => &self.state.live_sent,
            false => &self.state.live_dropped,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        sent
    }

    /// Packets handed to the line since the program began, and those dropped because it was behind.
    pub fn counted(&self) -> (u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.state.live_sent), read(&self.state.live_dropped))
    }
}

/// What would go to the line. For tests.
#[cfg(test)]
pub(crate) struct Caught(mpsc::Receiver<Queued>);

#[cfg(test)]
impl Caught {
    pub(crate) async fn next(&mut self) -> (Topic, Bytes) {
        match self.0.recv().await {
            Some((_, Outgoing::Publish(topic, bytes))) => (topic, bytes),
            _ => panic!("nobody sends any more"),
        }
    }
}

#[cfg(test)]
impl LiveSender {
    /// One without a line behind it.
    pub(crate) fn caught() -> (Self, Caught) {
        let (packets, caught) = mpsc::channel(LIVE);
        let state = Arc::default();
        (Self { packets, state }, Caught(caught))
    }
}

impl Link {
    /// Begins to connect, and goes on until [`Link::stop`].
    pub fn start(options: LinkOptions) -> (Self, mpsc::Receiver<LinkEvent>) {
        let (documents, documents_out) = mpsc::channel(DOCUMENTS);
        let (live, live_out) = mpsc::channel(LIVE);
        let (blocks, blocks_out) = mpsc::channel(BLOCKS);
        let (events, events_out) = mpsc::channel(RECEIVED);
        let state = Arc::new(State::default());
        let line = Line {
            options,
            documents: documents_out,
            live: live_out,
            blocks: blocks_out,
            events,
            state: state.clone(),
        };
        let link = Self {
            documents,
            live,
            blocks,
            state,
            task: tokio::spawn(line.run()),
        };
        (link, events_out)
    }

    pub fn subscribe(&self, filters: Vec<String>) {
        self.queue(Outgoing::Subscribe(filters));
    }

    /// Quality of service and retention follow from the topic.
    pub fn publish(&self, topic: Topic, payload: Bytes) {
        self.queue(Outgoing::Publish(topic, payload));
    }

    pub fn block_sender(&self) -> BlockSender {
        BlockSender {
            blocks: self.blocks.clone(),
            state: self.state.clone(),
        }
    }

    pub fn live_sender(&self) -> LiveSender {
        LiveSender {
            packets: self.live.clone(),
            state: self.state.clone(),
        }
    }

    fn queue(&self, outgoing: Outgoing) {
        let connection = self.state.connection.load(Ordering::Acquire);
        if self.documents.try_send((connection, outgoing)).is_err() {
            // Dropping one document would leave the poles with an old one for ever: begin anew and say everything.
            self.state.cut.notify_one();
        }
    }

    /// Says goodbye to the broker; waits no longer than a second.
    pub async fn stop(mut self) {
        self.state.goodbye.notify_one();
        let patience = Duration::from_secs(1);
        if tokio::time::timeout(patience, &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The task behind a [`Link`].
struct Line {
    options: LinkOptions,
    documents: mpsc::Receiver<Queued>,
    live: mpsc::Receiver<Queued>,
    blocks: mpsc::Receiver<Queued>,
    events: mpsc::Sender<LinkEvent>,
    state: Arc<State>,
}

enum End {
    Broken { reason: String, was_up: bool },
    Goodbye,
}

impl Line {
    async fn run(mut self) {
        let mut back_off = BACK_OFF_FIRST;
        loop {
            match self.connection().await {
                End::Goodbye => return,
                End::Broken { reason, was_up } => {
                    if was_up {
                        back_off = BACK_OFF_FIRST;
                    }
                    if self
                        .events
                        .send(LinkEvent::Disconnected { reason })
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
            }
            // Half of it by chance, so that several offices do not knock in step.
            let share =
                0.5 + f64::from(u16::from_le_bytes(chance::bytes())) / f64::from(u16::MAX) / 2.0;
            tokio::select! {
                () = tokio::time::sleep(back_off.mul_f64(share)) => {}
                () = self.state.goodbye.notified() => return,
            }
            back_off = (back_off * 2).min(BACK_OFF_MOST);
        }
    }

    /// One connection from its first packet to its end. The three parts are never cancelled while it lasts.
    async fn connection(&mut self) -> End {
        let (client, mut polled) = self.client();
        let number = self.state.connection.fetch_add(1, Ordering::AcqRel) + 1;
        // Left over from the last one; nothing can be meant for this one yet.
        while self.documents.try_recv().is_ok() {}
        let mut was_up = false;
        let listening = listen(&mut polled, &self.events, &mut was_up);
        let talking = talk(
            &client,
            &mut self.documents,
            &mut self.live,
            &mut self.blocks,
            number,
        );
        let end = tokio::select! {
            reason = listening => Some(reason),
            reason = talking => Some(reason),
            () = self.state.cut.notified() => Some("the broker takes nothing any more".to_owned()),
            () = self.state.goodbye.notified() => None,
        };
        match end {
            Some(reason) => {
                // What comes until the next connection is for nobody.
                self.state.connection.fetch_add(1, Ordering::AcqRel);
                End::Broken { reason, was_up }
            }
            None => {
                if client
                    .disconnect_with_timeout(Duration::from_millis(500))
                    .await
                    .is_ok()
                {
                    while polled.poll().await.is_ok() {}
                }
                End::Goodbye
            }
        }
    }

    fn client(&self) -> (AsyncClient, EventLoop) {
        let LinkOptions {
            host,
            port,
            client_id,
            username,
            password,
            tls,
        } = &self.options;
        let mut options = MqttOptions::new(client_id.clone(), (host.clone(), *port));
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        options
            .set_keep_alive(KEEP_ALIVE_S)
            .set_credentials(username.clone(), password.clone())
            .set_max_packet_size(Some(MAX_PACKET_BYTES))
            .set_network_options(network);
        if let Some(tls) = tls {
            let tls = TlsConfiguration::Rustls(tls.clone());
            options.set_transport(Transport::tls_with_config(tls));
        }
        AsyncClient::builder(options).capacity(AHEAD).build()
    }
}

/// Polls until the connection breaks; returns why.
async fn listen(
    polled: &mut EventLoop,
    events: &mpsc::Sender<LinkEvent>,
    was_up: &mut bool,
) -> String {
    loop {
        let event = match polled.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                *was_up = true;
                LinkEvent::Connected
            }
            Ok(Event::Incoming(Packet::Publish(message))) => {
                match String::from_utf8(message.topic.to_vec()) {
                    Ok(topic) => LinkEvent::Message {
                        topic,
                        payload: message.payload,
                    },
                    Err(_) => continue,
                }
            }
            Ok(_) => continue,
            Err(error) => return error.to_string(),
        };
        if events.send(event).await.is_err() {
            return "the engine has ended".to_owned();
        }
    }
}

/// Feeds the client: documents before packets of streams before blocks.
async fn talk(
    client: &AsyncClient,
    documents: &mut mpsc::Receiver<Queued>,
    live: &mut mpsc::Receiver<Queued>,
    blocks: &mut mpsc::Receiver<Queued>,
    number: u64,
) -> String {
    loop {
        let queued = tokio::select! {
            biased;
            queued = documents.recv() => queued,
            queued = live.recv() => queued,
            queued = blocks.recv() => queued,
        };
        let Some((connection, outgoing)) = queued else {
            return "the engine has ended".to_owned();
        };
        if connection != number {
            continue;
        }
        if let Err(error) = hand_over(client, outgoing).await {
            return error.to_string();
        }
    }
}

async fn hand_over(client: &AsyncClient, outgoing: Outgoing) -> Result<(), ClientError> {
    match outgoing {
        Outgoing::Subscribe(filters) => {
            let filters = filters
                .into_iter()
                .map(|filter| SubscribeFilterInput::new(filter, QoS::AtLeastOnce));
            client.subscribe_many(filters).await
        }
        Outgoing::Publish(topic, payload) => {
            let qos = match topic.qos() {
                0 => QoS::AtMostOnce,
                _ => QoS::AtLeastOnce,
            };
            let mut options = PublishOptions::new(qos).retain(topic.is_retained());
            if matches!(topic, Topic::Live(..)) {
                // Whatever of it still waits for a slow speaker then is dropped by the broker.
                options = options.properties(PublishProperties {
                    message_expiry_interval: Some(LIVE_STANDS_S),
                    ..PublishProperties::default()
                });
            }
            client.publish(topic.to_string(), payload, options).await
        }
    }
}

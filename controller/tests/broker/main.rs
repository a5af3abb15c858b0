//! The embedded broker as speakers and the controller meet it: a real client, MQTT 5, real sockets.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{HashMap, HashSet},
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use loa_controller::broker::{
    Admission, Broker, BrokerConfig, BrokerCounters, BrokerError, CONTROLLER_USERNAME,
    LoaAdmission, MAX_KEEP_ALIVE_S, Principal, SPEAKER_QUEUE, SpeakerTokens, TokenHash, token_hash,
};
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, LastWill, MqttOptions, Packet,
    PubAckReason, Publish, PublishNoticeError, PublishOptions, PublishProperties, PublishResult,
    QoS, SubscribeReasonCode,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};

mod life;
mod lines;
mod traffic;
mod who;

const OFFICE_PASSWORD: &str = "office password";
const MIB: usize = 1 << 20;
/// Room for a 1 MiB payload with its topic and properties.
const MAX_PACKET: u32 = (1 << 20) + 1_024;
const PATIENCE: Duration = Duration::from_secs(15);
/// How long "nothing came" is watched for, after something that was sent later has come.
const QUIET: Duration = Duration::from_millis(200);

fn tokens() -> SpeakerTokens {
    let tokens = SpeakerTokens::default();
    tokens.replace(table());
    tokens
}

fn table() -> HashMap<String, TokenHash> {
    let village = ["ban-chuong", "khuoi-meo", "tien-son"];
    HashMap::from_iter(village.map(|id| (id.to_owned(), token_hash(token(id).as_bytes()))))
}

fn token(id: &str) -> String {
    format!("token of {id}")
}

fn config(listen: SocketAddr) -> BrokerConfig {
    BrokerConfig {
        listen,
        max_packet_bytes: MAX_PACKET,
        max_connections: 1_000,
        allow: Arc::new(LoaAdmission::new(OFFICE_PASSWORD.as_bytes(), tokens())),
        tls: None,
    }
}

async fn broker() -> Broker {
    Broker::start(config((Ipv4Addr::LOCALHOST, 0).into()))
        .await
        .unwrap()
}

/// A client and everything that reaches it.
struct Peer {
    client: AsyncClient,
    inbox: mpsc::UnboundedReceiver<Publish>,
    gone: Option<tokio::sync::oneshot::Receiver<ConnectionError>>,
    loop_task: JoinHandle<()>,
}

impl Drop for Peer {
    /// Cuts the TCP connection without a DISCONNECT, as a power cut does.
    fn drop(&mut self) {
        self.loop_task.abort();
    }
}

fn options(at: SocketAddr, id: &str, name: &str, password: &str) -> MqttOptions {
    let mut options = MqttOptions::new(id, (at.ip().to_string(), at.port()));
    options
        .set_keep_alive(30)
        .set_credentials(name, password.to_owned())
        .set_max_packet_size(Some(4 * MAX_PACKET));
    options
}

fn office(at: SocketAddr) -> MqttOptions {
    options(
        at,
        CONTROLLER_USERNAME,
        CONTROLLER_USERNAME,
        OFFICE_PASSWORD,
    )
}

fn pole(at: SocketAddr, id: &str) -> MqttOptions {
    options(at, id, id, &token(id))
}

/// Connects, or says why not.
async fn connect(options: MqttOptions) -> Result<Peer, ConnectionError> {
    let (client, mut events) = AsyncClient::builder(options).capacity(512).build();
    let (to_inbox, inbox) = mpsc::unbounded_channel();
    loop {
        match timeout(PATIENCE, events.poll()).await.unwrap()? {
            Event::Incoming(Packet::ConnAck(_)) => break,
            _ => continue,
        }
    }
    let (to_gone, gone) = tokio::sync::oneshot::channel();
    let loop_task = tokio::spawn(async move {
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::Publish(message))) => drop(to_inbox.send(message)),
                Ok(_) => {}
                Err(error) => {
                    let _ = to_gone.send(error);
                    return;
                }
            }
        }
    });
    Ok(Peer {
        client,
        inbox,
        gone: Some(gone),
        loop_task,
    })
}

impl Peer {
    async fn next(&mut self) -> (String, Vec<u8>) {
        let message = timeout(PATIENCE, self.inbox.recv()).await.unwrap().unwrap();
        (
            String::from_utf8(message.topic.to_vec()).unwrap(),
            message.payload.to_vec(),
        )
    }
    async fn expect(&mut self, topic: &str, payload: &[u8]) {
        let (got_topic, got) = self.next().await;
        assert_eq!(
            (got_topic.as_str(), got.len(), got == payload),
            (topic, payload.len(), true)
        );
    }
    async fn expect_nothing(&mut self) {
        let came = timeout(QUIET, self.inbox.recv()).await;
        assert!(came.is_err(), "{came:?}");
    }
    async fn subscribe(&self, filter: &str) -> SubscribeReasonCode {
        let told = self.client.subscribe_tracked(filter, QoS::AtLeastOnce);
        let told = told.await.unwrap().wait_async();
        timeout(PATIENCE, told).await.unwrap().unwrap().return_codes[0]
    }
    /// Publishes at QoS 1 and waits for the broker's answer.
    async fn say(&self, topic: &str, payload: impl Into<Vec<u8>>, retain: bool) -> PubAckReason {
        let options = PublishOptions::new(QoS::AtLeastOnce).retain(retain);
        let said = self
            .client
            .publish_tracked(topic, payload.into(), options)
            .await
            .unwrap();
        match timeout(PATIENCE, said.wait_async()).await.unwrap() {
            Ok(PublishResult::Qos1(ack)) => ack.reason,
            Err(PublishNoticeError::V5PubAck(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }
    async fn shout(&self, topic: &str, payload: impl Into<Vec<u8>>) {
        let options = PublishOptions::new(QoS::AtMostOnce);
        self.client
            .publish(topic, payload.into(), options)
            .await
            .unwrap();
    }
    async fn lost(&mut self) -> ConnectionError {
        timeout(PATIENCE, self.gone.take().unwrap())
            .await
            .unwrap()
            .unwrap()
    }
}

async fn until(broker: &Broker, reached: impl Fn(&BrokerCounters) -> bool) {
    let watch = async {
        while !reached(&broker.counters()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, watch)
        .await
        .unwrap_or_else(|_| panic!("not reached: {:?}", broker.counters()));
}

const GRANTED: SubscribeReasonCode = SubscribeReasonCode::Success(QoS::AtLeastOnce);

const DENIED: SubscribeReasonCode = SubscribeReasonCode::NotAuthorized;

/// A CONNECT written by hand, for what a good client cannot be made to do.
fn connect_packet(id: &str, keep_alive_s: u16, will: Option<(&str, &str)>) -> Vec<u8> {
    let text = |out: &mut Vec<u8>, text: &str| {
        out.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        out.extend(text.as_bytes());
    };
    let mut body = vec![];
    text(&mut body, "MQTT");
    // Name, password, clean start; with a will also that flag.
    body.extend([5, 0b1100_0010 | if will.is_some() { 0b100 } else { 0 }]);
    body.extend(keep_alive_s.to_be_bytes());
    body.push(0);
    text(&mut body, id);
    if let Some((topic, message)) = will {
        body.push(0);
        text(&mut body, topic);
        text(&mut body, message);
    }
    text(&mut body, id);
    text(&mut body, &token(id));
    let mut packet = vec![0x10, u8::try_from(body.len()).unwrap()];
    assert!(body.len() < 128, "one length byte");
    packet.extend(body);
    packet
}

async fn connect_by_hand(at: SocketAddr, packet: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(at).await.unwrap();
    socket.write_all(packet).await.unwrap();
    let mut head = [0; 2];
    timeout(PATIENCE, socket.read_exact(&mut head))
        .await
        .unwrap()
        .unwrap();
    let mut rest = vec![0; head[1].into()];
    socket.read_exact(&mut rest).await.unwrap();
    assert_eq!((head[0], rest[1]), (0x20, 0), "CONNACK: {rest:?}");
    socket
}

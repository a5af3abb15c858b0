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
    PubAckReason, Publish, PublishNoticeError, PublishOptions, PublishResult, QoS,
    SubscribeReasonCode,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};

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

#[tokio::test]
async fn only_a_known_speaker_under_its_own_name_and_token_may_connect() {
    let broker = broker().await;
    let at = broker.address();
    assert!(connect(pole(at, "ban-chuong")).await.is_ok());
    assert!(connect(office(at)).await.is_ok());
    let strangers = [
        options(at, "ban-chuong", "ban-chuong", "guess"),
        options(at, "ban-chuong", "ban-chuong", ""),
        options(at, "ban-chuong", "ban-chuong", &token("tien-son")),
        options(at, "tien-son", "ban-chuong", &token("ban-chuong")),
        options(at, "no-such-pole", "no-such-pole", &token("no-such-pole")),
        options(at, CONTROLLER_USERNAME, CONTROLLER_USERNAME, "guess"),
        options(at, "ban-chuong", CONTROLLER_USERNAME, OFFICE_PASSWORD),
        MqttOptions::new("ban-chuong", (at.ip().to_string(), at.port())),
    ];
    let count = strangers.len() as u64;
    for stranger in strangers {
        let told = format!("{:?} {:?}", stranger.client_id(), stranger.auth());
        match connect(stranger).await {
            Err(ConnectionError::ConnectionRefused(
                ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
            )) => {}
            Ok(_) => panic!("let in: {told}"),
            Err(other) => panic!("{told}: {other:?}"),
        }
    }
    assert_eq!(broker.counters().refused_connects, count);
}

#[tokio::test]
async fn a_speaker_speaks_only_for_itself() {
    let broker = broker().await;
    let mut office = connect(office(broker.address())).await.unwrap();
    assert_eq!(office.subscribe("loa/v1/#").await, GRANTED);
    let pole = connect(pole(broker.address(), "ban-chuong")).await.unwrap();
    for leaf in ["status", "events", "want", "clock"] {
        let topic = format!("loa/v1/speaker/ban-chuong/{leaf}");
        assert_ne!(
            pole.say(&topic, leaf, false).await,
            PubAckReason::NotAuthorized
        );
        office.expect(&topic, leaf.as_bytes()).await;
    }
    let forbidden = [
        "loa/v1/speaker/tien-son/status",
        "loa/v1/speaker/ban-chuong/config",
        "loa/v1/speaker/ban-chuong/ack",
        "loa/v1/speaker/ban-chuong/clock/reply",
        "loa/v1/speaker/ban-chuong/status/more",
        "loa/v1/speaker/ban-chuong",
        "loa/v1/speaker/ban-chuong2/status",
        "loa/v1/head",
        "loa/v1/channel/area.sang-moc/now",
        "loa/v1/channel/speaker.ban-chuong/programme",
        "loa/v1/content/00/0",
        "loa/v2/speaker/ban-chuong/status",
        "elsewhere",
        "$SYS/brokers",
    ];
    for topic in forbidden {
        let answer = pole.say(topic, "no", true).await;
        assert_eq!(answer, PubAckReason::NotAuthorized, "{topic}");
        pole.shout(topic, "no").await;
    }
    // Still connected, and nothing of it has reached anyone, now or retained for later.
    pole.say("loa/v1/speaker/ban-chuong/want", "last", false)
        .await;
    office
        .expect("loa/v1/speaker/ban-chuong/want", b"last")
        .await;
    let mut later = connect(options(
        broker.address(),
        "loa.controller.2",
        CONTROLLER_USERNAME,
        OFFICE_PASSWORD,
    ))
    .await
    .unwrap();
    assert_eq!(later.subscribe("loa/v1/#").await, GRANTED);
    later.expect_nothing().await;
    assert_eq!(
        broker.counters().denied_publishes,
        2 * forbidden.len() as u64
    );
}

#[tokio::test]
async fn a_speaker_hears_every_channel_and_only_its_own_letters() {
    let broker = broker().await;
    let office = connect(office(broker.address())).await.unwrap();
    let mut pole = connect(pole(broker.address(), "ban-chuong")).await.unwrap();
    for filter in [
        "loa/v1/head",
        "loa/v1/speaker/ban-chuong/config",
        "loa/v1/speaker/ban-chuong/ack",
        "loa/v1/speaker/ban-chuong/clock/reply",
        "loa/v1/channel/area.sang-moc/programme",
        "loa/v1/channel/+/now",
        "loa/v1/channel/area.sang-moc/#",
        "loa/v1/content/00ff/+",
        "loa/v1/content/#",
    ] {
        assert_eq!(pole.subscribe(filter).await, GRANTED, "{filter}");
    }
    for filter in [
        "#",
        "+/+/#",
        "loa/#",
        "loa/v1/#",
        "loa/v1/+",
        "loa/+/channel/#",
        "loa/v1/speaker/#",
        "loa/v1/speaker/+/config",
        "loa/v1/speaker/ban-chuong/#",
        "loa/v1/speaker/ban-chuong/+",
        "loa/v1/speaker/ban-chuong/status",
        "loa/v1/speaker/tien-son/config",
        "loa/v1/+/ban-chuong/config",
        "$SYS/#",
    ] {
        assert_eq!(pole.subscribe(filter).await, DENIED, "{filter}");
    }
    let shared = pole.subscribe("$share/x/loa/v1/channel/area.sang-moc/now");
    assert_ne!(shared.await, GRANTED);

    office
        .say("loa/v1/speaker/tien-son/config", "for another", false)
        .await;
    office
        .say("loa/v1/speaker/ban-chuong/config", "for you", false)
        .await;
    pole.expect("loa/v1/speaker/ban-chuong/config", b"for you")
        .await;
    pole.expect_nothing().await;
}

#[tokio::test]
async fn the_controller_may_do_everything_of_the_wire_and_nothing_else() {
    let broker = broker().await;
    let office = connect(office(broker.address())).await.unwrap();
    assert_eq!(office.subscribe("loa/v1/speaker/+/status").await, GRANTED);
    assert_eq!(office.subscribe("loa/#").await, DENIED);
    assert_eq!(office.subscribe("#").await, DENIED);
    assert_ne!(
        office.say("loa/v1/head", "1", true).await,
        PubAckReason::NotAuthorized
    );
    assert_eq!(
        office.say("other/v1/head", "1", true).await,
        PubAckReason::NotAuthorized
    );
}

/// A broker whose table of tokens can be changed.
async fn broker_with(known: &SpeakerTokens) -> Broker {
    let mut config = config((Ipv4Addr::LOCALHOST, 0).into());
    config.allow = Arc::new(LoaAdmission::new(OFFICE_PASSWORD.as_bytes(), known.clone()));
    Broker::start(config).await.unwrap()
}

#[tokio::test]
async fn a_removed_speaker_is_disconnected_at_once_and_does_not_come_back() {
    let known = tokens();
    let broker = broker_with(&known).await;
    let at = broker.address();
    let mut office = connect(office(at)).await.unwrap();
    let neighbour = connect(pole(at, "ban-chuong")).await.unwrap();
    let mut stolen = connect(pole(at, "tien-son")).await.unwrap();
    assert_eq!(stolen.subscribe("loa/v1/head").await, GRANTED);
    let mut table = table();
    table.remove("tien-son");
    known.replace(table);
    let rules = LoaAdmission::new(OFFICE_PASSWORD.as_bytes(), known.clone());
    let thief = Principal::Speaker("tien-son".into());
    assert!(!rules.may_publish(&thief, "loa/v1/speaker/tien-son/status"));
    assert!(!rules.may_subscribe(&thief, "loa/v1/head"));
    stolen.lost().await;
    assert!(connect(pole(at, "tien-son")).await.is_err());
    // Nobody else noticed.
    office.subscribe("loa/v1/speaker/+/status").await;
    let status = "loa/v1/speaker/ban-chuong/status";
    neighbour.say(status, "here", false).await;
    office.expect(status, b"here").await;
}

#[tokio::test]
async fn a_new_token_ends_the_connection_that_used_the_old_one() {
    let known = tokens();
    let broker = broker_with(&known).await;
    let at = broker.address();
    let mut old = connect(pole(at, "tien-son")).await.unwrap();
    let new = "a new token";
    let mut table = table();
    table.insert("tien-son".into(), token_hash(new.as_bytes()));
    known.replace(table.clone());
    old.lost().await;
    assert!(connect(pole(at, "tien-son")).await.is_err());
    let again = options(at, "tien-son", "tien-son", new);
    let mut again = connect(again).await.unwrap();
    // A change that does not concern it leaves it alone: the news comes over the line it has.
    table.remove("khuoi-meo");
    let mut other = connect(pole(at, "khuoi-meo")).await.unwrap();
    known.replace(table);
    other.lost().await;
    assert_eq!(again.subscribe("loa/v1/head").await, GRANTED);
    let office = connect(office(at)).await.unwrap();
    office.say("loa/v1/head", "news", true).await;
    again.expect("loa/v1/head", b"news").await;
}

#[tokio::test]
async fn a_speaker_that_comes_later_gets_the_retained_programme_of_its_channels() {
    let broker = broker().await;
    let office = connect(office(broker.address())).await.unwrap();
    office
        .say("loa/v1/channel/area.sang-moc/programme", "old", true)
        .await;
    office
        .say("loa/v1/channel/area.sang-moc/programme", "new", true)
        .await;
    office
        .say("loa/v1/channel/area.vo-nhai/programme", "district", true)
        .await;
    office
        .say("loa/v1/channel/area.sang-moc/now", "past", false)
        .await;
    office.say("loa/v1/head", "gone", true).await;
    office.say("loa/v1/head", "", true).await;

    let mut pole = connect(pole(broker.address(), "ban-chuong")).await.unwrap();
    pole.subscribe("loa/v1/head").await;
    pole.subscribe("loa/v1/channel/area.sang-moc/#").await;
    pole.expect("loa/v1/channel/area.sang-moc/programme", b"new")
        .await;
    pole.subscribe("loa/v1/channel/area.vo-nhai/programme")
        .await;
    pole.expect("loa/v1/channel/area.vo-nhai/programme", b"district")
        .await;
    pole.expect_nothing().await;
}

#[tokio::test]
async fn a_cut_line_leaves_the_last_will_retained_and_a_proper_goodbye_does_not() {
    let broker = broker().await;
    let mut office = connect(office(broker.address())).await.unwrap();
    office.subscribe("loa/v1/speaker/+/status").await;
    let with_will = |id: &str| {
        let mut options = pole(broker.address(), id);
        let topic = format!("loa/v1/speaker/{id}/status");
        options.set_last_will(LastWill::new(
            topic,
            "offline",
            QoS::AtLeastOnce,
            true,
            None,
        ));
        options
    };
    let polite = connect(with_will("tien-son")).await.unwrap();
    polite.client.disconnect().await.unwrap();
    until(&broker, |now| now.connections == 1).await;
    let cut = connect(with_will("ban-chuong")).await.unwrap();
    drop(cut);
    office
        .expect("loa/v1/speaker/ban-chuong/status", b"offline")
        .await;
    office.expect_nothing().await;
    office.subscribe("loa/v1/speaker/ban-chuong/status").await;
    office
        .expect("loa/v1/speaker/ban-chuong/status", b"offline")
        .await;
}

#[tokio::test]
async fn the_will_of_a_stuck_line_does_not_contradict_the_speaker_that_came_back() {
    let broker = broker().await;
    let at = broker.address();
    let mut office = connect(office(at)).await.unwrap();
    let status = "loa/v1/speaker/ban-chuong/status";
    office.subscribe(status).await;
    let hello = connect_packet("ban-chuong", 60, Some((status, "offline")));
    let mut stuck = connect_by_hand(at, &hello).await;
    let filter = "loa/v1/content/#";
    let mut subscribe = vec![0x82, 6 + filter.len() as u8, 0, 1, 0, 0, filter.len() as u8];
    subscribe.extend(filter.as_bytes());
    subscribe.push(0);
    stuck.write_all(&subscribe).await.unwrap();
    stuck.read_exact(&mut [0; 6]).await.unwrap();
    // More than the sockets between them hold, and it reads none of it.
    for block in 0..24 {
        let topic = format!("loa/v1/content/00ff/{block}");
        office.say(&topic, vec![0; MIB], false).await;
    }
    let mut again = pole(at, "ban-chuong");
    // The broker waits 5 s for the old connection to make way.
    again.set_connect_timeout(PATIENCE);
    let back = connect(again).await.unwrap();
    back.say(status, "online", true).await;
    office.expect(status, b"online").await;
    drop(stuck);
    until(&broker, |now| now.connections == 2).await;
    office.expect_nothing().await;
}

#[tokio::test]
async fn a_will_may_not_say_what_its_speaker_may_not_say() {
    let broker = broker().await;
    for topic in ["loa/v1/head", "loa/v1/speaker/tien-son/status"] {
        let mut options = pole(broker.address(), "ban-chuong");
        options.set_last_will(LastWill::new(topic, "evil", QoS::AtLeastOnce, true, None));
        let refused = connect(options).await.err();
        assert!(
            matches!(
                refused,
                Some(ConnectionError::ConnectionRefused(
                    ConnectReturnCode::NotAuthorized
                ))
            ),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn the_controller_reads_the_retained_status_of_a_whole_province_at_once() {
    let broker = broker().await;
    let at = broker.address();
    let first = connect(office(at)).await.unwrap();
    let poles = 10 * SPEAKER_QUEUE;
    for number in 0..poles {
        let topic = format!("loa/v1/speaker/pole-{number}/status");
        // At QoS 1 delivery waits for acknowledgements, so that the queue does fill.
        let options = PublishOptions::new(QoS::AtLeastOnce).retained();
        first.client.publish(topic, "here", options).await.unwrap();
    }
    first.say("loa/v1/head", "all sent", false).await;
    drop(first);
    let mut office = connect(office(at)).await.unwrap();
    office.subscribe("loa/v1/speaker/+/status").await;
    let mut heard = HashSet::new();
    while heard.len() < poles {
        heard.insert(office.next().await.0);
    }
    assert_eq!(broker.counters().overflowed, 0);
}

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

#[tokio::test]
async fn a_speaker_that_falls_silent_is_given_up_after_its_keep_alive() {
    let broker = broker().await;
    let mut office = connect(office(broker.address())).await.unwrap();
    office.subscribe("loa/v1/speaker/+/status").await;
    let status = "loa/v1/speaker/ban-chuong/status";
    let hello = connect_packet("ban-chuong", 1, Some((status, "offline")));
    let mut silent = connect_by_hand(broker.address(), &hello).await;
    office.expect(status, b"offline").await;
    let mut rest = vec![];
    timeout(PATIENCE, silent.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn nobody_gets_a_keep_alive_that_would_hide_a_dead_pole() {
    let broker = broker().await;
    let mut socket = TcpStream::connect(broker.address()).await.unwrap();
    let hello = connect_packet("ban-chuong", 3_600, None);
    socket.write_all(&hello).await.unwrap();
    let mut answer = vec![0; 64];
    let length = socket.read(&mut answer).await.unwrap();
    // Property 0x13 is the server's keep-alive.
    let granted = [&[0x13][..], &MAX_KEEP_ALIVE_S.to_be_bytes()].concat();
    assert!(
        answer[..length].windows(3).any(|bytes| bytes == granted),
        "{:?}",
        &answer[..length]
    );
    // And 0 would be "never".
    let mut socket = TcpStream::connect(broker.address()).await.unwrap();
    let hello = connect_packet("tien-son", 0, None);
    socket.write_all(&hello).await.unwrap();
    let length = socket.read(&mut answer).await.unwrap();
    assert!(length < 4 || answer[3] >= 0x80, "{:?}", &answer[..length]);
}

#[tokio::test]
async fn both_qualities_of_service_travel_both_ways_in_order() {
    let broker = broker().await;
    let mut office = connect(office(broker.address())).await.unwrap();
    let mut pole = connect(pole(broker.address(), "ban-chuong")).await.unwrap();
    office.subscribe("loa/v1/speaker/+/events").await;
    pole.subscribe("loa/v1/channel/area.sang-moc/now").await;
    for number in 0..100_u8 {
        let qos = [QoS::AtMostOnce, QoS::AtLeastOnce][usize::from(number % 2)];
        let down = "loa/v1/channel/area.sang-moc/now";
        let up = "loa/v1/speaker/ban-chuong/events";
        let payload = vec![number];
        let options = PublishOptions::new(qos);
        office
            .client
            .publish(down, payload.clone(), options.clone())
            .await
            .unwrap();
        pole.client.publish(up, payload, options).await.unwrap();
    }
    for number in 0..100_u8 {
        pole.expect("loa/v1/channel/area.sang-moc/now", &[number])
            .await;
        office
            .expect("loa/v1/speaker/ban-chuong/events", &[number])
            .await;
    }
}

#[tokio::test]
async fn a_mebibyte_passes_and_more_ends_the_connection_of_its_sender_only() {
    let broker = broker().await;
    let office = connect(office(broker.address())).await.unwrap();
    let mut pole = connect(pole(broker.address(), "ban-chuong")).await.unwrap();
    let topic = "loa/v1/channel/area.sang-moc/programme";
    pole.subscribe(topic).await;
    let large = vec![7; MIB];
    assert_ne!(
        office.say(topic, large.clone(), true).await,
        PubAckReason::NotAuthorized
    );
    pole.expect(topic, &large).await;

    // Written by hand, because a good client obeys the limit that CONNACK tells.
    let mut rude = connect_by_hand(broker.address(), &connect_packet("tien-son", 30, None)).await;
    let length = MAX_PACKET + 1;
    let seven_bits = |shift: u32| u8::try_from((length >> shift) & 0x7f).unwrap();
    let header = [
        0x30,
        seven_bits(0) | 0x80,
        seven_bits(7) | 0x80,
        seven_bits(14) | 0x80,
        seven_bits(21),
    ];
    rude.write_all(&header).await.unwrap();
    let mut rest = vec![];
    // Closed or reset before a byte of it was sent.
    let _ = timeout(PATIENCE, rude.read_to_end(&mut rest))
        .await
        .unwrap();
    office.say(topic, "still here", false).await;
    pole.expect(topic, b"still here").await;
}

#[tokio::test]
async fn a_burst_of_blocks_reaches_every_speaker_whole() {
    let broker = broker().await;
    let at = broker.address();
    let office = connect(office(at)).await.unwrap();
    let mut poles = vec![];
    for id in ["ban-chuong", "khuoi-meo", "tien-son"] {
        let pole = connect(pole(at, id)).await.unwrap();
        pole.subscribe("loa/v1/content/00ff/+").await;
        poles.push(pole);
    }
    let burst = 3 * 75;
    for block in 0..burst {
        let topic = format!("loa/v1/content/00ff/{block}");
        office.shout(&topic, vec![block as u8; 16 << 10]).await;
    }
    for pole in &mut poles {
        for block in 0..burst {
            let topic = format!("loa/v1/content/00ff/{block}");
            pole.expect(&topic, &vec![block as u8; 16 << 10]).await;
        }
    }
    assert_eq!(broker.counters().overflowed, 0);
}

/// A pole (`ban-chuong`) that hears this, and commands to the commune, and has not acknowledged the first of these: nothing
/// more is sent to it until it does ([`opens`]).
async fn stuck(at: SocketAddr, office: &Peer, filter: &str) -> TcpStream {
    // One inflight QoS 1 message that is never acknowledged stops the queue without filling the socket.
    let mut hello = connect_packet("ban-chuong", 60, None);
    // Receive maximum 1: three bytes of properties after the keep-alive.
    hello.splice(12..13, [3, 0x21, 0, 1]);
    hello[1] += 3;
    let mut stuck = connect_by_hand(at, &hello).await;
    let filters = [filter, COMMANDS];
    let mut body = vec![0, 1, 0];
    for filter in filters {
        body.extend(u16::try_from(filter.len()).unwrap().to_be_bytes());
        body.extend(filter.as_bytes());
        body.push(1);
    }
    let mut subscribe = vec![0x82, u8::try_from(body.len()).unwrap()];
    subscribe.extend(body);
    stuck.write_all(&subscribe).await.unwrap();
    let mut suback = [0; 7];
    stuck.read_exact(&mut suback).await.unwrap();
    assert_eq!((suback[0], &suback[5..]), (0x90, &[1, 1][..]));
    office.say(COMMANDS, "unanswered", false).await;
    stuck
}

const COMMANDS: &str = "loa/v1/channel/area.sang-moc/now";

/// Everything that comes to it, up to the command to stop.
async fn opens(stuck: &mut TcpStream) -> Vec<u8> {
    // The acknowledgement of packet 1 opens the way.
    stuck.write_all(&[0x40, 2, 0, 1]).await.unwrap();
    let mut heard: Vec<u8> = vec![];
    let told = async {
        while !heard.windows(4).any(|bytes| bytes == b"stop") {
            let mut some = vec![0; 65_536];
            let length = stuck.read(&mut some).await.unwrap();
            assert_ne!(length, 0, "closed before the command came");
            heard.extend(&some[..length]);
        }
    };
    timeout(PATIENCE, told).await.unwrap();
    heard
}

#[tokio::test]
async fn words_that_waited_too_long_for_a_weak_speaker_are_not_said_to_it_any_more() {
    let broker = broker().await;
    let at = broker.address();
    let office = connect(office(at)).await.unwrap();
    let mut stuck = stuck(at, &office, "loa/v1/channel/area.sang-moc/live/+").await;
    let live = "loa/v1/channel/area.sang-moc/live/b0123456789abcdef";
    for (word, expiry_s) in [("stale", 1), ("fresh", 60)] {
        let properties = PublishProperties {
            message_expiry_interval: Some(expiry_s),
            ..PublishProperties::default()
        };
        let options = PublishOptions::new(QoS::AtMostOnce).properties(properties);
        office.client.publish(live, word, options).await.unwrap();
    }
    office.say(COMMANDS, "stop", false).await;
    // What was sent before it stuck, and then nothing, for longer than a word is worth anything.
    let silence = async {
        let mut some = vec![0; 1_000];
        while stuck.read(&mut some).await.unwrap() > 0 {}
    };
    assert!(
        timeout(Duration::from_millis(1_200), silence)
            .await
            .is_err()
    );
    let heard = opens(&mut stuck).await;
    let came = |word: &[u8]| heard.windows(word.len()).any(|bytes| bytes == word);
    assert!(came(b"fresh") && !came(b"stale"));
}

#[tokio::test]
async fn a_speaker_that_takes_nothing_loses_blocks_but_not_the_command_after_them() {
    let broker = broker().await;
    let at = broker.address();
    let office = connect(office(at)).await.unwrap();
    let mut pole = connect(pole(at, "khuoi-meo")).await.unwrap();
    pole.subscribe("loa/v1/content/00ff/+").await;
    let mut stuck = stuck(at, &office, "loa/v1/content/#").await;
    let blocks = SPEAKER_QUEUE + 50;
    for block in 0..blocks {
        office
            .shout(&format!("loa/v1/content/00ff/{block}"), vec![1; 1_000])
            .await;
    }
    for block in 0..blocks {
        let topic = format!("loa/v1/content/00ff/{block}");
        pole.expect(&topic, &[1; 1_000]).await;
    }
    until(&broker, |now| now.overflowed == 50).await;
    office
        .say("loa/v1/channel/area.sang-moc/now", "stop", false)
        .await;
    until(&broker, |now| now.overflowed == 51).await;
    opens(&mut stuck).await;
}

#[tokio::test]
async fn peers_that_say_nothing_hold_up_nobody() {
    let broker = broker().await;
    let mut silent = vec![];
    for _ in 0..200 {
        silent.push(TcpStream::connect(broker.address()).await.unwrap());
    }
    let mut slow = TcpStream::connect(broker.address()).await.unwrap();
    slow.write_all(&[0x10]).await.unwrap();
    let office = connect(office(broker.address())).await.unwrap();
    let mut pole = connect(pole(broker.address(), "ban-chuong")).await.unwrap();
    pole.subscribe("loa/v1/head").await;
    office.say("loa/v1/head", "1", false).await;
    pole.expect("loa/v1/head", b"1").await;
}

#[tokio::test]
async fn a_stopped_broker_frees_its_port_and_comes_back_empty() {
    let first = broker().await;
    let at = first.address();
    let mut cut = connect(office(at)).await.unwrap();
    cut.say("loa/v1/head", "before", true).await;
    first.stop().await;
    cut.lost().await;
    for _ in 0..3 {
        let again = Broker::start(config(at)).await.unwrap();
        assert_eq!(again.address(), at);
        let mut pole = connect(pole(at, "ban-chuong")).await.unwrap();
        pole.subscribe("loa/v1/head").await;
        pole.expect_nothing().await;
        let office = connect(office(at)).await.unwrap();
        office.say("loa/v1/head", "after", true).await;
        pole.expect("loa/v1/head", b"after").await;
        again.stop().await;
        pole.lost().await;
    }
}

#[tokio::test]
async fn a_stopped_broker_leaves_nothing_in_memory() {
    let mut config = config((Ipv4Addr::LOCALHOST, 0).into());
    let rules: Arc<dyn Admission> =
        Arc::new(LoaAdmission::new(OFFICE_PASSWORD.as_bytes(), tokens()));
    config.allow = rules.clone();
    let broker = Broker::start(config).await.unwrap();
    let office = connect(office(broker.address())).await.unwrap();
    let pole = connect(pole(broker.address(), "ban-chuong")).await.unwrap();
    pole.subscribe("loa/v1/channel/#").await;
    office
        .say("loa/v1/channel/area.sang-moc/programme", vec![1; MIB], true)
        .await;
    broker.stop().await;
    assert_eq!(Arc::strong_count(&rules), 1);
}

#[tokio::test]
async fn a_dropped_broker_stops_too() {
    let broker = broker().await;
    let mut pole = connect(pole(broker.address(), "ban-chuong")).await.unwrap();
    drop(broker);
    pole.lost().await;
}

#[tokio::test]
async fn two_brokers_in_one_process_know_nothing_of_each_other() {
    let (one, other) = (broker().await, broker().await);
    assert_ne!(one.address(), other.address());
    let mut here = connect(office(one.address())).await.unwrap();
    let mut there = connect(office(other.address())).await.unwrap();
    here.subscribe("loa/v1/#").await;
    there.subscribe("loa/v1/#").await;
    here.say("loa/v1/head", "here", true).await;
    here.expect("loa/v1/head", b"here").await;
    there.expect_nothing().await;
    one.stop().await;
    there.say("loa/v1/head", "there", true).await;
    there.expect("loa/v1/head", b"there").await;
}

#[tokio::test]
async fn a_port_in_use_and_limits_that_would_be_none_are_refused_with_words() {
    let broker = broker().await;
    let taken = Broker::start(config(broker.address())).await.unwrap_err();
    assert!(
        taken.to_string().contains("cannot listen on 127.0.0.1"),
        "{taken}"
    );
    let mut unbounded = config((Ipv4Addr::LOCALHOST, 0).into());
    unbounded.max_packet_bytes = 0;
    assert!(matches!(
        Broker::start(unbounded).await,
        Err(BrokerError::NoLimit("max_packet_bytes"))
    ));
}

#[tokio::test]
async fn one_client_too_many_is_refused_and_a_known_one_may_replace_itself() {
    let mut config = config((Ipv4Addr::LOCALHOST, 0).into());
    config.max_connections = 2;
    let broker = Broker::start(config).await.unwrap();
    let at = broker.address();
    let _office = connect(office(at)).await.unwrap();
    let mut first = connect(pole(at, "ban-chuong")).await.unwrap();
    assert!(connect(pole(at, "tien-son")).await.is_err());
    let _second = connect(pole(at, "ban-chuong")).await.unwrap();
    first.lost().await;
}

/// `cargo test -p loa-controller --release --test broker -- --ignored --nocapture idle`
#[tokio::test]
#[ignore = "a measurement, not a test"]
async fn idle_memory() {
    fn resident_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let number = line.unwrap().split_whitespace().nth(1).unwrap();
        number.parse().unwrap()
    }
    const CLIENTS: u64 = 800;
    let known = SpeakerTokens::default();
    let hashed = |number| {
        let id = format!("pole-{number}");
        let hash = token_hash(token(&id).as_bytes());
        (id, hash)
    };
    known.replace((0..CLIENTS).map(hashed).collect());
    let mut config = config((Ipv4Addr::LOCALHOST, 0).into());
    config.allow = Arc::new(LoaAdmission::new(OFFICE_PASSWORD.as_bytes(), known));
    let before = resident_kib();
    let broker = Broker::start(config).await.unwrap();
    let empty = resident_kib();
    let mut poles = vec![];
    for number in 0..CLIENTS {
        let hello = connect_packet(&format!("pole-{number}"), 60, None);
        poles.push(connect_by_hand(broker.address(), &hello).await);
    }
    let full = resident_kib();
    println!(
        "empty broker {} KiB; {} KiB per idle connection (its test client included)",
        empty - before,
        (full - empty) / CLIENTS
    );
}

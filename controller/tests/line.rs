//! The encrypted line as speakers and strangers meet it: real TLS, a real client, revocations while it runs.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use ed25519_dalek::SigningKey;
use loa_controller::{
    broker::{Broker, BrokerConfig, CONTROLLER_USERNAME, LoaAdmission, Roster},
    clock::{Clock, SystemClock},
    pki::{Authority, Issued, Pair, Peer, Shown, line_config},
};
use loa_protocol::time::WallTime;
use rumqttc::{
    AsyncClient, ConnectionError, Event, MqttOptions, Packet, PubAckReason, PublishNoticeError,
    PublishOptions, PublishResult, QoS, SubscribeReasonCode, TlsConfiguration, Transport,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
    version::TLS13,
};
use tokio::{io::AsyncReadExt, net::TcpStream, sync::mpsc, task::JoinHandle, time::timeout};

const PASSWORD: &str = "office password";
const PATIENCE: Duration = Duration::from_secs(20);
const DAY_S: i64 = 86_400;

/// A speaker's key and certificate.
struct Pass {
    issued: Issued,
    key: SigningKey,
}

struct Office {
    authority: Authority,
    roster: Roster,
    shown: Arc<Shown>,
    broker: Broker,
    _folder: tempfile::TempDir,
}

fn now() -> WallTime {
    SystemClock.now()
}

async fn office() -> Office {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::open(folder.path(), now()).unwrap();
    let Pair { chain, key } = authority.server(&["127.0.0.1".into()], now()).unwrap();
    let (roster, shown) = (
        Roster::default(),
        Arc::new(Shown::new(&chain, &key).unwrap()),
    );
    let broker = Broker::start(BrokerConfig {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        max_packet_bytes: 1 << 21,
        max_connections: 1_000,
        allow: Arc::new(LoaAdmission::with_certificates(
            PASSWORD.as_bytes(),
            roster.clone(),
        )),
        tls: Some(line_config(&authority, roster.clone(), shown.clone()).unwrap()),
    })
    .await
    .unwrap();
    Office {
        authority,
        roster,
        shown,
        broker,
        _folder: folder,
    }
}

fn pass(authority: &Authority, speaker: &str, seed: u8) -> Pass {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let id = speaker.parse().unwrap();
    let issued = authority.speaker(&id, &key.verifying_key(), now());
    Pass {
        issued: issued.unwrap(),
        key,
    }
}

fn peer(pass: &Pass) -> Peer {
    Peer {
        speaker: pass.issued.kept.speaker.to_string(),
        serial: pass.issued.kept.serial.clone(),
    }
}

/// PKCS #8 of an Ed25519 seed (RFC 8410, 7).
fn private(key: &SigningKey) -> PrivateKeyDer<'static> {
    let mut der = hex::decode("302e020100300506032b657004220420").unwrap();
    der.extend_from_slice(key.as_bytes());
    PrivatePkcs8KeyDer::from(der).into()
}

impl Office {
    /// Lets exactly these in.
    fn admit(&self, passes: &[&Pass]) {
        self.roster.replace(passes.iter().map(|pass| peer(pass)));
    }

    fn tls(&self, pass: Option<&Pass>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_root_certificates(roots);
        match pass {
            None => config.with_no_client_auth(),
            Some(pass) => {
                let chain: Vec<CertificateDer<'static>> = vec![pass.issued.der.clone()];
                config
                    .with_client_auth_cert(chain, private(&pass.key))
                    .unwrap()
            }
        }
    }

    fn pole(&self, pass: Option<&Pass>, name: &str) -> MqttOptions {
        let at = self.broker.address();
        let mut options = options(at, name, "");
        let tls = TlsConfiguration::Rustls(Arc::new(self.tls(pass)));
        options.set_transport(Transport::tls_with_config(tls));
        options
    }

    async fn connect(&self, pass: &Pass) -> Result<Client, ConnectionError> {
        connect(self.pole(Some(pass), pass.issued.kept.speaker.as_str())).await
    }
}

fn options(at: SocketAddr, name: &str, password: &str) -> MqttOptions {
    let mut options = MqttOptions::new(name, (at.ip().to_string(), at.port()));
    options
        .set_keep_alive(30)
        .set_credentials(name, password.to_owned())
        .set_max_packet_size(Some(1 << 22));
    options
}

struct Client {
    client: AsyncClient,
    inbox: mpsc::UnboundedReceiver<(String, Vec<u8>)>,
    task: JoinHandle<ConnectionError>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connect(options: MqttOptions) -> Result<Client, ConnectionError> {
    let (client, mut events) = AsyncClient::builder(options).capacity(64).build();
    loop {
        match timeout(PATIENCE, events.poll()).await.unwrap()? {
            Event::Incoming(Packet::ConnAck(_)) => break,
            _ => continue,
        }
    }
    let (to_inbox, inbox) = mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::Publish(message))) => {
                    let topic = String::from_utf8(message.topic.to_vec()).unwrap();
                    let _ = to_inbox.send((topic, message.payload.to_vec()));
                }
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    });
    Ok(Client {
        client,
        inbox,
        task,
    })
}

impl Client {
    async fn say(&self, topic: &str, payload: Vec<u8>) -> bool {
        let options = PublishOptions::new(QoS::AtLeastOnce);
        let said = self.client.publish_tracked(topic, payload, options).await;
        match timeout(PATIENCE, said.unwrap().wait_async()).await.unwrap() {
            Ok(PublishResult::Qos1(ack)) => ack.reason != PubAckReason::NotAuthorized,
            Err(PublishNoticeError::V5PubAck(reason)) => reason != PubAckReason::NotAuthorized,
            other => panic!("{other:?}"),
        }
    }
    async fn listens(&self, filter: &str) -> bool {
        let told = self
            .client
            .subscribe_tracked(filter, QoS::AtLeastOnce)
            .await;
        let told = timeout(PATIENCE, told.unwrap().wait_async()).await.unwrap();
        matches!(
            told.unwrap().return_codes[0],
            SubscribeReasonCode::Success(_)
        )
    }
    async fn next(&mut self) -> (String, Vec<u8>) {
        timeout(PATIENCE, self.inbox.recv()).await.unwrap().unwrap()
    }
    async fn lost(&mut self) {
        timeout(PATIENCE, &mut self.task).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_speaker_comes_by_its_certificate_and_what_it_says_arrives_whole() {
    let office = office().await;
    let pole = pass(&office.authority, "ban-chuong", 1);
    office.admit(&[&pole]);
    let inside = office.broker.controller_address();
    let mut desk = connect(options(inside, CONTROLLER_USERNAME, PASSWORD))
        .await
        .unwrap();
    assert!(desk.listens("loa/v1/speaker/+/events").await);
    let mut pole = office.connect(&pole).await.unwrap();
    assert!(pole.listens("loa/v1/content/+/+").await);
    let long: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
    let topic = "loa/v1/speaker/ban-chuong/events";
    assert!(pole.say(topic, long.clone()).await);
    assert_eq!(desk.next().await, (topic.to_owned(), long.clone()));
    let topic = "loa/v1/content/00/0";
    assert!(desk.say(topic, long.clone()).await);
    assert_eq!(pole.next().await, (topic.to_owned(), long));
}

#[tokio::test]
async fn strangers_are_not_let_in() {
    let office = office().await;
    let neighbour = pass(&office.authority, "tien-son", 1);
    let (revoked, own) = (
        pass(&office.authority, "ban-chuong", 2),
        pass(&office.authority, "ban-chuong", 3),
    );
    let key = SigningKey::from_bytes(&[4; 32]);
    let id = "ban-chuong".parse().unwrap();
    let (from, to) = (now().plus_s(-90 * DAY_S), now().plus_s(-DAY_S));
    let old = office
        .authority
        .speaker_until(&id, &key.verifying_key(), from, to);
    let expired = Pass {
        issued: old.unwrap(),
        key,
    };
    let elsewhere = tempfile::tempdir().unwrap();
    let other_office = Authority::open(elsewhere.path(), now()).unwrap();
    let mut foreign = pass(&other_office, "ban-chuong", 5);
    // Even with a serial that stands on the roster.
    foreign.issued.kept.serial = own.issued.kept.serial.clone();
    office.admit(&[&neighbour, &own, &expired]);
    for (story, pass, name) in [
        ("no certificate", None, "ban-chuong"),
        ("another office's", Some(&foreign), "ban-chuong"),
        ("run out", Some(&expired), "ban-chuong"),
        ("revoked", Some(&revoked), "ban-chuong"),
        ("another pole's", Some(&neighbour), "ban-chuong"),
        ("the controller's name", Some(&own), CONTROLLER_USERNAME),
    ] {
        let let_in = connect(office.pole(pass, name)).await;
        assert!(let_in.is_err(), "{story}");
    }
    // The controller's own password opens nothing from outside, and nobody comes without TLS.
    let mut guess = office.pole(Some(&own), CONTROLLER_USERNAME);
    guess.set_credentials(CONTROLLER_USERNAME, PASSWORD);
    assert!(connect(guess).await.is_err());
    let outside = office.broker.address();
    for name in ["ban-chuong", CONTROLLER_USERNAME] {
        assert!(connect(options(outside, name, PASSWORD)).await.is_err());
    }
    // Nor does a speaker's name open the controller's own door.
    let inside = office.broker.controller_address();
    assert!(
        connect(options(inside, "ban-chuong", PASSWORD))
            .await
            .is_err()
    );
    assert!(office.connect(&own).await.is_ok());
    assert!(office.broker.counters().refused_handshakes >= 4);
}

#[tokio::test]
async fn nobody_comes_with_an_older_tls() {
    let office = office().await;
    let (at, stream) = (office.broker.address(), TcpStream::connect);
    // A ClientHello that offers TLS 1.2 and nothing newer (RFC 5246, 7.4.1.2).
    let mut hello = hex::decode("16030100310100002d0303").unwrap();
    hello.extend_from_slice(&[7; 32]);
    hello.extend_from_slice(&hex::decode("000006c02bc02f009c0100").unwrap());
    let mut stream = stream(at).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, &hello)
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .unwrap();
    // An alert, and the end.
    assert_eq!(answer.first(), Some(&21), "{answer:?}");
}

#[tokio::test]
async fn one_poles_key_neither_reads_nor_writes_what_is_anothers() {
    let office = office().await;
    let (own, other) = (
        pass(&office.authority, "ban-chuong", 1),
        pass(&office.authority, "tien-son", 2),
    );
    office.admit(&[&own, &other]);
    let pole = office.connect(&own).await.unwrap();
    for leaf in ["status", "events", "want", "clock", "renewal"] {
        let (mine, his) = (
            format!("loa/v1/speaker/ban-chuong/{leaf}"),
            format!("loa/v1/speaker/tien-son/{leaf}"),
        );
        assert!(pole.say(&mine, b"x".to_vec()).await, "{mine}");
        assert!(!pole.say(&his, b"x".to_vec()).await, "{his}");
        assert!(!pole.listens(&his).await && !pole.listens(&mine).await);
    }
    for leaf in ["config", "ack", "clock/reply", "certificate"] {
        let (mine, his) = (
            format!("loa/v1/speaker/ban-chuong/{leaf}"),
            format!("loa/v1/speaker/tien-son/{leaf}"),
        );
        assert!(pole.listens(&mine).await, "{mine}");
        assert!(!pole.listens(&his).await, "{his}");
        assert!(!pole.say(&mine, b"x".to_vec()).await, "{mine}");
    }
    for topic in ["loa/v1/head", "loa/v1/root/1", "loa/v1/approvers/sang-moc"] {
        assert!(pole.listens(topic).await, "{topic}");
        assert!(!pole.say(topic, b"x".to_vec()).await, "{topic}");
    }
    assert!(pole.listens("loa/v1/root/+").await);
    assert!(!pole.listens("loa/v1/#").await);
}

#[tokio::test]
async fn silent_strangers_hold_nobody_up() {
    let office = office().await;
    let pole = pass(&office.authority, "ban-chuong", 1);
    office.admit(&[&pole]);
    let mut silent = Vec::new();
    for _ in 0..(loa_controller::broker::HALF_OPEN + 50) {
        silent.push(TcpStream::connect(office.broker.address()).await.unwrap());
    }
    assert!(office.connect(&pole).await.is_ok());
    // Nor somebody who has shown a certificate and then says nothing.
    let tls = tokio_rustls::TlsConnector::from(Arc::new(office.tls(Some(&pole))));
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = TcpStream::connect(office.broker.address()).await.unwrap();
    let _silent = tls.connect(name, stream).await.unwrap();
    assert!(office.connect(&pole).await.is_ok());
}

#[tokio::test]
async fn a_revoked_pole_is_cut_off_and_does_not_come_back() {
    let office = office().await;
    let (stolen, neighbour) = (
        pass(&office.authority, "ban-chuong", 1),
        pass(&office.authority, "tien-son", 2),
    );
    office.admit(&[&stolen, &neighbour]);
    let mut thief = office.connect(&stolen).await.unwrap();
    let other = office.connect(&neighbour).await.unwrap();
    let replaced = pass(&office.authority, "ban-chuong", 3);
    office.admit(&[&replaced, &neighbour]);
    thief.lost().await;
    assert!(office.connect(&stolen).await.is_err());
    // Nobody else noticed, and the new board is let in.
    assert!(
        other
            .say("loa/v1/speaker/tien-son/status", b"x".to_vec())
            .await
    );
    let again = office.connect(&replaced).await;
    assert!(again.is_ok(), "{:?}", again.err());
}

#[tokio::test]
async fn the_servers_certificate_changes_without_cutting_anybody_off() {
    let office = office().await;
    let pole = pass(&office.authority, "ban-chuong", 1);
    office.admit(&[&pole]);
    let before = office.connect(&pole).await.unwrap();
    let next = office
        .authority
        .server(&["127.0.0.1".into()], now())
        .unwrap();
    office.shown.change(&next.chain, &next.key).unwrap();
    let tls = tokio_rustls::TlsConnector::from(Arc::new(office.tls(Some(&pole))));
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = TcpStream::connect(office.broker.address()).await.unwrap();
    let stream = tls.connect(name, stream).await.unwrap();
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    assert_eq!(shown, office.shown.leaf());
    assert!(
        before
            .say("loa/v1/speaker/ban-chuong/status", b"x".to_vec())
            .await
    );
}

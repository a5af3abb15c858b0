//! Who is let in, and what one pole's key opens beside its own.

use std::{io, path::Path, sync::Arc, time::Duration};

use loa_agent::identity::{Identity, key::Key};
use loa_controller::pki::Authority;
use loa_protocol::time::WallTime;
use rustls::ClientConfig;
use tokio::{runtime::Runtime, time::timeout};

use crate::process::{
    clock::now_us,
    mqtt::{Client, Hello},
    office::Office,
    passport::{as_pole, as_stranger, connect, issued, shake_hands},
};

const DAY_S: i64 = 86_400;
/// A broker that has said nothing by then has let nobody in.
const PATIENCE: Duration = Duration::from_secs(5);
/// Given to a reader, after its last wish, to be told of what it should not be.
const LISTEN: Duration = Duration::from_millis(300);

/// Why somebody is to stay outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    NoCertificate,
    AnotherAuthority,
    Expired,
    Revoked,
    AnothersName,
}

impl Stranger {
    pub const ALL: [Self; 5] = [
        Self::NoCertificate,
        Self::AnotherAuthority,
        Self::Expired,
        Self::Revoked,
        Self::AnothersName,
    ];
}

/// Two poles that were enrolled, and what one had before its board was replaced.
#[derive(Debug)]
pub struct Known {
    pub first: Arc<Identity>,
    pub second: Arc<Identity>,
    pub revoked: Arc<Identity>,
}

/// Each kind of stranger in turn, `tries` in all, at `port`. Those that were let in.
#[track_caller]
pub fn let_in(office: &Office, port: u16, known: &Known, tries: usize) -> Vec<Stranger> {
    let runtime = Runtime::new().expect("a runtime");
    let name = known.first.speaker().to_string();
    let key = Key::make().expect("a key");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let configs: Vec<Arc<ClientConfig>> = Stranger::ALL
        .iter()
        .map(|kind| config(*kind, office, known, &key, elsewhere.path()))
        .map(Arc::new)
        .collect();
    runtime.block_on(async {
        // The instrument first: the pole itself comes in.
        let own = Arc::new(as_pole(&known.first));
        connect(port, &own, &name)
            .await
            .expect("the pole itself is let in");
        let mut found = Vec::new();
        for n in 0..tries {
            let kind = Stranger::ALL[n % Stranger::ALL.len()];
            let config = &configs[n % Stranger::ALL.len()];
            let tried = timeout(PATIENCE, try_once(port, config, kind, known)).await;
            if matches!(tried, Ok(Ok(()))) {
                found.push(kind);
            }
        }
        found
    })
}

/// In as whom it says it is: under another pole's name, what it says must be taken as that pole's.
async fn try_once(
    port: u16,
    config: &Arc<ClientConfig>,
    kind: Stranger,
    known: &Known,
) -> io::Result<()> {
    let name = known.first.speaker().as_str();
    let mut client = connect(port, config, name).await?;
    if kind == Stranger::AnothersName {
        // A broker that goes by the certificate alone lets it in as itself.
        client
            .publish(&format!("loa/v1/speaker/{name}/status"), b"forged")
            .await?;
    }
    Ok(())
}

fn config(
    kind: Stranger,
    office: &Office,
    known: &Known,
    key: &Key,
    elsewhere: &Path,
) -> ClientConfig {
    let speaker = known.first.speaker();
    match kind {
        Stranger::NoCertificate => as_stranger(None),
        Stranger::AnotherAuthority => {
            let now = WallTime::from_micros(now_us());
            let authority = Authority::open(elsewhere, now).expect("an authority of its own");
            let made = authority
                .speaker(speaker, &key.public(), now)
                .expect("a certificate");
            as_stranger(Some((made.der, key)))
        }
        Stranger::Expired => {
            let life_s = (-91 * DAY_S, -DAY_S);
            let made = issued(office, speaker.as_str(), &key.public(), life_s);
            as_stranger(Some((made.der, key)))
        }
        Stranger::Revoked => {
            let revoked = &known.revoked;
            as_stranger(Some((revoked.certificate.der.clone(), &*revoked.key)))
        }
        Stranger::AnothersName => as_pole(&known.second),
    }
}

/// With the first pole's key: `tries` foreign topics, read and written in turn. Those that opened, with what was done.
#[track_caller]
pub fn foreign_topics(port: u16, known: &Known, tries: usize) -> Vec<String> {
    let runtime = Runtime::new().expect("a runtime");
    let own = known.first.speaker().to_string();
    let other = known.second.speaker().to_string();
    runtime.block_on(async {
        let open = async |identity: &Identity, speaker: &str| -> Client {
            let config = Arc::new(as_pole(identity));
            connect(port, &config, speaker).await.expect("it is let in")
        };
        let mut thief = open(&known.first, &own).await;
        let mut victim = open(&known.second, &other).await;
        thief
            .publish(&format!("loa/v1/speaker/{own}/want"), b"own")
            .await
            .expect("its own topic is open");
        let mut found = Vec::new();
        let (read, written) = (readable(&own, &other), writable(&own, &other));
        for n in 0..tries / 2 {
            let topic = &written[n % written.len()];
            // A broker may also cut the line over it.
            match thief.try_publish(topic, b"forged").await {
                Ok(0x80..) => {}
                Ok(_) => found.push(format!("written {topic}")),
                Err(_) => thief = open(&known.first, &own).await,
            }
            let filter = &read[n % read.len()];
            if thief.subscribe(filter).await.is_err() {
                thief = open(&known.first, &own).await;
            }
        }
        // Some brokers agree to every wish and then give nothing: what counts is what is given.
        for leaf in ["status", "events", "want", "clock", "renewal"] {
            let topic = format!("loa/v1/speaker/{other}/{leaf}");
            victim
                .publish(&topic, b"private")
                .await
                .expect("its own topic");
        }
        while let Ok(Some(topic)) = thief.next_topic(LISTEN).await {
            if !may_read(&own, &topic) {
                found.push(format!("read {topic}"));
            }
        }
        found
    })
}

/// What speakers read: what is for all, and their own.
fn may_read(own: &str, topic: &str) -> bool {
    let Some(rest) = topic.strip_prefix("loa/v1/") else {
        return false;
    };
    let leaf = rest
        .strip_prefix("speaker/")
        .and_then(|r| r.strip_prefix(own));
    rest == "head"
        || ["root/", "approvers/", "channel/", "content/"]
            .iter()
            .any(|shared| rest.starts_with(shared))
        || matches!(
            leaf,
            Some("/config" | "/ack" | "/clock/reply" | "/certificate")
        )
}

fn readable(own: &str, other: &str) -> Vec<String> {
    let leaves = [
        "config",
        "ack",
        "clock/reply",
        "certificate",
        "status",
        "events",
        "want",
        "clock",
        "renewal",
        "#",
    ];
    let mut filters: Vec<String> = [
        "#",
        "loa/#",
        "loa/v1/#",
        "loa/v1/+",
        "+/+/+",
        "$SYS/#",
        "loa/v1/+/+/+",
    ]
    .map(str::to_owned)
    .to_vec();
    filters.extend(leaves.map(|leaf| format!("loa/v1/speaker/{other}/{leaf}")));
    filters.extend(leaves.map(|leaf| format!("loa/v1/speaker/+/{leaf}")));
    filters.extend(
        ["status", "events", "want", "renewal"].map(|l| format!("loa/v1/speaker/{own}/{l}")),
    );
    filters
}

fn writable(own: &str, other: &str) -> Vec<String> {
    let of_speakers = ["status", "events", "want", "clock", "renewal"];
    let of_office = ["config", "ack", "clock/reply", "certificate"];
    let mut topics: Vec<String> = [
        "head".to_owned(),
        "root/1".into(),
        "root/2".into(),
        "approvers/ban-chuong".into(),
        "channel/area.ban-chuong/programme".into(),
        "channel/area.ban-chuong/now".into(),
        format!("channel/speaker.{own}/now"),
        format!("channel/speaker.{own}/programme"),
        format!("content/{}/0", "ab".repeat(32)),
        "speaker".into(),
        format!("speaker/{own}"),
        format!("speaker/{own}/status/more"),
    ]
    .map(|rest| format!("loa/v1/{rest}"))
    .to_vec();
    topics.extend(of_speakers.map(|leaf| format!("loa/v1/speaker/{other}/{leaf}")));
    topics.extend(of_office.map(|leaf| format!("loa/v1/speaker/{other}/{leaf}")));
    topics.extend(of_office.map(|leaf| format!("loa/v1/speaker/{own}/{leaf}")));
    topics.extend(["loa/v2/head", "elsewhere"].map(str::to_owned));
    topics
}

/// Is the line closed to this identity under its own name?
pub fn is_refused(port: u16, identity: &Identity) -> bool {
    let runtime = Runtime::new().expect("a runtime");
    let config = Arc::new(as_pole(identity));
    runtime.block_on(async {
        let name = identity.speaker().as_str();
        let hello = Hello {
            client_id: name,
            user: name,
            password: None,
        };
        let tried = timeout(PATIENCE, async {
            Client::open(shake_hands(port, &config).await?, hello).await
        });
        !matches!(tried.await, Ok(Ok(_)))
    })
}

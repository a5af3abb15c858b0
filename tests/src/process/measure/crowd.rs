//! Many poles that only hold a line, over TLS with certificates of their own, or in clear: what each costs, how fast the line of
//! one that is retired is cut, and how a fleet comes back.

use std::{sync::Arc, time::Duration};

use loa_agent::{identity::Identity, link::Backoff};
use rustls::ClientConfig;
use serde_json::json;
use tokio::{
    runtime::Runtime,
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::cost::{cpu_s, rss_mb};
use crate::process::{
    chance::Chance,
    clock::{mono_us, now_us, wait_for_time},
    mqtt::Client,
    office::Office,
    passport::{add_speaker, as_pole, connect, enrolled},
    village::Village,
};

/// Connections that are made at one time.
const AT_ONCE: usize = 50;
/// An agent gives a connection this long to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest bound of an agent's waiting time, as shipped, in seconds.
const RECONNECT_MAX_S: u32 = 300;
/// The system's memory settles within this after the last connection.
const SETTLE_US: i64 = 3_000_000;

/// Speakers that were enrolled through the API, each as its agent would.
#[track_caller]
pub fn enrol_all(village: &Village, count: usize) -> Vec<Arc<Identity>> {
    let office = &village.office;
    (0..count)
        .map(|n| {
            let id = add_speaker(office, village.area(), &format!("Cụm {n}"));
            enrolled(office, &id)
        })
        .collect()
}

/// What a connected pole costs the office.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub memory_kb: f64,
    /// Of its coming in.
    pub cpu_ms: f64,
}

/// Of speakers with certificates.
#[track_caller]
pub fn cost_of_tls(village: &Village, identities: &[Arc<Identity>]) -> Cost {
    let port = village.office.broker_port;
    let all = identities.iter().map(|identity| {
        let (config, id) = (Arc::new(as_pole(identity)), identity.speaker().to_string());
        async move { connect(port, &config, &id).await }
    });
    cost_of(&village.office, all.collect())
}

/// Of as many speakers with tokens.
#[track_caller]
pub fn cost_in_clear(village: &Village, count: usize) -> Cost {
    let (port, office) = (village.office.broker_port, &village.office);
    let all = (0..count).map(|n| {
        let body = json!({"name": format!("Cụm {n}"), "area": village.area()});
        let made = office.api.post("/speakers", &body);
        let text = |key: &str| made[key].as_str().expect("a text").to_owned();
        let (id, token) = (text("id"), text("token"));
        async move { Client::connect(port, &id, &token).await }
    });
    cost_of(office, all.collect())
}

fn cost_of<F>(office: &Office, connecting: Vec<F>) -> Cost
where
    F: Future<Output = std::io::Result<Client>> + Send + 'static,
{
    let count = connecting.len() as f64;
    // What the office did for those who were added or enrolled is over.
    wait_for_time(now_us() + SETTLE_US);
    let pid = office.pid();
    let (memory, cpu) = (rss_mb(pid), cpu_s(pid));
    let runtime = Runtime::new().expect("a runtime");
    let clients = runtime.block_on(async {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        for one in connecting {
            let places = Arc::clone(&places);
            tasks.spawn(async move {
                let _place = places.acquire().await.expect("it is never closed");
                one.await.expect("the broker lets it in")
            });
        }
        tasks.join_all().await
    });
    wait_for_time(now_us() + SETTLE_US);
    let cost = Cost {
        memory_kb: (rss_mb(pid) - memory) * 1_000.0 / count,
        cpu_ms: (cpu_s(pid) - cpu) * 1_000.0 / count,
    };
    drop(clients);
    cost
}

/// Each is connected, and then retired over the API: seconds from the answer until its line was cut, and whether it came in
/// again.
#[track_caller]
pub fn cut_off(village: &Village, identities: &[Arc<Identity>]) -> Vec<f64> {
    let runtime = Runtime::new().expect("a runtime");
    let port = village.office.broker_port;
    identities
        .iter()
        .map(|identity| {
            let id = identity.speaker().to_string();
            let config = Arc::new(as_pole(identity));
            let mut client = runtime
                .block_on(connect(port, &config, &id))
                .expect("it is let in");
            let path = format!("/speakers/{id}/retire");
            village.office.api.call("POST", &path, None).json();
            let answered_us = mono_us();
            let cut = runtime
                .block_on(async { timeout(Duration::from_secs(120), client.until_cut()).await });
            assert!(cut.is_ok(), "{id} is still connected after two minutes");
            let seconds = (mono_us() - answered_us) as f64 / 1e6;
            let again = runtime.block_on(connect(port, &config, &id));
            assert!(again.is_err(), "{id} came in again");
            seconds
        })
        .collect()
}

/// How a fleet came back.
#[derive(Clone, Debug)]
pub struct ComeBack {
    /// Seconds from when the broker listened again until each was in, the waiting that its own jitter asked for included.
    pub after_restart_s: Vec<f64>,
    /// The same without that waiting: from the first try that the broker could answer.
    pub straggled_s: Vec<f64>,
}

/// All are connected; the office with its broker is killed and started again; each comes back by the agent's own rule, spread
/// over `jitter_s`.
#[track_caller]
pub fn come_back(village: &mut Village, identities: &[Arc<Identity>], jitter_s: u16) -> ComeBack {
    let runtime = Runtime::new().expect("a runtime");
    let port = village.office.broker_port;
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut chance = Chance::printed();
    let mut clients = Vec::new();
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for identity in identities {
            let (places, seed) = (Arc::clone(&places), chance.draw());
            let (config, id) = (Arc::new(as_pole(identity)), identity.speaker().to_string());
            tasks.spawn(async move {
                let _place = places.acquire().await.expect("it is never closed");
                let client = connect(port, &config, &id).await;
                (client.expect("the broker lets it in"), config, id, seed)
            });
        }
        clients = tasks.join_all().await;
    });
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|(mut client, config, id, seed)| {
            runtime.spawn(async move {
                client.until_cut().await;
                drop(client);
                tries(port, &config, &id, Chance::new(seed), jitter_s).await
            })
        })
        .collect();
    village.office.restart();
    let up_us = mono_us();
    let mut came = ComeBack {
        after_restart_s: Vec::new(),
        straggled_s: Vec::new(),
    };
    for task in tasks {
        let (tried_us, in_us) = runtime.block_on(task).expect("it comes back");
        let seconds = |from_us: u64| in_us.saturating_sub(from_us) as f64 / 1e6;
        // A try before the broker was there could not be answered.
        let first = tried_us.into_iter().find(|at_us| *at_us >= up_us);
        came.after_restart_s.push(seconds(up_us));
        came.straggled_s
            .push(seconds(first.unwrap_or(up_us).max(up_us)));
    }
    came
}

/// As the agent's line does it after a connection that was a good one. When each try began, and when one succeeded.
async fn tries(
    port: u16,
    config: &Arc<ClientConfig>,
    id: &str,
    mut chance: Chance,
    jitter_s: u16,
) -> (Vec<u64>, u64) {
    let mut backoff = Backoff::new(RECONNECT_MAX_S);
    backoff.reset(f64::from(jitter_s));
    let mut tried_us = Vec::new();
    loop {
        sleep(backoff.next_wait(f64::from(chance.sample()).abs())).await;
        tried_us.push(mono_us());
        if let Ok(Ok(client)) = timeout(CONNECT_TIMEOUT, connect(port, config, id)).await {
            let in_us = mono_us();
            // It stays: the others come back to a broker that is as full as before.
            tokio::spawn(async move {
                let mut client = client;
                client.until_cut().await;
            });
            return (tried_us, in_us);
        }
    }
}

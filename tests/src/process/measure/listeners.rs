//! Many poles that only listen to one call: what it costs the office, and whether each is given every packet.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use loa_agent::identity::Identity;
use loa_protocol::topic::Topic;
use serde_json::json;
use tokio::{runtime::Runtime, sync::Semaphore, task::JoinSet};

use super::cost::cpu_s;
use crate::process::{
    clock::{mono_us, now_us, wait_for_time},
    mqtt::Client,
    passport::{as_pole, connect},
    phone::Phone,
    sound::speech_like,
    village::Village,
};

/// Connections that are made at one time.
const AT_ONCE: usize = 50;
/// The system is calm within this after the last connection.
const SETTLE_US: i64 = 3_000_000;
/// Frames in one packet, as the office sends them.
const GATHERED: f64 = 2.0;

/// What one call came to.
#[derive(Clone, Copy, Debug)]
pub struct OneCall {
    /// CPU seconds of the office, its broker included, for each minute of the call.
    pub cpu_s: f64,
    /// Of the packets of the call, what the poles were given: all of them together, and the one with the fewest.
    pub given: f64,
    pub least: f64,
}

/// With certificates of their own.
#[track_caller]
pub fn over_tls(village: &Village, identities: &[Arc<Identity>], seconds: f32) -> OneCall {
    let port = village.office.broker_port;
    let all = identities.iter().map(|identity| {
        let (config, id) = (Arc::new(as_pole(identity)), identity.speaker().to_string());
        async move { connect(port, &config, &id).await }
    });
    one_call(village, all.collect(), seconds)
}

/// As many with tokens.
#[track_caller]
pub fn in_clear(village: &Village, count: usize, seconds: f32) -> OneCall {
    let (port, office) = (village.office.broker_port, &village.office);
    let all = (0..count).map(|n| {
        let body = json!({"name": format!("Cụm {n}"), "area": village.area()});
        let made = office.api.post("/speakers", &body);
        let text = |key: &str| made[key].as_str().expect("a text").to_owned();
        let (id, token) = (text("id"), text("token"));
        async move { Client::connect(port, &id, &token).await }
    });
    one_call(village, all.collect(), seconds)
}

#[track_caller]
fn one_call<F>(village: &Village, connecting: Vec<F>, seconds: f32) -> OneCall
where
    F: Future<Output = std::io::Result<Client>> + Send + 'static,
{
    let filter = Topic::live_filter(&village.channel.parse().expect("a channel"));
    let runtime = Runtime::new().expect("a runtime");
    let counts = runtime.block_on(async {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        for one in connecting {
            let (places, filter) = (Arc::clone(&places), filter.clone());
            tasks.spawn(async move {
                let _place = places.acquire().await.expect("it is never closed");
                let mut client = one.await.expect("the broker lets it in");
                let reason = client.subscribe(&filter).await.expect("the broker answers");
                assert!(reason < 0x80, "the broker refuses {filter}: {reason}");
                let count = Arc::new(AtomicU64::new(0));
                let counted = Arc::clone(&count);
                tokio::spawn(async move { client.count(&counted).await });
                count
            });
        }
        tasks.join_all().await
    });
    wait_for_time(now_us() + SETTLE_US);
    let phone = Phone::at(village.office.http_port());
    let (pid, sound) = (village.office.pid(), speech_like(seconds, 1));
    let (cpu_before, began_us) = (cpu_s(pid), mono_us());
    let call = phone.call(&json!({"targets": [village.channel], "chime": "none"}));
    let talked = phone.talk(&call, sound).until_over();
    // The last packets are on their way.
    wait_for_time(now_us() + 1_000_000);
    let minutes = (mono_us() - began_us) as f64 / 60e6;
    let used_s = cpu_s(pid) - cpu_before;
    let packets = talked.frames as f64 / GATHERED;
    let given: Vec<f64> = counts
        .iter()
        .map(|count| count.load(Ordering::Relaxed) as f64 / packets)
        .collect();
    runtime.shutdown_timeout(Duration::from_secs(1));
    OneCall {
        cpu_s: used_s / minutes,
        given: given.iter().sum::<f64>() / given.len().max(1) as f64,
        least: given.iter().copied().fold(f64::INFINITY, f64::min),
    }
}

//! How many status documents a second the office takes in, and what that costs.

use std::{sync::Arc, time::Duration};

use loa_protocol::{
    content::Sha,
    envelope::seal_unsigned,
    id::SpeakerId,
    status::{ClockState, Next, SpeakerStatus},
    telemetry::{Network, NetworkKind, Telemetry},
    time::{Trust, WallTime},
};
use serde_json::json;
use tokio::{runtime::Runtime, sync::Semaphore, time::MissedTickBehavior};

use super::cost::{cpu_s, rss_mb};
use crate::process::{
    clock::{mono_us, now_us, wait_until},
    mqtt::Client,
    village::Village,
};

/// Connections that are made at one time.
const AT_ONCE: usize = 50;

/// Many speakers that only report.
#[derive(Debug)]
pub struct Crowd {
    runtime: Runtime,
    speakers: Vec<(SpeakerId, Client)>,
    /// Of the status that all sent last; they count up.
    sent: u64,
}

/// What one flood came to.
#[derive(Clone, Copy, Debug)]
pub struct Flood {
    /// Per second, over the whole flood until the last was in the database.
    pub rate: f64,
    /// Of one core.
    pub cpu_percent: f64,
    pub rss_mb: f64,
    /// Written to the disk, in kilobytes (10^3 bytes), for each document.
    pub disk_kb: f64,
    /// Of one document.
    pub bytes: usize,
    pub documents: usize,
}

impl Crowd {
    /// # Panics
    /// When the office does not take them.
    pub fn gather(village: &Village, speakers: usize) -> Self {
        let api = &village.office.api;
        let area = village.channel.trim_start_matches("area.");
        let added: Vec<(SpeakerId, String)> = (0..speakers)
            .map(|n| {
                let made = api.post(
                    "/speakers",
                    &json!({"name": format!("Cụm {n}"), "area": area}),
                );
                let text = |key: &str| made[key].as_str().expect("a text").to_owned();
                (text("id").parse().expect("a good name"), text("token"))
            })
            .collect();
        let runtime = Runtime::new().expect("a runtime");
        let port = village.office.broker_port;
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let speakers = runtime.block_on(async {
            let mut connecting = Vec::new();
            for (id, token) in added {
                let places = places.clone();
                connecting.push(tokio::spawn(async move {
                    let _place = places.acquire().await.expect("it is never closed");
                    let publisher = Client::connect(port, id.as_str(), &token).await;
                    (id, publisher.expect("the broker lets it in"))
                }));
            }
            let mut speakers = Vec::new();
            for one in connecting {
                speakers.push(one.await.expect("it connects"));
            }
            speakers
        });
        Self {
            runtime,
            speakers,
            sent: 0,
        }
    }

    /// Each speaker sends `times` statuses, evenly, `rate` a second in all, and waits for the broker's word each time.
    ///
    /// # Panics
    /// When the office does not have the last of each at the end.
    pub fn flood(&mut self, village: &Village, rate: f64, times: u64) -> Flood {
        let pid = village.office.pid();
        let (cpu, written, begin_us) = (cpu_s(pid), written_bytes(pid), mono_us());
        let every = Duration::from_secs_f64(self.speakers.len() as f64 / rate);
        let (first, last) = (self.sent + 1, self.sent + times);
        self.sent = last;
        let speakers = std::mem::take(&mut self.speakers);
        let count = speakers.len();
        let bytes = seal_unsigned(&status(&speakers[0].0, 1)).len();
        self.speakers = self.runtime.block_on(async {
            let mut sending = Vec::new();
            for (n, (id, mut publisher)) in speakers.into_iter().enumerate() {
                let after = every.mul_f64(n as f64 / count as f64);
                sending.push(tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    let mut due = tokio::time::interval(every);
                    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
                    let topic = format!("loa/v1/speaker/{id}/status");
                    for number in first..=last {
                        due.tick().await;
                        let payload = seal_unsigned(&status(&id, number));
                        let sent = publisher.publish(&topic, &payload).await;
                        sent.expect("the broker takes it");
                    }
                    (id, publisher)
                }));
            }
            let mut back = Vec::new();
            for one in sending {
                back.push(one.await.expect("it sends"));
            }
            back
        });
        let speakers = &self.speakers;
        wait_until(
            "the last of each is stored",
            Duration::from_secs(30),
            || (stored(village, last) == speakers.len()).then_some(()),
        );
        let seconds = (mono_us() - begin_us) as f64 / 1e6;
        let documents = count * times as usize;
        Flood {
            rate: documents as f64 / seconds,
            cpu_percent: (cpu_s(pid) - cpu) / seconds * 100.0,
            rss_mb: rss_mb(pid),
            disk_kb: (written_bytes(pid) - written) / documents as f64 / 1e3,
            bytes,
            documents,
        }
    }
}

/// As a pole with a modem and some audio sends it; `number` is told as the last event, so that it is found again.
fn status(speaker: &SpeakerId, number: u64) -> SpeakerStatus {
    let now = WallTime::from_micros(now_us());
    let version = Default::default();
    SpeakerStatus {
        speaker: speaker.clone(),
        online: true,
        store: "s1".parse().expect("a good name"),
        boot: 3,
        agent: "loa-agent 0.1.0".into(),
        at: Some(now),
        clock: ClockState {
            trust: Trust::Synced,
            offset_us: Some(-1_200),
            error_us: Some(9_000),
        },
        config: Some(version),
        programmes: ["area.ban-chuong", "area.sang-moc", "area.thai-nguyen"]
            .map(|channel| (channel.parse().expect("a good channel"), version))
            .into(),
        held: (0_u8..12).map(|n| Sha::of(&[n])).collect(),
        partial: Vec::new(),
        sounding: None,
        next: Some(Next {
            occurrence: "ban-tin/2026-11-27/0/0".parse().expect("a good id"),
            title: "Bản tin sáng".into(),
            planned: now.plus_s(40_000),
        }),
        muted: false,
        output: "device default (alsa)".into(),
        last_event: number,
        acked: number,
        refused: Default::default(),
        disk_free_bytes: Some(3_000_000_000),
        uptime_s: 86_400,
        limits: None,
        governor_quiet: vec![],
        governor_zone: None,
        used: None,
        telemetry: Some(Box::new(Telemetry {
            machine_uptime_s: Some(86_400),
            machine_boot: Some("3f0c2a4e-6a55-4a57-9d0f-0f6a4f7d7b11".into()),
            starts_1h: 1,
            temperature_mc: Some(48_000),
            load_centi: Some(12),
            processors: Some(4),
            memory_total_bytes: Some(512_000_000),
            memory_available_bytes: Some(300_000_000),
            disk_total_bytes: Some(8_000_000_000),
            content_bytes: 40_000_000,
            content_quota_bytes: 512_000_000,
            network: Some(Network {
                kind: NetworkKind::Cellular,
                interface: "wwan0".into(),
                signal_dbm: Some(-87),
                signal_percent: Some(54),
                operator: Some("Viettel".into()),
                cell: Some("452-04-1f2e-00a1".into()),
            }),
            ..Telemetry::default()
        })),
        audit: None,
    }
}

/// How many speakers' newest status in the database is this one.
fn stored(village: &Village, number: u64) -> usize {
    let path = village.office.data_dir().join("loa.db");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(Duration::from_secs(5));
        let mut db = <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options)
            .await
            .expect("the office's database opens");
        let found: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM speaker_status WHERE json_extract(status, '$.last_event') = $1",
        )
        .bind(i64::try_from(number).expect("a small number"))
        .fetch_one(&mut db)
        .await
        .expect("it answers");
        usize::try_from(found).expect("a count")
    })
}

/// That a process has caused to be written to storage (proc(5), `write_bytes`).
fn written_bytes(pid: u32) -> f64 {
    let io = std::fs::read_to_string(format!("/proc/{pid}/io")).expect("the process runs");
    let line = io
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes:"));
    line.and_then(|number| number.trim().parse().ok())
        .expect("a number of bytes")
}

//! The status file: what `loa-agent status` reads. The same document as goes to the office, and what only this side knows.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use loa_protocol::{
    limits::Limits,
    sounded::Used,
    status::SpeakerStatus,
    telemetry::Telemetry,
    time::{Trust, WallTime},
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// The program renews its status at least this often (s); an older one is doubtful.
const FRESH_S: i64 = 120;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusFile {
    /// System clock when it was written.
    pub written: WallTime,
    /// Is the line to the broker up?
    pub connected: bool,
    pub status: SpeakerStatus,
}

/// Writes the newest status into `data_dir`, on a thread made for it. Older ones that were not written yet are skipped.
pub fn start(data_dir: &Path) -> watch::Sender<Option<StatusFile>> {
    let (sender, mut newest) = watch::channel(None);
    let folder = data_dir.to_owned();
    tokio::spawn(async move {
        while newest.changed().await.is_ok() {
            let Some(file) = newest.borrow_and_update().clone() else {
                continue;
            };
            let folder = folder.clone();
            let written = tokio::task::spawn_blocking(move || write(&folder, &file)).await;
            if let Ok(Err(error)) = written {
                tracing::warn!(%error, "the status file cannot be written");
            }
        }
    });
    sender
}

/// A whole file or the one before, never half of one. Not synced: after a power cut it is renewed anyway.
fn write(data_dir: &Path, file: &StatusFile) -> io::Result<()> {
    let draft = data_dir.join("status.json.new");
    fs::write(&draft, serde_json::to_vec(file)?)?;
    fs::rename(&draft, data_dir.join("status.json"))
}

/// The file that a running agent holds locked.
pub fn lock_path(data_dir: &Path) -> PathBuf {
    data_dir.join("lock")
}

/// Does an agent run on this data folder now?
pub fn runs(data_dir: &Path) -> bool {
    // No lock file, or nobody holds it: nobody runs. Our own lock goes when the file is closed.
    fs::File::open(lock_path(data_dir)).is_ok_and(|file| file.try_lock_shared().is_err())
}

/// # Errors
/// When there is none yet, or it is not one.
pub fn read(data_dir: &Path) -> io::Result<StatusFile> {
    let bytes = fs::read(data_dir.join("status.json"))?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// Plain lines for a person at the pole. `runs`: is there an agent on this data folder right now?
pub fn lines(file: &StatusFile, now: WallTime, runs: bool) -> Vec<String> {
    let status = &file.status;
    let age_s = now.since_us(file.written) / 1_000_000;
    let mut lines = Vec::new();
    if !runs {
        lines.push("The agent is not running. This is the last it said:".into());
    } else if !(-5..=FRESH_S).contains(&age_s) {
        lines.push("The agent runs, but has not renewed this for long; it may hang:".into());
    }
    let mut line = |name: &str, what: String| lines.push(format!("{name:<12} {what}"));
    line(
        "speaker",
        format!("{} ({}, run {})", status.speaker, status.agent, status.boot),
    );
    line(
        "sounding",
        match &status.sounding {
            Some(s) => format!("{:?} since {} ({})", s.title, s.since, s.occurrence),
            None => "nothing".into(),
        },
    );
    line(
        "next",
        match &status.next {
            Some(n) => format!("{:?} at {} ({})", n.title, n.planned, n.occurrence),
            None => "nothing planned".into(),
        },
    );
    let partial: Vec<String> = status
        .partial
        .iter()
        .map(|p| {
            format!(
                "{:.8} {}/{}",
                p.content.to_string(),
                p.blocks_held,
                p.blocks
            )
        })
        .collect();
    let coming = match partial.len() {
        0 => String::new(),
        n => format!(", {n} on the way ({})", partial.join(", ")),
    };
    line("content", format!("{} complete{coming}", status.held.len()));
    let trust = match status.clock.trust {
        Trust::Untrusted => "not trusted: nothing scheduled will sound",
        Trust::Held => "kept by a battery clock or the operator's word",
        Trust::Synced => "synchronised",
    };
    let offset = match (status.clock.offset_us, status.clock.error_us) {
        (Some(offset), Some(error)) => {
            format!(
                ", office {:+.1} ms \u{b1} {:.1} ms",
                offset as f64 / 1e3,
                error as f64 / 1e3
            )
        }
        _ => String::new(),
    };
    line("clock", format!("{trust}{offset}"));
    line(
        "line",
        if file.connected {
            "connected"
        } else {
            "no connection to the broker"
        }
        .into(),
    );
    line(
        "output",
        format!(
            "{}{}",
            status.output,
            if status.muted {
                ", muted by the office"
            } else {
                ""
            }
        ),
    );
    if let (Some(limits), Some(used)) = (&status.limits, &status.used) {
        line("limits", left(limits, used));
    }
    let unreported = status.last_event.saturating_sub(status.acked);
    line(
        "events",
        format!(
            "{} written, {unreported} not yet acknowledged",
            status.last_event
        ),
    );
    if let Some(bytes) = status.disk_free_bytes {
        line("disk", format!("{} MB free", bytes / 1_000_000));
    }
    if let Some(telemetry) = &status.telemetry {
        for (name, what) in measured(telemetry) {
            line(name, what);
        }
    }
    if !status.refused.is_empty() {
        let refused: Vec<String> = status
            .refused
            .iter()
            .map(|(why, n)| format!("{why} {n}"))
            .collect();
        line("refused", refused.join(", "));
    }
    line("told", format!("{age_s} s ago, at {}", file.written));
    lines
}

/// What is left of the limits in force; an open limit is not named.
fn left(limits: &Limits, used: &Used) -> String {
    let of = |what: &str, limit: Option<u16>, used_s: u32| {
        limit.map(|minutes| {
            let left = (u32::from(minutes) * 60).saturating_sub(used_s) / 60;
            format!("{left} of {minutes} min {what}")
        })
    };
    let parts: Vec<String> = [
        of("left today", limits.day_minutes, used.day_s),
        of("this hour", limits.hour_minutes, used.hour_s),
        of("at a stretch", limits.session_minutes, used.session_s),
        of(
            "of emergencies this hour",
            limits.emergency_hour_minutes,
            used.emergency_hour_s,
        ),
        limits
            .longest_item_s
            .map(|s| format!("no item over {} min", s / 60)),
        limits
            .volume_ceiling
            .map(|percent| format!("no louder than {percent} %")),
    ]
    .into_iter()
    .flatten()
    .collect();
    match parts.is_empty() {
        true => "none".into(),
        false => parts.join(", "),
    }
}

/// What was measured, a line for each thing that is known.
fn measured(telemetry: &Telemetry) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let mut line = |name, parts: &[Option<String>]| {
        let parts: Vec<&str> = parts.iter().flatten().map(String::as_str).collect();
        if !parts.is_empty() {
            lines.push((name, parts.join(", ")));
        }
    };
    let mb = |bytes: u64| bytes / 1_000_000;
    line(
        "machine",
        &[
            telemetry.machine_uptime_s.map(|s| {
                let (days, hours, minutes) = (s / 86_400, s / 3_600 % 24, s / 60 % 60);
                format!("runs for {days} d {hours} h {minutes} min")
            }),
            telemetry
                .temperature_mc
                .map(|mc| format!("{:.1} \u{b0}C", f64::from(mc) / 1e3)),
            telemetry.load_centi.map(|load| {
                let on = telemetry.processors.unwrap_or(1);
                format!("load {:.2} on {on} processors", f64::from(load) / 1e2)
            }),
            telemetry
                .memory_available_bytes
                .zip(telemetry.memory_total_bytes)
                .map(|(free, all)| format!("{} of {} MB memory free", mb(free), mb(all))),
        ],
    );
    line(
        "starts",
        &[(telemetry.starts_1h > 1).then(|| {
            let starts = telemetry.starts_1h;
            format!("{starts} within the last hour: the program does not stay up")
        })],
    );
    let (taken, quota) = (
        mb(telemetry.content_bytes),
        mb(telemetry.content_quota_bytes),
    );
    line("audio", &[Some(format!("{taken} of {quota} MB taken"))]);
    if let Some(network) = &telemetry.network {
        let kind = format!("{:?}", network.kind).to_lowercase();
        let said = |what: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("{what}{value}"))
        };
        line(
            "network",
            &[
                Some(format!("{kind} {}", network.interface)),
                network.signal_dbm.map(|dbm| format!("{dbm} dBm")),
                network.signal_percent.map(|p| format!("signal {p} %")),
                said("", &network.operator),
                said("cell ", &network.cell),
            ],
        );
    }
    if let Some(data) = &telemetry.data {
        let (down, up) = (mb(data.received_bytes), mb(data.sent_bytes));
        line(
            "data",
            &[Some(format!(
                "{down} MB down, {up} MB up since {}",
                data.month
            ))],
        );
    }
    if let Some(power) = &telemetry.power {
        let mains = power.mains.map(|mains| match mains {
            true => "mains".to_owned(),
            false => "NO MAINS".to_owned(),
        });
        let percent = power.battery_percent.map(|p| format!("battery {p} %"));
        let volts = power
            .battery_mv
            .map(|mv| format!("{:.1} V", f64::from(mv) / 1e3));
        line("power", &[mains, percent, volts]);
    }
    line(
        "volume",
        &[
            telemetry.volume.map(|volume| format!("{volume} %")),
            Some(match telemetry.last_sound {
                Some(at) => format!("sounded last until {at}"),
                None => "nothing has sounded yet".into(),
            }),
        ],
    );
    lines
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use loa_protocol::{
        status::{ClockState, Next, Sounding},
        telemetry::{DataUse, Network, NetworkKind, Power},
    };

    use super::*;

    fn file() -> StatusFile {
        StatusFile {
            written: WallTime::EPOCH.plus_s(1_000),
            connected: true,
            status: SpeakerStatus {
                speaker: "ban-chuong-1".parse().expect("a name"),
                online: true,
                store: "s1".parse().expect("a name"),
                boot: 3,
                at: None,
                agent: "loa-agent 0.1.0".into(),
                clock: ClockState {
                    trust: Trust::Synced,
                    offset_us: Some(1_500),
                    error_us: Some(300),
                },
                config: None,
                programmes: BTreeMap::from([(
                    "area.ban-chuong".parse().expect("a channel"),
                    Default::default(),
                )]),
                held: vec![],
                partial: vec![],
                sounding: Some(Sounding {
                    streamed: None,
                    occurrence: "tin/2026-11-24/0/0".parse().expect("an id"),
                    title: "Tin sáng".into(),
                    since: WallTime::EPOCH,
                }),
                next: Some(Next {
                    occurrence: "tin/2026-11-25/0/0".parse().expect("an id"),
                    title: "Tin mai".into(),
                    planned: WallTime::EPOCH.plus_s(90_000),
                }),
                muted: false,
                output: "wav /tmp".into(),
                last_event: 9,
                acked: 4,
                refused: BTreeMap::new(),
                disk_free_bytes: Some(5_000_000),
                uptime_s: 7,
                limits: Some(Limits {
                    day_minutes: Some(360),
                    emergency_hour_minutes: Some(20),
                    ..Limits::default()
                }),
                governor_quiet: vec![],
                governor_zone: None,
                used: Some(Used {
                    day_s: 3_601,
                    ..Used::default()
                }),
                telemetry: Some(Box::new(Telemetry {
                    machine_uptime_s: Some(200_000),
                    starts_1h: 7,
                    temperature_mc: Some(51_250),
                    network: Some(Network {
                        kind: NetworkKind::Cellular,
                        interface: "wwan0".into(),
                        signal_dbm: Some(-87),
                        signal_percent: None,
                        operator: Some("Viettel".into()),
                        cell: None,
                    }),
                    data: Some(DataUse {
                        month: jiff::civil::date(2026, 11, 1),
                        received_bytes: 734_003_200,
                        sent_bytes: 0,
                    }),
                    power: Some(Power {
                        mains: Some(false),
                        battery_percent: Some(87),
                        battery_mv: None,
                    }),
                    ..Telemetry::default()
                })),
                audit: None,
            },
        }
    }

    #[test]
    fn the_status_file_reads_back_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), &file()).expect("writes");
        assert_eq!(read(folder.path()).expect("reads"), file());
    }

    #[test]
    fn a_person_reads_what_sounds_what_is_next_and_how_old_that_is() {
        let text = lines(&file(), WallTime::EPOCH.plus_s(1_010), true).join("\n");
        for part in [
            "Tin sáng",
            "Tin mai",
            "1970-01-02T01:00:00Z",
            "synchronised",
            "+1.5 ms",
            "connected",
            "5 not yet",
            "10 s ago",
            "runs for 2 d 7 h 33 min, 51.2 °C",
            "7 within the last hour",
            "cellular wwan0, -87 dBm, Viettel",
            "734 MB down, 0 MB up since 2026-11-01",
            "NO MAINS, battery 87 %",
            "nothing has sounded yet",
            "299 of 360 min left today, 20 of 20 min of emergencies this hour",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn a_dead_agent_is_not_shown_as_alive() {
        let dead = lines(&file(), WallTime::EPOCH.plus_s(1_010), false).join("\n");
        assert!(dead.contains("not running"), "{dead}");
        let hangs = lines(&file(), WallTime::EPOCH.plus_s(2_000), true).join("\n");
        assert!(hangs.contains("may hang"), "{hangs}");
    }
}

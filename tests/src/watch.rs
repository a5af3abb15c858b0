//! Nights of alerts in simulated time: the real office and its presence, the real judge, the real database, and poles of which
//! only the line is simulated.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use ed25519_dalek::SigningKey;
use loa_controller::{
    clock::Clock,
    logic::{
        Input, Office, Presence, Settings,
        alerts::{Around, Condition, Down, Judge, Kind, Measures},
        outages::Cause,
    },
    store::{AlertFilter, Decided, NewArea, NewSpeaker, Store, StoreError},
};
use loa_protocol::{
    envelope::seal_unsigned,
    id::{AreaId, SpeakerId},
    speaker_config::{SpeakerConfig, VolumePlan},
    status::{ClockState, SpeakerStatus},
    telemetry::{Network, NetworkKind, Telemetry},
    time::{Trust, WallTime},
    topic::Topic,
};

/// How often the judge looks, in seconds.
const LOOK_S: i64 = 5;
/// How often a pole tells its status, in seconds.
const STATUS_S: i64 = 60;

/// When lines are down.
#[derive(Clone, Debug)]
pub struct Weather {
    pub hours: i64,
    /// Every line drops for `drop_s` seconds, `every_s` seconds after the last time; each at a time of its own.
    pub drop_s: i64,
    pub every_s: i64,
    /// In this time, from its first second to its last, these poles (the first so many) have no line at all.
    pub outage: Option<(i64, i64, usize)>,
    /// They all name the same cell.
    pub one_mast: bool,
}

/// What the office made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Alerts that opened, and how many speakers each named.
    pub alerts: Vec<(Kind, usize)>,
    /// Of those, how many are still open at the end.
    pub open: usize,
    /// How often the office saw a pole go.
    pub drops: usize,
    pub looks: usize,
}

#[derive(Debug)]
struct SimulatedClock(AtomicI64);

impl Clock for SimulatedClock {
    fn now(&self) -> WallTime {
        WallTime::from_micros(self.0.load(Ordering::Relaxed))
    }
    fn mono_us(&self) -> u64 {
        u64::try_from(self.now().as_micros()).unwrap_or_default()
    }
}

struct Pole {
    id: SpeakerId,
    up: bool,
    /// Its own place in the rhythm of drops and statuses.
    phase_s: i64,
}

/// Lets the poles of one hamlet live through it. The database is in `folder`.
///
/// # Panics
/// When the database fails.
pub fn night(folder: &Path, poles: usize, weather: &Weather) -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime
        .block_on(live(folder, poles, weather))
        .expect("the database works")
}

async fn live(folder: &Path, poles: usize, weather: &Weather) -> Result<Seen, StoreError> {
    // 2026-11-24T00:00:00Z.
    let began = WallTime::from_millis(1_795_478_400_000);
    let clock = Arc::new(SimulatedClock(AtomicI64::new(began.as_micros())));
    let store = Store::open(folder, clock.clone()).await?;
    let hamlet = NewArea {
        name: "Bản Chương".into(),
        ..NewArea::default()
    };
    let area = store.add_area(hamlet, None).await?.id;
    let settings = Settings::new(1, 1, SigningKey::from_bytes(&[7; 32]));
    let mut office = Office::new(settings, []);
    let mut all = Vec::with_capacity(poles);
    for n in 0..poles {
        let new = NewSpeaker::named(format!("Cụm {n}"), area.clone());
        let pole = store.add_speaker(new, &format!("token-{n}"), None).await?;
        office.handle(Input::Config(Box::new(config(&pole.id))), clock.reading());
        let phase_s = n as i64 * weather.every_s.max(1) / poles.max(1) as i64;
        all.push(Pole {
            id: pole.id,
            up: false,
            phase_s,
        });
    }
    office.handle(Input::Connected, clock.reading());
    let lineage: Arc<[AreaId]> = [area].into();
    let (mut judge, mut cells) = (Judge::default(), HashMap::new());
    let (mut drops, mut looks) = (0, 0);
    for second in 0..weather.hours * 3_600 {
        clock
            .0
            .store(began.plus_s(second).as_micros(), Ordering::Relaxed);
        for (n, pole) in all.iter_mut().enumerate() {
            let is_up = weather.is_up(n, pole.phase_s, second);
            let beat = (second + pole.phase_s) % STATUS_S == 0;
            if is_up != pole.up || (is_up && beat) {
                drops += usize::from(pole.up && !is_up);
                pole.up = is_up;
                let cell = weather.cell(n);
                let status = status(&pole.id, is_up, &cell);
                let message = Input::Message {
                    topic: Topic::Status(pole.id.clone()).to_string(),
                    payload: seal_unsigned(&status).into(),
                };
                office.handle(message, clock.reading());
                cells.insert(pole.id.clone(), cell);
            }
        }
        office.handle(Input::Tick, clock.reading());
        if second % LOOK_S == 0 {
            looks += 1;
            let conditions: Vec<Condition> = all
                .iter()
                .filter_map(|pole| condition(&office, &pole.id, &lineage, &cells))
                .collect();
            let around = Around {
                now: clock.now(),
                settled: second >= 120,
            };
            let (rules, open) = (store.rules().await?, store.open_alerts().await?);
            let changes = judge.judge(&rules, &conditions, &open, around);
            if !changes.is_empty() {
                let decided = changes.into_iter().map(|change| Decided {
                    change,
                    area: lineage.first().cloned(),
                });
                store.decide(&decided.collect::<Vec<_>>(), &[]).await?;
            }
        }
    }
    let filter = AlertFilter {
        limit: 100_000,
        ..AlertFilter::default()
    };
    let alerts = store.alerts(&filter).await?;
    let open = alerts.iter().filter(|alert| alert.closed.is_none()).count();
    store.close().await;
    Ok(Seen {
        alerts: alerts
            .iter()
            .map(|alert| (alert.kind, alert.speakers.len()))
            .collect(),
        open,
        drops,
        looks,
    })
}

impl Weather {
    fn is_up(&self, pole: usize, phase_s: i64, second: i64) -> bool {
        let out = self.outage.is_some_and(|(from, to, poles)| {
            // One mast's poles are missed one after the other, within half a minute.
            let late = pole as i64 * 30 / poles.max(1) as i64;
            pole < poles && (from + late..=to + late).contains(&second)
        });
        let rhythm = (second + phase_s) % self.every_s.max(1);
        !out && (self.drop_s == 0 || rhythm >= self.drop_s)
    }

    fn cell(&self, pole: usize) -> String {
        let mast = if self.one_mast { 0 } else { pole };
        format!("452-04-{mast}")
    }
}

/// As the watch puts it together.
fn condition(
    office: &Office,
    speaker: &SpeakerId,
    lineage: &Arc<[AreaId]>,
    cells: &HashMap<SpeakerId, String>,
) -> Option<Condition> {
    let seen = office.presence(speaker)?;
    Some(Condition {
        speaker: speaker.clone(),
        lineage: lineage.clone(),
        down: (seen.presence != Presence::Online).then_some(Down {
            since: seen.since,
            cause: Cause::Unknown,
            told: false,
        }),
        cell: cells.get(speaker).cloned(),
        measures: Measures::default(),
        sounded: None,
    })
}

/// Its own word, or in its place the broker's: the last will.
fn status(speaker: &SpeakerId, online: bool, cell: &str) -> SpeakerStatus {
    let network = Network {
        kind: NetworkKind::Cellular,
        interface: "wwan0".into(),
        signal_dbm: None,
        signal_percent: None,
        operator: None,
        cell: Some(cell.to_owned()),
    };
    SpeakerStatus {
        speaker: speaker.clone(),
        online,
        store: "s1".parse().expect("a good name"),
        boot: 1,
        agent: "simulated".into(),
        at: None,
        clock: ClockState {
            trust: Trust::Synced,
            ..ClockState::default()
        },
        config: None,
        programmes: Default::default(),
        held: vec![],
        partial: vec![],
        sounding: None,
        next: None,
        muted: false,
        output: "none".into(),
        last_event: 0,
        acked: 0,
        refused: Default::default(),
        disk_free_bytes: None,
        uptime_s: 1,
        limits: None,
        governor_quiet: vec![],
        governor_zone: None,
        used: None,
        telemetry: online.then(|| {
            Box::new(Telemetry {
                network: Some(network),
                ..Telemetry::default()
            })
        }),
        audit: None,
    }
}

fn config(speaker: &SpeakerId) -> SpeakerConfig {
    SpeakerConfig {
        speaker: speaker.clone(),
        version: loa_protocol::programme::Version {
            epoch: 1,
            generation: 1,
        },
        made: WallTime::EPOCH,
        name: speaker.to_string(),
        channels: vec![],
        zone: "Asia/Ho_Chi_Minh".into(),
        quiet_hours: vec![],
        volume: VolumePlan::default(),
        muted: false,
        limits: None,
        since: WallTime::EPOCH,
        delay_trim_ms: 0,
        self_test_at: None,
        orders: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(poles: usize, weather: &Weather) -> Seen {
        let folder = tempfile::tempdir().expect("a temporary folder");
        night(folder.path(), poles, weather)
    }

    /// A line that drops twenty seconds every two minutes.
    fn flapping() -> Weather {
        Weather {
            hours: 3,
            drop_s: 20,
            every_s: 120,
            outage: None,
            one_mast: false,
        }
    }

    #[test]
    fn lines_that_drop_every_two_minutes_open_no_alert_and_ten_minutes_without_one_do() {
        let calm = seen(6, &flapping());
        assert_eq!(calm.alerts, []);
        assert!(calm.drops >= 6 * 89, "{calm:?}");
        let outage = Weather {
            outage: Some((3_600, 4_200, 1)),
            ..flapping()
        };
        let found = seen(6, &outage);
        assert_eq!((found.alerts, found.open), (vec![(Kind::Offline, 1)], 0));
    }

    #[test]
    fn forty_poles_behind_one_mast_are_one_alert_that_names_them() {
        let weather = Weather {
            hours: 1,
            drop_s: 0,
            outage: Some((600, 1_500, 40)),
            one_mast: true,
            ..flapping()
        };
        let found = seen(44, &weather);
        assert_eq!((found.alerts, found.open), (vec![(Kind::Mast, 40)], 0));
    }
}

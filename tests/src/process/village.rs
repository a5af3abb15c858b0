//! The whole village: office, broker, sound server and poles, in one temporary folder.

use std::{path::Path, time::Duration};

use loa_protocol::content::ContentId;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    clock::{now_us, wait_for, wait_until},
    line::{Line, Weather},
    mosquitto::Mosquitto,
    office::{Broker, LineKind, Office},
    passport,
    pole::{Credentials, Pole},
    pulse::Pulse,
    sound,
};

/// The village's zone; it has no summer time.
pub const ZONE: &str = "Asia/Ho_Chi_Minh";

/// Where the poles sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Files, each with its exact start beside it.
    Wav,
    /// Null sinks of a sound server of our own, all recorded.
    Pulse,
    /// The even ones (the first is 0) into files, the odd ones into null sinks.
    Both,
}

#[derive(Debug)]
pub struct Village {
    // The order of the fields is the order in which they end.
    pub poles: Vec<Pole>,
    pub pulse: Option<Pulse>,
    pub office: Office,
    pub mosquitto: Option<Mosquitto>,
    /// That of each pole, where they were asked for.
    pub lines: Vec<Line>,
    /// The channel that all poles follow.
    pub channel: String,
    line_kind: LineKind,
    folder: TempDir,
}

/// What is built.
#[derive(Clone, Copy, Debug)]
struct Plan {
    poles: usize,
    output: Output,
    broker: Broker,
    line_kind: LineKind,
    /// Each pole has a line of its own, in this weather.
    lines: Option<Weather>,
    /// The sound server has a mouth, and a microphone.
    mouth: bool,
    /// From mouth to horn in calls; 0: as the office finds right.
    delay_ms: u32,
    jitter_s: u16,
}

impl Plan {
    /// An office with its own broker, and no poles.
    const SMALL: Self = Self {
        poles: 0,
        output: Output::Wav,
        broker: Broker::Embedded,
        line_kind: LineKind::Tls,
        lines: None,
        mouth: false,
        delay_ms: 0,
        jitter_s: 0,
    };
}

/// Something that was uploaded, and how it will sound.
#[derive(Clone, Debug)]
pub struct Material {
    pub audio: String,
    pub content: ContentId,
    pub duration_s: f64,
    /// The canonical content, decoded.
    pub frames: Vec<f32>,
}

/// One row of the office's account.
#[derive(Clone, Debug, Deserialize)]
pub struct PlayoutRow {
    pub speaker: String,
    pub occurrence: String,
    pub attempt: u16,
    pub planned: jiff::Timestamp,
    pub started: Option<jiff::Timestamp>,
    pub error_ms: Option<f64>,
    pub sounded_s: f64,
    pub outcome: Option<String>,
    pub reason: Option<String>,
}

impl Village {
    /// Everything up, every pole enrolled and connected.
    ///
    /// # Panics
    /// When that does not come about.
    pub fn start(poles: usize, output: Output, broker: Broker) -> Self {
        Self::build(Plan {
            poles,
            output,
            broker,
            ..Plan::SMALL
        })
    }

    /// As [`Village::start`] with files and the embedded broker, and each pole has a line of its own that can be cut.
    ///
    /// # Panics
    /// When that does not come about.
    pub fn with_lines(poles: usize) -> Self {
        Self::build(Plan {
            poles,
            lines: Some(Weather::FAIR),
            ..Plan::SMALL
        })
    }

    /// As [`Village::start`] with the embedded broker, each pole with a line of its own, and calls that are sounded a second
    /// after they are spoken: what is said gets through on a machine that stands still for a moment.
    ///
    /// # Panics
    /// When that does not come about.
    pub fn unhurried(poles: usize, output: Output) -> Self {
        Self::build(Plan {
            poles,
            output,
            lines: Some(Weather::FAIR),
            delay_ms: 1_000,
            ..Plan::SMALL
        })
    }

    /// As [`Village::start`] with sinks and the embedded broker, each pole behind a line of its own in this weather; and a
    /// mouth at the sound server, for the phone.
    ///
    /// # Panics
    /// When that does not come about.
    pub fn on_air(poles: usize, weather: Weather) -> Self {
        Self::build(Plan {
            poles,
            output: Output::Pulse,
            lines: Some(weather),
            mouth: true,
            ..Plan::SMALL
        })
    }

    /// As [`Village::start`] with files and the embedded broker, in clear: to compare with.
    ///
    /// # Panics
    /// When that does not come about.
    pub fn in_clear(poles: usize) -> Self {
        Self::build(Plan {
            poles,
            line_kind: LineKind::Plain,
            ..Plan::SMALL
        })
    }

    /// An office whose speakers come back within `jitter_s`, and no poles.
    ///
    /// # Panics
    /// When that does not come about.
    pub fn of_office(broker: Broker, jitter_s: u16) -> Self {
        Self::build(Plan {
            broker,
            jitter_s,
            ..Plan::SMALL
        })
    }

    fn build(plan: Plan) -> Self {
        let Plan {
            poles,
            output,
            broker,
            line_kind,
            delay_ms,
            jitter_s,
            ..
        } = plan;
        let folder = tempfile::Builder::new()
            .prefix("loa-village-")
            .tempdir()
            .expect("a temporary folder");
        let path = folder.path();
        let mut office = Office::install(path, broker, line_kind, jitter_s);
        office.configure(&format!("[live]\ndelay_ms = {delay_ms}\n"));
        let mosquitto = (broker == Broker::Mosquitto).then(|| Mosquitto::start(path, &office));
        office.begin();
        let pulse = (output != Output::Wav).then(|| match plan.mouth {
            true => Pulse::with_mouth(path, poles),
            false => Pulse::start(path, poles),
        });
        let area = office.api.post("/areas", &json!({"name": "Bản Chương"}));
        let area = area["id"].as_str().expect("the area's id").to_owned();
        let mut village = Self {
            poles: Vec::new(),
            pulse,
            office,
            mosquitto,
            lines: Vec::new(),
            channel: format!("area.{area}"),
            line_kind,
            folder,
        };
        for index in 0..poles {
            let sounds = match output {
                Output::Wav => false,
                Output::Pulse => true,
                Output::Both => index % 2 == 1,
            };
            if let Some(weather) = plan.lines {
                let line = Line::through(weather, village.office.broker_port);
                village.lines.push(line);
            }
            village.add_pole(&area, index, sounds);
        }
        village.wait_until_connected();
        village
    }

    fn add_pole(&mut self, area: &str, index: usize, into_sink: bool) {
        let number = index + 1;
        let speaker = json!({"name": format!("Loa {number}"), "area": area, "volume": {"percent": 100, "ceiling": 100, "emergency": 100}});
        let added = self.office.api.post("/speakers", &speaker);
        let text = |key: &str| -> String {
            let value = added[key].as_str();
            value
                .unwrap_or_else(|| panic!("no {key} in {added}"))
                .to_owned()
        };
        let given = match self.line_kind {
            LineKind::Tls => Credentials::Sticker(passport::sticker(&self.office, &text("id"))),
            LineKind::Plain => Credentials::Token {
                token: text("token"),
                office_key: text("office_key"),
            },
        };
        let sink = format!("pole{number}");
        let sink = into_sink.then_some(sink.as_str());
        let mut pole = Pole::install(
            self.folder.path(),
            &text("id"),
            self.lines
                .last()
                .map_or(self.office.broker_port, |line| line.port),
            &given,
            sink,
        );
        pole.start(self.pulse.as_ref());
        self.poles.push(pole);
    }

    /// The id of the area in which all poles stand.
    pub fn area(&self) -> &str {
        self.channel.trim_start_matches("area.")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    #[track_caller]
    pub fn wait_until_connected(&self) {
        for pole in &self.poles {
            let what = format!("{} is connected and configured", pole.id);
            wait_for(&what, Duration::from_secs(30), || pole.is_connected());
        }
    }

    /// Relays may come from this machine. The office is started again for that, and all poles come back to it.
    #[track_caller]
    pub fn takes_stations_of_this_machine(&mut self) {
        self.office.configure("[relay]\nprivate = true\n");
        let restarted_us = now_us();
        self.office.restart();
        for pole in &self.poles {
            let what = format!("{} is connected again", pole.id);
            wait_for(&what, Duration::from_secs(30), || {
                pole.is_connected_since(restarted_us)
            });
        }
    }

    /// Switches a pole on again, with the sound server it had.
    pub fn switch_on(&mut self, index: usize) {
        let pulse = self.pulse.as_ref();
        self.poles[index].start(pulse);
    }

    /// The channel of one pole alone.
    pub fn channel_of(&self, index: usize) -> String {
        format!("speaker.{}", self.poles[index].id)
    }

    /// Uploads a file and fetches what the office made of it.
    #[track_caller]
    pub fn upload(&self, file: &Path) -> Material {
        let audio = self.office.api.upload_file("/audio", file).json();
        let id = audio["id"].as_str().expect("the audio's id").to_owned();
        let sha = audio["sha256"].as_str().expect("the content's name");
        let content: ContentId = sha.parse().expect("64 hex digits");
        let canonical = self
            .office
            .api
            .call("GET", &format!("/audio/{id}/content"), None);
        assert_eq!(canonical.status, 200);
        let copy = self.folder.path().join(format!("{id}.opus"));
        std::fs::write(&copy, &canonical.body).expect("the content can be written");
        Material {
            audio: id,
            content,
            duration_s: audio["duration_s"].as_f64().expect("its length"),
            frames: sound::decoded(&copy),
        }
    }

    /// New material of this length.
    #[track_caller]
    pub fn material(&self, seconds: f32, seed: u64) -> Material {
        self.upload(&sound::wav_file(self.folder.path(), seconds, seed))
    }

    /// Adds a bulletin: ordinary, without a chime, for all poles and at once, unless `other` says otherwise.
    /// Gives its id and when the answer came.
    #[track_caller]
    pub fn say(&self, material: &Material, other: &Value) -> (String, i64) {
        let mut bulletin = json!({
            "title": "Thông báo", "audio": material.audio, "priority": "ordinary", "targets": [self.channel],
            "when": {"now": true}, "chime": "none", "volume": 100,
        });
        let (Some(all), Some(other)) = (bulletin.as_object_mut(), other.as_object()) else {
            panic!("a bulletin is an object");
        };
        all.extend(other.clone());
        let answer = self.office.api.call("POST", "/bulletins", Some(&bulletin));
        let id = answer.json()["id"]
            .as_str()
            .expect("the bulletin's id")
            .to_owned();
        (id, answer.at_us)
    }

    #[track_caller]
    pub fn cancel(&self, bulletin: &str) -> i64 {
        let answer = self
            .office
            .api
            .call("POST", &format!("/bulletins/{bulletin}/cancel"), None);
        answer.json();
        answer.at_us
    }

    #[track_caller]
    pub fn stop_all(&self) -> i64 {
        let answer =
            self.office
                .api
                .call("POST", "/stop", Some(&json!({"targets": [self.channel]})));
        answer.json();
        answer.at_us
    }

    /// What the office knows of a bulletin's playouts.
    #[track_caller]
    pub fn playouts(&self, bulletin: &str) -> Vec<PlayoutRow> {
        let mut all = Vec::new();
        let mut path = format!("/playouts?bulletin={bulletin}&limit=200");
        loop {
            let page = self.office.api.get(&path);
            let rows = page["playouts"]
                .as_array()
                .unwrap_or_else(|| panic!("no playouts in {page}"));
            all.extend(rows.iter().map(|row| {
                PlayoutRow::deserialize(row).unwrap_or_else(|error| panic!("{error} in {row}"))
            }));
            match page["next"].as_str() {
                Some(next) => {
                    path = format!("/playouts?bulletin={bulletin}&limit=200&cursor={next}")
                }
                None => return all,
            }
        }
    }

    /// Waits until the office knows how `count` playouts of a bulletin ended.
    #[track_caller]
    pub fn wait_for_outcomes(
        &self,
        bulletin: &str,
        count: usize,
        deadline: Duration,
    ) -> Vec<PlayoutRow> {
        let what = format!("{count} outcomes of {bulletin} at the office");
        wait_until(&what, deadline, || {
            let rows = self.playouts(bulletin);
            let over = rows.iter().filter(|row| row.outcome.is_some()).count();
            (over >= count).then_some(rows)
        })
    }

    #[track_caller]
    pub fn wait_until_all_hold(&self, content: &ContentId) {
        for pole in &self.poles {
            pole.wait_until_it_holds(content);
        }
    }
}

/// A whole second of the village's civil time, at least `seconds` from now: as a schedule has it, and as an instant.
pub fn civil_time_in(seconds: i64) -> (String, i64) {
    let at_s = now_us() / 1_000_000 + 1 + seconds;
    let zone = jiff::tz::TimeZone::get(ZONE).expect("the zone is bundled");
    let instant = jiff::Timestamp::from_second(at_s).expect("a time of our days");
    (
        zone.to_datetime(instant)
            .strftime("%Y-%m-%dT%H:%M:%S")
            .to_string(),
        at_s * 1_000_000,
    )
}

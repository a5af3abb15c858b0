//! Every metric that there is, by name. `config/grafana-dashboard.json` may name no other; a test sees to it.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicI64, AtomicU64},
};

use loa_protocol::{status::SpeakerStatus, time::WallTime};
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use crate::{
    logic::{Figures, Presence, PresenceView},
    store::Speaker,
};

type Labels = Vec<(&'static str, String)>;
type Count = Counter<u64, AtomicU64>;
type Whole = Gauge<i64, AtomicI64>;
type Real = Gauge<f64, AtomicU64>;

/// What the office is doing.
pub struct Office {
    pub figures: Figures,
    pub line_up: bool,
    pub database_up: bool,
    /// Today's, by outcome.
    pub playouts: BTreeMap<&'static str, i64>,
    /// On now.
    pub calls: usize,
    /// Windows that are on now.
    pub relays: usize,
    /// Of live speech and relays: sent, and dropped because the line was behind.
    pub packets: (u64, u64),
}

/// Handles to the families of one reading.
pub struct Families {
    documents: Count,
    blocks: Count,
    repeated: Count,
    bytes: Count,
    wants: Count,
    events: Count,
    statuses: Count,
    clock: Count,
    packets: Count,
    dropped: Count,
    calls: Whole,
    relays: Whole,
    refused: Family<Labels, Count>,
    line_up: Whole,
    database_up: Whole,
    build: Family<Labels, Whole>,
    playouts: Family<Labels, Whole>,
    speakers: Family<Labels, Whole>,
    each: Option<Each>,
}

/// Of every single speaker.
struct Each {
    online: Family<Labels, Whole>,
    offset: Family<Labels, Real>,
    temperature: Family<Labels, Real>,
    disk: Family<Labels, Real>,
    signal: Family<Labels, Whole>,
    age: Family<Labels, Real>,
    sounding: Family<Labels, Whole>,
    muted: Family<Labels, Whole>,
}

impl Families {
    /// All families, and the registry that holds them.
    pub fn new(per_speaker: bool) -> (Self, Registry) {
        let mut registry = Registry::with_prefix("loa");
        let of = &mut registry;
        let families = Self {
            documents: count(of, "documents_published", "Documents sent to the broker"),
            blocks: count(of, "blocks_sent", "Blocks of audio sent to the broker"),
            repeated: count(
                of,
                "blocks_repeated",
                "Of those, blocks that had been sent before",
            ),
            bytes: count(of, "audio_bytes_sent", "Bytes of audio sent to the broker"),
            wants: count(
                of,
                "wants_dropped",
                "Requests for audio not followed because of a bound",
            ),
            events: count(of, "events_taken", "Events of speakers taken in"),
            statuses: count(of, "statuses_taken", "Statuses of speakers taken in"),
            clock: count(of, "clock_replies", "Questions for the time answered"),
            packets: count(
                of,
                "live_packets_sent",
                "Packets of live speech and relays sent to the broker",
            ),
            dropped: count(
                of,
                "live_packets_dropped",
                "Packets of live speech and relays dropped because the line was behind",
            ),
            calls: whole(of, "calls", "People who speak live at this moment"),
            relays: whole(of, "relays", "Windows of relays that are on"),
            refused: family(of, "messages_refused", "Messages not believed, by reason"),
            line_up: whole(of, "line_up", "Is the office connected to its broker"),
            database_up: whole(of, "database_up", "Does the office's database answer"),
            build: family(of, "build", "The program's version, with the value 1"),
            playouts: family(
                of,
                "playouts_today",
                "Bulletins due today, once for each speaker, by outcome",
            ),
            speakers: family(of, "speakers", "Speakers by area and presence"),
            each: per_speaker.then(|| Each::new(of)),
        };
        (families, registry)
    }

    pub fn office(&self, office: &Office) {
        let figures = &office.figures;
        for (counter, value) in [
            (&self.documents, figures.documents_published),
            (&self.blocks, figures.blocks_sent),
            (&self.repeated, figures.blocks_repeated),
            (&self.bytes, figures.bytes_sent),
            (&self.wants, figures.wants_dropped),
            (&self.events, figures.events_taken),
            (&self.statuses, figures.statuses_taken),
            (&self.clock, figures.clock_replies),
            (&self.packets, office.packets.0),
            (&self.dropped, office.packets.1),
        ] {
            counter.inc_by(value);
        }
        for (reason, times) in &figures.refused {
            let labels = vec![("reason", (*reason).to_owned())];
            self.refused.get_or_create(&labels).inc_by(*times);
        }
        let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.calls.set(whole(office.calls));
        self.relays.set(whole(office.relays));
        self.line_up.set(office.line_up.into());
        self.database_up.set(office.database_up.into());
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        self.build.get_or_create(&version).set(1);
        for (outcome, n) in &office.playouts {
            let labels = vec![("outcome", (*outcome).to_owned())];
            self.playouts.get_or_create(&labels).set(*n);
        }
    }

    pub fn speaker(
        &self,
        speaker: &Speaker,
        presence: &PresenceView,
        status: Option<&SpeakerStatus>,
        now: WallTime,
    ) {
        let area = speaker.area.to_string();
        // Nought is a figure too: a line that ends in a plot would look like trouble of the plot.
        for state in [Presence::Online, Presence::Silent, Presence::Offline] {
            let labels = vec![
                ("area", area.clone()),
                ("presence", state.word().to_owned()),
            ];
            let is = i64::from(presence.presence == state);
            self.speakers.get_or_create(&labels).inc_by(is);
        }
        if let Some(each) = &self.each {
            let labels = vec![("speaker", speaker.id.to_string()), ("area", area)];
            each.set(&labels, speaker.muted, presence, status, now);
        }
    }
}

impl Each {
    fn new(of: &mut Registry) -> Self {
        Self {
            online: family(of, "speaker_online", "Is the speaker there"),
            offset: unit(
                of,
                "speaker_clock_offset",
                "Office minus speaker",
                Unit::Seconds,
            ),
            temperature: unit(
                of,
                "speaker_temperature",
                "Of its hottest sensor",
                Unit::Celsius,
            ),
            disk: unit(
                of,
                "speaker_disk_free",
                "Room for audio on its disk",
                Unit::Bytes,
            ),
            signal: family(of, "speaker_signal_dbm", "Strength of its radio signal"),
            age: unit(
                of,
                "speaker_last_heard_age",
                "Since its last word",
                Unit::Seconds,
            ),
            sounding: family(of, "speaker_sounding", "Does it say that it sounds"),
            muted: family(of, "speaker_muted", "Did the office mute it"),
        }
    }

    /// What is not known has no figure.
    fn set(
        &self,
        labels: &Labels,
        muted: bool,
        presence: &PresenceView,
        status: Option<&SpeakerStatus>,
        now: WallTime,
    ) {
        let online = presence.presence == Presence::Online;
        self.online.get_or_create(labels).set(online.into());
        self.muted.get_or_create(labels).set(muted.into());
        if let Some(heard) = presence.last_heard {
            let age_s = now.since_us(heard) as f64 / 1e6;
            self.age.get_or_create(labels).set(age_s.max(0.0));
        }
        // The figures of a pole that is away are yesterday's weather.
        let Some(status) = status.filter(|_| online) else {
            return;
        };
        let sounds = status.sounding.is_some();
        self.sounding.get_or_create(labels).set(sounds.into());
        if let Some(us) = status.clock.offset_us {
            self.offset.get_or_create(labels).set(us as f64 / 1e6);
        }
        if let Some(bytes) = status.disk_free_bytes {
            self.disk.get_or_create(labels).set(bytes as f64);
        }
        let told = status.telemetry.as_deref();
        if let Some(mc) = told.and_then(|t| t.temperature_mc) {
            let celsius = f64::from(mc) / 1_000.0;
            self.temperature.get_or_create(labels).set(celsius);
        }
        let network = told.and_then(|t| t.network.as_ref());
        if let Some(dbm) = network.and_then(|n| n.signal_dbm) {
            self.signal.get_or_create(labels).set(dbm.into());
        }
    }
}

fn count(of: &mut Registry, name: &str, help: &str) -> Count {
    let counter = Count::default();
    of.register(name, help, counter.clone());
    counter
}

fn whole(of: &mut Registry, name: &str, help: &str) -> Whole {
    let gauge = Whole::default();
    of.register(name, help, gauge.clone());
    gauge
}

fn family<M>(of: &mut Registry, name: &str, help: &str) -> Family<Labels, M>
where
    Family<Labels, M>: prometheus_client::registry::Metric + Clone + Default,
{
    let family = Family::<Labels, M>::default();
    of.register(name, help, family.clone());
    family
}

fn unit(of: &mut Registry, name: &str, help: &str, unit: Unit) -> Family<Labels, Real> {
    let family = Family::<Labels, Real>::default();
    of.register_with_unit(name, help, unit, family.clone());
    family
}

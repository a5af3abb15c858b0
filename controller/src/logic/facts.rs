//! Four facts about a pole, kept apart: is it powered, is it connected, is its agent healthy, is it audible?
//!
//! Each is yes, no, or unknown, with the reason and since when. Silence is unknown, never yes: of a pole that cannot be
//! reached only that is known, unless it or its neighbours told why.

use loa_protocol::{
    event::RunEnd,
    status::SpeakerStatus,
    telemetry::{EarKind, Hearing},
    time::{Trust, WallTime},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{outages::Cause, presence::Presence};

/// After the office's start, or its own line's return, nothing is concluded from silence for so long, in seconds.
const SETTLING_S: i64 = 90;
/// Runs of the agent within an hour that are a loop.
const LOOPING: u32 = 4;
/// A disk with less room takes no more audio, in bytes.
const DISK_FULL_BYTES: u64 = 100_000_000;
/// Hotter boards slow down, then stop; in thousandths of a degree.
const HOT_MC: i32 = 85_000;
/// What happened once is news for so long, in seconds.
const NEWS_S: i64 = 3_600;
/// What was heard longer ago says nothing of today: a self-test is daily. In seconds.
const HEARD_S: i64 = 36 * 3_600;
/// A pole that is away for less may be back at once, in seconds.
const SHORT_S: i64 = 600;
/// Faults that say that the output does not sound.
const OUTPUT_FAULTS: [&str; 2] = ["player", "output"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FactState)]
pub enum State {
    Yes,
    No,
    Unknown,
}

/// Why a fact is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FactWhy)]
pub enum Why {
    // Powered.
    MainsGone,
    OnBattery,
    PowerCut,
    // Connected: nothing was ever heard of it; it fell silent, and nobody knows why; or a known cause.
    NeverSeen,
    Silent,
    Power,
    Network,
    Route,
    Mast,
    Agent,
    Stopped,
    /// The office itself is away from its broker, or has just begun: nothing can be said of the pole.
    Office,
    // Healthy.
    CrashLooping,
    Restarted,
    Stalled,
    ClockUntrusted,
    DiskFull,
    Hot,
    Faults,
    // Audible.
    Muted,
    NotHeard,
    SelfTestFailed,
    OutputFailed,
    NoMicrophone,
    NotYetHeard,
    Heard,
}

impl From<Cause> for Why {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Unknown => Self::Silent,
            Cause::Power => Self::Power,
            Cause::Network => Self::Network,
            Cause::Route => Self::Route,
            Cause::Mast => Self::Mast,
            Cause::Agent => Self::Agent,
            Cause::Stopped => Self::Stopped,
            Cause::Office => Self::Office,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    pub state: State,
    pub why: Option<Why>,
    /// As far as it is known.
    pub since: Option<WallTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub powered: Fact,
    pub connected: Fact,
    pub healthy: Fact,
    pub audible: Fact,
}

/// How soon somebody should look; the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PoleSeverity)]
pub enum Severity {
    Ok,
    /// As somebody set it, or not enough is known.
    Notice,
    Warning,
    /// The hamlet would not hear an announcement now.
    Critical,
}

/// The last that a speaker told of each kind, with when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// A run of the agent began, and how the one before had ended.
    pub booted: Option<(WallTime, Option<RunEnd>)>,
    pub stalled: Option<WallTime>,
    pub fault: Option<WallTime>,
    /// One of the faults that say that the output does not sound.
    pub output_fault: Option<WallTime>,
    /// Since when its playouts are heard, or not.
    pub hearing: Option<(WallTime, Hearing)>,
    pub self_test: Option<(WallTime, Hearing)>,
    pub mains: Option<(WallTime, bool)>,
}

/// All that is known of one pole.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    pub presence: Presence,
    /// Of that presence.
    pub since: WallTime,
    /// Since the office's start.
    pub last_heard: Option<WallTime>,
    /// Since when the office can hear at all; `None`: its own line is down.
    pub listening: Option<WallTime>,
    /// Its last word, perhaps from before the office's start.
    pub status: Option<&'a SpeakerStatus>,
    pub outage: Option<(WallTime, Cause)>,
    pub journal: &'a Journal,
    /// The office set it so.
    pub muted: bool,
}

/// Is a fault one of the output?
pub fn is_output_fault(code: &str) -> bool {
    OUTPUT_FAULTS.contains(&code)
}

fn yes(why: impl Into<Option<Why>>, since: impl Into<Option<WallTime>>) -> Fact {
    Fact {
        state: State::Yes,
        why: why.into(),
        since: since.into(),
    }
}

fn no(why: Why, since: impl Into<Option<WallTime>>) -> Fact {
    Fact {
        state: State::No,
        why: Some(why),
        since: since.into(),
    }
}

fn unknown(why: impl Into<Option<Why>>, since: impl Into<Option<WallTime>>) -> Fact {
    Fact {
        state: State::Unknown,
        why: why.into(),
        since: since.into(),
    }
}

/// The facts of one pole now.
pub fn facts(of: &Evidence, now: WallTime) -> Facts {
    let connected = connected(of, now);
    let powered = powered(of, &connected);
    Facts {
        healthy: healthy(of, &connected, now),
        audible: audible(of, &connected, &powered, now),
        powered,
        connected,
    }
}

fn connected(of: &Evidence, now: WallTime) -> Fact {
    let Some(listening) = of.listening else {
        return unknown(Why::Office, None);
    };
    if of.presence == Presence::Online {
        return yes(None, of.since);
    }
    if let Some((began, cause)) = of.outage {
        return match cause {
            Cause::Office => unknown(Why::Office, began),
            cause => no(cause.into(), began),
        };
    }
    if of.status.is_none() && of.last_heard.is_none() {
        return no(Why::NeverSeen, None);
    }
    // A broken line says offline at once; silence is no word before everybody had the time to speak.
    if of.last_heard.is_none() && now.since_us(listening) < SETTLING_S * 1_000_000 {
        return unknown(Why::Office, None);
    }
    no(Why::Silent, of.since)
}

fn powered(of: &Evidence, connected: &Fact) -> Fact {
    let told = of.status.and_then(|s| s.telemetry.as_deref());
    let power = told.and_then(|t| t.power.as_ref());
    // The sensor's last word: an event is as new as it can be, a status may be older.
    let mains = power.and_then(|p| p.mains);
    let told_gone = match of.journal.mains {
        Some((_, present)) if mains.is_none() => !present,
        _ => mains == Some(false),
    };
    let gone_since = of.journal.mains.filter(|m| !m.1).map(|(at, _)| at);
    match connected.state {
        State::Yes if told_gone => yes(Why::OnBattery, gone_since),
        State::Yes => {
            let up = told.and_then(|t| t.machine_uptime_s);
            let at = of.status.and_then(|s| s.at);
            let since = at
                .zip(up)
                .map(|(at, up)| at.plus_s(-i64::try_from(up).unwrap_or(0)));
            yes(None, since)
        }
        State::No if told_gone => no(Why::MainsGone, gone_since.or(connected.since)),
        State::No if connected.why == Some(Why::Power) => no(Why::PowerCut, connected.since),
        State::No | State::Unknown => unknown(None, connected.since),
    }
}

fn healthy(of: &Evidence, connected: &Fact, now: WallTime) -> Fact {
    let looping = |s: &SpeakerStatus| s.telemetry.as_ref().is_some_and(|t| t.starts_1h >= LOOPING);
    let Some(status) = of.status.filter(|_| connected.state == State::Yes) else {
        let agent = connected.why == Some(Why::Agent);
        return match of.status {
            Some(status) if agent && looping(status) => no(Why::CrashLooping, connected.since),
            _ if agent => no(Why::Stalled, connected.since),
            _ => unknown(None, connected.since),
        };
    };
    let is_news = |at: &WallTime| now.since_us(*at) < NEWS_S * 1_000_000;
    let journal = of.journal;
    if looping(status) {
        return no(Why::CrashLooping, journal.booted.map(|(at, _)| at));
    }
    if status.clock.trust == Trust::Untrusted {
        return no(Why::ClockUntrusted, None);
    }
    if status
        .disk_free_bytes
        .is_some_and(|free| free < DISK_FULL_BYTES)
    {
        return no(Why::DiskFull, None);
    }
    let temperature = status.telemetry.as_ref().and_then(|t| t.temperature_mc);
    if temperature.is_some_and(|mc| mc >= HOT_MC) {
        return no(Why::Hot, None);
    }
    if let Some(at) = journal.stalled.filter(is_news) {
        return no(Why::Stalled, at);
    }
    if let Some(at) = journal.fault.filter(is_news) {
        return no(Why::Faults, at);
    }
    match journal.booted {
        Some((at, Some(RunEnd::Crashed))) if is_news(&at) => yes(Why::Restarted, at),
        booted => yes(None, booted.map(|(at, _)| at)),
    }
}

fn audible(of: &Evidence, connected: &Fact, powered: &Fact, now: WallTime) -> Fact {
    if powered.state == State::No {
        return no(powered.why.unwrap_or(Why::PowerCut), powered.since);
    }
    let Some(status) = of.status.filter(|_| connected.state == State::Yes) else {
        return unknown(Why::Silent, connected.since);
    };
    if of.muted || status.muted {
        return no(Why::Muted, None);
    }
    let (heard, tested) = last_sound(of);
    let last = heard.max(tested).map(|(at, _)| at);
    if let Some(at) = of.journal.output_fault
        && now.since_us(at) < HEARD_S * 1_000_000
        && last.is_none_or(|last| last < at)
    {
        return no(Why::OutputFailed, at);
    }
    let ear = status.telemetry.as_ref().map(|t| &t.ear);
    if ear.is_none_or(|ear| ear.kind == EarKind::None || ear.trouble.is_some()) {
        return unknown(Why::NoMicrophone, None);
    }
    let Some((at, good)) = heard.max(tested) else {
        return unknown(Why::NotYetHeard, None);
    };
    let is_test = heard < tested;
    if now.since_us(at) >= HEARD_S * 1_000_000 {
        return unknown(Why::NotYetHeard, at);
    }
    match (good, is_test) {
        (true, _) => yes(Why::Heard, at),
        (false, true) => no(Why::SelfTestFailed, at),
        // Since the first one that was not heard.
        (false, false) => {
            let since = of.journal.hearing.map_or(at, |(since, _)| since.min(at));
            no(Why::NotHeard, since)
        }
    }
}

/// When a playout, and when a self-test, was last found to be heard or not.
type Sound = Option<(WallTime, bool)>;

fn last_sound(of: &Evidence) -> (Sound, Sound) {
    let good = |at: WallTime, hearing: Hearing| match hearing {
        Hearing::Heard => Some((at, true)),
        Hearing::NotHeard => Some((at, false)),
        Hearing::NoMicrophone | Hearing::Unclear => None,
    };
    let ear = of.status.and_then(|s| s.telemetry.as_ref()).map(|t| &t.ear);
    let listened = ear.and_then(|ear| ear.last_heard.as_ref());
    let test = ear.and_then(|ear| ear.last_test.as_ref());
    let told = of.journal.hearing.and_then(|(at, h)| good(at, h));
    let tested = of.journal.self_test.and_then(|(at, h)| good(at, h));
    (
        told.max(listened.and_then(|l| good(l.at, l.hearing))),
        tested.max(test.and_then(|t| good(t.at, t.hearing))),
    )
}

/// How soon somebody should look at a pole with these facts.
pub fn severity(of: &Facts, now: WallTime) -> Severity {
    let mut worst = Severity::Ok;
    let mut raise = |to: Severity| worst = worst.max(to);
    match (of.connected.state, of.connected.why) {
        (State::Yes, _) => {}
        (State::No, Some(Why::NeverSeen)) | (State::Unknown, _) => raise(Severity::Notice),
        (State::No, _) => {
            let since = of.connected.since.unwrap_or(now);
            let short = now.since_us(since) < SHORT_S * 1_000_000;
            raise(if short {
                Severity::Warning
            } else {
                Severity::Critical
            });
        }
    }
    match of.powered.why {
        Some(Why::MainsGone | Why::PowerCut) => raise(Severity::Critical),
        Some(Why::OnBattery) => raise(Severity::Warning),
        _ => {}
    }
    match of.healthy.why {
        // Nothing that is scheduled starts on such a clock.
        Some(Why::ClockUntrusted) => raise(Severity::Critical),
        Some(Why::Restarted) => raise(Severity::Notice),
        Some(_) => raise(Severity::Warning),
        None => {}
    }
    match of.audible.why {
        Some(Why::NotHeard | Why::SelfTestFailed | Why::OutputFailed) => raise(Severity::Critical),
        Some(Why::Muted) => raise(Severity::Notice),
        _ => {}
    }
    worst
}

#[cfg(test)]
mod tests;

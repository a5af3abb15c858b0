//! Everything that can reach the office's logic and everything it can ask for. The engine carries these and decides nothing.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use ed25519_dalek::{SigningKey, VerifyingKey};
use loa_protocol::{
    bulletin::Bulletin,
    certificate::Certificate,
    channel::Channel,
    content::ContentId,
    event::Event,
    head::Checkpoint,
    id::{AreaId, BulletinId, SpeakerId, StoreId},
    playout::OccurrenceId,
    programme::{Command, Version},
    speaker_config::SpeakerConfig,
    status::SpeakerStatus,
    time::WallTime,
    topic::Topic,
};
use serde::Serialize;

use super::{
    alerts::{AlertId, RepairId},
    presence::Presence,
};

/// The two clocks of the machine, read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Microseconds of a clock that never steps; its zero means nothing.
    pub mono_us: u64,
    pub wall: WallTime,
}

/// What an office is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Counts the lives of the database; see [`Version`].
    pub epoch: u64,
    /// Greater at every start, so that speakers see a new head; in each run there are 2^20 of them.
    pub head_generation: u64,
    pub key: SigningKey,
    /// How speakers spread their return after a crowd, in seconds.
    pub reconnect_jitter_s: u16,
    /// How fast blocks go out, in bytes per second.
    pub bytes_per_s: u32,
    /// A content that was just asked for waits this long, so that speakers who ask in the same moment share one
    /// sending; an emergency's does not wait. In milliseconds.
    pub gather_ms: u32,
}

impl Settings {
    /// The defaults of the shipped configuration.
    pub fn new(epoch: u64, head_generation: u64, key: SigningKey) -> Self {
        Self {
            epoch,
            head_generation,
            key,
            reconnect_jitter_s: 30,
            bytes_per_s: 4_000_000,
            gather_ms: 100,
        }
    }
}

/// One channel as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelState {
    pub channel: Channel,
    pub version: Version,
    pub silence_before: Option<WallTime>,
    /// Due or ahead, or over for less than 7 days; at most `MAX_BULLETINS`.
    pub bulletins: Vec<Bulletin>,
}

/// Whom the poles are told to believe.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustState {
    /// Every root, by its version, as it was signed.
    pub roots: Vec<(u32, Bytes)>,
    pub approvers: Vec<(AreaId, Bytes)>,
    /// With which the office signs.
    pub key: SigningKey,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The line to the broker is up; nothing is subscribed yet, and the broker may know nothing any more.
    Connected,
    Disconnected,
    Message {
        topic: String,
        payload: Bytes,
    },
    /// A channel is (now) so; `command` is what cannot wait for the whole programme.
    Channel {
        state: ChannelState,
        command: Option<Command>,
    },
    /// The roots, the approvers or the signing key are (now) these. What was signed with another key is to be told again.
    Trust(Box<TrustState>),
    /// How far the audit log goes (now).
    Checkpoint(Checkpoint),
    /// A speaker is (now) set so.
    Config(Box<SpeakerConfig>),
    SpeakerRemoved(SpeakerId),
    /// The speaker has, or had, a certificate; these are the keys of those that hold, oldest first. From now on its words count only
    /// with the signature of one of them: with no key here none do. Of a speaker never named here words are taken unsigned.
    SpeakerKeys {
        speaker: SpeakerId,
        keys: Vec<VerifyingKey>,
    },
    /// The events are in the database; `through` is the highest number with no hole before it.
    EventsStored {
        speaker: SpeakerId,
        store: StoreId,
        through: u64,
    },
    /// They are not; the speaker will send them again.
    EventsFailed {
        speaker: SpeakerId,
        store: StoreId,
    },
    /// A speaker's next certificate was made, and is in the database.
    CertificateMade(Box<Certificate>),
    /// A block could not be read from the disk.
    ContentUnreadable {
        content: ContentId,
        detail: String,
    },
    /// A deadline has come, or nothing has; asking early does no harm.
    Tick,
    /// The program was asked to end.
    Shutdown,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Subscribe {
        filters: Vec<String>,
    },
    /// Quality of service and retention follow from the topic. An empty payload takes a retained document away.
    Publish {
        topic: Topic,
        payload: Bytes,
    },
    /// Read this block from the disk and publish it.
    SendBlock {
        content: ContentId,
        index: u32,
    },
    /// A speaker asks for its next certificate: judge it (see [`identity`](super::identity)), store it, and tell
    /// [`Input::CertificateMade`]. Dropped when too many are waiting; the speaker asks again.
    Renew {
        speaker: SpeakerId,
        payload: Bytes,
    },
    /// The speaker signs with this key, and holds an older one too: what was given for that may be revoked.
    KeyInUse {
        speaker: SpeakerId,
        key: VerifyingKey,
    },
    /// Store durably, then tell [`Input::EventsStored`] or [`Input::EventsFailed`].
    StoreEvents {
        speaker: SpeakerId,
        store: StoreId,
        events: Vec<Event>,
        received: WallTime,
    },
    /// The newest word of this speaker about itself; an older one not stored yet may be skipped.
    StoreStatus {
        status: Box<SpeakerStatus>,
        received: WallTime,
    },
    /// From now on the speaker's presence is this.
    StorePresence {
        speaker: SpeakerId,
        presence: Presence,
        at: WallTime,
    },
    /// For whoever watches the app.
    Notice(Notice),
    /// For the operator's log.
    Log(LogLine),
}

/// Something that the app shows has changed; it asks for the rest.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// Its status, presence or configuration.
    Speaker(SpeakerId),
    /// A playout began, was cut, or ended, and the database knows.
    Playout {
        speaker: SpeakerId,
        occurrence: OccurrenceId,
    },
    Bulletin(BulletinId),
    /// An alert opened, changed, was acknowledged or closed; these are its speakers.
    Alert {
        alert: AlertId,
        speakers: Vec<SpeakerId>,
    },
    /// A repair was opened, changed or done.
    Repair {
        repair: RepairId,
        speaker: SpeakerId,
    },
    /// A fault or a start of the speaker's program.
    Event {
        speaker: SpeakerId,
        at: WallTime,
        code: String,
        detail: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum LogLine {
    Published {
        channel: Channel,
        generation: u64,
        bulletins: usize,
    },
    /// Left out of a programme, and why.
    LeftOut {
        bulletin: BulletinId,
        channel: Channel,
        why: String,
    },
    Presence {
        speaker: SpeakerId,
        presence: Presence,
    },
    /// Something on the wire that was not believed. Told for the 1st, 2nd, 4th, 8th … of its kind.
    Refused {
        topic: String,
        why: &'static str,
        times: u64,
    },
    Fault {
        speaker: SpeakerId,
        code: String,
        detail: String,
    },
    Trouble {
        what: String,
    },
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published {
                channel,
                generation,
                bulletins,
            } => write!(
                f,
                "programme of {channel}: generation {generation}, {bulletins} bulletins"
            ),
            Self::LeftOut {
                bulletin,
                channel,
                why,
            } => write!(
                f,
                "bulletin {bulletin} left out of the programme of {channel}: {why}"
            ),
            Self::Presence { speaker, presence } => write!(f, "{speaker} is {presence}"),
            Self::Refused { topic, why, times } => {
                write!(f, "refused {topic}: {why} ({times} so far)")
            }
            Self::Fault {
                speaker,
                code,
                detail,
            } => write!(f, "{speaker} reports {code}: {detail}"),
            Self::Trouble { what } => f.write_str(what),
        }
    }
}

/// Counts since the start, for the metrics page and the tests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    pub documents_published: u64,
    pub blocks_sent: u64,
    pub bytes_sent: u64,
    /// Of `blocks_sent`, those that had been sent before: somebody lost them, or came late.
    pub blocks_repeated: u64,
    /// Wants not followed because of a bound; the speaker asks again.
    pub wants_dropped: u64,
    pub events_taken: u64,
    pub statuses_taken: u64,
    pub clock_replies: u64,
    /// By reason.
    pub refused: BTreeMap<&'static str, u64>,
}

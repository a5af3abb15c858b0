//! Everything that can reach the agent's logic and everything it can ask for. The runtime carries these and decides nothing.

use ed25519_dalek::SigningKey;
use loa_audio::hearing::Found;
use loa_protocol::{
    bulletin::{Bulletin, Chime, Source},
    content::{Bitmap, ContentId},
    event::Event,
    id::{BulletinId, StoreId},
    playout::{Failure, OccurrenceId, Playout, PlayoutId},
    telemetry::{Network, Power},
    time::WallTime,
};

use super::renewal::Life;

/// The two clocks of the machine, read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// CLOCK_MONOTONIC (or BOOTTIME), microseconds.
    pub mono_us: u64,
    /// CLOCK_REALTIME as it is, trusted or not.
    pub system: WallTime,
}

/// What the machine knows of its own clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KernelClock {
    /// The kernel says that network time disciplines it.
    pub synced: bool,
    /// There is a battery clock, or the operator vouches for the system clock.
    pub held: bool,
}

/// What the machine under the program shows of itself. `None` is what it cannot tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// Since it began to run.
    pub uptime_s: Option<u64>,
    /// How long of that it was suspended, in microseconds.
    pub asleep_us: Option<u64>,
    /// Units are those of `protocol::telemetry::Telemetry`.
    pub temperature_mc: Option<i32>,
    pub load_centi: Option<u32>,
    pub processors: Option<u32>,
    pub memory_total_bytes: Option<u64>,
    pub memory_available_bytes: Option<u64>,
    pub disk_total_bytes: Option<u64>,
    /// Is any interface but the loopback up, with an address?
    pub network_up: Option<bool>,
    pub network: Option<Network>,
    /// Of `network.interface`, since its counters began.
    pub traffic: Option<Traffic>,
    pub power: Option<Power>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Traffic {
    pub received_bytes: u64,
    pub sent_bytes: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The line to the broker is up; nothing is subscribed yet.
    Connected,
    Disconnected,
    Message {
        topic: String,
        payload: Vec<u8>,
    },
    KernelClock(KernelClock),
    /// The writes of this ticket are on disk, durably.
    Committed {
        ticket: u64,
    },
    /// They are not, and will not be.
    CommitFailed {
        ticket: u64,
        detail: String,
    },
    /// The block and the progress that tells of it are on disk.
    BlockStored {
        content: ContentId,
        index: u32,
    },
    BlockFailed {
        content: ContentId,
        index: u32,
        detail: String,
    },
    /// All blocks are there and the whole hash is right; the content may be sounded.
    ContentReady {
        content: ContentId,
    },
    /// The whole is not what its name says, or is gone from the disk; every block is missing again.
    ContentBad {
        content: ContentId,
        detail: String,
    },
    Player(PlayerEvent),
    /// Free bytes where content is kept, measured now and then.
    DiskFree {
        bytes: u64,
    },
    /// The machine was measured, as every minute or oftener.
    Machine(Box<Machine>),
    /// What came of listening to this piece. Told once for each that began, some seconds after its end.
    Listened {
        playout: PlayoutId,
        piece: u32,
        found: Found,
    },
    /// Why nothing can be heard, though something should listen; `None`: it can again.
    EarTrouble {
        why: Option<String>,
    },
    Certificate(CertificateNews),
    /// A deadline has come, or nothing has; asking early does no harm.
    Tick,
    /// The program was asked to end.
    Shutdown,
}

/// What became of the steps of a renewal.
#[derive(Clone, Debug, PartialEq)]
pub enum CertificateNews {
    /// The next key waits for its certificate; this is the request for one, PKCS #10.
    KeyMade { request: Vec<u8> },
    /// The next certificate is durable, for this key.
    Certified {
        life: Life,
        signing: Box<SigningKey>,
    },
    /// A step came to nothing.
    Failed { detail: String },
    /// The broker says that the certificate in use has expired.
    ToldExpired,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Subscribe {
        filters: Vec<String>,
    },
    Unsubscribe {
        filters: Vec<String>,
    },
    /// Quality of service and retention follow from the topic.
    Publish {
        topic: loa_protocol::topic::Topic,
        payload: Vec<u8>,
    },
    /// All of these or none, durable before `Committed` is told. Commits are done in the order given.
    Commit {
        ticket: u64,
        writes: Vec<Write>,
    },
    /// Write these bytes (already checked against the manifest) at `offset` of a file of `length` bytes, durably.
    StoreBlock {
        content: ContentId,
        index: u32,
        offset: u64,
        length: u64,
        bytes: Vec<u8>,
    },
    /// Check the whole hash and put the file in its place.
    FinishContent {
        content: ContentId,
    },
    /// Forget content, whole or partial.
    EvictContent {
        content: ContentId,
    },
    Player(PlayerCommand),
    /// For `loa-agent status`: the same document as goes to the office.
    ShowStatus(Box<loa_protocol::status::SpeakerStatus>),
    Certificate(CertificateStep),
    /// A line for the operator's log.
    Log(LogLine),
    /// The program ends by itself, as if it had been asked to, and wants to be started again.
    End,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LogLine {
    Playing {
        title: String,
        priority: String,
        late_ms: i64,
    },
    Over {
        title: String,
        outcome: String,
        sounded_ms: u64,
    },
    Refused {
        topic: String,
        why: String,
    },
    /// Another root is in force.
    Root {
        version: u32,
    },
    Programme {
        channel: String,
        generation: u64,
        bulletins: usize,
    },
    ContentReady {
        content: String,
    },
    Clock {
        trust: String,
        offset_us: i64,
    },
    Trouble {
        what: String,
    },
    Order {
        what: String,
        became: &'static str,
    },
    /// The next one is in use.
    Certificate {
        until: String,
    },
}

/// What a renewal of this pole's certificate asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum CertificateStep {
    /// Make a key for the next one.
    MakeKey,
    /// Ask the office's HTTPS with this sealed renewal.
    AskOffice { renewal: Vec<u8> },
    /// Durably, if it is for the key that waits: this certificate (X.509, DER).
    Keep { certificate: Vec<u8> },
    /// Make the line anew, with the newest one.
    Reconnect,
}

/// One durable change.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// The office's documents as they came (the signed bytes), named `head`, `config`, `root:VERSION`,
    /// `approvers:AREA`, `programme:CHANNEL` and `now:CHANNEL:WHAT` (several a channel), and the speaker's own notes, named `own:WHAT`; whoever stores them need
    /// not understand them.
    PutDocument {
        name: String,
        bytes: Vec<u8>,
    },
    RemoveDocument {
        name: String,
    },
    /// Insert or replace by `row.playout.id`.
    PutLedger(LedgerRow),
    /// Rows with an outcome whose plan is older than this.
    PruneLedger {
        planned_before: WallTime,
    },
    AppendEvent(Event),
    /// Acknowledged: events up to and including this number, be it beyond the last one written. No such number is ever
    /// given again.
    ForgetEvents {
        through: u64,
    },
    /// The latest trusted wall time: a clock that shows less after a restart is wrong.
    KnownTime(WallTime),
}

/// A playout as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LedgerRow {
    pub playout: Playout,
    /// Where it goes on, in milliseconds of chime and content.
    pub place_ms: u64,
    /// Since when it waits to go on.
    pub suspended: Option<WallTime>,
    /// The piece that sounds, or is about to: what a loss of power would leave of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Begun>,
}

/// A piece whose end nobody has written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Begun {
    pub at: WallTime,
    /// It sounds no longer than this.
    pub most_ms: u64,
}

/// What was on disk when the program started.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub store: StoreId,
    /// How many times the program has run on this store, this time included.
    pub boot: u64,
    pub documents: Vec<(String, Vec<u8>)>,
    /// Every row of the last 40 days.
    pub ledger: Vec<LedgerRow>,
    /// Not acknowledged yet, in order.
    pub events: Vec<Event>,
    /// Number of the last event ever written or acknowledged; 0 when none was.
    pub last_event: u64,
    pub contents: Vec<(ContentId, HeldContent)>,
    pub known_time: Option<WallTime>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum HeldContent {
    Complete { bytes: u64 },
    Partial { held: Bitmap },
}

/// To the thread that plays.
#[derive(Clone, Debug, PartialEq)]
pub enum PlayerCommand {
    /// Be ready for it; nothing sounds. Opens and decodes the beginning, and wakes the output up when it is near.
    Prepare(Box<Play>),
    /// Sound it from `start_mono_us` on (at once when that is past, never before it). What sounds then is cut at that
    /// very instant. A later `Play` takes the place of one that has not begun.
    Play(Box<Play>),
    /// End it now, whether it sounds or only waits for its start.
    Stop { playout: PlayoutId, piece: u32 },
    /// A packet of a stream that sounds or is about to. `captured_mono_us`: its capture by this machine's clock. What is of no
    /// stream at hand is dropped.
    Packet {
        bulletin: BulletinId,
        packet: loa_protocol::live::Packet,
        captured_mono_us: u64,
    },
    /// Sound the self-test, unless anything else sounds or waits for its start: it makes room for everything. Its events
    /// carry [`self_test`] and this number as the piece.
    SelfTest {
        number: u32,
        start_mono_us: u64,
        /// Of full scale.
        amplitude: f32,
    },
}

/// What the self-test is called where a playout is named: an occurrence that no rule has, in a year without Loa.
pub fn self_test() -> PlayoutId {
    PlayoutId {
        occurrence: OccurrenceId {
            bulletin: BulletinId::new("self-test").expect("letters and a dash make a name"),
            date: jiff::civil::date(1970, 1, 1),
            index: 0,
            repeat: 0,
        },
        attempt: 0,
    }
}

/// Where the sound after the chime comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum PlaySource {
    Content(ContentId),
    /// The frames of this stream, which come by [`PlayerCommand::Packet`]. The place in it is bound to time: `from_ms`
    /// is how much of it is over at `start`, and what was captured at `t` sounds at `t` + `delay_ms`.
    Stream {
        bulletin: BulletinId,
        delay_ms: u32,
    },
    /// A station that the player fetches by itself.
    Station {
        bulletin: BulletinId,
        url: String,
    },
}

impl PlaySource {
    pub fn content(&self) -> Option<&ContentId> {
        match self {
            Self::Content(content) => Some(content),
            Self::Stream { .. } | Self::Station { .. } => None,
        }
    }

    pub fn of(bulletin: &Bulletin) -> Self {
        match &bulletin.source {
            Source::Content(manifest) => Self::Content(manifest.content),
            Source::Stream(stream) => Self::Stream {
                bulletin: bulletin.id.clone(),
                delay_ms: stream.delay_ms,
            },
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Play {
    pub playout: PlayoutId,
    /// 0 at first; counts the times it went on after a cut. Events carry it, so that a stale one is known.
    pub piece: u32,
    pub title: String,
    pub source: PlaySource,
    pub chime: Chime,
    /// Where to begin, in milliseconds of chime and content together.
    pub from_ms: u64,
    pub start_mono_us: u64,
    pub planned: WallTime,
    /// Wall time at `start_mono_us`, for the recording's name and note.
    pub start: WallTime,
    /// Percent of full scale; the amplitude factor is (percent/100)^2.
    pub volume: u8,
    /// End it when the place reaches this, in milliseconds of chime and content.
    pub until_ms: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum PlayerEvent {
    /// The first sample of this piece sounded at this instant.
    Started {
        playout: PlayoutId,
        piece: u32,
        at_mono_us: u64,
    },
    /// This piece is over. Told for every `Play`, begun or not, exactly once.
    Ended {
        playout: PlayoutId,
        piece: u32,
        at_mono_us: u64,
        place_ms: u64,
        how: How,
    },
    /// How the stream that sounds fares, every second and once more before its `Ended`; totals of this piece.
    Streams {
        playout: PlayoutId,
        piece: u32,
        at_mono_us: u64,
        streamed: loa_protocol::live::Streamed,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum How {
    /// To the end of its content.
    Finished,
    /// By a `Stop`.
    Stopped,
    /// By the start of another.
    Replaced,
    /// `until_ms` was reached before the end of the content.
    LimitReached,
    /// Of a stream, for [`loa_protocol::live::STARVED_MS`], nothing came.
    Starved,
    Failed {
        failure: Failure,
        detail: String,
    },
}

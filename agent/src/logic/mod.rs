//! Every decision of the speaker, as plain synchronous code that is given the time.
//!
//! [`Agent::handle`] takes one thing that happened and gives what is to be done about it; [`Agent::next_deadline`] says
//! when to come back if nothing happens. What is on the way to the disk, what sounds and what is asked for are all in
//! here; nothing is read back. How a document becomes sound: `inbox` believes it by what `belief` knows of the office's keys,
//! `judge` leaves out what approvers had to sign and did not, `agenda` unrolls its occurrences,
//! `stage` asks the arbitration what ought to sound, `commits` makes the ledger row durable, and only then does
//! `stage` tell the player.

mod act;
mod agenda;
mod belief;
mod chance;
mod clock;
mod commits;
mod content;
mod cue;
mod data_use;
mod documents;
mod ear;
mod fetch;
mod flow;
mod forget;
mod governor;
mod inbox;
mod judge;
mod ledger;
mod memory;
mod orders;
mod outbox;
mod player;
pub mod port;
mod renewal;
mod replay;
mod report;
mod runs;
mod self_test;
mod stage;
mod start;
mod stream;
mod telemetry;
#[cfg(test)]
mod tests;
mod watch;
mod witness;

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use loa_protocol::{
    envelope::{Document, seal_by},
    event::What,
    id::{SpeakerId, StoreId},
    limits::Governor,
    playout::{OccurrenceId, Playout},
    status::SpeakerStatus,
    time::{Moment, WallTime},
    topic::Topic,
    trust::{Anchor, Trust},
};

use self::{
    agenda::Agenda,
    belief::Belief,
    chance::Chance,
    clock::Clock,
    commits::Commits,
    content::Contents,
    data_use::DataCounter,
    documents::Documents,
    ear::Hearer,
    governor::Governed,
    ledger::{KEEP_S, Ledger, shortened},
    orders::Orders,
    outbox::Outbox,
    port::{Effect, Input, LogLine, PlayerCommand, Reading, Write},
    renewal::Renewal,
    report::Report,
    runs::{End, Runs},
    stage::Stage,
    stream::Streams,
    telemetry::Measured,
    watch::Watch,
    witness::Witness,
};
pub use self::{
    agenda::MAX_OCCURRENCES,
    renewal::Life,
    stage::{LEAD_MS, PREPARE_MS},
};

/// Who this speaker is, and what it was given.
#[derive(Clone, Debug)]
pub struct Identity {
    pub speaker: SpeakerId,
    /// Whom it believes to begin with.
    pub anchor: Anchor,
    /// Root documents that it was given with that, for instance at enrolment.
    pub roots: Vec<Vec<u8>>,
    /// Signs what it says; `None` before enrolment: then only the line vouches for it.
    pub signing: Option<SigningKey>,
    /// Name and version of the program.
    pub agent: String,
    /// What the sound goes to, in words.
    pub output: String,
    pub content_quota_bytes: u64,
    /// From the machine's source of chance.
    pub seed: u64,
    /// When the program was built: a clock that shows less is wrong. `EPOCH` when nobody knows.
    pub built: WallTime,
    pub pace: Pace,
    /// What nothing that is signed can lift.
    pub governor: Governor,
    /// The kernel's own name for this run of the machine.
    pub machine_boot: Option<String>,
    /// It has a line of its own that is good enough to fetch relays from their stations.
    pub fetches_relays: bool,
}

/// How often what is done regularly is done, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The whole status, when nothing changed.
    pub status_s: u32,
    /// Exchanges with the office's clock, after the first ones of a connection …
    pub clock_s: u32,
    /// … which follow each other faster; how many those are.
    pub clock_quick: u32,
    /// The trusted time, to disk.
    pub known_time_s: u32,
    /// Looks at the clock for steps while something is planned within the hour …
    pub watch_near_s: u32,
    /// … and while nothing is.
    pub watch_far_s: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            status_s: 60,
            clock_s: 60,
            clock_quick: 10,
            // Written down at the first look after it, so at least every ten minutes.
            known_time_s: 560,
            watch_near_s: 1,
            watch_far_s: 30,
        }
    }
}

/// A step of the wall clock larger than this makes the agenda and everything armed look again.
const STEP_US: u64 = 1_000_000;
/// The same fault is told at most once in this time.
const FAULT_PAUSE_US: u64 = 60_000_000;
/// Longest detail of a fault, in bytes.
const MAX_DETAIL_BYTES: usize = 600;
/// Most kinds of fault whose last telling is remembered; then all are forgotten.
const MAX_FAULT_KINDS: usize = 64;

/// One speaker. See the module.
#[derive(Debug)]
pub struct Agent {
    identity: Identity,
    store: StoreId,
    boot: u64,
    chance: Chance,
    /// When this run began, monotonic.
    began_us: u64,
    /// The two clocks at the input that is being handled, and what they mean.
    reading: Reading,
    now: Moment,
    /// The last time in which the clock was not trusted, monotonic: from, and until when.
    doubtful: Option<(u64, u64)>,
    connected: bool,
    ended: bool,
    clock: Clock,
    trust: Trust,
    belief: Belief,
    documents: Documents,
    agenda: Agenda,
    ledger: Ledger,
    governed: Governed,
    stage: Stage,
    outbox: Outbox,
    commits: Commits,
    contents: Contents,
    streams: Streams,
    report: Report,
    renewal: Renewal,
    runs: Runs,
    orders: Orders,
    watch: Watch,
    data: DataCounter,
    measured: Measured,
    ear: Hearer,
    witness: Witness,
    faults_told: BTreeMap<String, u64>,
    pruned_at: Option<WallTime>,
    looked_us: u64,
    out: Vec<Effect>,
}

impl Agent {
    /// Something happened. Gives what is to be done about it, in order.
    pub fn handle(&mut self, input: Input, at: Reading) -> Vec<Effect> {
        let last_us = self.now.mono_us;
        let has_stalled = self.watch.has_stalled(at.mono_us);
        self.look_at_clock(at);
        if self.ended && !matches!(input, Input::Committed { .. } | Input::CommitFailed { .. }) {
            return Vec::new();
        }
        if has_stalled {
            self.stalled(last_us);
        }
        match input {
            Input::Connected => self.connected(),
            Input::Disconnected => self.disconnected(),
            Input::Message { topic, payload } => self.message(&topic, &payload),
            Input::KernelClock(kernel) => {
                self.clock.set_kernel(kernel);
                self.look_at_clock(at);
            }
            Input::Committed { ticket } => {
                if let Some(durable) = self.commits.committed(ticket) {
                    durable
                        .through
                        .into_iter()
                        .for_each(|n| self.outbox.durable(n));
                    durable
                        .gates
                        .iter()
                        .for_each(|p| self.stage.row_is_durable(p));
                }
            }
            Input::CommitFailed { ticket, detail } => self.commit_failed(ticket, &detail),
            Input::BlockStored { content, index } => self.block_stored(content, index),
            Input::BlockFailed {
                content,
                index,
                detail,
            } => self.block_failed(content, index, &detail),
            Input::ContentReady { content } => self.content_ready(content),
            Input::ContentBad { content, detail } => self.content_bad(content, &detail),
            Input::Player(event) => self.player_event(event),
            Input::DiskFree { bytes } => self.report.disk_free_bytes = Some(bytes),
            Input::Machine(machine) => self.machine_read(*machine),
            Input::Listened {
                playout,
                piece,
                found,
            } => self.listened(&playout, piece, &found),
            Input::EarTrouble { why } => self.ear_trouble(why),
            Input::Certificate(news) => self.certificate_news(news),
            Input::Tick => {}
            Input::Shutdown => self.shut_down(End::Asked),
        }
        self.carry_on();
        let due_us = self.next_deadline().map(|(at, _)| at);
        self.watch.wants_to_wake_at(due_us, self.now.mono_us);
        std::mem::take(&mut self.out)
    }

    /// When to come back (monotonic microseconds), and why.
    pub fn next_deadline(&self) -> Option<(u64, &'static str)> {
        if self.ended {
            return None;
        }
        let online = |deadline: Option<u64>| deadline.filter(|_| self.connected);
        [
            (self.stage.wake, "stage"),
            (Some(self.watch_at()), "clock watch"),
            (self.commits.deadline(), "commit again"),
            (self.belief_deadline(), "somebody's time is over"),
            (self.watch.deadline(), "line lost"),
            (self.ear.deadline(), "listening"),
            (Some(self.report.deadline(&self.identity.pace)), "status"),
            (online(self.clock.ask_at()), "clock exchange"),
            (online(self.outbox.deadline()), "events again"),
            (online(self.contents.deadline()), "wants again"),
            (self.streams.deadline(), "a stream that was left is over"),
        ]
        .into_iter()
        .filter_map(|(at, why)| Some((at?, why)))
        .min()
    }

    pub fn moment(&self, at: Reading) -> Moment {
        self.clock.moment(at)
    }

    /// What sounds at this moment, as far as the player has told.
    pub fn sounding(&self) -> Option<&Playout> {
        self.stage.sounding().map(|(act, _)| &act.row.playout)
    }

    /// The occurrences that are not over, in order of their plans.
    pub fn agenda(&self) -> Vec<(WallTime, OccurrenceId)> {
        self.agenda
            .iter()
            .map(|(at, id)| (at, id.clone()))
            .collect()
    }

    /// What this speaker says of itself.
    pub fn status(&self, at: Reading) -> SpeakerStatus {
        self.build_status(self.clock.moment(at))
    }

    /// After a lost connection the line waits a random time up to this, in seconds.
    pub fn reconnect_jitter_s(&self) -> u16 {
        self.documents
            .head
            .as_ref()
            .map_or(30, |h| h.reconnect_jitter_s)
    }

    /// Is everything that was decided on disk? After [`Input::Shutdown`] the program may end then.
    pub fn is_quiescent(&self) -> bool {
        self.commits.is_idle()
    }

    /// Takes note of the time, and of what changed about it.
    fn look_at_clock(&mut self, mut at: Reading) {
        // A monotonic clock does not go back; if it is told to, it stands.
        at.mono_us = at.mono_us.max(self.reading.mono_us);
        self.reading = at;
        self.looked_us = at.mono_us;
        let before = self.now;
        self.clock.look(at);
        self.now = self.clock.moment(at);
        let step = self
            .now
            .wall
            .since_us(before.wall_at(at.mono_us))
            .unsigned_abs();
        if step <= STEP_US && before.trust == self.now.trust {
            return;
        }
        if !self.now.is_trusted() {
            let from = self
                .doubtful
                .filter(|_| !before.is_trusted())
                .map_or(at.mono_us, |d| d.0);
            self.doubtful = Some((from, u64::MAX));
        } else if let Some((_, until)) = self.doubtful.as_mut().filter(|_| !before.is_trusted()) {
            *until = at.mono_us;
        }
        if before.trust != self.now.trust {
            self.report.changed();
            let state = self.clock.state(self.now);
            self.out.push(Effect::Log(LogLine::Clock {
                trust: format!("{:?}", state.trust).to_lowercase(),
                offset_us: state.offset_us.unwrap_or(0),
            }));
        }
        self.govern_step(before);
        self.agenda
            .rebuild(self.documents.config.since, self.now.wall, &self.ledger);
        self.plan_changed();
        self.belief.time_changed();
        if step > STEP_US {
            self.recall_armed();
        }
    }

    /// What follows from whatever just happened.
    fn carry_on(&mut self) {
        if !self.ended {
            // First, so that what follows cannot keep the commits from ever being done.
            self.tend_orders();
        }
        if !self.ended {
            self.tend_runs();
            self.tend_line();
            self.tend_belief();
            self.tend_streams();
            self.settle();
            self.tend_ear();
            self.tend_contents();
            self.tend_clock();
            self.tend_renewal();
            self.prune();
        }
        self.out.extend(self.commits.next(self.now.mono_us));
        if !self.ended {
            self.tend_outbox();
            self.tend_status();
        }
    }

    fn connected(&mut self) {
        self.connected = true;
        self.line_is_up();
        self.belief.line_is_up(self.now.mono_us);
        self.renewal_line_is_up();
        self.subscribe();
        self.clock.connected(self.now.mono_us);
        self.outbox.line_changed();
        self.contents.forgive();
        self.contents.ask_again(self.now.mono_us);
        self.report.due_now();
    }

    fn disconnected(&mut self) {
        self.connected = false;
        self.renewal_line_is_down();
        self.line_is_down();
        self.belief.line_is_down();
        self.clock.disconnected();
        self.outbox.line_changed();
    }

    fn commit_failed(&mut self, ticket: u64, detail: &str) {
        if let Some(gates) = self.commits.failed(ticket, self.now.mono_us) {
            for playout in gates {
                self.row_failed(&playout);
            }
            self.fault("ledger", detail);
        }
    }

    fn tend_clock(&mut self) {
        if self.connected && self.clock.is_due(self.now.mono_us) {
            let nonce = self.chance.draw();
            let pace = &self.identity.pace;
            let slow_us = u64::from(pace.clock_s) * 1_000_000;
            let quick = pace.clock_quick;
            self.clock.ask(nonce, self.now.mono_us, quick, slow_us);
            let speaker = self.identity.speaker.clone();
            let request = loa_protocol::clock::ClockRequest { speaker, nonce };
            let topic = Topic::Clock(request.speaker.clone());
            self.say(topic, &request);
        }
        let every_us = i64::from(self.identity.pace.known_time_s) * 1_000_000;
        if let Some(known) = self.clock.time_to_keep(self.now, every_us) {
            self.commits.put(Write::KnownTime(known));
        }
        let machine_boot = self.identity.machine_boot.as_deref();
        if let Some(note) = self.clock.note_to_keep(machine_boot) {
            self.keep_note(&note);
        }
    }

    /// Once a day, what nobody asks for any more is forgotten.
    fn prune(&mut self) {
        let due = self
            .pruned_at
            .is_none_or(|at| self.now.wall.since_us(at).abs() > 86_400_000_000);
        if self.now.is_trusted() && due {
            self.pruned_at = Some(self.now.wall);
            let planned_before = self.now.wall.plus_s(-KEEP_S);
            self.ledger.forget(planned_before);
            self.commits.put(Write::PruneLedger { planned_before });
        }
    }

    fn tend_outbox(&mut self) {
        if !self.connected {
            return;
        }
        let signing = self.identity.signing.as_ref();
        if let Some(batch) = self.outbox.next_batch(self.now.mono_us, signing) {
            self.publish(Topic::Events(self.identity.speaker.clone()), batch);
        }
    }

    /// Seals what this speaker says of itself with its own key, when it has one.
    pub fn seal<D: Document>(&self, document: &D) -> Vec<u8> {
        seal_by(document, self.identity.signing.as_ref())
    }

    /// From now on what it says is signed so: its certificate was renewed.
    pub fn signs_with(&mut self, key: SigningKey) {
        self.identity.signing = Some(key);
    }

    fn say<D: Document>(&mut self, topic: Topic, document: &D) {
        let payload = self.seal(document);
        self.publish(topic, payload);
    }

    fn publish(&mut self, topic: Topic, payload: Vec<u8>) {
        self.out.push(Effect::Publish { topic, payload });
    }

    /// Puts an event beside the rows that are written with it; `false` when there is no room for it.
    fn event(&mut self, what: What) -> bool {
        let write = self.outbox.append(what, self.now);
        let is_written = write.is_some();
        write.into_iter().for_each(|write| self.commits.put(write));
        is_written
    }

    /// Something a person should know, told at most once a minute for each `code`.
    fn fault(&mut self, code: &str, detail: &str) {
        let now_us = self.now.mono_us;
        if self
            .faults_told
            .get(code)
            .is_some_and(|told| now_us.saturating_sub(*told) < FAULT_PAUSE_US)
        {
            return;
        }
        if self.faults_told.len() >= MAX_FAULT_KINDS {
            self.faults_told.clear();
        }
        self.faults_told.insert(code.into(), now_us);
        let detail = shortened(detail, MAX_DETAIL_BYTES);
        self.out.push(Effect::Log(LogLine::Trouble {
            what: format!("{code}: {detail}"),
        }));
        self.event(What::Fault {
            code: code.into(),
            detail,
        });
    }

    /// When to look at the clock next, in case it stepped.
    fn watch_at(&self) -> u64 {
        let pace = &self.identity.pace;
        let every_s = if self.stage.is_something_near {
            pace.watch_near_s
        } else {
            pace.watch_far_s
        };
        self.looked_us
            .saturating_add(u64::from(every_s) * 1_000_000)
    }

    fn shut_down(&mut self, how: End) {
        if self.ended {
            return;
        }
        self.close_everything();
        if let Some(known) = self.clock.time_to_keep(self.now, 0) {
            self.commits.put(Write::KnownTime(known));
        }
        self.save_data(0);
        self.note_end(how);
        self.out.extend(self.commits.all());
        let mut status = self.build_status(self.now);
        status.online = false;
        if self.connected {
            let speaker = self.identity.speaker.clone();
            self.say(Topic::Status(speaker), &status);
        }
        self.out.push(Effect::ShowStatus(Box::new(status)));
        self.ended = true;
    }

    fn tell_player(&mut self, command: PlayerCommand) {
        self.out.push(Effect::Player(command));
    }
}

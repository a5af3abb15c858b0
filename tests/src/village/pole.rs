//! A pole: its board, its disk, its line, and the real agent's logic on it.

use loa_agent::logic::{
    Agent, Identity, Pace,
    port::{Effect, Input, LogLine, PlayerEvent, Write},
};
use loa_protocol::{
    envelope::seal_unsigned,
    id::SpeakerId,
    status::{ClockState, SpeakerStatus},
    topic::Topic,
    trust::Anchor,
};

use super::{
    Happening, Micros, SECOND, Village,
    beliefs::Beliefs,
    disk::{BlockWork, Disk},
    library::Parcel,
    machine::{ClockKind, Machine},
    malice::governor,
    pipe::{Client, ConnId, Word},
    player::Player,
    sabotage::Sabotage,
    tape::Tape,
};

/// The regular doings of an agent, seldom enough for a week to be lived in half a second.
pub const PACE: Pace = Pace {
    status_s: 3_600,
    clock_s: 3_600,
    clock_quick: 4,
    known_time_s: 1_800,
    watch_near_s: 30,
    watch_far_s: 600,
};
/// An agent that has something to do more often than this in one second is running in circles.
const MOST_IN_A_SECOND: u32 = 3_000;

#[derive(Debug)]
pub struct Pole {
    pub id: SpeakerId,
    pub kind: ClockKind,
    pub ppm: i64,
    /// How wrong its battery clock or network time is, in microseconds.
    pub clock_error_us: i64,
    pub disk: Disk,
    /// Powered or not, this is its board; a new one for every power-up.
    pub machine: Machine,
    pub powered: bool,
    /// When the power was last cut.
    pub cut_at: Micros,
    pub run: Option<Run>,
    lives: u64,
    /// Its cable, SIM or mast is out.
    pub cable_cut: bool,
    pub tape: Tape,
}

/// One run of the program.
#[derive(Debug)]
pub struct Run {
    pub life: u64,
    pub agent: Agent,
    pub player: Player,
    pub line: Line,
    pub beliefs: Beliefs,
    tick_at: Micros,
    second: Micros,
    in_second: u32,
    /// It was asked to end and ends when all is written.
    leaving: bool,
    /// The office answered what time it is.
    pub was_told_the_time: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Line {
    Down { tries: u32 },
    Up { conn: ConnId },
}

impl Pole {
    pub fn new(id: SpeakerId, kind: ClockKind, ppm: i64, disk: Disk, machine: Machine) -> Self {
        Self {
            id,
            kind,
            ppm,
            clock_error_us: 0,
            disk,
            machine,
            powered: false,
            cut_at: 0,
            run: None,
            lives: 0,
            cable_cut: false,
            tape: Tape::default(),
        }
    }

    pub fn is_online(&self) -> bool {
        matches!(&self.run, Some(run) if matches!(run.line, Line::Up { .. }))
    }
}

impl Village {
    /// The program starts on a board that has power.
    pub(super) fn start_agent(&mut self, p: usize) {
        let now = self.now;
        if !self.poles[p].powered || self.poles[p].run.is_some() {
            return;
        }
        let at = self.reading(p);
        let seed = self.chance.draw();
        let anchor = match &self.keys {
            Some(keys) => Anchor::RootKey(keys.root_key.verifying_key()),
            None => Anchor::OneKey(self.office.key.verifying_key()),
        };
        let lifted = self.sabotage == Some(Sabotage::LiftTheLimits);
        let governor = match self.is_key_stolen() && !lifted {
            true => governor(self.town.zone),
            false => Default::default(),
        };
        let built = self.town.begin.plus_s(-30 * 86_400);
        let pole = &mut self.poles[p];
        pole.lives += 1;
        let identity = Identity {
            speaker: pole.id.clone(),
            anchor,
            roots: Vec::new(),
            signing: None,
            agent: "loa-agent simulated".into(),
            output: "imagined".into(),
            content_quota_bytes: 64 * 1024 * 1024,
            seed,
            built,
            pace: PACE,
            governor,
            machine_boot: Some(pole.machine.boot_name()),
            fetches_relays: false,
        };
        let mut stored = pole.disk.open();
        if self.sabotage == Some(Sabotage::ForgetTheLedger) {
            stored.ledger.clear();
        }
        let beliefs = Beliefs::from_disk(&pole.id, &pole.disk.documents, &self.library);
        pole.tape.beliefs(now, &beliefs);
        let (agent, effects) = Agent::new(identity, stored, at);
        let life = pole.lives;
        pole.run = Some(Run {
            life,
            agent,
            player: Player::default(),
            line: Line::Down { tries: 0 },
            beliefs,
            tick_at: Micros::MAX,
            second: 0,
            in_second: 0,
            leaving: false,
            was_told_the_time: false,
        });
        pole.tape.awake_from(now);
        let kernel = pole.machine.kernel;
        self.figures.agent_starts += 1;
        self.diary
            .write(now, format_args!("{} starts", self.poles[p].id));
        self.perform(p, effects);
        self.agent_gets(p, Input::KernelClock(kernel));
        self.agent_gets(p, Input::DiskFree { bytes: 1 << 30 });
        let soon = now + self.chance.between(100_000, 3 * SECOND);
        self.at(soon, Happening::PoleConnects { pole: p, life });
    }

    pub(super) fn reading(&self, p: usize) -> loa_agent::logic::port::Reading {
        self.poles[p].machine.reading(self.now, self.wall())
    }

    pub(super) fn life(&self, p: usize) -> Option<u64> {
        self.poles[p].run.as_ref().map(|run| run.life)
    }

    pub(super) fn agent_gets(&mut self, p: usize, input: Input) {
        let at = self.reading(p);
        let now = self.now;
        let Some(run) = self.poles[p].run.as_mut() else {
            return;
        };
        if run.second != now / SECOND {
            (run.second, run.in_second) = (now / SECOND, 0);
        }
        run.in_second += 1;
        if run.in_second == MOST_IN_A_SECOND {
            let why = run.agent.next_deadline();
            let id = &self.poles[p].id;
            let what = format!("{id} runs in circles: deadline {why:?} at {at:?}");
            return self.breaks(what);
        }
        self.figures.inputs += 1;
        let effects = run.agent.handle(input, at);
        self.perform(p, effects);
        self.retick(p);
        self.note_clock(p);
        self.check_sounding(p);
        self.leave_when_done(p);
    }

    fn retick(&mut self, p: usize) {
        let now = self.now;
        let late = self.chance.below(2_000);
        let pole = &mut self.poles[p];
        let Some(run) = pole.run.as_mut() else { return };
        let Some((deadline, _)) = run.agent.next_deadline() else {
            run.tick_at = Micros::MAX;
            return;
        };
        let at = pole.machine.true_of(deadline).max(now + 200) + late;
        // An appointment that is early enough is kept; asking early does no harm, but never later than asked for.
        if run.tick_at > at || run.tick_at <= now || at > run.tick_at + 5_000 {
            run.tick_at = at;
            let life = run.life;
            self.at(at, Happening::Tick { pole: p, life });
        }
    }

    pub(super) fn tick(&mut self, p: usize) {
        let is_due = matches!(&self.poles[p].run, Some(run) if run.tick_at == self.now);
        if is_due {
            if let Some(run) = self.poles[p].run.as_mut() {
                run.tick_at = Micros::MAX;
            }
            self.agent_gets(p, Input::Tick);
        }
    }

    pub(super) fn perform(&mut self, p: usize, effects: Vec<Effect>) {
        let now = self.now;
        for effect in effects {
            match effect {
                Effect::Subscribe { filters } => self.pole_says(p, Word::Subscribe(filters)),
                Effect::Unsubscribe { filters } => self.pole_says(p, Word::Unsubscribe(filters)),
                Effect::Publish { topic, payload } => {
                    let parcel = Parcel {
                        bytes: payload.into(),
                        paper: None,
                    };
                    self.pole_says(p, Word::Publish { topic, parcel });
                }
                Effect::Commit { ticket, writes } => self.commit(p, ticket, writes),
                Effect::StoreBlock {
                    content,
                    index,
                    length,
                    bytes,
                    ..
                } => {
                    let right = self.library.block(&content, index);
                    if right.as_deref() != Some(&bytes[..]) {
                        let id = &self.poles[p].id;
                        self.breaks(format!("{id} stores a wrong block {index} of {content}"));
                    }
                    let blocks = self.library.audio.get(&content);
                    let blocks = blocks.map_or(0, |a| a.manifest.block_count());
                    let work = BlockWork::Store {
                        content,
                        index,
                        bytes: length,
                        blocks,
                    };
                    self.work(p, work);
                }
                Effect::FinishContent { content } => self.work(p, BlockWork::Finish { content }),
                Effect::EvictContent { content } => {
                    self.poles[p].tape.audio(now, content, false);
                    self.work(p, BlockWork::Evict { content });
                }
                Effect::Player(command) => {
                    if let Some(command) = Sabotage::of_player(self.sabotage, command) {
                        self.command_player(p, command);
                    }
                }
                Effect::ShowStatus(_) => {}
                Effect::Log(line) => self.log(p, &line),
                // Nobody in this village has a certificate.
                Effect::Certificate(_) => {}
                Effect::End => {
                    if let Some(run) = self.poles[p].run.as_mut() {
                        run.leaving = true;
                    }
                }
            }
        }
    }

    fn log(&mut self, p: usize, line: &LogLine) {
        let id = &self.poles[p].id;
        self.diary.write(self.now, format_args!("{id}: {line:?}"));
    }

    fn commit(&mut self, p: usize, ticket: u64, writes: Vec<Write>) {
        self.figures.commits += 1;
        let now = self.now;
        let writes = Sabotage::of_writes(self.sabotage, writes);
        let lies = self.sabotage == Some(Sabotage::AnswerBeforeDurable)
            && !writes.iter().any(|w| matches!(w, Write::AppendEvent(_)));
        let pole = &mut self.poles[p];
        let later = if lies { 2 * SECOND } else { 0 };
        let at = pole
            .disk
            .commit(ticket, writes, now + later, &mut self.chance);
        let Some(life) = self.life(p) else { return };
        self.at(at, Happening::DiskAnswers { pole: p, life });
        if lies {
            self.agent_gets_soon(p, Input::Committed { ticket });
        }
    }

    fn agent_gets_soon(&mut self, p: usize, input: Input) {
        if let Some(life) = self.life(p) {
            let (pole, input) = (p, Box::new(input));
            self.at(self.now + 100, Happening::Lie { pole, life, input });
        }
    }

    fn work(&mut self, p: usize, work: BlockWork) {
        let now = self.now;
        let at = self.poles[p].disk.work(work, now, &mut self.chance);
        if let Some(life) = self.life(p) {
            self.at(at, Happening::WorkDone { pole: p, life });
        }
    }

    pub(super) fn disk_answers(&mut self, p: usize) {
        let now = self.now;
        let Some((ticket, writes)) = self.poles[p].disk.next_commit(now) else {
            return;
        };
        let input = match writes {
            Some(writes) => {
                let is_row = writes.iter().any(
                    |w| matches!(w, Write::PutLedger(row) if row.playout.started.is_none() && row.playout.outcome.is_none()),
                );
                self.apply(p, writes);
                if is_row {
                    self.weather_at_commit(p);
                }
                Input::Committed { ticket }
            }
            None => {
                self.figures.failed_commits += 1;
                self.poles[p].tape.trouble.push(now);
                let detail = "database or disk is full".into();
                Input::CommitFailed { ticket, detail }
            }
        };
        self.agent_gets(p, input);
    }

    pub(super) fn apply(&mut self, p: usize, writes: Vec<Write>) {
        let acknowledged = self.base.through(&self.poles[p].id);
        if let Err(what) = self.poles[p].disk.apply(writes, acknowledged) {
            let id = &self.poles[p].id;
            self.breaks(format!("{id}'s disk: {what}"));
        }
    }

    pub(super) fn work_done(&mut self, p: usize) {
        let now = self.now;
        let Some((work, well)) = self.poles[p].disk.next_work(now) else {
            return;
        };
        let detail = String::from("no space left");
        let input = match work {
            BlockWork::Store { content, index, .. } if well => {
                Input::BlockStored { content, index }
            }
            BlockWork::Store { content, index, .. } => Input::BlockFailed {
                content,
                index,
                detail,
            },
            BlockWork::Finish { content } => {
                let spoiled = self.chance.per_mille(self.climate.bad_content)
                    && !self.poles[p].disk.was_spoiled(&content);
                if spoiled || !self.poles[p].disk.is_complete(&content) {
                    self.poles[p].disk.spoil(&content);
                    self.figures.bad_contents += 1;
                    let lost = self.library.audio[&content].manifest.block_count();
                    *self.lost_blocks.entry(content).or_default() += u64::from(lost);
                    Input::ContentBad { content, detail }
                } else {
                    self.poles[p].tape.audio(now, content, true);
                    Input::ContentReady { content }
                }
            }
            BlockWork::Evict { .. } => return,
        };
        self.agent_gets(p, input);
    }

    pub(super) fn player_tells(&mut self, p: usize, event: PlayerEvent) {
        self.agent_gets(p, Input::Player(event));
    }

    fn pole_says(&mut self, p: usize, word: Word) {
        if let Some(Run {
            line: Line::Up { conn },
            ..
        }) = self.poles[p].run
        {
            self.say(conn, word);
        }
    }

    pub(super) fn pole_hears(&mut self, p: usize, conn: ConnId, topic: &str, parcel: &Parcel) {
        let now = self.now;
        match &self.poles[p].run {
            Some(run) if run.line == (Line::Up { conn }) => {}
            _ => return,
        }
        if topic.ends_with("/clock/reply")
            && let Some(run) = self.poles[p].run.as_mut()
        {
            run.was_told_the_time = true;
        }
        let input = Input::Message {
            topic: topic.to_owned(),
            payload: parcel.bytes.to_vec(),
        };
        if let Some(paper) = &parcel.paper {
            // What the agent now believes is asked of it as soon as it has handled it.
            let pole = &mut self.poles[p];
            let Some(run) = pole.run.as_mut() else { return };
            let mut beliefs = run.beliefs.clone();
            let is_new = beliefs.take(topic, paper);
            self.agent_gets(p, input);
            let pole = &mut self.poles[p];
            if let Some(run) = pole.run.as_mut().filter(|_| is_new) {
                run.beliefs = beliefs;
                pole.tape.beliefs(now, &run.beliefs);
                self.check_sounding(p);
            }
        } else {
            self.agent_gets(p, input);
        }
    }

    /// Tries to reach the broker.
    pub(super) fn pole_connects(&mut self, p: usize) {
        let pole = &self.poles[p];
        let (id, cut) = (pole.id.clone(), pole.cable_cut);
        let Some(run) = &pole.run else { return };
        let Line::Down { tries } = run.line else {
            return;
        };
        let life = run.life;
        let will = last_will(&id, &pole.disk.store);
        let conn = if cut {
            None
        } else {
            self.pipe_connect(Client::Pole(p), Some(will))
        };
        let Some(run) = self.poles[p].run.as_mut() else {
            return;
        };
        match conn {
            Some(conn) => {
                run.line = Line::Up { conn };
                self.poles[p].tape.online_from(self.now);
                self.diary.write(self.now, format_args!("{id} has a line"));
                self.agent_gets(p, Input::Connected);
            }
            None => {
                run.line = Line::Down { tries: tries + 1 };
                let cap = (2_u64 << tries.min(8)).min(300);
                let at = self.now + self.chance.between(500_000, cap * SECOND);
                self.at(at, Happening::PoleConnects { pole: p, life });
            }
        }
    }

    pub(super) fn pole_loses_line(&mut self, p: usize, conn: ConnId) {
        let now = self.now;
        let pole = &mut self.poles[p];
        let Some(run) = pole.run.as_mut() else { return };
        if run.line != (Line::Up { conn }) {
            return;
        }
        run.line = Line::Down { tries: 0 };
        pole.tape.online_until(now);
        let (life, jitter_s) = (run.life, run.agent.reconnect_jitter_s());
        let id = &pole.id;
        self.diary
            .write(now, format_args!("{id} has no line any more"));
        self.agent_gets(p, Input::Disconnected);
        let wait = self.chance.between(0, u64::from(jitter_s) * SECOND);
        self.at(now + wait, Happening::PoleConnects { pole: p, life });
    }

    /// The program is gone at once: power cut or SIGKILL. What the disk had under way is there or not.
    pub(super) fn kill_agent(&mut self, p: usize) {
        let now = self.now;
        self.player_dies(p);
        let pole = &mut self.poles[p];
        let Some(run) = pole.run.take() else { return };
        pole.tape.awake_until(now);
        pole.tape.online_until(now);
        for writes in pole.disk.cut(&mut self.chance) {
            self.apply(p, writes);
        }
        if let Line::Up { conn } = run.line {
            // The broker notices when its keep-alive runs out, or at once when the system closed the socket.
            if let Some(c) = self.pipe.conns.get_mut(&conn) {
                c.cut = true;
            }
            let at = now + self.chance.between(0, 45 * SECOND);
            self.at(at, Happening::BrokerNotices { conn });
        }
    }

    /// The program is asked to end.
    pub(super) fn shut_down(&mut self, p: usize) {
        if let Some(run) = self.poles[p].run.as_mut() {
            run.leaving = true;
            self.agent_gets(p, Input::Shutdown);
        }
    }

    fn leave_when_done(&mut self, p: usize) {
        let now = self.now;
        let Some(run) = &self.poles[p].run else {
            return;
        };
        if !run.leaving || !run.agent.is_quiescent() {
            return;
        }
        let line = run.line;
        if let Line::Up { conn } = line {
            self.pipe_leave(conn);
        }
        self.kill_agent(p);
        let id = &self.poles[p].id;
        self.diary
            .write(now, format_args!("{id} has ended in order"));
    }
}

fn last_will(id: &SpeakerId, store: &loa_protocol::id::StoreId) -> (Topic, Parcel) {
    let status = SpeakerStatus {
        speaker: id.clone(),
        online: false,
        store: store.clone(),
        boot: 0,
        agent: String::new(),
        at: None,
        clock: ClockState::default(),
        config: None,
        programmes: Default::default(),
        held: Vec::new(),
        partial: Vec::new(),
        sounding: None,
        next: None,
        muted: false,
        output: String::new(),
        last_event: 0,
        acked: 0,
        refused: Default::default(),
        disk_free_bytes: None,
        uptime_s: 0,
        limits: None,
        governor_quiet: vec![],
        governor_zone: None,
        used: None,
        telemetry: None,
        audit: None,
    };
    let parcel = Parcel {
        bytes: seal_unsigned(&status).into(),
        paper: None,
    };
    (Topic::Status(id.clone()), parcel)
}

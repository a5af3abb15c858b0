//! How a run begins: what was on disk is believed again only after its signature was checked again, and every playout
//! that the last run left open is closed as what it is, cut by a loss of power.

use loa_protocol::{
    channel::Channel,
    envelope::Refusal,
    event::What,
    playout::{Interruption, Outcome},
    programme::Now,
    time::{Moment, Trust, WallTime},
    trust::{Opened, Trust as BelievedBy},
};

use super::{
    Agent, Identity,
    agenda::Agenda,
    belief::{Belief, RulesNote},
    chance::Chance,
    clock::Clock,
    commits::Commits,
    content::Contents,
    data_use::DataCounter,
    documents::{CONFIG, Documents, HEAD},
    governor::Governed,
    ledger::Ledger,
    memory::Memory,
    orders::Orders,
    outbox::Outbox,
    port::{Effect, LedgerRow, LogLine, Reading, Stored, Write},
    report::Report,
    runs::Runs,
    stage::Stage,
    telemetry::Measured,
    watch::Watch,
};

impl Agent {
    /// Begins a run on what is on disk. Gives what is to be done before anything else is handled.
    pub fn new(identity: Identity, stored: Stored, at: Reading) -> (Self, Vec<Effect>) {
        let speaker = &identity.speaker;
        let mut documents = stored.documents;
        let mut memory = Memory::take_from(&mut documents);
        let clock = Clock::new(
            identity.built,
            stored.known_time,
            memory.read(),
            identity.machine_boot.as_deref(),
            at.mono_us,
        );
        let (runs, after) = Runs::begin(
            memory.read(),
            stored.boot,
            identity.machine_boot.as_deref(),
            stored.known_time,
            clock.moment(at),
        );
        let mut agent = Self {
            store: stored.store.clone(),
            boot: stored.boot,
            chance: Chance::new(identity.seed),
            began_us: at.mono_us,
            reading: at,
            now: Moment {
                mono_us: at.mono_us,
                wall: at.system,
                trust: Trust::Untrusted,
            },
            doubtful: Some((at.mono_us, u64::MAX)),
            connected: false,
            ended: false,
            clock,
            trust: BelievedBy::new(identity.anchor.clone()),
            belief: Belief::default(),
            documents: Documents::new(speaker),
            agenda: Agenda::default(),
            ledger: Ledger::default(),
            governed: Governed::new(identity.governor.clone()),
            stage: Stage::default(),
            outbox: Outbox::new(
                speaker.clone(),
                stored.store,
                stored.events,
                stored.last_event,
            ),
            commits: Commits::default(),
            contents: Contents::new(identity.content_quota_bytes, stored.contents),
            streams: Default::default(),
            report: Report::new(at.mono_us),
            renewal: Default::default(),
            runs,
            orders: Orders::new(memory.read()),
            watch: Watch::new(memory.read(), at.mono_us),
            data: DataCounter::new(memory.read()),
            measured: Measured::default(),
            ear: Default::default(),
            witness: memory.read().unwrap_or_default(),
            faults_told: Default::default(),
            pruned_at: None,
            looked_us: at.mono_us,
            out: Vec::new(),
            identity,
        };
        agent.now = agent.clock.moment(at);
        agent.event(What::Booted {
            boot: agent.boot,
            agent: agent.identity.agent.clone(),
            after,
        });
        let rules = memory.read();
        let unreadable = memory.unreadable.join(", ");
        if !unreadable.is_empty() {
            let detail = format!("the speaker's own notes cannot be read: {unreadable}");
            agent.fault("disk", &detail);
        }
        agent.forget_documents(memory.unreadable);
        agent.note_run();
        agent.commits.close_group();
        agent.restore_documents(documents, rules);
        agent.restore_ledger(stored.ledger);
        agent.take_over_programmes(false);
        let since = agent.documents.config.since;
        agent.agenda.rebuild(since, agent.now.wall, &agent.ledger);
        agent.carry_on();
        let due_us = agent.next_deadline().map(|(at, _)| at);
        agent.watch.wants_to_wake_at(due_us, at.mono_us);
        let effects = std::mem::take(&mut agent.out);
        (agent, effects)
    }

    /// Whom to believe comes first, then this speaker's own configuration, then the rest.
    fn restore_documents(&mut self, documents: Vec<(String, Vec<u8>)>, rules: Option<RulesNote>) {
        let (roots, documents) = documents
            .into_iter()
            .partition(|(name, _)| name.starts_with("root:"));
        let needless = self.restore_roots(roots);
        self.forget_documents(needless);
        let (first, rest): (Vec<_>, Vec<_>) = documents
            .into_iter()
            .partition(|(name, _)| name == HEAD || name == CONFIG);
        let config = first.iter().find(|(name, _)| name == CONFIG).cloned();
        self.restore_some(first);
        if !self.documents.config_known {
            self.restore_rules(rules, config.as_ref().map(|(_, bytes)| &bytes[..]));
        }
        self.restore_some(rest);
    }

    fn restore_some(&mut self, documents: Vec<(String, Vec<u8>)>) {
        let mut nows = Vec::new();
        let mut lost = Vec::new();
        for (name, bytes) in documents {
            let result = match name.as_str() {
                HEAD => self.head_came(&bytes, false),
                CONFIG => self.config_came(&bytes, false),
                _ => match name.split_once(':') {
                    Some(("approvers", area)) => match area.parse() {
                        Ok(area) => self.approvers_came(&area, &bytes, false),
                        Err(_) => Err(Refusal::WrongScope),
                    },
                    Some(("programme", channel)) => match channel.parse() {
                        Ok(channel) => self.programme_came(&channel, &bytes, false),
                        Err(_) => Err(Refusal::WrongScope),
                    },
                    Some(("now", rest)) => self
                        .stored_now(rest, &bytes)
                        .map(|now| nows.push((now, name.clone()))),
                    _ => Err(Refusal::WrongScope),
                },
            };
            if let Err(refusal) = result {
                self.report.refused(refusal.word());
                self.fault(
                    "disk",
                    &format!("the stored {name} is not believed any more: {refusal}"),
                );
                lost.push(name);
            }
        }
        nows.sort_by_key(|(now, _)| now.document.version);
        for (now, name) in nows {
            let Opened { document, signer } = now;
            // One that the programme has overtaken, or whose channel was left, is simply not needed any more.
            if !matches!(
                self.documents.take_now(document, signer, false),
                Ok(Some(_))
            ) {
                lost.push(name);
            }
        }
        self.forget_documents(lost);
    }

    /// Stored as `now:CHANNEL:WHAT`.
    fn stored_now(&self, rest: &str, bytes: &[u8]) -> Result<Opened<Now>, Refusal> {
        let channel = rest.split(':').next().and_then(|c| c.parse().ok());
        let channel: Channel = channel.ok_or(Refusal::WrongScope)?;
        let opened = self.trust.open_on::<Now>(bytes, &channel, None)?;
        if opened.document.channel == channel {
            Ok(opened)
        } else {
            Err(Refusal::WrongScope)
        }
    }

    fn restore_ledger(&mut self, rows: Vec<LedgerRow>) {
        for mut row in rows {
            self.governed.restore(&row);
            if row.playout.outcome.is_none() {
                row.playout.outcome = Some(Outcome::Interrupted(Interruption::PowerCut));
                // When it ended nobody knows; what had sounded before the present piece is counted.
                row.suspended = None;
                let playout = row.playout.clone();
                self.out.push(Effect::Log(LogLine::Over {
                    title: playout.title.clone(),
                    outcome: "interrupted (power_cut)".into(),
                    sounded_ms: playout.sounded_ms,
                }));
                self.commits.put(Write::PutLedger(row.clone()));
                self.event(What::Ended { playout });
                self.commits.close_group();
            }
            if let Some(ended) = row.playout.ended.filter(|_| row.playout.started.is_some()) {
                self.measured.sounded_until(ended);
            }
            self.ledger.restore(&row.playout);
        }
        self.governed.restored(self.now);
        debug_assert!(self.ledger.from() == WallTime::EPOCH);
    }
}

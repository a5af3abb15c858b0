//! One pole under fire: the real agent, a disk that writes at once, and a clock that goes on when it is told to.
//!
//! What is shot at it, and what stands in for its player, is up to whoever shoots.

use std::collections::VecDeque;

use loa_agent::logic::{
    Agent, Identity, Pace,
    port::{Effect, Input, KernelClock, PlayerCommand, PlayerEvent, Reading, Stored, Write},
};
use loa_protocol::{id::SpeakerId, time::WallTime, trust::Anchor};

#[derive(Debug)]
pub struct Target {
    agent: Agent,
    now_us: u64,
}

/// Whom it is.
pub fn pole() -> SpeakerId {
    "ban-chuong-1".parse().expect("a good name")
}

/// `us` after noon of a day in Việt Nam; a target is switched on a second after it.
pub fn wall(us: u64) -> WallTime {
    WallTime::from_millis(1_795_496_400_000).plus_us(us as i64)
}

/// A pole that believes by `anchor`, and signs nothing.
pub fn identity(anchor: Anchor) -> Identity {
    Identity {
        speaker: pole(),
        anchor,
        roots: Vec::new(),
        signing: None,
        agent: "loa-agent under fire".into(),
        output: "none".into(),
        content_quota_bytes: 1 << 20,
        seed: 1,
        built: WallTime::EPOCH,
        pace: Pace::default(),
        governor: Default::default(),
        machine_boot: None,
        fetches_relays: false,
    }
}

impl Target {
    /// Switched on for the first time; it knows the time and is connected.
    pub fn new(identity: Identity) -> Self {
        let stored = Stored {
            store: "s1".parse().expect("a good name"),
            boot: 1,
            documents: Vec::new(),
            ledger: Vec::new(),
            events: Vec::new(),
            last_event: 0,
            contents: Vec::new(),
            known_time: None,
        };
        let now_us = 1_000_000;
        let (agent, first) = Agent::new(identity, stored, reading(now_us));
        let mut target = Self { agent, now_us };
        target.settle(first, |_| None);
        let clock = KernelClock {
            synced: true,
            held: false,
        };
        for input in [Input::KernelClock(clock), Input::Connected] {
            target.gets(input, |_| None);
        }
        target
    }

    /// By its monotonic clock.
    pub fn now_us(&self) -> u64 {
        self.now_us
    }

    pub fn now(&self) -> WallTime {
        wall(self.now_us)
    }

    pub fn pass_us(&mut self, us: u64) {
        self.now_us += us;
    }

    /// Handles it and whatever disk and player answer, until nothing is left to answer. Gives all that was written.
    pub fn gets(
        &mut self,
        input: Input,
        player: impl FnMut(PlayerCommand) -> Option<PlayerEvent>,
    ) -> Vec<Write> {
        let effects = self.agent.handle(input, reading(self.now_us));
        self.settle(effects, player)
    }

    fn settle(
        &mut self,
        effects: Vec<Effect>,
        mut player: impl FnMut(PlayerCommand) -> Option<PlayerEvent>,
    ) -> Vec<Write> {
        let mut written = Vec::new();
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            let answer = match effect {
                Effect::Commit { ticket, writes } => {
                    written.extend(writes);
                    Some(Input::Committed { ticket })
                }
                Effect::Player(command) => player(command).map(Input::Player),
                _ => None,
            };
            if let Some(answer) = answer {
                effects.extend(self.agent.handle(answer, reading(self.now_us)));
            }
        }
        written
    }
}

fn reading(mono_us: u64) -> Reading {
    Reading {
        mono_us,
        system: wall(mono_us),
    }
}

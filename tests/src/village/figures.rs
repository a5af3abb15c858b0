//! Counts of what the weeks held, in one line.

use std::{collections::BTreeMap, fmt};

macro_rules! figures {
    ($($name:ident: $words:literal),+ $(,)?) => {
        #[derive(Clone, Debug, Default)]
        pub struct Figures {
            $(pub $name: u64,)+
            /// Verdicts of the reference, by their words.
            pub verdicts: BTreeMap<&'static str, u64>,
        }

        impl Figures {
            pub fn add(&mut self, other: &Figures) {
                $(self.$name += other.$name;)+
                for (word, count) in &other.verdicts {
                    *self.verdicts.entry(word).or_default() += count;
                }
            }
        }

        impl fmt::Display for Figures {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(write!(f, "{} {}, ", self.$name, $words)?;)+
                f.write_str("verdicts:")?;
                for (word, count) in &self.verdicts {
                    write!(f, " {word} {count};")?;
                }
                Ok(())
            }
        }
    };
}

figures! {
    poles: "poles",
    inputs: "inputs",
    acts: "acts of the clerk",
    edits: "edits",
    stops: "stops",
    playouts: "playouts",
    completed: "completed",
    sounds: "sounds",
    calls: "calls",
    relays: "relays",
    packets: "packets of speech",
    heard_live: "poles that heard a call",
    replayed: "that heard its recording",
    power_cuts: "power cuts",
    cuts_at_commit: "of them just after a commit",
    kills: "kills",
    agent_starts: "agent starts",
    office_restarts: "office restarts",
    broker_restarts: "broker restarts",
    partitions: "partitions",
    broken_lines: "broken lines",
    connections: "connections",
    dropped: "messages dropped",
    repeated: "repeated",
    reordered: "reordered",
    lies: "lies",
    malices: "acts of malice",
    rotations: "new keys",
    clock_steps: "clock steps",
    commits: "commits",
    failed_commits: "failed",
    bad_contents: "bad contents",
    player_failures: "player failures",
    blocks_sent: "blocks sent",
    blocks_needed: "blocks held at the end",
}

impl Figures {
    /// Days in which nobody was hostile prove nothing.
    pub fn must_be_hostile(&self, villages: u64) {
        assert!(self.playouts > 5 * villages, "too little was said: {self}");
        assert!(self.malices > 20 * villages, "too little malice: {self}");
    }

    /// Weeks in which nothing happened prove nothing.
    pub fn must_be_worth_something(&self, villages: u64) {
        let heard = self.verdicts.get("heard on time").copied().unwrap_or(0);
        assert!(self.playouts > 20 * villages, "too little was said: {self}");
        assert!(
            heard > 5 * villages,
            "the reference demanded too little: {self}"
        );
    }
}

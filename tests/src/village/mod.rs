//! A village in imagined time: one office, two to twenty poles, a broker, a week, and everything that goes wrong in it,
//! from one seed. The office's and the agents' logic are the real ones; broker, lines, disks, players, clocks and people
//! are imagined, and a deliberately naive reference says who should have heard what.
//!
//! `world` is the queue of what happens; `pole`, `office`, `pipe`, `disk`, `player`, `machine` are the imagined parts;
//! `clerk`, `weather` and who speaks `live` make things happen, `malice` with the `keys` that it has or has not; `watch` looks at every instant; `reference` and `ending` judge at the end.

mod beliefs;
pub mod chance;
mod clerk;
mod database;
mod diary;
mod disk;
mod ending;
mod figures;
mod keys;
mod library;
mod live;
mod machine;
mod malice;
mod office;
mod pattern;
mod pipe;
mod player;
mod pole;
mod reference;
mod relay;
mod sabotage;
mod tape;
mod town;
mod watch;
mod weather;
mod world;

pub use figures::Figures;
pub use keys::{Passkey, RELYING_PARTY, any_key};
pub use malice::Hostility;
pub use sabotage::Sabotage;
pub use world::{Lived, Village};

/// True time since the village's beginning, in microseconds.
pub type Micros = u64;
pub const SECOND: Micros = 1_000_000;
pub const DAY: Micros = 86_400 * SECOND;

use world::Happening;

/// What broke, and when.
#[derive(Clone, Debug)]
pub struct Broken {
    pub seed: u64,
    pub what: String,
    /// The last lines of the diary.
    pub diary: Vec<String>,
}

/// Lives `days` days from a seed, and the hours after them in which everything is put right.
pub fn live(
    seed: u64,
    days: u64,
    sabotage: Option<Sabotage>,
    aloud: bool,
) -> Result<Lived, Box<Broken>> {
    Village::new(seed, days, sabotage, None, aloud).live()
}

/// The same under a broker that is no honest pipe.
pub fn live_under(
    hostility: Hostility,
    seed: u64,
    days: u64,
    sabotage: Option<Sabotage>,
    aloud: bool,
) -> Result<Lived, Box<Broken>> {
    Village::new(seed, days, sabotage, Some(hostility), aloud).live()
}

//! What the speaker keeps for itself from run to run, beside the office's documents and stored like them: one note for
//! each thing, under a name that no document of the office has. A note that cannot be read is as if there were none.

use loa_protocol::{event::LineTrouble, time::WallTime};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Agent, data_use::DataNote, port::Write, runs::RunNote};

/// Every note's name begins with this.
const OWN: &str = "own:";

pub trait Note: Serialize + DeserializeOwned {
    const NAME: &'static str;
}

/// The number of the last order that was done, or was about to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderNote {
    pub done: u64,
}

/// What the office was told and what has not changed since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToldNote {
    /// The line is lost.
    pub lost: Option<Lost>,
    pub mains_gone: bool,
}

/// A loss of the line that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    pub since: WallTime,
    pub trouble: LineTrouble,
}

impl Note for OrderNote {
    const NAME: &'static str = "own:order";
}
impl Note for ToldNote {
    const NAME: &'static str = "own:told";
}

/// The notes that were on disk when the program started.
#[derive(Debug, Default)]
pub struct Memory {
    notes: Vec<(String, Vec<u8>)>,
    /// Names of those that could not be read.
    pub unreadable: Vec<String>,
}

impl Memory {
    /// Takes the notes out of what was stored; the rest is the office's.
    pub fn take_from(documents: &mut Vec<(String, Vec<u8>)>) -> Self {
        let (notes, rest) = std::mem::take(documents)
            .into_iter()
            .partition(|(name, _)| name.starts_with(OWN));
        *documents = rest;
        Self {
            notes,
            unreadable: Vec::new(),
        }
    }

    pub fn read<N: Note>(&mut self) -> Option<N> {
        let (name, bytes) = self.notes.iter().find(|(name, _)| name == N::NAME)?;
        match ciborium::from_reader(&bytes[..]) {
            Ok(note) => Some(note),
            Err(_) => {
                self.unreadable.push(name.clone());
                None
            }
        }
    }
}

impl Agent {
    pub(super) fn keep_note<N: Note>(&mut self, note: &N) {
        let mut bytes = Vec::new();
        // Writing into memory does not fail; a note that did would be as if it had not changed.
        if ciborium::into_writer(note, &mut bytes).is_ok() {
            let name = N::NAME.into();
            self.commits.put(Write::PutDocument { name, bytes });
        }
    }
}

impl Note for RunNote {
    const NAME: &'static str = "own:run";
}
impl Note for DataNote {
    const NAME: &'static str = "own:data";
}

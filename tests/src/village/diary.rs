//! What happened in the village, line by line: the last lines are kept for whoever must understand a failure, and a
//! hash of all lines shows that the same seed lives the same week.

use std::{collections::VecDeque, fmt};

use super::{Micros, SECOND};

const KEPT_LINES: usize = 60;

#[derive(Debug)]
pub struct Diary {
    lines: VecDeque<String>,
    hash: u64,
    aloud: bool,
}

impl Diary {
    /// `aloud`: every line is printed as it is written.
    pub fn new(aloud: bool) -> Self {
        Self {
            lines: VecDeque::new(),
            hash: 0xcbf2_9ce4_8422_2325,
            aloud,
        }
    }

    pub fn write(&mut self, now: Micros, line: fmt::Arguments<'_>) {
        let text = format!("{} {line}", Stamp(now));
        for byte in text.bytes() {
            // FNV-1a.
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.aloud {
            println!("{text}");
        }
        if self.lines.len() == KEPT_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(text);
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }

    pub fn last_lines(&self, count: usize) -> Vec<String> {
        let skip = self.lines.len().saturating_sub(count);
        self.lines.iter().skip(skip).cloned().collect()
    }
}

/// Day and time since the village's beginning, which is a civil midnight: `d3 06:30:00.012345`.
pub struct Stamp(pub Micros);

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.0 / SECOND;
        write!(
            f,
            "d{} {:02}:{:02}:{:02}.{:06}",
            s / 86_400,
            s / 3600 % 24,
            s / 60 % 60,
            s % 60,
            self.0 % SECOND
        )
    }
}

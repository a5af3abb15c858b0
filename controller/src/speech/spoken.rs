//! The plain text as it grows: words one space apart, one punctuation mark at a time, and what was said last.

/// Where the plain text stops growing, in bytes. Far above any `max_text_chars`, so a text that reaches
/// it is refused by the engine and never sounded in part.
pub const MAX_SPOKEN_BYTES: usize = 1 << 20;

/// Plain text under construction.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    text: String,
}

impl Spoken {
    /// Adds words (already plain) after one space, as far as there is room.
    pub fn words(&mut self, words: &str) {
        let room = MAX_SPOKEN_BYTES.saturating_sub(self.text.len() + 1);
        let words = &words[..words.floor_char_boundary(room)];
        if words.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(words);
    }

    /// Adds a pause; of two in a row the stronger stays, and none opens a text.
    pub fn pause(&mut self, mark: char) {
        let Some(last) = self.text.chars().next_back() else {
            return;
        };
        if strength(last) == 0 && self.text.len() < MAX_SPOKEN_BYTES {
            self.text.push(mark);
        } else if (1..strength(mark)).contains(&strength(last)) {
            self.text.pop();
            self.text.push(mark);
        }
    }

    /// A line ended and a new sentence begins: a full stop unless something already pauses there.
    pub fn line_end(&mut self) {
        if !self.ends_in_pause() {
            self.pause('.');
        }
    }

    pub fn is_full(&self) -> bool {
        self.text.len() + 8 >= MAX_SPOKEN_BYTES
    }

    pub fn ends_in_pause(&self) -> bool {
        self.text
            .chars()
            .next_back()
            .is_none_or(|last| strength(last) > 0)
    }

    /// The last word in lower case; empty at the start and after a pause.
    pub fn last_word(&self) -> String {
        if self.ends_in_pause() {
            return String::new();
        }
        self.text
            .rsplit(' ')
            .next()
            .unwrap_or_default()
            .to_lowercase()
    }

    /// The last `count` words of this sentence in lower case, without their marks, one space apart.
    pub fn recent(&self, count: usize) -> String {
        let mut words = Vec::with_capacity(count);
        for word in self.text.rsplit(' ').take(count) {
            if word.ends_with(['.', '!', '?']) {
                break;
            }
            words.push(
                word.trim_end_matches(|mark| strength(mark) > 0)
                    .to_lowercase(),
            );
        }
        words.reverse();
        words.join(" ")
    }

    /// Was this phrase (lower case, whole words) among the last `count` words of the sentence?
    pub fn said_lately(&self, phrase: &str, count: usize) -> bool {
        format!(" {} ", self.recent(count)).contains(&format!(" {phrase} "))
    }

    /// The finished text: a text does not end in a comma, a colon or a semicolon.
    pub fn finish(mut self) -> String {
        if self.text.ends_with([',', ';', ':']) {
            self.text.pop();
        }
        self.text
    }
}

/// How long a mark holds its breath; 0 is not a mark that we keep.
pub(super) fn strength(mark: char) -> u8 {
    match mark {
        ',' => 1,
        ';' | ':' => 2,
        '.' | '!' | '?' => 3,
        _ => 0,
    }
}

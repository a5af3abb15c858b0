//! Vietnamese text as people write it ("7h30 ngày 25/11, UBND xã") becomes text that any engine can say.
//!
//! One pass from left to right over the cleaned text. At each place the first reader that knows what stands
//! there takes it: links, figures, words, and last the signs. Nothing is looked at twice, so the work grows
//! with the text and with nothing else.

use super::abbreviations::Abbreviations;
use super::cleaning::clean;
use super::figures::{self, Figure, What};
use super::spoken::Spoken;
use super::{amounts, links, words};

/// Reads Vietnamese text into plain words and the marks `. , ; : ! ?` on one line.
///
/// - No digit, emoji, sign or control character is left.
/// - Text that is already plain comes back as it is: `normalise(&normalise(t)) == normalise(t)`.
/// - Any string has a reading, of at most [`MAX_SPOKEN_BYTES`](super::MAX_SPOKEN_BYTES), far beyond what an engine is given.
pub fn normalise(text: &str, table: &Abbreviations) -> String {
    let text = clean(text);
    let mut reader = Reader {
        text: &text,
        at: 0,
        out: Spoken::default(),
        table,
        shouting: false,
    };
    reader.line_start();
    while reader.at < text.len() && !reader.out.is_full() {
        reader.step();
    }
    reader.out.finish()
}

struct Reader<'a> {
    text: &'a [char],
    at: usize,
    out: Spoken,
    table: &'a Abbreviations,
    /// The last word was an ordinary word in capitals: its neighbours are not short forms.
    shouting: bool,
}

impl Reader<'_> {
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        let before = self.at.checked_sub(1).map_or(' ', |at| self.text[at]);
        match rest[0] {
            ' ' => self.at += 1,
            '\n' => {
                self.at += 1;
                self.line_start();
                if !self.peek(0).is_lowercase() {
                    self.out.line_end();
                }
            }
            _ if !before.is_alphanumeric() && self.link() => {}
            '0'..='9' if before.is_alphabetic() => {
                let figure = figures::label(rest);
                self.figure(figure, true);
            }
            '0'..='9' | '(' | '+' | '$' | '€' if self.figure_here() => {}
            letter if letter.is_alphabetic() => self.word(),
            sign => self.sign(sign, before),
        }
    }

    /// The character `ahead` places on; a line end when the text is over.
    fn peek(&self, ahead: usize) -> char {
        self.text.get(self.at + ahead).copied().unwrap_or('\n')
    }

    /// Steps over list marks: "- ", "* ", "+ ", "###". A minus before degrees and a plus before a number stay.
    fn line_start(&mut self) {
        while matches!(
            self.peek(0),
            '-' | '*' | '+' | '#' | '>' | '=' | '_' | '~' | '|'
        ) {
            let number_next = self.peek(1).is_ascii_digit();
            if number_next && (self.peek(0) == '+' || self.minus_degrees()) {
                return;
            }
            self.at += 1;
            while self.peek(0) == ' ' && self.at < self.text.len() {
                self.at += 1;
            }
        }
    }

    fn minus_degrees(&self) -> bool {
        self.peek(0) == '-' && (2..9).map(|ahead| self.peek(ahead)).any(|c| c == '°')
    }

    fn link(&mut self) -> bool {
        let Some((length, words)) = links::read(&self.text[self.at..], self.table) else {
            return false;
        };
        self.out.words(&words);
        self.at += length;
        self.shouting = false;
        true
    }

    fn figure_here(&mut self) -> bool {
        let labelled = LABELS.contains(&self.out.last_word().as_str());
        match figures::read(&self.text[self.at..], &self.out, self.table) {
            Some(figure) => {
                self.figure(figure, labelled);
                true
            }
            None => false,
        }
    }

    fn figure(&mut self, figure: Figure, labelled: bool) {
        self.out.words(&figure.words);
        self.at += figure.length;
        self.shouting = false;
        self.after_figure(&figure, labelled);
    }

    /// What ties one figure to the next: 10-15, 7h-9h, 3x4, 10/12, 25.000 đồng/kg.
    fn after_figure(&mut self, figure: &Figure, labelled: bool) {
        let gap = usize::from(self.peek(0) == ' ');
        let sign = self.peek(gap);
        let far = gap + 1 + usize::from(self.peek(gap + 1) == ' ');
        let tight = far == 1;
        let next = self.peek(far);
        let rest = &self.text[(self.at + far).min(self.text.len())..];
        let number_next = next.is_ascii_digit();
        match sign {
            '-' if number_next => match figure.what {
                What::Phone => self.out.pause(','),
                What::Clock | What::Day => self.out.words("đến"),
                What::Amount { value, has_unit } => {
                    let rises = has_unit
                        || value
                            .zip(amounts::counted(rest, self.table))
                            .is_none_or(|(a, b)| a < b);
                    match (rises, tight) {
                        (true, true) => self.out.words("đến"),
                        (true, false) if !labelled => self.out.words("đến"),
                        (false, true) => {}
                        _ => self.out.pause(','),
                    }
                }
            },
            '/' if tight && number_next => match figure.what {
                What::Phone => self.out.pause(','),
                What::Amount {
                    value: Some(1900..=2100),
                    ..
                } if matches!(figures::leading(rest), Some(1900..=2100)) => {
                    self.out.words("đến");
                }
                _ => self.out.words("trên"),
            },
            '/' if tight && next.is_lowercase() => self.out.words("một"),
            'x' | 'X' | '×' if number_next => self.out.words("nhân"),
            '+' if tight && number_next => self.out.words("cộng"),
            ':' if tight && number_next => self.out.words("trên"),
            '.' if tight && number_next => self.out.words("chấm"),
            ',' if tight && number_next => self.out.pause(','),
            _ => return,
        }
        self.at += far;
    }

    fn word(&mut self) {
        let place = words::Place {
            shouting: self.shouting,
        };
        let word = words::read(&self.text[self.at..], &place, &self.out, self.table);
        self.out.words(&word.words);
        self.at += word.length.max(1);
        self.shouting = word.shouted;
    }

    fn sign(&mut self, sign: char, before: char) {
        let after = self.peek(1);
        let beyond = if after == ' ' { self.peek(2) } else { after };
        self.at += 1;
        self.shouting = false;
        match sign {
            '.' | ',' | ';' | ':' | '!' | '?' => self.out.pause(sign),
            '(' | ')' | '[' | ']' | '{' | '}' | '|' => self.out.pause(','),
            '-' if before.is_alphanumeric() && after.is_alphanumeric() => {}
            '-' if after.is_ascii_digit() && before == ' ' && self.below_zero() => {
                self.out.words("âm")
            }
            '-' if after.is_ascii_digit() && self.out.ends_in_pause() && self.below_zero() => {
                self.out.words("âm");
            }
            '-' => self.out.pause(','),
            '/' if before.is_alphanumeric() && after.is_alphanumeric() => {
                let (_, next) = figures::word_at(&self.text[self.at..]);
                if PER.contains(&next.as_str()) {
                    self.out.words("một");
                } else {
                    self.out.pause(',');
                }
            }
            '@' if !(before.is_alphanumeric() && after.is_alphanumeric()) => {}
            '=' | '+' | '<' | '>' | '~' if !beyond.is_ascii_digit() || before == sign => {}
            _ => {
                if let Some((_, words)) = SIGNS.iter().find(|(known, _)| *known == sign) {
                    self.out.words(words);
                }
            }
        }
    }

    /// A minus is said only where a temperature or a level is told; elsewhere "-5 hộ" is an item of a list.
    fn below_zero(&self) -> bool {
        const LEVELS: [&str; 6] = ["từ", "đến", "xuống", "dưới", "mức", "còn"];
        let degrees = (0..8).map(|ahead| self.peek(ahead)).any(|c| c == '°');
        degrees || LEVELS.contains(&self.out.last_word().as_str())
    }
}

/// Behind these a number is a name, so "xóm 3 - 15 hộ" is no range.
const LABELS: &[&str] = &[
    "xóm", "thôn", "bản", "tổ", "khu", "số", "lớp", "đội", "khối", "nhà", "ấp", "phòng", "bàn",
];

/// Behind a slash these are what something is counted by: "2 lần/ngày".
const PER: &[&str] = &[
    "ngày", "tuần", "tháng", "quý", "năm", "giờ", "phút", "giây", "người", "hộ", "lần", "buổi",
    "khẩu", "suất", "con", "cây", "sào", "mẫu", "bao", "tấn", "tạ", "lít", "chuyến", "vụ", "lứa",
    "em", "cháu",
];

const SIGNS: &[(char, &str)] = &[
    ('&', "và"),
    ('%', "phần trăm"),
    ('‰', "phần nghìn"),
    ('°', "độ"),
    ('@', "a còng"),
    ('=', "bằng"),
    ('+', "cộng"),
    ('<', "nhỏ hơn"),
    ('>', "lớn hơn"),
    ('≤', "không quá"),
    ('≥', "ít nhất"),
    ('±', "cộng trừ"),
    ('×', "nhân"),
    ('÷', "chia"),
    ('~', "khoảng"),
    ('$', "đô la"),
    ('€', "ơ rô"),
];

//! Whatever begins with a letter: short forms, Roman numerals, weekdays (T2), capitals, and ordinary words.

use unicode_normalization::UnicodeNormalization;

use super::abbreviations::{Abbreviations, Entry, Table, capital};
use super::figures::{leading, run};
use super::numbers::{cardinal, fourth_is_tu, ordinal, roman, whole};
use super::spoken::Spoken;
use super::when::is_year;

/// What is known of the place where the word stands.
pub(super) struct Place {
    /// The word before was an ordinary word in capitals.
    pub shouting: bool,
}

/// One word read.
pub(super) struct Word {
    pub length: usize,
    pub words: String,
    /// An ordinary word in capitals.
    pub shouted: bool,
}

/// Reads the word that begins here. `rest` begins with a letter.
pub(super) fn read(rest: &[char], place: &Place, said: &Spoken, table: &Abbreviations) -> Word {
    let (length, words) = short_in_table(rest, place, table)
        .or_else(|| weekday_or_month(rest))
        .or_else(|| numeral(rest, said))
        .or_else(|| lone_unit(rest, said, table))
        .unwrap_or_else(|| {
            let length = letters(rest);
            (length, plain(&rest[..length], table))
        });
    let shouted =
        is_shouted(rest) && short_in_table(rest, &Place { shouting: false }, table).is_none();
    Word {
        length,
        words,
        shouted,
    }
}

/// How many letters stand here; an apostrophe between two letters is one of them (H'Mông).
fn letters(rest: &[char]) -> usize {
    (0..rest.len())
        .take_while(|&at| {
            rest[at].is_alphabetic()
                || rest[at] == '\'' && at > 0 && rest.get(at + 1).is_some_and(|c| c.is_alphabetic())
        })
        .count()
}

fn short_in_table(rest: &[char], place: &Place, table: &Abbreviations) -> Option<(usize, String)> {
    let first = *rest.first()?;
    let exact = find(&table.short, first, rest, |letter| letter);
    let entry = match exact {
        Some(entry) if is_syllable(&entry.key) && amid_capitals(rest, entry, place) => return None,
        Some(entry) => entry,
        None => find(&table.any_case, capital(first), rest, capital)?,
    };
    Some((entry.key.len(), entry.reading.clone()))
}

fn find<'a>(
    table: &'a Table,
    first: char,
    rest: &[char],
    like: fn(char) -> char,
) -> Option<&'a Entry> {
    table.beginning(first).iter().find(|entry| {
        let length = entry.key.len();
        rest.len() >= length
            && rest
                .iter()
                .zip(&entry.key)
                .all(|(written, key)| like(*written) == *key)
            && ends_well(entry, &rest[length..])
    })
}

fn ends_well(entry: &Entry, behind: &[char]) -> bool {
    let next = behind.first().copied().unwrap_or(' ');
    let marks = entry.key.iter().filter(|c| **c == '.').count();
    match entry.key.last() {
        _ if entry.before_digit => next.is_ascii_digit(),
        Some('.') if marks == 1 => {
            let name = if next == ' ' {
                behind.get(1).copied().unwrap_or(' ')
            } else {
                next
            };
            name.is_uppercase() || name.is_ascii_digit()
        }
        // As `letters` has it: in H'Mông the word goes on.
        Some(last) => {
            let goes_on = next == '\'' && behind.get(1).is_some_and(|c| c.is_alphabetic());
            !last.is_alphanumeric() || !next.is_alphabetic() && !goes_on
        }
        None => false,
    }
}

/// In "CA NHẠC" the CA is a word like its neighbour; in "CA xã" it is the police.
fn amid_capitals(rest: &[char], entry: &Entry, place: &Place) -> bool {
    let behind = &rest[entry.key.len()..];
    place.shouting || behind.strip_prefix(&[' ']).is_some_and(is_shouted)
}

/// An ordinary word in capitals, two letters or more.
fn is_shouted(rest: &[char]) -> bool {
    let word = &rest[..letters(rest)];
    word.len() >= 2 && word.iter().all(|c| c.is_uppercase()) && is_syllable(word)
}

/// T2 → thứ hai, T10/2026 → tháng mười năm …
fn weekday_or_month(rest: &[char]) -> Option<(usize, String)> {
    let behind = rest.strip_prefix(&['T'])?;
    let digits = run(behind);
    let number = leading(behind).filter(|_| digits <= 2)?;
    match behind.get(digits) {
        Some('/') if (1..=12).contains(&number) && run(&behind[digits + 1..]) == 4 => {
            let year = leading(&behind[digits + 1..])?;
            Some((
                digits + 6,
                format!("tháng {} năm {}", fourth_is_tu(number), cardinal(year)),
            ))
        }
        Some(next) if next.is_alphanumeric() => None,
        _ if digits == 1 && (2..=7).contains(&number) => {
            Some((2, format!("thứ {}", ordinal(number))))
        }
        _ => None,
    }
}

/// Khóa XV, quý IV, lần thứ I, thế kỷ XXI; elsewhere only what can be nothing but a numeral (III, VII).
fn numeral(rest: &[char], said: &Spoken) -> Option<(usize, String)> {
    const NUMBERED: [&str; 25] = [
        "khóa", "khoá", "hội", "lần", "thứ", "quý", "kỷ", "kỉ", "chương", "phần", "tập", "kỳ",
        "kì", "hạng", "loại", "cấp", "bậc", "vùng", "đợt", "mục", "nghị", "khu", "nhóm", "đoạn",
        "bảng",
    ];
    let length = letters(rest);
    if length > 8 {
        return None;
    }
    let word: String = rest[..length].iter().collect();
    let number = roman(&word)?;
    let before = said.last_word();
    let alone =
        length >= 2 && word.chars().all(|c| "IVX".contains(c)) && !is_syllable(&rest[..length]);
    if !NUMBERED.contains(&before.as_str()) && !alone {
        return None;
    }
    let words = match before.as_str() {
        "thứ" => ordinal(number),
        "quý" => fourth_is_tu(number),
        _ => cardinal(number),
    };
    let behind = &rest[length..];
    let year = behind
        .strip_prefix(&['/'])
        .filter(|behind| run(behind) == 4)
        .and_then(leading);
    match year.filter(|year| is_year(*year)) {
        Some(year) => Some((length + 5, format!("{words} năm {}", cardinal(year)))),
        None => Some((length, words)),
    }
}

/// A unit without its number ("vài km", "2 triệu ha").
fn lone_unit(rest: &[char], said: &Spoken, table: &Abbreviations) -> Option<(usize, String)> {
    const COUNTS: [&str; 9] = [
        "trăm", "nghìn", "ngàn", "vạn", "triệu", "tỷ", "tỉ", "chục", "rưỡi",
    ];
    let counted = COUNTS.contains(&said.last_word().as_str()) && said.recent(2) != "phần trăm";
    let entry = table.units.beginning(*rest.first()?).iter().find(|entry| {
        let unmistakable = entry.key.len() >= 2
            && !entry.money
            && !is_syllable(&entry.key)
            && entry.key != ['p', 'h'];
        rest.starts_with(&entry.key)
            && !rest.get(entry.key.len()).is_some_and(|c| c.is_alphabetic())
            && (counted || unmistakable)
    })?;
    Some((entry.key.len(), entry.reading.clone()))
}

/// An ordinary word as it is; capitals in lower case when they are a word, else letter by letter.
fn plain(word: &[char], table: &Abbreviations) -> String {
    let text: String = word.iter().collect();
    if word.len() < 2 || !word.iter().all(|c| c.is_uppercase() || *c == '\'') {
        return text;
    }
    let letters = word
        .iter()
        .all(|c| c.is_ascii_uppercase() || matches!(c, 'Đ' | 'Ư'));
    let unsayable = word.len() <= 10 && !word.iter().any(|c| "AEIOUYƯ".contains(*c));
    if letters
        && (word.len() <= 5 || unsayable)
        && !is_syllable(word)
        && !table.read_as_words.contains(&text)
    {
        return spelled(word);
    }
    word.iter().map(|letter| small(*letter)).collect()
}

/// A piece of a paper's number or an address: by the table, else letter by letter, digits as a number.
pub(super) fn short_form(piece: &str, table: &Abbreviations) -> String {
    let piece: Vec<char> = piece.chars().collect();
    let place = Place { shouting: false };
    if let Some((length, words)) = short_in_table(&piece, &place, table)
        && length == piece.len()
    {
        return words;
    }
    let mut words = Vec::new();
    let mut at = 0;
    while at < piece.len() {
        let digits = run(&piece[at..]);
        if digits > 0 {
            words.push(whole(&piece[at..at + digits]));
        } else {
            words.push(spelled(&piece[at..=at]));
        }
        at += digits.max(1);
    }
    words.join(" ")
}

/// Letter by letter, by the names that the alphabet has at school.
pub(super) fn spelled(letters: &[char]) -> String {
    const NAMES: [&str; 26] = [
        "a", "bê", "xê", "dê", "e", "ép", "giê", "hát", "i", "gi", "ca", "e lờ", "em mờ", "en nờ",
        "ô", "pê", "quy", "e rờ", "ét sì", "tê", "u", "vê", "vê kép", "ích xì", "i dài", "dét",
    ];
    let named = letters.iter().map(|letter| match capital(*letter) {
        ascii @ 'A'..='Z' => NAMES[usize::from(ascii as u8 - b'A')].to_owned(),
        'Đ' => "đê".to_owned(),
        other => small(other).to_string(),
    });
    named.collect::<Vec<_>>().join(" ")
}

/// The small form of a letter, one character for one.
fn small(letter: char) -> char {
    let mut forms = letter.to_lowercase();
    match (forms.next(), forms.next()) {
        (Some(small), None) => small,
        _ => letter,
    }
}

/// Could this be one Vietnamese syllable, its tone and hats aside? Then its capitals are a word, not initials.
pub(super) fn is_syllable(word: &[char]) -> bool {
    const ONSETS: [&str; 28] = [
        "", "b", "c", "ch", "d", "g", "gh", "gi", "h", "k", "kh", "l", "m", "n", "ng", "ngh", "nh",
        "p", "ph", "qu", "r", "s", "t", "th", "tr", "v", "x", "q",
    ];
    const RHYMES: [&str; 55] = [
        "a", "ai", "ao", "au", "ay", "e", "eo", "eu", "i", "ia", "ie", "ieu", "iu", "o", "oa",
        "oai", "oao", "oay", "oe", "oeo", "oi", "oo", "u", "ua", "uai", "uao", "uau", "uay", "ue",
        "ueo", "ui", "uo", "uoi", "uou", "uu", "uy", "uya", "uye", "uyu", "y", "ya", "ye", "yeu",
        "uia", "uyt", "uoa", "uoe", "ooi", "yu", "ei", "ou", "uie", "iau", "oau", "aa",
    ];
    const CODAS: [&str; 9] = ["", "c", "ch", "m", "n", "ng", "nh", "p", "t"];
    if word.is_empty() || word.len() > 7 {
        return false;
    }
    let bare: String = word
        .iter()
        .flat_map(|c| c.to_lowercase())
        .nfd()
        .filter(|c| c.is_alphabetic())
        .map(|c| if c == 'đ' { 'd' } else { c })
        .collect();
    ONSETS
        .iter()
        .filter_map(|onset| bare.strip_prefix(onset))
        .any(|rest| {
            CODAS
                .iter()
                .filter_map(|coda| rest.strip_suffix(coda))
                .any(|rhyme| RHYMES.contains(&rhyme))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_in_capitals_is_told_from_initials() {
        for word in [
            "THÔNG",
            "BÁO",
            "NGHIÊNG",
            "QUYẾT",
            "KHUYU",
            "ĐƯỜNG",
            "GIỮ",
            "AN",
            "CA",
            "VI",
            "XI",
            "YÊN",
        ] {
            assert!(is_syllable(&word.chars().collect::<Vec<_>>()), "{word}");
        }
        for initials in ["UBND", "HTX", "BHYT", "CCB", "UB", "TT", "II", "VTV", "FM"] {
            assert!(
                !is_syllable(&initials.chars().collect::<Vec<_>>()),
                "{initials}"
            );
        }
    }
}

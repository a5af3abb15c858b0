//! What is typed, copied and pasted becomes letters, digits, plain marks and line ends; the rest is dropped.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Composes letters (a phone may send "ê" in two parts), undoes look-alikes (bold Facebook letters, m²,
/// ideographic spaces), unifies dashes, quotes and spaces, and drops emoji and control characters.
/// At most one space or line end stands between two characters that are kept.
pub(super) fn clean(text: &str) -> Vec<char> {
    let mut kept: Vec<char> = Vec::with_capacity(text.len());
    for character in powers_apart(text).nfkc() {
        match plain(character) {
            Some('\n') => {
                if kept.last() == Some(&' ') {
                    kept.pop();
                }
                if kept.last().is_some_and(|last| *last != '\n') {
                    kept.push('\n');
                }
            }
            Some(' ') => {
                let gap = kept.last().is_none_or(|last| last.is_whitespace());
                kept.extend((!gap).then_some(' '));
            }
            Some(character) => kept.push(character),
            None => {}
        }
    }
    kept
}

/// A raised digit behind a digit is a power (10² is not 102): it gets its word before shapes are undone.
fn powers_apart(text: &str) -> impl Iterator<Item = char> {
    let mut last = ' ';
    text.chars().flat_map(move |character| {
        let power = matches!(character, '²' | '³' | '⁴'..='⁹') && last.is_ascii_digit();
        last = character;
        power
            .then_some(" mũ ")
            .into_iter()
            .flat_map(str::chars)
            .chain(std::iter::once(character))
    })
}

/// The plain form of one character, or nothing.
fn plain(character: char) -> Option<char> {
    Some(match character {
        '\n' | '\r' | '\u{2028}' | '\u{2029}' => '\n',
        _ if character.is_whitespace() => ' ',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' => '-',
        '\u{2018}' | '\u{2019}' | '\u{2032}' | '\u{2bc}' | '`' => '\'',
        '\u{2044}' | '\u{2215}' => '/',
        '\u{2022}' | '\u{25cf}' | '\u{25aa}' | '\u{00b7}' | '\u{2219}' => '*',
        '、' | '，' => ',',
        '。' => '.',
        '≤' | '≥' | '±' | '×' | '÷' | '°' | '‰' | '€' => character,
        _ if character.is_ascii_graphic() => character,
        _ if character.is_alphabetic() => character,
        _ if leaves_no_gap(character) => return None,
        _ => ' ',
    })
}

/// Marks and controls that sit on or inside a word; an emoji or a foreign sign stands between two.
fn leaves_no_gap(character: char) -> bool {
    character.is_control()
        || is_combining_mark(character)
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        clean(text).into_iter().collect()
    }

    #[test]
    fn what_a_phone_sends_becomes_plain() {
        for (sent, kept) in [
            ("tie\u{302}m pho\u{300}ng", "tiêm phòng"),
            ("𝐓𝐡ô𝐧𝐠 báo", "Thông báo"),
            ("500 m² – 600 m²", "500 m2 - 600 m2"),
            ("mời\u{a0}bà   con", "mời bà con"),
            ("họp📢📢ngay\u{200b}\u{7}!", "họp ngay!"),
            ("1\u{fe0f}\u{20e3} vệ sinh", "1 vệ sinh"),
            ("dòng một \r\n\r\n dòng hai", "dòng một\ndòng hai"),
            ("10²", "10 mũ 2"),
        ] {
            assert_eq!(cleaned(sent), kept, "{sent:?}");
        }
    }
}

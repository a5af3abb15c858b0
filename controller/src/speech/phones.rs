//! Telephone numbers, digit by digit with a breath between the groups.

use super::abbreviations::Abbreviations;
use super::figures::{Figure, What, counts_something, run};
use super::numbers;
use super::spoken::Spoken;

/// 0912345678 · 0912.345.678 · (0208) 3 812 345 · +84 912 345 678 · 1900 1234 · 113
pub(super) fn phone(rest: &[char], said: &Spoken, _: &Abbreviations) -> Option<Figure> {
    let (length, words) = emergency(rest, said).or_else(|| subscriber(rest))?;
    Some(Figure {
        length,
        words,
        what: What::Phone,
    })
}

/// 111 (children), 112 (rescue), 113 (police), 114 (fire), 115 (ambulance), when they are called and count nothing.
fn emergency(rest: &[char], said: &Spoken) -> Option<(usize, String)> {
    const CALLED: [&str; 9] = [
        "gọi",
        "số",
        "hotline",
        "tổng đài",
        "đường dây",
        "liên hệ",
        "cấp cứu",
        "điện thoại",
        "cảnh sát",
    ];
    if !is_emergency(rest) || rest.get(3).is_some_and(|c| c.is_alphabetic() || *c == '%') {
        return None;
    }
    let one_of_many = rest.get(3) == Some(&'/') && is_emergency(&rest[4..]);
    let called =
        CALLED.iter().any(|word| said.said_lately(word, 12)) && !counts_something(&rest[3..]);
    let listed = said.ends_in_pause() && ends_in_emergency(said);
    (one_of_many || listed || called).then(|| (3, numbers::digit_by_digit(&rest[..3])))
}

/// Was one told just before, as in 113/114/115?
fn ends_in_emergency(said: &Spoken) -> bool {
    said.recent(3)
        .strip_prefix("một một ")
        .is_some_and(|third| ["một", "hai", "ba", "bốn", "năm"].contains(&third))
}

fn is_emergency(rest: &[char]) -> bool {
    let goes_on =
        matches!(rest.get(3), Some('.' | ',')) && rest.get(4).is_some_and(char::is_ascii_digit);
    run(rest) == 3 && rest.starts_with(&['1', '1']) && ('1'..='5').contains(&rest[2]) && !goes_on
}

fn subscriber(rest: &[char]) -> Option<(usize, String)> {
    let abroad = rest.first() == Some(&'+');
    let bracketed = rest.first() == Some(&'(');
    let mut at = usize::from(abroad || bracketed);
    let mut digits: Vec<char> = Vec::new();
    let mut groups: Vec<String> = Vec::new();
    for _ in 0..6 {
        let length = run(rest.get(at..)?);
        if length == 0 || digits.len() + length > 15 {
            return None;
        }
        let group = &rest[at..at + length];
        digits.extend(group);
        groups.push(if length > 5 {
            numbers::in_groups(group)
        } else {
            numbers::digit_by_digit(group)
        });
        at += length;
        let first = &digits[..digits.len().min(4)];
        if is_whole(&digits, abroad, groups.len() == 1) {
            let words = groups.join(", ");
            return Some((
                at,
                if abroad {
                    format!("cộng {words}")
                } else {
                    words
                },
            ));
        }
        let closes = usize::from(bracketed && groups.len() == 1 && rest.get(at) == Some(&')'));
        if bracketed && groups.len() == 1 && closes == 0 {
            return None;
        }
        at += closes;
        let dash_may_be_range = matches!(first, ['1', '8' | '9', '0', '0']);
        match rest.get(at) {
            Some(' ' | '.') => at += 1,
            Some('-') if !dash_may_be_range => at += 1,
            _ if closes == 1 => {}
            _ => return None,
        }
    }
    None
}

/// Has the number all its digits? 10 for a mobile, 11 for a landline (02…), 8 or 10 for 1800 and 1900.
fn is_whole(digits: &[char], abroad: bool, one_group: bool) -> bool {
    let count = digits.len();
    match digits {
        ['8', '4', ..] if abroad => (11..=12).contains(&count),
        _ if abroad => one_group && count >= 10,
        ['0', ..] if one_group => (9..=11).contains(&count),
        ['0', '2', ..] => count == 11,
        ['0', ..] => count == 10,
        ['1', '8' | '9', '0', '0', ..] => count == 8 || count == 10,
        _ => false,
    }
}

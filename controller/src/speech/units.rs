//! Units and money behind a number, and what they are counted by: kg, 25.000 đồng/kg, 1m65.

use super::abbreviations::{Abbreviations, Entry};
use super::figures::run;

/// The unit that stands behind a number, and the characters it takes with the space before it.
pub(super) fn unit<'a>(behind: &[char], table: &'a Abbreviations) -> Option<(usize, &'a Entry)> {
    let gap = usize::from(behind.first() == Some(&' '));
    let here = &behind[gap..];
    let entries = table.units.beginning(*here.first()?);
    let entry = entries.iter().find(|entry| {
        here.starts_with(&entry.key) && ends_well(here, entry) && (gap == 0 || stands_apart(entry))
    })?;
    Some((gap + entry.key.len(), entry))
}

/// A unit ends where its letters end; only a metre goes on in figures: 1m65.
fn ends_well(here: &[char], unit: &Entry) -> bool {
    let last_is_letter = unit.key.last().is_some_and(|c| c.is_alphanumeric());
    match here.get(unit.key.len()) {
        Some(next) if next.is_ascii_digit() => {
            unit.key == ['m'] && (1..=2).contains(&run(&here[unit.key.len()..]))
        }
        Some(next) => !last_is_letter || !next.is_alphabetic(),
        None => true,
    }
}

/// Of the units of one letter only these are also written after a space; "tổ 5 K" is no money.
fn stands_apart(unit: &Entry) -> bool {
    match unit.key.as_slice() {
        [letter] if letter.is_alphabetic() => {
            matches!(letter, 'm' | 'l' | 'g' | 'h' | 'đ' | 'V' | 'W')
        }
        ['\''] => false,
        _ => true,
    }
}

/// 50k đồng says "đồng" once.
pub(super) fn money_again(behind: &[char], table: &Abbreviations) -> usize {
    unit(behind, table)
        .filter(|(_, unit)| unit.money && unit.reading == "đồng")
        .map_or(0, |(taken, _)| taken)
}

/// "/kg" behind a unit; what follows the slash is left to be read when it is an ordinary word.
pub(super) fn per(behind: &[char], money: bool, table: &Abbreviations) -> Option<(usize, String)> {
    let next = behind.strip_prefix(&['/'])?;
    let by = if money { "một" } else { "trên" };
    match unit(next, table) {
        Some((taken, unit)) if next.first() != Some(&' ') => {
            Some((1 + taken, format!("{by} {}", unit.reading)))
        }
        _ if next.first().is_some_and(|c| c.is_alphabetic()) => Some((1, "một".to_owned())),
        _ => None,
    }
}

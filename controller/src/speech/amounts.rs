//! Amounts as written: thousands set apart, decimals, money, and numbers that the word before them bends.

use super::abbreviations::Abbreviations;
use super::figures::{Figure, What, counts_something, leading, run};
use super::spoken::Spoken;
use super::units::{money_again, per, unit};
use super::{numbers, when};

/// The whole part of the number that stands here, thousands set apart or not.
pub(super) fn counted(rest: &[char], table: &Abbreviations) -> Option<u64> {
    number(rest, table).value
}

/// 2tr5 is 2.500.000 đồng.
pub(super) fn in_millions(rest: &[char], _: &Spoken, table: &Abbreviations) -> Option<Figure> {
    let millions = run(rest);
    let tail = rest.get(millions..)?.strip_prefix(&['t', 'r'])?;
    let parts = run(tail);
    if !(1..=3).contains(&parts)
        || millions > 6
        || tail.get(parts).is_some_and(|c| c.is_alphanumeric())
    {
        return None;
    }
    let thousands = leading(tail)? * 10_u64.pow(3 - parts as u32);
    let value = leading(rest)? * 1_000_000 + thousands * 1_000;
    let mut length = millions + 2 + parts;
    length += money_again(&rest[length..], table);
    let words = format!("{} đồng", numbers::cardinal(value));
    Some(Figure {
        length,
        words,
        what: What::Amount {
            value: Some(value),
            has_unit: true,
        },
    })
}

/// $100, €20.
pub(super) fn currency_first(
    rest: &[char],
    said: &Spoken,
    table: &Abbreviations,
) -> Option<Figure> {
    let sign = rest.first().filter(|c| matches!(c, '$' | '€'))?;
    rest.get(1).filter(|c| c.is_ascii_digit())?;
    let mut figure = amount(&rest[1..], said, table)?;
    figure.length += 1;
    if !matches!(figure.what, What::Amount { has_unit: true, .. }) {
        let unit = table
            .units
            .beginning(*sign)
            .iter()
            .find(|entry| entry.key.len() == 1)?;
        figure.words = format!("{} {}", figure.words, unit.reading);
        figure.what = What::Amount {
            value: None,
            has_unit: true,
        };
    }
    Some(figure)
}

/// A number as written, with what it counts when that is a unit or money.
pub(super) fn amount(rest: &[char], said: &Spoken, table: &Abbreviations) -> Option<Figure> {
    if run(rest) == 0 {
        return None;
    }
    let number = number(rest, table);
    let behind = &rest[number.length..];
    let mut words = number.words;
    let mut length = number.length;
    let unit = unit(behind, table);
    if unit.is_none() && number.whole {
        if let Some(by_place) = by_place(&rest[..length], number.value, behind, said) {
            words = by_place;
        }
        if when::opens_days(number.value, behind, said) {
            words = format!("ngày {words}");
        }
    }
    let has_unit = unit.is_some();
    if let Some((taken, unit)) = unit {
        words = format!("{words} {}", unit.reading);
        length += taken;
        if unit.money {
            length += money_again(&rest[length..], table);
        }
        if let Some((taken, per)) = per(&rest[length..], unit.money, table) {
            words = format!("{words} {per}");
            length += taken;
        }
    }
    Some(Figure {
        length,
        words,
        what: What::Amount {
            value: number.value,
            has_unit,
        },
    })
}

/// Readings that hang on the word before: thứ tư, tháng tư, an account number.
fn by_place(digits: &[char], value: Option<u64>, behind: &[char], said: &Spoken) -> Option<String> {
    const NUMBERED: [&str; 7] = [
        "tài khoản",
        "căn cước",
        "căn cước công dân",
        "chứng minh",
        "mã",
        "mã số",
        "thẻ",
    ];
    let plain = digits.iter().all(char::is_ascii_digit);
    if plain && digits.len() >= 6 && NUMBERED.iter().any(|kind| said.said_lately(kind, 6)) {
        return Some(numbers::in_groups(digits));
    }
    if plain && digits.len() >= 10 {
        return Some(numbers::in_groups(digits));
    }
    let value = value.filter(|value| *value <= 100)?;
    match said.last_word().as_str() {
        "thứ" => Some(numbers::ordinal(value)),
        "tháng" | "quý" => Some(numbers::fourth_is_tu(value)),
        _ if value == 4 && when::goes_on_with_weekdays(said) && !counts_something(behind) => {
            Some(numbers::ordinal(value))
        }
        _ => None,
    }
}

struct Number {
    length: usize,
    words: String,
    value: Option<u64>,
    whole: bool,
}

/// 2.500.000 · 1,000,000 · 2 500 000 · 2,5 · 12
fn number(rest: &[char], table: &Abbreviations) -> Number {
    for mark in ['.', ',', ' '] {
        if let Some(length) = grouped(rest, mark, table) {
            let digits: Vec<char> = rest[..length]
                .iter()
                .copied()
                .filter(char::is_ascii_digit)
                .collect();
            let value = numbers::value(&digits);
            return with_decimals(
                rest,
                length,
                numbers::whole(&digits),
                value,
                if mark == ',' { '.' } else { ',' },
            );
        }
    }
    let length = run(rest);
    let digits = &rest[..length];
    with_decimals(
        rest,
        length,
        numbers::whole(digits),
        numbers::value(digits),
        ',',
    )
}

/// The length of a number whose thousands are set apart by `mark`.
pub(super) fn grouped(rest: &[char], mark: char, table: &Abbreviations) -> Option<usize> {
    let head = run(rest);
    if !(1..=3).contains(&head) || rest[0] == '0' {
        return None;
    }
    let mut length = head;
    let mut groups = 0;
    while groups < 6 && rest.get(length) == Some(&mark) && run(&rest[length + 1..]) == 3 {
        length += 4;
        groups += 1;
    }
    let last: String = rest[length.saturating_sub(3)..length].iter().collect();
    let money_next = || unit(&rest[length..], table).is_some_and(|(_, unit)| unit.money);
    match (mark, groups) {
        (_, 0) => None,
        ('.', _) => Some(length),
        (',', 1) => (last == "000" || last == "500" || money_next()).then_some(length),
        (' ', 1) => money_next().then_some(length),
        _ => Some(length),
    }
}

/// Adds ",5" when a decimal stands there.
fn with_decimals(
    rest: &[char],
    length: usize,
    words: String,
    value: Option<u64>,
    mark: char,
) -> Number {
    let decimals = match rest.get(length) {
        Some(sign) if *sign == mark => run(&rest[length + 1..]),
        _ => 0,
    };
    let end = length + 1 + decimals;
    if decimals == 0 || decimals > 18 {
        return Number {
            length,
            words,
            value,
            whole: true,
        };
    }
    let words = format!("{words} phẩy {}", numbers::decimals(&rest[length + 1..end]));
    Number {
        length: end,
        words,
        value,
        whole: false,
    }
}

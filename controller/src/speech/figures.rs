//! Whatever begins with a digit: which kind of figure it is; lists and fractions.

use super::abbreviations::Abbreviations;
use super::spoken::Spoken;
use super::{amounts, numbers, papers, phones, when};

/// One figure read: how many characters it took, its words, and what it was.
#[derive(Debug)]
pub(super) struct Figure {
    pub length: usize,
    pub words: String,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Phone,
    Clock,
    Day,
    /// `value` is the whole part, when it can be counted.
    Amount {
        value: Option<u64>,
        has_unit: bool,
    },
}

type Reading = fn(&[char], &Spoken, &Abbreviations) -> Option<Figure>;

/// Tried in this order: the more particular first.
const READINGS: &[Reading] = &[
    phones::phone,
    papers::number_of_paper,
    when::clock,
    when::day,
    when::full_hour,
    fraction,
    amounts::in_millions,
    amounts::currency_first,
    list,
    amounts::amount,
];

/// Reads the figure that begins here; `None` when nothing here is one.
pub(super) fn read(rest: &[char], said: &Spoken, table: &Abbreviations) -> Option<Figure> {
    READINGS
        .iter()
        .find_map(|reading| reading(rest, said, table))
}

/// A number glued to letters (A4, QL3, H5N1): no unit, no date.
pub(super) fn label(rest: &[char]) -> Figure {
    let length = run(rest);
    let digits = &rest[..length];
    let what = What::Amount {
        value: numbers::value(digits),
        has_unit: false,
    };
    Figure {
        length,
        words: numbers::whole(digits),
        what,
    }
}

/// How many digits stand here.
pub(super) fn run(rest: &[char]) -> usize {
    rest.iter().take_while(|c| c.is_ascii_digit()).count()
}

/// The value of the digits that stand here.
pub(super) fn leading(rest: &[char]) -> Option<u64> {
    numbers::value(&rest[..run(rest)])
}

/// The word that begins here, after one space or none: its length with the space, and it in lower case.
pub(super) fn word_at(rest: &[char]) -> (usize, String) {
    let gap = usize::from(rest.first() == Some(&' '));
    let letters = rest[gap..]
        .iter()
        .take(12)
        .take_while(|c| c.is_alphabetic());
    let word: String = letters.flat_map(|c| c.to_lowercase()).collect();
    (gap + word.chars().count(), word)
}

/// Does a word that is counted stand here ("115 hộ" is a number, "gọi 115" is not)?
pub(super) fn counts_something(rest: &[char]) -> bool {
    const COUNTED: &[&str] = &[
        "hộ",
        "người",
        "em",
        "cháu",
        "học",
        "phiếu",
        "đại",
        "xã",
        "xóm",
        "thôn",
        "bản",
        "điểm",
        "con",
        "ca",
        "trường",
        "triệu",
        "nghìn",
        "ngàn",
        "tỷ",
        "đồng",
        "cụ",
        "gia",
        "hội",
        "đảng",
        "đoàn",
        "suất",
        "ngôi",
        "cây",
        "tấn",
        "tạ",
        "bao",
        "cái",
        "bộ",
        "lượt",
        "mũi",
        "liều",
        "ngày",
        "năm",
        "tháng",
        "giờ",
        "phút",
        "trâu",
        "lợn",
        "gà",
        "diện",
        "số",
    ];
    COUNTED.contains(&word_at(rest).1.as_str())
}

/// 1/2, 3/4 and the like where no date can be meant.
fn fraction(rest: &[char], said: &Spoken, _: &Abbreviations) -> Option<Figure> {
    let upper = run(rest);
    let lower = run(rest.get(upper + 1..)?);
    let length = upper + 1 + lower;
    if rest[upper] != '/' || upper > 2 || lower > 2 || rest.get(length) == Some(&'/') {
        return None;
    }
    let (over, under) = (leading(rest)?, leading(&rest[upper + 1..])?);
    if !when::is_fraction(over, under, &rest[length..], said) {
        return None;
    }
    let words = format!(
        "{} phần {}",
        numbers::cardinal(over),
        numbers::fourth_is_tu(under)
    );
    Some(Figure {
        length,
        words,
        what: What::Amount {
            value: None,
            has_unit: true,
        },
    })
}

/// 1,2,3 is a list and no decimal.
fn list(rest: &[char], said: &Spoken, table: &Abbreviations) -> Option<Figure> {
    if amounts::grouped(rest, ',', table).is_some() {
        return None;
    }
    let ordinals = said.last_word() == "thứ";
    let mut items = Vec::new();
    let mut length = 0;
    loop {
        let digits = run(&rest[length..]);
        if !(1..=4).contains(&digits) {
            return None;
        }
        let item = &rest[length..length + digits];
        items.push(match numbers::value(item) {
            Some(value) if ordinals => numbers::ordinal(value),
            _ => numbers::whole(item),
        });
        length += digits;
        if rest.get(length) != Some(&',') || !rest.get(length + 1).is_some_and(char::is_ascii_digit)
        {
            break;
        }
        length += 1;
    }
    let what = What::Amount {
        value: None,
        has_unit: false,
    };
    (items.len() > 2).then(|| Figure {
        length,
        words: items.join(", "),
        what,
    })
}

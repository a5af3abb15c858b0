//! Clock times and dates as Vietnamese write them.

use super::abbreviations::Abbreviations;
use super::figures::{Figure, What, counts_something, leading, run, word_at};
use super::numbers::{cardinal, fourth_is_tu};
use super::spoken::Spoken;

/// 7h · 7h30 · 19g15 · 07:30 · 7h30' · 7h30 phút · 07:30:15
pub(super) fn clock(rest: &[char], said: &Spoken, _: &Abbreviations) -> Option<Figure> {
    let hour_digits = run(rest);
    let hour = leading(rest).filter(|hour| *hour <= 24 && hour_digits <= 2)?;
    let mut words = format!("{} giờ", cardinal(hour));
    let mut length = hour_digits + 1;
    let sign = *rest.get(hour_digits)?;
    match sign {
        ':' => {
            let minute = two_digits(&rest[length..])?;
            length += 2;
            push_part(&mut words, minute, "phút");
            if rest.get(length) == Some(&':') {
                push_part(&mut words, two_digits(&rest[length + 1..])?, "giây");
                length += 3;
            }
            length += usize::from(rest.get(length) == Some(&'h'));
        }
        'h' | 'H' | 'g' => {
            let gap = usize::from(rest.get(length) == Some(&' '));
            match minutes(&rest[length + gap..], gap == 1) {
                Some((digits, minute)) => {
                    length += gap + digits;
                    push_part(&mut words, minute, "phút");
                    length += minute_mark(&rest[length..]);
                }
                None if sign == 'g' && !g_is_hour(&rest[length..], said) => return None,
                None => {}
            }
        }
        _ => return None,
    }
    if rest.get(length).is_some_and(|c| c.is_alphanumeric()) {
        return None;
    }
    Some(Figure {
        length,
        words,
        what: What::Clock,
    })
}

fn push_part(words: &mut String, value: u64, unit: &str) {
    if value > 0 {
        words.push_str(&format!(" {} {unit}", cardinal(value)));
    }
}

fn two_digits(rest: &[char]) -> Option<u64> {
    leading(rest).filter(|value| *value <= 59 && run(rest) == 2)
}

/// Minutes behind the "h"; after a space only when nothing that follows is counted by them.
fn minutes(rest: &[char], after_space: bool) -> Option<(usize, u64)> {
    let digits = run(rest);
    let value = leading(rest).filter(|value| *value <= 59 && digits <= 2)?;
    let behind = &rest[digits..];
    let by_itself = digits == 2
        && match behind.first() {
            None | Some('\'' | ',' | '.' | ';' | ')' | '\n' | 'p') => true,
            Some(' ') => {
                const GOES_ON: [&str; 14] = [
                    "phút", "ngày", "sáng", "trưa", "chiều", "tối", "đêm", "hôm", "thứ", "tại",
                    "đến", "mời", "các", "cùng",
                ];
                GOES_ON.contains(&word_at(behind).1.as_str())
            }
            _ => false,
        };
    (!after_space || by_itself).then_some((digits, value))
}

/// The "00 phút" of "7 giờ 00 phút" is not said.
pub(super) fn full_hour(rest: &[char], said: &Spoken, _: &Abbreviations) -> Option<Figure> {
    if said.last_word() != "giờ" || run(rest) != 2 || leading(rest) != Some(0) {
        return None;
    }
    let length = 2 + minute_mark(&rest[2..]);
    Some(Figure {
        length,
        words: String::new(),
        what: What::Clock,
    })
}

/// The ', p, ph or phút behind the minutes, which are said already.
fn minute_mark(behind: &[char]) -> usize {
    if behind.first() == Some(&'\'') {
        return 1;
    }
    let (length, word) = word_at(behind);
    match word.as_str() {
        "phút" => length,
        "p" | "ph" if behind[0] != ' ' => length,
        _ => 0,
    }
}

/// "Họp lúc 7g" is an hour; "gói 7g", "20g/bình" are grams.
fn g_is_hour(behind: &[char], said: &Spoken) -> bool {
    const WEIGHED: [&str; 15] = [
        "gói",
        "nặng",
        "túi",
        "lọ",
        "hộp",
        "thuốc",
        "pha",
        "liều",
        "lấy",
        "bình",
        "đường",
        "muối",
        "chai",
        "viên",
        "thêm",
    ];
    behind.first() != Some(&'/') && !WEIGHED.contains(&said.last_word().as_str())
}

/// 15/8/2026 · 15-8-2026 · 15.8.2026 · 2026-08-15 · 9/2026 · ngày 2/9 · 25/11
pub(super) fn day(rest: &[char], said: &Spoken, _: &Abbreviations) -> Option<Figure> {
    let first = run(rest);
    let mark = *rest
        .get(first)
        .filter(|mark| matches!(mark, '/' | '-' | '.'))?;
    let second = run(&rest[first + 1..]);
    let two = first + 1 + second;
    let (a, b) = (leading(rest)?, leading(&rest[first + 1..])?);
    let third = match rest.get(two) {
        Some(sign) if *sign == mark => run(&rest[two + 1..]),
        _ => 0,
    };
    let three = two + 1 + third;
    let last = if third > 0 {
        leading(&rest[two + 1..])
    } else {
        None
    };
    let (length, words) = match (first, second, third) {
        (1..=2, 1..=2, 4) => (three, in_full(a, b, last?, said)?),
        (1..=2, 1..=2, 2) if mark == '/' => (three, in_full(a, b, 2000 + last?, said)?),
        (4, 1..=2, 1..=2) if mark != '.' => (three, in_full(last?, b, a, said)?),
        (1..=2, 4, 0) if mark == '/' && is_year(b) && (1..=12).contains(&a) => {
            (two, month(a, b, said))
        }
        (1..=2, 1..=2, 0) if day_is_meant(a, b, mark, &rest[two..], said) => {
            (two, format!("{}{}", opening(said), day_month(a, b)))
        }
        _ => return None,
    };
    let goes_on = match rest.get(length) {
        Some('/') => rest.get(length + 1).is_some_and(|c| c.is_alphanumeric()),
        Some(next) => next.is_alphanumeric(),
        None => false,
    };
    (!goes_on).then_some(Figure {
        length,
        words,
        what: What::Day,
    })
}

fn in_full(day: u64, month: u64, year: u64, said: &Spoken) -> Option<String> {
    let fits = is_day(day, month) && (1000..=2999).contains(&year);
    fits.then(|| {
        format!(
            "{}{} năm {}",
            opening(said),
            day_month(day, month),
            cardinal(year)
        )
    })
}

fn month(month: u64, year: u64, said: &Spoken) -> String {
    let named = matches!(said.last_word().as_str(), "tháng" | "quý" | "đợt" | "kỳ");
    let opening = if named { "" } else { "tháng " };
    format!("{opening}{} năm {}", fourth_is_tu(month), cardinal(year))
}

fn day_month(day: u64, month: u64) -> String {
    format!("{} tháng {}", cardinal(day), fourth_is_tu(month))
}

/// "ngày" before a date, unless it was said.
fn opening(said: &Spoken) -> &'static str {
    match said.last_word().as_str() {
        "ngày" | "mùng" | "mồng" | "hôm" | "rằm" => "",
        _ => "ngày ",
    }
}

fn is_day(day: u64, month: u64) -> bool {
    (1..=31).contains(&day) && (1..=12).contains(&month)
}

pub(super) fn is_year(year: u64) -> bool {
    (1900..=2100).contains(&year)
}

/// Words before which "1/5" is the first of May and never one fifth.
fn dated(said: &Spoken) -> bool {
    const BEFORE_DATES: [&str; 26] = [
        "ngày", "mùng", "mồng", "hôm", "sáng", "trưa", "chiều", "tối", "đêm", "từ", "đến", "trước",
        "sau", "hết", "lễ", "nay", "mai", "hai", "ba", "tư", "năm", "sáu", "bảy", "nhật", "qua",
        "động",
    ];
    BEFORE_DATES.contains(&said.last_word().as_str())
}

/// Is d/m without a year a date here?
fn day_is_meant(day: u64, month: u64, mark: char, behind: &[char], said: &Spoken) -> bool {
    const NUMBERED: [&str; 8] = ["số", "nhà", "ngõ", "ngách", "hẻm", "kiệt", "thửa", "lô"];
    let before = said.last_word();
    let ratio =
        counts_something(behind) && word_at(behind).1 != "năm" || behind.first() == Some(&'%');
    is_day(day, month)
        && match mark {
            '/' => !NUMBERED.contains(&before.as_str()) && (dated(said) || !ratio),
            _ => {
                before == "ngày"
                    && !matches!(behind.first(), Some('/' | '-' | '.'))
                    && word_at(behind).1 != "tháng"
            }
        }
}

/// Is a/b a fraction here? Only the common ones, and only where no date is told.
pub(super) fn is_fraction(over: u64, under: u64, behind: &[char], said: &Spoken) -> bool {
    let common = matches!(
        (over, under),
        (1, 2..=10) | (2 | 4, 3 | 5) | (3, 4 | 5 | 10) | (7 | 9, 10)
    );
    let holiday = matches!((over, under), (1, 5 | 6)) && !counts_something(behind);
    common && over < under && !holiday && !dated(said)
}

/// In "15-17/8" the first number is a day as well: it opens with "ngày".
pub(super) fn opens_days(value: Option<u64>, behind: &[char], said: &Spoken) -> bool {
    let Some(next) = behind.strip_prefix(&['-']) else {
        return false;
    };
    let first = run(next);
    let slash = (1..=2).contains(&first) && next.get(first) == Some(&'/');
    let day_month = slash
        && leading(next)
            .zip(leading(&next[first + 1..]))
            .is_some_and(|(d, m)| is_day(d, m));
    day_month && value.is_some_and(|day| (1..=31).contains(&day)) && !opening(said).is_empty()
}

/// Are weekdays being listed ("thứ hai, tư và sáu")?
pub(super) fn goes_on_with_weekdays(said: &Spoken) -> bool {
    const WEEKDAYS: [&str; 6] = ["hai", "ba", "tư", "năm", "sáu", "bảy"];
    const JOINED: [&str; 3] = ["và", "đến", "hoặc"];
    let listing = said.ends_in_pause() || JOINED.contains(&said.last_word().as_str());
    let recent = said.recent(12);
    let mut back = recent.rsplit(' ').skip_while(|word| JOINED.contains(word));
    let weekday_before = back.next().is_some_and(|word| WEEKDAYS.contains(&word));
    listing
        && weekday_before
        && back.find(|word| !WEEKDAYS.contains(word) && !JOINED.contains(word)) == Some("thứ")
}

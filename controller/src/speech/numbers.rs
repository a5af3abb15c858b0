//! Numbers as Vietnamese words: cardinals, decimals, digits one by one, years, ordinals.

const DIGITS: [&str; 10] = [
    "không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín",
];

const BILLION: u64 = 1_000_000_000;

/// 2026 → "hai nghìn không trăm hai mươi sáu". Every `u64` has a reading (nghìn tỷ, tỷ tỷ).
pub(super) fn cardinal(number: u64) -> String {
    if number == 0 {
        return DIGITS[0].to_owned();
    }
    let mut words = Vec::new();
    push_number(number, false, &mut words);
    words.join(" ")
}

/// `inner`: something larger was said before, so hundreds are said even when they are none.
fn push_number(number: u64, inner: bool, words: &mut Vec<&'static str>) {
    let (billions, rest) = (number / BILLION, number % BILLION);
    if billions > 0 {
        push_number(billions, inner, words);
        words.push("tỷ");
    }
    let mut inner = inner || billions > 0;
    for (size, name) in [(1_000_000, "triệu"), (1_000, "nghìn"), (1, "")] {
        let group = rest / size % 1_000;
        if group > 0 {
            push_group(group, inner, words);
            if !name.is_empty() {
                words.push(name);
            }
            inner = true;
        }
    }
}

fn push_group(group: u64, inner: bool, words: &mut Vec<&'static str>) {
    let (hundreds, tens, ones) = (group / 100, group / 10 % 10, group % 10);
    let hundreds_said = hundreds > 0 || inner;
    if hundreds_said {
        words.extend([digit(hundreds), "trăm"]);
    }
    match tens {
        0 if ones > 0 && hundreds_said => words.push("linh"),
        0 => {}
        1 => words.push("mười"),
        _ => words.extend([digit(tens), "mươi"]),
    }
    match (tens, ones) {
        (_, 0) => {}
        (2.., 1) => words.push("mốt"),
        (2.., 4) => words.push("tư"),
        (1.., 5) => words.push("lăm"),
        _ => words.push(digit(ones)),
    }
}

fn digit(value: u64) -> &'static str {
    // Each caller passes one decimal digit; the remainder keeps the index in range whatever comes.
    DIGITS[(value % 10) as usize]
}

/// "0912" → "không chín một hai". Characters that are no digits are passed over.
pub(super) fn digit_by_digit(digits: &[char]) -> String {
    let words: Vec<&str> = digits
        .iter()
        .filter_map(|character| character.to_digit(10))
        .map(|value| digit(value.into()))
        .collect();
    words.join(" ")
}

/// A run of digits as a number; digit by digit when it begins with 0 ("05") or is beyond counting.
pub(super) fn whole(digits: &[char]) -> String {
    match value(digits) {
        Some(number) if digits.len() == 1 || digits.first() != Some(&'0') => cardinal(number),
        _ => digit_by_digit(digits),
    }
}

/// What stands behind the decimal comma: "5" → "năm", "25" → "hai mươi lăm", "05" and "125" digit by digit.
pub(super) fn decimals(digits: &[char]) -> String {
    if digits.len() <= 2 {
        whole(digits)
    } else {
        digit_by_digit(digits)
    }
}

/// A long run of digits in groups, a breath between them: 4-3-3 for ten, else by three or four.
pub(super) fn in_groups(digits: &[char]) -> String {
    let sizes: &[usize] = match digits.len() {
        8 => &[4, 4],
        10 => &[4, 3, 3],
        11 => &[4, 3, 4],
        12 => &[3, 3, 3, 3],
        _ => &[],
    };
    let mut groups = Vec::new();
    let mut rest = digits;
    for size in sizes.iter().copied().chain(std::iter::repeat(4)) {
        if rest.is_empty() {
            break;
        }
        let (group, after) = rest.split_at(size.min(rest.len()));
        groups.push(digit_by_digit(group));
        rest = after;
    }
    groups.join(", ")
}

/// Behind "thứ": nhất, tư; else the cardinal.
pub(super) fn ordinal(number: u64) -> String {
    match number {
        1 => "nhất".to_owned(),
        4 => "tư".to_owned(),
        _ => cardinal(number),
    }
}

/// Behind "tháng" and "quý": the fourth is "tư".
pub(super) fn fourth_is_tu(number: u64) -> String {
    if number == 4 {
        "tư".to_owned()
    } else {
        cardinal(number)
    }
}

/// The value of a run of digits, when it has at most 18 of them.
pub(super) fn value(digits: &[char]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0, |sum: u64, character| {
        Some(sum * 10 + u64::from(character.to_digit(10)?))
    })
}

/// XIV → 14. Only well-formed numerals up to 89 (nothing that villages count in Roman goes further,
/// and C, D, M begin too many short forms).
pub(super) fn roman(word: &str) -> Option<u64> {
    const TENS: [&str; 9] = ["", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX"];
    const ONES: [&str; 10] = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"];
    if word.is_empty() || word.len() > 8 {
        return None;
    }
    (1..90_usize)
        .find(|number| {
            word.strip_prefix(TENS[number / 10])
                .is_some_and(|rest| rest == ONES[number % 10])
        })
        .map(|number| number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_the_village_says_them() {
        for (number, said) in [
            (0, "không"),
            (4, "bốn"),
            (10, "mười"),
            (14, "mười bốn"),
            (15, "mười lăm"),
            (20, "hai mươi"),
            (21, "hai mươi mốt"),
            (24, "hai mươi tư"),
            (25, "hai mươi lăm"),
            (11, "mười một"),
            (100, "một trăm"),
            (101, "một trăm linh một"),
            (105, "một trăm linh năm"),
            (110, "một trăm mười"),
            (115, "một trăm mười lăm"),
            (1_000, "một nghìn"),
            (1_005, "một nghìn không trăm linh năm"),
            (1_015, "một nghìn không trăm mười lăm"),
            (2_026, "hai nghìn không trăm hai mươi sáu"),
            (10_001, "mười nghìn không trăm linh một"),
            (2_500_000, "hai triệu năm trăm nghìn"),
            (1_000_005, "một triệu không trăm linh năm"),
            (1_021_000, "một triệu không trăm hai mươi mốt nghìn"),
            (3_000_000_000, "ba tỷ"),
            (
                1_234_567_891,
                "một tỷ hai trăm ba mươi tư triệu năm trăm sáu mươi bảy nghìn tám trăm chín mươi mốt",
            ),
            (5_000_000_000_000, "năm nghìn tỷ"),
        ] {
            assert_eq!(cardinal(number), said, "{number}");
        }
        assert_eq!(cardinal(10_u64.pow(18)), "một tỷ tỷ");
    }

    #[test]
    fn roman_numerals_are_known_only_when_well_formed() {
        for (numeral, number) in [
            ("I", 1),
            ("IV", 4),
            ("XIV", 14),
            ("XXI", 21),
            ("XL", 40),
            ("L", 50),
        ] {
            assert_eq!(roman(numeral), Some(number), "{numeral}");
        }
        for wrong in ["", "IIII", "VX", "XIVX", "CA", "iv"] {
            assert_eq!(roman(wrong), None, "{wrong}");
        }
    }
}

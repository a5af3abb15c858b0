//! Numbers of official papers: 49/2024/NĐ-CP, 123/QĐ-UBND, 60-NQ/TW, 31/2024/QH15.

use super::abbreviations::Abbreviations;
use super::figures::{Figure, What, leading, run};
use super::spoken::Spoken;
use super::{numbers, words};

/// Says who signed the paper, and its kind unless the sentence has just said it.
pub(super) fn number_of_paper(
    rest: &[char],
    said: &Spoken,
    table: &Abbreviations,
) -> Option<Figure> {
    let digits = run(rest);
    if !(1..=6).contains(&digits) {
        return None;
    }
    let mut spoken = vec![numbers::cardinal(leading(rest)?)];
    let mut at = digits;
    if rest.get(at) == Some(&'/') && run(&rest[at + 1..]) == 4 {
        spoken.push(format!(
            "năm {}",
            numbers::cardinal(leading(&rest[at + 1..])?)
        ));
        at += 5;
    }
    let (mark, symbol) = rest.get(at..)?.split_first()?;
    // The Party writes 60-NQ/TW, the State 60/NQ-CP.
    let between = match mark {
        '/' => '-',
        '-' if symbol.iter().take(6).any(|c| *c == '/') => '/',
        _ => return None,
    };
    let part = |c: &&char| c.is_alphanumeric() || **c == between || **c == '&';
    let symbol: String = symbol.iter().take(24).take_while(part).collect();
    let symbol = symbol.trim_end_matches(between);
    if symbol.chars().take_while(|c| c.is_uppercase()).count() < 2 {
        return None;
    }
    at += 1 + symbol.chars().count();
    let (kind, issuer) = symbol
        .split_once(between)
        .map_or((symbol, None), |(kind, rest)| (kind, Some(rest)));
    let issuer = match table.papers.get(kind) {
        Some(reading) if said.said_lately(reading, 6) => issuer,
        Some(reading) => {
            spoken.push(reading.clone());
            issuer
        }
        // A letter says only who sent it and which desk wrote it (245/UBND-NN): the desk is left out.
        None => Some(kind),
    };
    spoken.extend(issuer.map(|issuer| issued(issuer, table)));
    Some(Figure {
        length: at,
        words: spoken.join(" "),
        what: What::Day,
    })
}

/// UBND → "của ủy ban nhân dân", QH15 → "của Quốc hội khóa mười lăm"; what the table lacks is spelled.
fn issued(symbol: &str, table: &Abbreviations) -> String {
    if let Some(reading) = table.issuers.get(symbol) {
        return reading.clone();
    }
    let letters = symbol.trim_end_matches(|c: char| c.is_ascii_digit());
    let term: Vec<char> = symbol[letters.len()..].chars().collect();
    match (table.issuers.get(letters), term.is_empty()) {
        (Some(reading), false) => format!("{reading} khóa {}", numbers::whole(&term)),
        _ => symbol
            .split(['-', '/', '&'])
            .filter(|part| !part.is_empty())
            .map(|part| {
                table
                    .issuers
                    .get(part)
                    .cloned()
                    .unwrap_or_else(|| words::short_form(part, table))
            })
            .collect::<Vec<_>>()
            .join(" "),
    }
}

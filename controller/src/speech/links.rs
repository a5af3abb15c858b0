//! Web and mail addresses, said so that a listener can write them down.

use super::abbreviations::Abbreviations;
use super::words::{is_syllable, spelled};
use super::{figures, numbers};

/// Longer than this is not an address that anybody writes down by ear, in characters.
const MAX_LINK: usize = 300;
/// Beyond this the site is said and the rest of the address left out, in characters.
const MAX_SAID: usize = 60;

const DOMAINS: [&str; 11] = [
    "vn", "com", "net", "org", "info", "edu", "gov", "me", "io", "asia", "vip",
];

/// Reads the address that begins here: its length and its words.
pub(super) fn read(rest: &[char], table: &Abbreviations) -> Option<(usize, String)> {
    if !rest.first()?.is_ascii_alphanumeric() {
        return None;
    }
    let token: Vec<char> = rest
        .iter()
        .copied()
        .take(MAX_LINK)
        .take_while(|c| is_part(*c))
        .collect();
    let kept = token.len()
        - token
            .iter()
            .rev()
            .take_while(|c| !c.is_ascii_alphanumeric() && **c != '/')
            .count();
    let token: String = token[..kept].iter().collect();
    let lower = token.to_ascii_lowercase();
    let bare = match lower.split_once("://") {
        Some((scheme, bare)) if matches!(scheme, "http" | "https") && !bare.is_empty() => bare,
        Some(_) => return None,
        None if is_mail(&lower) || is_site(&token) => &lower,
        None => return None,
    };
    let bare = bare.strip_prefix("www.").unwrap_or(bare);
    let bare = bare
        .split(['?', '#'])
        .next()
        .unwrap_or(bare)
        .trim_end_matches('/');
    let host = bare.split('/').next().unwrap_or(bare);
    let said = if bare.len() <= MAX_SAID { bare } else { host };
    Some((kept, said_part_by_part(said, table)))
}

fn is_part(character: char) -> bool {
    character.is_ascii_alphanumeric() || "@:/.-_?=&%#+~".contains(character)
}

fn is_mail(token: &str) -> bool {
    token.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty()
            && !name.contains('/')
            && !host.contains('@')
            && host.contains('.')
            && !host.starts_with('.')
    })
}

fn is_site(token: &str) -> bool {
    let host = token.split(['/', '?', '#']).next().unwrap_or(token);
    let Some((name, domain)) = host.rsplit_once('.') else {
        return false;
    };
    DOMAINS.contains(&domain)
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        && name.split('.').all(|label| label.len() >= 2)
        && name.contains(|c: char| c.is_ascii_alphabetic())
}

fn said_part_by_part(text: &str, table: &Abbreviations) -> String {
    let text: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let letters = text[at..]
            .iter()
            .take_while(|c| c.is_ascii_alphabetic())
            .count();
        let digits = figures::run(&text[at..]);
        let part = &text[at..at + letters.max(digits).max(1)];
        words.push(match part[0] {
            _ if letters > 0 => by_name_or_letter(part, table),
            _ if digits > 0 => numbers::digit_by_digit(part),
            '.' => "chấm".to_owned(),
            '@' => "a còng".to_owned(),
            '-' => "gạch ngang".to_owned(),
            '_' => "gạch dưới".to_owned(),
            '/' => "gạch chéo".to_owned(),
            _ => String::new(),
        });
        at += part.len();
    }
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

/// A part that can be said stays a word; gov, vn, ubnd are spelled.
fn by_name_or_letter(part: &[char], table: &Abbreviations) -> String {
    let word: String = part.iter().collect();
    let capitals = word.to_ascii_uppercase();
    let known_short = table
        .any_case
        .beginning(part[0].to_ascii_uppercase())
        .iter()
        .any(|entry| entry.key.iter().collect::<String>() == capitals);
    let sayable = part.len() > 5 || is_syllable(part) || table.read_as_words.contains(&capitals);
    if known_short || !sayable {
        spelled(part)
    } else {
        word
    }
}

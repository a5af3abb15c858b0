//! What of a request's body is written down: everything but what opens something, cut to a bound.

use serde_json::{Map, Value, json};

/// Longest `details` of an entry.
pub const MAX_DETAILS_BYTES: usize = 2 * 1024;
/// Longest text within them, in characters.
const MAX_TEXT: usize = 240;
/// Most of a list.
const MAX_ITEMS: usize = 32;
const DEEPEST: usize = 8;
const LEFT_OUT: &str = "(not kept)";
const CUT: char = '…';

/// A field whose name has one of these in it opens something, or is a proof that is good once.
const SECRET: [&str; 14] = [
    "password",
    "passphrase",
    "token",
    "code",
    "secret",
    "key",
    "signature",
    "assertion",
    "attestation",
    "authenticator_data",
    "client_data",
    "challenge",
    "credential",
    "pin",
];

/// JSON of at most [`MAX_DETAILS_BYTES`]. What is no JSON object is not looked into.
pub fn details(body: &[u8]) -> String {
    let fields = match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => fields,
        _ => return "{}".to_owned(),
    };
    let kept = Value::Object(object(fields, 0)).to_string();
    if kept.len() <= MAX_DETAILS_BYTES {
        return kept;
    }
    // What is quoted again is at most twice as long.
    let mut room = MAX_DETAILS_BYTES / 2 - 16;
    while !kept.is_char_boundary(room) {
        room -= 1;
    }
    json!({ "cut": format!("{}{CUT}", &kept[..room]) }).to_string()
}

fn object(fields: Map<String, Value>, depth: usize) -> Map<String, Value> {
    let kept = fields.into_iter().map(|(name, value)| {
        let value = if is_secret(&name) && !value.is_null() {
            Value::from(LEFT_OUT)
        } else {
            of(value, depth + 1)
        };
        (shorter(&name), value)
    });
    kept.collect()
}

fn of(value: Value, depth: usize) -> Value {
    match value {
        Value::Object(_) | Value::Array(_) if depth > DEEPEST => Value::from(CUT.to_string()),
        Value::Object(fields) => Value::Object(object(fields, depth)),
        Value::Array(items) => {
            let more = items.len() > MAX_ITEMS;
            let kept = items.into_iter().take(MAX_ITEMS);
            let mut kept: Vec<Value> = kept.map(|item| of(item, depth + 1)).collect();
            kept.extend(more.then(|| Value::from(CUT.to_string())));
            Value::Array(kept)
        }
        Value::String(text) => Value::from(shorter(without_path(&text))),
        plain => plain,
    }
}

/// Does a field (or a part of a path) of this name open something?
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // `pin` is short enough to stand in other words.
    SECRET.iter().any(|word| match *word {
        "pin" => name == "pin",
        word => name.contains(word),
    })
}

/// The path of a web address is often its password.
fn without_path(text: &str) -> &str {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text;
    };
    if !matches!(scheme, "http" | "https") {
        return text;
    }
    let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    &text[..scheme.len() + 3 + host]
}

fn shorter(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}{CUT}", &text[..end]),
        None => text.to_owned(),
    }
}

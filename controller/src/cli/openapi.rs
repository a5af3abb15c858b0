//! `openapi`: the description of the API as text, for whoever generates code from it.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use crate::http;

pub fn print() -> anyhow::Result<ExitCode> {
    io::stdout().lock().write_all(text()?.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Sorted by name, so that it differs only where the API does.
fn text() -> serde_json::Result<String> {
    // A map of JSON values is sorted.
    let sorted = serde_json::to_value(http::openapi())?;
    Ok(serde_json::to_string_pretty(&sorted)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_is_sorted_and_always_the_same() {
        let text = text().expect("JSON");
        let at = |name: &str| {
            let found = text.find(&format!("\n  \"{name}\": "));
            found.unwrap_or_else(|| panic!("{name} is missing"))
        };
        assert!(at("components") < at("info") && at("info") < at("openapi"));
        assert!(at("openapi") < at("paths") && text.ends_with("}\n"));
        assert_eq!(text, super::text().expect("JSON"));
    }
}

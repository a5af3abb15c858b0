//! What people call the program that signed in, out of its `User-Agent`: "Chrome, Android".

/// Longest name that is kept, in characters.
const MAX: usize = 60;

/// The first that is found counts: most browsers pretend to be the others too.
const BROWSERS: [(&str, &str); 10] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("coc_coc_browser/", "Cốc Cốc"),
    ("Zalo", "Zalo"),
    ("FBAV/", "Facebook"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
];
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

/// `None`: it says nothing that could be shown.
pub fn program(user_agent: &str) -> Option<String> {
    let find = |table: &[(&str, &'static str)]| {
        let found = table.iter().find(|(mark, _)| user_agent.contains(mark));
        found.map(|(_, name)| *name)
    };
    let browser = find(&BROWSERS).or_else(|| user_agent.contains("Safari/").then_some("Safari"));
    let named = match (browser, find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(one), None) => one.to_owned(),
        // A program of somebody's own: "curl/8.5.0".
        _ => user_agent.split_whitespace().next()?.to_owned(),
    };
    let shown: String = named
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX)
        .collect();
    (!shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_recognise_their_phone() {
        for (sent, shown) in [
            (
                "Mozilla/5.0 (Linux; Android 14; SM-A155F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
                Some("Chrome, Android"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
                Some("Safari, iPhone"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                Some("Edge, Windows"),
            ),
            ("curl/8.5.0", Some("curl/8.5.0")),
            ("", None),
            ("   ", None),
        ] {
            assert_eq!(program(sent).as_deref(), shown);
        }
        let long = program(&"x".repeat(9_000)).expect("something");
        assert_eq!(long.len(), MAX);
    }
}

//! Which language is asked for.

/// The languages of the API's texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// Vietnamese, unless English is asked for.
    #[default]
    Vi,
    En,
}

impl Lang {
    /// The first language of an `Accept-Language` header (RFC 9110, 12.5.4) that we have, by its order or weights.
    pub fn of(header: &str) -> Lang {
        let mut best = (Lang::Vi, 0.0);
        for part in header.split(',').take(20) {
            let (tag, weight) = part.split_once(';').unwrap_or((part, ""));
            let weight = match weight.trim().strip_prefix("q=") {
                Some(q) => q.trim().parse::<f32>().unwrap_or(0.0),
                None => 1.0,
            };
            let primary = tag.trim().split('-').next().unwrap_or_default();
            let lang = match primary.to_ascii_lowercase().as_str() {
                "vi" => Lang::Vi,
                "en" => Lang::En,
                _ => continue,
            };
            if weight > best.1 {
                best = (lang, weight);
            }
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vietnamese_unless_english_is_asked_for() {
        for (header, lang) in [
            ("", Lang::Vi),
            ("vi", Lang::Vi),
            ("fr-FR", Lang::Vi),
            ("en", Lang::En),
            ("en-US,en;q=0.9", Lang::En),
            ("vi-VN,vi;q=0.9,en;q=0.8", Lang::Vi),
            ("fr, en;q=0.4, vi;q=0.3", Lang::En),
            ("en;q=x, vi;q=0.1", Lang::Vi),
        ] {
            assert_eq!(Lang::of(header), lang, "{header}");
        }
    }
}

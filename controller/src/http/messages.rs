//! Every refusal and warning of the API: its code (for programs, never translated), its HTTP status, and its text in
//! Vietnamese and English, which says what is wrong and what to do. `{name}` is filled in.
//! The texts themselves are in the modules below, one a theme.

#[macro_use]
mod asking;
#[macro_use]
mod audio;
#[macro_use]
mod bulletins;
#[macro_use]
mod calls;
mod lang;
#[macro_use]
mod people;
#[macro_use]
mod relays;
#[macro_use]
mod things;
#[macro_use]
mod trust;
#[macro_use]
mod warnings;
#[macro_use]
mod watch;

pub use lang::Lang;

macro_rules! codes {
    // One theme after the other is given what was there before it, and hands on its own behind that.
    ([$theme:ident $($themes:ident)*] $($texts:tt)*) => {
        $theme! { [$($themes)*] $($texts)* }
    };
    ([] $($name:ident $status:literal $code:literal $vi:literal $en:literal;)*) => {
        /// What the API can refuse, or warn of (those have status 200).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($name,)* }

        impl Code {
            #[cfg(test)]
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// Stable: programs may compare it.
            pub fn word(self) -> &'static str {
                match self { $(Code::$name => $code,)* }
            }
            /// HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Code::$name => $status,)* }
            }
            /// With its places still open.
            pub fn template(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Code::$name, Lang::Vi) => $vi, (Code::$name, Lang::En) => $en,)*
                }
            }
        }
    };
}

impl Code {
    /// The text with `values` in its places.
    pub fn text(self, lang: Lang, values: &[(&'static str, String)]) -> String {
        let mut text = String::new();
        let mut rest = self.template(lang);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(before);
            if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
                // What somebody sent is shown, but not all of it.
                text.extend(value.chars().take(400));
            }
            rest = after;
        }
        text + rest
    }
}

codes! { [asking people things audio bulletins calls relays trust watch warnings] }

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn places(template: &str) -> HashSet<&str> {
        template
            .split('{')
            .skip(1)
            .filter_map(|part| part.split_once('}'))
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn every_code_has_both_languages_with_the_same_places() {
        let mut words = HashSet::new();
        for code in Code::ALL {
            assert!(words.insert(code.word()), "{} is there twice", code.word());
            let (vi, en) = (code.template(Lang::Vi), code.template(Lang::En));
            assert!(!vi.is_empty() && !en.is_empty() && vi != en, "{code:?}");
            // The Vietnamese text of `not_found` does without the kind of thing.
            let extra: HashSet<_> = places(en).difference(&places(vi)).copied().collect();
            assert!(
                extra.is_empty() || *code == Code::NotFound,
                "{code:?}: {extra:?}"
            );
            assert!(places(vi).is_subset(&places(en)), "{code:?}");
            assert!(matches!(code.status(), 200 | 400..=599), "{code:?}");
            let plain = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(code.word().chars().all(plain), "{code:?}");
        }
    }

    #[test]
    fn values_stand_in_their_places() {
        let text = Code::TooManyGuesses.text(Lang::En, &[("wait_s", "7".into())]);
        assert_eq!(text, "Too many wrong tries: wait 7 seconds and try again.");
    }
}

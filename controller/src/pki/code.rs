//! One-time codes: 12 characters that a person can read aloud over a telephone, 60 bits that nobody guesses.

use std::fmt;

use loa_protocol::content::Sha;

use crate::chance;

/// Crockford's base 32: without I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 12;

/// A secret until it is used: not to be logged. Shown as `XXXX-XXXX-XXXX`.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolmentCode([u8; LENGTH]);

impl EnrolmentCode {
    pub fn make() -> Self {
        Self(chance::bytes::<LENGTH>().map(|byte| ALPHABET[usize::from(byte % 32)]))
    }

    /// As somebody typed it: any case, with or without dashes and spaces, and O for 0, I or L for 1.
    pub fn parse(text: &str) -> Option<Self> {
        let mut code = [0; LENGTH];
        let mut length = 0;
        for c in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            let c = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                c => c,
            };
            let byte = u8::try_from(c).ok().filter(|b| ALPHABET.contains(b))?;
            *code.get_mut(length)? = byte;
            length += 1;
        }
        (length == LENGTH).then_some(Self(code))
    }

    /// What is kept of it.
    pub fn hash(&self) -> String {
        Sha::of(&self.0).to_string()
    }
}

impl fmt::Display for EnrolmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, group) in self.0.chunks(4).enumerate() {
            if n > 0 {
                f.write_str("-")?;
            }
            group
                .iter()
                .try_for_each(|byte| write!(f, "{}", char::from(*byte)))?;
        }
        Ok(())
    }
}

impl fmt::Debug for EnrolmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolmentCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_was_typed() {
        let code = EnrolmentCode::make();
        let shown = code.to_string();
        assert_eq!(shown.len(), 14);
        assert_eq!(EnrolmentCode::parse(&shown), Some(code.clone()));
        assert_eq!(
            EnrolmentCode::parse(&shown.to_lowercase()),
            Some(code.clone())
        );
        assert_eq!(EnrolmentCode::parse(&shown.replace('-', " ")), Some(code));
        let (o, zero) = ("OIL0-OIL0-OIL0", "0110-0110-0110");
        assert_eq!(EnrolmentCode::parse(o), EnrolmentCode::parse(zero));
        for wrong in [
            "",
            "0110-0110-011",
            "0110-0110-01100",
            "0110-0110-011U",
            "0110-0110-011ế",
        ] {
            assert_eq!(EnrolmentCode::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn two_codes_differ_and_are_not_told_in_a_log() {
        let (a, b) = (EnrolmentCode::make(), EnrolmentCode::make());
        assert_ne!(a, b);
        assert!(!format!("{a:?}").contains(&a.to_string()));
    }
}

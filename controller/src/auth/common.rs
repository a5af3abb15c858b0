//! The passwords that are tried first: nobody may have one. The list and where it comes from: `common_passwords.txt`.

use std::{collections::HashSet, sync::LazyLock};

use crate::store::fold;

const LIST: &str = include_str!("common_passwords.txt");
static COMMON: LazyLock<HashSet<&str>> =
    LazyLock::new(|| LIST.lines().filter(|line| !line.starts_with('#')).collect());

/// Large letters, marks, spaces and signs make it no other: "Mật khẩu 123" is "matkhau123".
pub fn is_common(password: &str) -> bool {
    let folded = fold(password).replace(' ', "");
    COMMON.contains(password.to_lowercase().as_str()) || COMMON.contains(folded.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_tries_first_is_no_password() {
        for tried in [
            "12345678",
            "PassWord",
            "Mật khẩu 123",
            "anh yêu em",
            "Demo@123",
            "Trưởng thôn 1",
            "trustno1",
        ] {
            assert!(is_common(tried), "{tried}");
        }
        for own in ["đường về làng", "con trâu đen của ông Páo", "k7#Vq2!xLw"] {
            assert!(!is_common(own), "{own}");
        }
    }

    #[test]
    fn at_least_three_thousand_that_our_rule_would_take_are_known() {
        assert!(COMMON.len() >= 3_000);
        let fits = |word: &&str| word.chars().count() >= super::super::MIN_PASSWORD;
        assert!(COMMON.iter().all(fits));
    }
}

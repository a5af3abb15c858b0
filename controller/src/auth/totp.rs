//! Codes from an authenticator program: RFC 6238 with SHA-1, six digits, 30 seconds, the form that every such program knows.

use loa_protocol::time::WallTime;
use totp_rs::{Algorithm, Builder, Secret, Totp, TotpError};

use crate::chance;

const DIGITS: u8 = 6;
const STEP_S: u64 = 30;
/// Phones' clocks go wrong: one step earlier or later is taken too.
const SKEW: u16 = 1;

/// 160 bits, base32.
pub fn secret() -> String {
    Secret::new_stack(chance::bytes()).to_base32()
}

/// `otpauth://…`, which authenticator programs read out of a QR code.
pub fn url(secret: &str, username: &str) -> Option<String> {
    totp(secret, username).ok()?.to_url().ok()
}

/// The step whose code this is. That each step's code is taken once, the store sees to.
pub fn step(secret: &str, code: &str, now: WallTime) -> Option<i64> {
    let now_s = u64::try_from(now.as_micros() / 1_000_000).ok()?;
    let step = totp(secret, "loa").ok()?.check(code, now_s)?;
    i64::try_from(step).ok()
}

fn totp(secret: &str, username: &str) -> Result<Totp, TotpError> {
    let secret = Secret::try_from_base32(secret).unwrap_or_else(|_| Secret::new(Box::default()));
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(DIGITS)
        .with_skew(SKEW)
        .with_step_duration(STEP_S)
        .with_secret(secret)
        .with_account_name(username)
        .with_issuer(Some("Loa"))
        .build()
}

/// The code that a phone shows at this time.
#[cfg(test)]
pub fn code(secret: &str, at: WallTime) -> String {
    let at_s = u64::try_from(at.as_micros() / 1_000_000).expect("after 1970");
    totp(secret, "loa")
        .expect("a good secret")
        .generate(at_s)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "12345678901234567890", the secret of the RFC's appendix.
    const RFC: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn at(s: i64) -> WallTime {
        WallTime::from_millis(s * 1_000)
    }

    #[test]
    fn the_codes_are_those_of_rfc_6238_appendix_b() {
        // The last six of the eight digits there.
        for (s, shown) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(code(RFC, at(s)), shown);
            assert_eq!(step(RFC, shown, at(s)), Some(s / 30));
        }
    }

    #[test]
    fn a_phone_may_be_half_a_minute_wrong_and_no_more() {
        let now = 1_234_567_890;
        for (s, taken) in [
            (-60, false),
            (-30, true),
            (0, true),
            (30, true),
            (60, false),
        ] {
            let shown = code(RFC, at(now + s));
            assert_eq!(step(RFC, &shown, at(now)).is_some(), taken, "{s}");
        }
    }

    #[test]
    fn what_is_no_code_is_no_code() {
        for wrong in ["", "28708", "2870822", "28708x", "２８７０８２"] {
            assert_eq!(step(RFC, wrong, at(59)), None);
        }
        assert_eq!(step("not base32 1", "287082", at(59)), None);
    }

    #[test]
    fn an_authenticator_program_reads_whose_it_is() {
        let made = secret();
        assert_eq!(made.len(), 32);
        let url = url(&made, "can-bo@sang-moc").expect("a URL");
        assert!(url.starts_with("otpauth://totp/Loa"), "{url}");
        assert!(url.contains(&made) && url.contains("issuer=Loa"), "{url}");
    }
}

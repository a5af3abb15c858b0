//! Sentences about passkeys: what counts as one's word, and what only looks like it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{
    RELYING_PARTY,
    authenticator::{Authenticator, Says},
};
use loa_protocol::passkey::{
    Expected, MAX_CLIENT_DATA, PasskeyError, Registered, register, verify,
};
use proptest::prelude::*;

const CHALLENGE: &[u8] = b"thirty-two bytes of a challenge!";

fn expected() -> Expected<'static> {
    Expected {
        challenge: CHALLENGE,
        relying_party: RELYING_PARTY,
    }
}
/// What becomes of the word of `phone`, said like this.
fn word(phone: &Authenticator, says: &Says) -> Result<u32, PasskeyError> {
    verify(
        &phone.signs(CHALLENGE, says),
        &phone.public_key(),
        expected(),
    )
}

#[test]
fn a_touched_and_unlocked_phone_on_the_office_s_page_is_its_owner_s_word() {
    let phone = Authenticator::new("chú Tư");
    assert_eq!(word(&phone, &Says::at(RELYING_PARTY)), Ok(7));
    // The app may live on a page below, and at any port.
    for origin in [
        "https://app.loa.sang-moc.vn",
        "https://loa.sang-moc.vn:8443",
    ] {
        let says = Says {
            origin: origin.into(),
            ..Says::at(RELYING_PARTY)
        };
        assert_eq!(word(&phone, &says), Ok(7), "{origin}");
    }
}

#[test]
fn another_page_s_word_does_not_count() {
    let phone = Authenticator::new("chú Tư");
    for origin in [
        "https://evil.vn",
        "https://evil-loa.sang-moc.vn",
        "https://loa.sang-moc.vn.evil.vn",
        "http://loa.sang-moc.vn",
        "https://evil.vn/.loa.sang-moc.vn",
        "https://evil.vn?.loa.sang-moc.vn",
        "https://x@loa.sang-moc.vn",
        "https://localhost",
        "loa.sang-moc.vn",
        "null",
        "",
    ] {
        let says = Says {
            origin: origin.into(),
            ..Says::at(RELYING_PARTY)
        };
        assert_eq!(word(&phone, &says), Err(PasskeyError::Origin), "{origin}");
    }
    // The browser says so, but the authenticator signed for another party.
    let says = Says {
        relying_party: "evil.vn".into(),
        ..Says::at(RELYING_PARTY)
    };
    assert_eq!(word(&phone, &says), Err(PasskeyError::Origin));
    let framed = Says {
        extra: r#","topOrigin":"https://evil.vn""#,
        ..Says::at(RELYING_PARTY)
    };
    let mut framed = phone.signs(CHALLENGE, &framed);
    framed.client_data = String::from_utf8(framed.client_data)
        .unwrap()
        .replace(r#""crossOrigin":false"#, r#""crossOrigin":true"#)
        .into_bytes();
    let said = verify(&framed, &phone.public_key(), expected());
    assert_eq!(said, Err(PasskeyError::Origin));
}

#[test]
fn plain_http_is_the_office_s_page_on_its_own_machine_only() {
    let phone = Authenticator::new("chú Tư");
    let says = Says {
        origin: "http://localhost:8080".into(),
        ..Says::at("localhost")
    };
    let at_home = Expected {
        relying_party: "localhost",
        ..expected()
    };
    let assertion = phone.signs(CHALLENGE, &says);
    assert_eq!(verify(&assertion, &phone.public_key(), at_home), Ok(7));
}

#[test]
fn a_phone_that_nobody_touched_or_unlocked_says_nothing() {
    let phone = Authenticator::new("chú Tư");
    for flags in [0x00, 0x01, 0x04, 0xfa] {
        let says = Says {
            flags,
            ..Says::at(RELYING_PARTY)
        };
        assert_eq!(
            word(&phone, &says),
            Err(PasskeyError::Presence),
            "{flags:#x}"
        );
    }
    let backed_up = Says {
        flags: 0x1d,
        ..Says::at(RELYING_PARTY)
    };
    assert_eq!(word(&phone, &backed_up), Ok(7));
}

#[test]
fn a_word_about_something_else_or_of_another_kind_does_not_count() {
    let phone = Authenticator::new("chú Tư");
    let says = Says::at(RELYING_PARTY);
    let about_another = phone.signs(b"another bulletin's challenge", &says);
    let said = verify(&about_another, &phone.public_key(), expected());
    assert_eq!(said, Err(PasskeyError::Challenge));
    let making = Says {
        kind: "webauthn.create",
        ..says.clone()
    };
    assert_eq!(word(&phone, &making), Err(PasskeyError::Form));
    // Said twice in one breath: which of the two was it?
    let twice = Says {
        extra: r#","challenge":"AAAA""#,
        ..says
    };
    assert_eq!(word(&phone, &twice), Err(PasskeyError::Form));
}

#[test]
fn another_phone_s_signature_or_a_key_that_is_none_does_not_count() {
    let (phone, other) = (Authenticator::new("chú Tư"), Authenticator::new("bà Lan"));
    let assertion = phone.signs(CHALLENGE, &Says::at(RELYING_PARTY));
    let off_the_curve = [&[4][..], &[1; 64]].concat();
    for key in [other.public_key(), off_the_curve, vec![], vec![4; 65]] {
        let said = verify(&assertion, &key, expected());
        assert_eq!(said, Err(PasskeyError::Signature));
    }
}

#[test]
fn what_is_too_long_or_too_short_is_not_read() {
    let phone = Authenticator::new("chú Tư");
    let good = phone.signs(CHALLENGE, &Says::at(RELYING_PARTY));
    let mut long = good.clone();
    long.client_data.resize(MAX_CLIENT_DATA + 1, b' ');
    let mut short = good.clone();
    short.authenticator_data.truncate(36);
    let mut empty = good;
    empty.client_data.clear();
    for bad in [long, short, empty] {
        let said = verify(&bad, &phone.public_key(), expected());
        assert_eq!(said, Err(PasskeyError::Form));
    }
}

#[test]
fn a_new_passkey_is_read_and_its_word_counts_from_then_on() {
    let phone = Authenticator::new("chú Tư");
    let making = Says {
        kind: "webauthn.create",
        flags: 0x45,
        ..Says::at(RELYING_PARTY)
    };
    let made = register(
        &phone.attestation(&making),
        &making.client_data(CHALLENGE),
        expected(),
    );
    let made = made.unwrap();
    let known = Registered {
        credential: phone.credential.clone(),
        key: phone.public_key(),
        counter: 7,
    };
    assert_eq!(made, known);
    let assertion = phone.signs(CHALLENGE, &Says::at(RELYING_PARTY));
    assert_eq!(verify(&assertion, &made.key, expected()), Ok(7));
}

#[test]
fn a_new_passkey_of_another_kind_or_without_its_key_is_refused() {
    let phone = Authenticator::new("chú Tư");
    let making = Says {
        kind: "webauthn.create",
        flags: 0x45,
        ..Says::at(RELYING_PARTY)
    };
    let client_data = making.client_data(CHALLENGE);
    let good = phone.attestation(&making);
    let without_key = phone.attestation(&Says {
        flags: 0x05,
        ..making.clone()
    });
    let refused = register(&without_key, &client_data, expected());
    assert_eq!(refused, Err(PasskeyError::Form));
    // RS256 (-257) where ES256 (-7) stood.
    let at = good.windows(2).position(|w| w == [0x03, 0x26]).unwrap();
    let mut rsa = good.clone();
    rsa[at + 1] = 0x27;
    let refused = register(&rsa, &client_data, expected());
    assert_eq!(refused, Err(PasskeyError::Algorithm));
    for cut in 0..good.len() {
        assert!(register(&good[..cut], &client_data, expected()).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn no_bit_of_an_assertion_can_be_turned(
        part in 0..3usize, at in any::<prop::sample::Index>(), bit in 0..8u8
    ) {
        let phone = Authenticator::new("chú Tư");
        let mut assertion = phone.signs(CHALLENGE, &Says::at(RELYING_PARTY));
        let bytes = match part {
            0 => &mut assertion.authenticator_data,
            1 => &mut assertion.client_data,
            _ => &mut assertion.signature,
        };
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(verify(&assertion, &phone.public_key(), expected()).is_err());
    }

    #[test]
    fn nothing_that_a_browser_gives_breaks_the_reader(
        object in prop::collection::vec(any::<u8>(), 0..400), data in ".{0,200}"
    ) {
        let _ = register(&object, data.as_bytes(), expected());
        let making = Says { kind: "webauthn.create", ..Says::at(RELYING_PARTY) };
        let _ = register(&object, &making.client_data(CHALLENGE), expected());
    }
}

//! Any text at all: it is read, it ends, and plain text stays as it is.

use loa_controller::speech::{Abbreviations, MAX_SPOKEN_BYTES, normalise};
use proptest::prelude::*;

/// Scraps of bulletins, glued together in any order, find what whole random characters never do.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop_oneof![
        "[0-9]{1,4}",
        "[0-9]{1,20}",
        "[A-ZĐƯIVX]{1,6}",
        "[a-zđăâêôơư]{1,5}",
        prop::sample::select(vec![
            "/", "-", ".", ",", ":", " ", " ", "h", "g", "đ", "k", "tr", "%", "°C", "m2", "kg",
            "km/h", "+84", "(", ")", "$", "ngày ", "thứ ", "tháng ", "quý ", "khóa ", "số ",
            "gọi ", "UBND", "QĐ-UBND", "TP.", "H.", "QL", "Covid-19", "v.v.", "'", "\n", "\n- ",
            "😀", "@", ".vn", "https://", "&", "=", "~", "*", "x", "\u{302}", "²", "½", "T", "CA",
        ])
        .prop_map(String::from),
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(scrap, 0..30).prop_map(|scraps| scraps.concat())
}

fn check(text: &str, table: &Abbreviations) -> Result<(), TestCaseError> {
    let read = normalise(text, table);
    let plain = |c: char| c.is_alphabetic() || " .,;:!?'".contains(c);
    prop_assert!(read.chars().all(plain), "{:?} was read as {:?}", text, read);
    prop_assert!(
        !read.contains("  ") && read.trim() == read,
        "spaces in {:?}",
        read
    );
    prop_assert!(
        read.len() <= 64 * text.len(),
        "{:?} grew to {:?}",
        text,
        read
    );
    // "vitamin H. Võ …" cannot be told from "huyện Võ …": the one thing that a second reading may take otherwise.
    if ["H.", "Q.", "P.", "X.", "ThS."]
        .iter()
        .any(|title| read.contains(title))
    {
        return Ok(());
    }
    prop_assert_eq!(
        normalise(&read, table),
        read.clone(),
        "read twice, from {:?}",
        text
    );
    Ok(())
}

#[test]
fn any_text_becomes_plain_words_and_plain_words_stay() {
    let table = Abbreviations::built_in();
    let config = ProptestConfig {
        cases: std::env::var("N").map_or(4_000, |n| n.parse().unwrap()),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(text in scraps())| check(&text, &table)?);
    let config = ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(text in any::<String>())| check(&text, &table)?);
}

#[test]
fn a_short_form_is_none_within_a_word_with_an_apostrophe() {
    let table = Abbreviations::built_in();
    for text in ["VV'A¡", "vv'a", "CA'B", "UBND'x"] {
        check(text, &table).unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(normalise("chợ, vv", &table), "chợ, vân vân");
}

#[test]
fn a_text_without_end_is_cut_off_at_the_bound() {
    let table = Abbreviations::built_in();
    for text in [
        "7h30 ",
        "1",
        "UBND/",
        "0912 345 678-",
        "(((",
        "a@",
        "1.000.",
        "T2-",
        "X",
    ] {
        let read = normalise(&text.repeat(400_000 / text.len()), &table);
        assert!(
            read.len() <= MAX_SPOKEN_BYTES,
            "{text:?} made {} bytes",
            read.len()
        );
    }
}

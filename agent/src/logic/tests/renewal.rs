//! Sentences about the next certificate: asked for in time, kept before it is used, and never in the way of a sound.

use ed25519_dalek::SigningKey;
use loa_protocol::{
    certificate::{Certificate, Renewal},
    envelope::{Keyring, open},
    topic::Topic,
};

use super::pole::*;
use crate::logic::{
    Life,
    port::{CertificateNews as News, CertificateStep as Step, Input},
};

const DAY_S: i64 = 86_400;

/// With a certificate that was made so many days ago, for ninety.
fn pole_with_one_of(days: i64) -> Pole {
    let mut pole = Pole::with(vec![]);
    pole.agent.signs_with(key(9));
    pole.agent.is_certified(Life {
        made: t(-days * DAY_S),
        expires: t((90 - days) * DAY_S),
    });
    pole
}
fn speaker() -> loa_protocol::id::SpeakerId {
    SPEAKER.parse().unwrap()
}
fn asked(pole: &Pole, by: &SigningKey) -> Vec<Vec<u8>> {
    let ring = Keyring::new([by.verifying_key()]);
    let topic = Topic::Renewal(speaker());
    let asked = pole.published.iter().filter(|(to, _)| *to == topic);
    asked
        .map(|(_, bytes)| open::<Renewal>(bytes, &ring).expect("signed by the present key"))
        .map(|renewal| renewal.request)
        .collect()
}
fn answer(pole: &mut Pole, certificate: &[u8]) {
    pole.hears(
        Topic::Certificate(speaker()),
        &Certificate {
            speaker: speaker(),
            certificate: certificate.to_vec(),
            authorities: vec![b"authority".to_vec().into()],
        },
    );
}
fn key_is_made(pole: &mut Pole) {
    let request = b"request".to_vec();
    pole.input(Input::Certificate(News::KeyMade { request }));
}
fn certified(pole: &mut Pole) {
    pole.input(Input::Certificate(News::Certified {
        life: Life {
            made: t(0),
            expires: t(90 * DAY_S),
        },
        signing: Box::new(key(10)),
    }));
}

#[test]
fn a_young_certificate_is_left_alone() {
    let mut pole = pole_with_one_of(10);
    pole.input(Input::Connected);
    pole.run_to(3_600);
    assert!(pole.certificate_steps.is_empty());
    assert!(
        pole.subscribed
            .contains(&Topic::Certificate(speaker()).to_string())
    );
}

#[test]
fn an_old_one_is_renewed_over_the_line_with_a_key_of_its_own() {
    let mut pole = pole_with_one_of(70);
    pole.run_to(60);
    assert!(pole.certificate_steps.is_empty(), "without a line it waits");
    pole.input(Input::Connected);
    assert_eq!(pole.certificate_steps, [Step::MakeKey]);
    key_is_made(&mut pole);
    assert_eq!(asked(&pole, &key(9)), [b"request"]);
    answer(&mut pole, b"certificate");
    let keep = Step::Keep {
        certificate: b"certificate".to_vec(),
    };
    assert_eq!(pole.certificate_steps.pop(), Some(keep));
    certified(&mut pole);
    assert_eq!(pole.certificate_steps.pop(), Some(Step::Reconnect));
    // What it says from now on is signed by the next key, and it asks for nothing more.
    pole.run_to(7_200);
    assert_eq!(asked(&pole, &key(9)).len(), 1);
}

#[test]
fn no_answer_is_asked_for_again_with_the_same_key_and_ever_more_rarely() {
    let mut pole = pole_with_one_of(70);
    pole.input(Input::Connected);
    key_is_made(&mut pole);
    pole.run_to(12 * 3_600);
    let count = asked(&pole, &key(9)).len();
    assert!((8..=14).contains(&count), "{count} times in twelve hours");
    assert_eq!(pole.certificate_steps, [Step::MakeKey]);
}

#[test]
fn the_line_is_made_anew_only_when_nothing_sounds() {
    let bulletin = at("tin", 60);
    let mut pole = Pole::holding(std::slice::from_ref(&bulletin));
    pole.agent.is_certified(Life {
        made: t(-70 * DAY_S),
        expires: t(20 * DAY_S),
    });
    pole.hears_config(&config(1));
    pole.hears_programme(&programme(area(), 1, vec![bulletin]));
    pole.input(Input::Connected);
    key_is_made(&mut pole);
    pole.run_to(62);
    assert!(pole.agent.sounding().is_some());
    certified(&mut pole);
    assert!(!pole.certificate_steps.contains(&Step::Reconnect));
    pole.run_to(300);
    assert!(pole.agent.sounding().is_none());
    assert!(pole.certificate_steps.contains(&Step::Reconnect));
}

#[test]
fn one_that_ran_out_in_the_dark_is_renewed_over_https() {
    let mut pole = pole_with_one_of(95);
    pole.run_to(40);
    assert_eq!(pole.certificate_steps, [Step::MakeKey]);
    key_is_made(&mut pole);
    let Some(Step::AskOffice { renewal }) = pole.certificate_steps.pop() else {
        panic!("it asks the office");
    };
    let ring = Keyring::new([key(9).verifying_key()]);
    assert_eq!(open::<Renewal>(&renewal, &ring).unwrap().speaker, speaker());
    certified(&mut pole);
    assert_eq!(
        pole.certificate_steps,
        [Step::MakeKey],
        "the next line is new anyway"
    );
}

#[test]
fn the_brokers_word_that_it_is_over_counts_more_than_a_clock_that_was_never_set() {
    let mut pole = pole_with_one_of(30);
    pole.run_to(40);
    assert!(pole.certificate_steps.is_empty());
    pole.input(Input::Certificate(News::ToldExpired));
    assert_eq!(pole.certificate_steps, [Step::MakeKey]);
}

#[test]
fn somebody_elses_certificate_is_not_even_looked_at() {
    let mut pole = pole_with_one_of(70);
    pole.input(Input::Connected);
    answer(&mut pole, b"nobody asked for it");
    key_is_made(&mut pole);
    pole.hears(
        Topic::Certificate(speaker()),
        &Certificate {
            speaker: "khuoi-meo".parse().unwrap(),
            certificate: b"another's".to_vec(),
            authorities: vec![],
        },
    );
    assert_eq!(pole.certificate_steps, [Step::MakeKey]);
}

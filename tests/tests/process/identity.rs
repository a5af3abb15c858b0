//! Who is who: poles come in by what the office gave them, and nobody else does.

use std::{os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};

use loa_agent::identity::Identity;
use loa_tests::process::{
    Broker, LineKind, Output, Village,
    clock::wait_for,
    journal,
    measure::strangers::{Known, foreign_topics, is_refused, let_in},
    office::Office,
    passport::{add_speaker, enrolled, issued, sticker},
    pole::{Credentials, Pole},
    sockets,
};
use serde_json::json;

const DAY_S: i64 = 86_400;
const MINUTE: Duration = Duration::from_secs(60);

fn identity_of(pole: &Pole) -> Identity {
    Identity::load(&pole.data_dir())
        .expect("it can be read")
        .expect("it is enrolled")
}

fn is_heard(village: &Village, bulletin: &str) {
    for row in village.wait_for_outcomes(bulletin, village.poles.len(), MINUTE) {
        assert_eq!(row.outcome.as_deref(), Some("completed"), "{row:?}");
    }
}

fn known(village: &Village) -> Known {
    let office = &village.office;
    let first = add_speaker(office, village.area(), "Cụm một");
    let second = add_speaker(office, village.area(), "Cụm hai");
    Known {
        revoked: enrolled(office, &first),
        first: enrolled(office, &first),
        second: enrolled(office, &second),
    }
}

#[test]
fn an_enrolled_pole_plays_listens_on_no_socket_and_keeps_its_key_to_itself() {
    let village = Village::start(1, Output::Wav, Broker::Embedded);
    let material = village.material(1.0, 1);
    is_heard(&village, &village.say(&material, &json!({})).0);
    let pole = &village.poles[0];
    assert_eq!(sockets::open_to_others(pole.pid()), Vec::<String>::new());
    let folder = pole.data_dir().join("identity");
    let mode = |path: &Path| {
        let met = std::fs::metadata(path).expect("it is there");
        met.permissions().mode() & 0o777
    };
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("key.pem")), 0o600);
    // What it says is signed by its own key, and the office takes it: no event waits.
    wait_for("the pole may forget", Duration::from_secs(30), || {
        journal::of_pole(&pole.data_dir()).events.is_empty()
    });
    let seed = hex::encode(identity_of(pole).key.signing().as_bytes());
    assert!(!pole.log().contains(&seed));
}

#[test]
fn strangers_stay_outside_and_one_poles_key_opens_nothing_but_its_own() {
    let village = Village::of_office(Broker::Embedded, 0);
    let known = known(&village);
    let port = village.office.broker_port;
    assert_eq!(let_in(&village.office, port, &known, 15), []);
    assert_eq!(foreign_topics(port, &known, 80), Vec::<String>::new());
}

#[test]
fn the_same_on_mosquitto_as_the_office_exports_it() {
    let village = Village::of_office(Broker::Mosquitto, 0);
    let known = known(&village);
    let port = village.office.broker_port;
    let mosquitto = village.mosquitto.as_ref().expect("it runs");
    mosquitto.read_revocations(&village.office, &known);
    assert_eq!(let_in(&village.office, port, &known, 15), []);
    assert_eq!(foreign_topics(port, &known, 80), Vec::<String>::new());
}

#[test]
fn a_retired_pole_is_cut_off_within_a_minute_and_is_told_to_enrol_again() {
    let village = Village::start(1, Output::Wav, Broker::Embedded);
    let pole = &village.poles[0];
    let identity = identity_of(pole);
    let path = format!("/speakers/{}/retire", pole.id);
    village.office.api.call("POST", &path, None).json();
    wait_for("it is cut off", MINUTE, || {
        pole.status().is_some_and(|file| !file.connected)
    });
    assert!(is_refused(village.office.broker_port, &identity));
    wait_for("its log says what to do", MINUTE, || {
        pole.log().contains("enrol it again")
    });
}

#[test]
fn a_new_board_takes_the_place_of_the_old_one_which_is_shut_out() {
    let mut village = Village::start(1, Output::Wav, Broker::Embedded);
    let id = village.poles[0].id.clone();
    let given = Credentials::Sticker(sticker(&village.office, &id));
    let workshop = village.folder().join("workshop");
    let port = village.office.broker_port;
    let mut board = Pole::install(&workshop, &id, port, &given, None);
    let old = village.poles.remove(0);
    wait_for("the old board is cut off", MINUTE, || {
        old.status().is_some_and(|file| !file.connected)
    });
    assert!(is_refused(port, &identity_of(&old)));
    board.start(None);
    village.poles.push(board);
    village.wait_until_connected();
    let material = village.material(1.0, 1);
    is_heard(&village, &village.say(&material, &json!({})).0);
    // A code is good once.
    let Credentials::Sticker(text) = given else {
        unreachable!("made above")
    };
    let (done, told) = old.enrol(&[&text]);
    assert!(!done.success() && told.contains("new sticker"), "{told}");
}

#[test]
fn a_pole_that_moves_to_another_area_keeps_its_key_and_its_history() {
    let village = Village::start(1, Output::Wav, Broker::Embedded);
    let (api, pole) = (&village.office.api, &village.poles[0]);
    let serial = identity_of(pole).certificate.serial;
    let material = village.material(1.0, 1);
    let (before, _) = village.say(&material, &json!({}));
    is_heard(&village, &before);
    let made = api.post("/areas", &json!({"name": "Khuổi Mèo"}));
    let area = made["id"].as_str().expect("its id");
    api.patch(&format!("/speakers/{}", pole.id), &json!({"area": area}));
    let (after, _) = village.say(&material, &json!({"targets": [format!("area.{area}")]}));
    is_heard(&village, &after);
    for bulletin in [&before, &after] {
        let rows = village.playouts(bulletin);
        assert!(rows.len() == 1 && rows[0].speaker == pole.id, "{rows:?}");
    }
    assert_eq!(identity_of(pole).certificate.serial, serial);
}

/// The pole's certificate becomes one that is so many seconds old, and over at such a time from now.
fn age_certificate(village: &mut Village, life_s: (i64, i64)) -> String {
    village.poles[0].stop();
    village.office.stop();
    let pole = &village.poles[0];
    let held = identity_of(pole);
    let made = issued(&village.office, &pole.id, &held.key.public(), life_s);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(village.office.data_dir().join("loa.db"));
        let mut db = <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options)
            .await
            .expect("the office's database opens");
        sqlx::query("UPDATE certificates SET serial = $1, made = $2, expires = $3")
            .bind(&made.kept.serial)
            .bind(made.kept.made.as_micros())
            .bind(made.kept.expires.as_micros())
            .execute(&mut db)
            .await
            .expect("it is written");
    });
    let aged = Identity::new(
        Arc::clone(&held.key),
        made.der,
        held.authorities.clone(),
        held.office.clone(),
        held.roots.clone(),
    );
    let aged = aged.expect("it fits together");
    aged.store(&pole.data_dir()).expect("it is written");
    village.office.restart();
    village.switch_on(0);
    made.kept.serial
}

fn is_renewed_and_plays(village: &mut Village, life_s: (i64, i64)) {
    let old = age_certificate(village, life_s);
    let pole = &village.poles[0];
    wait_for("it has another certificate", MINUTE, || {
        identity_of(pole).certificate.serial != old
    });
    village.wait_until_connected();
    let material = village.material(1.0, 1);
    is_heard(village, &village.say(&material, &json!({})).0);
    // The one before is worth nothing as soon as the next one is used.
    let path = format!("/speakers/{}/certificates", village.poles[0].id);
    wait_for("the former one is not in force", MINUTE, || {
        let listed = village.office.api.get(&path);
        let all = listed["certificates"].as_array().cloned();
        all.unwrap_or_default().iter().any(|one| {
            let is_over = !one["revoked"].is_null() || life_s.1 < 0;
            one["serial"] == old.as_str() && is_over
        })
    });
}

#[test]
fn a_certificate_past_two_thirds_of_its_life_is_renewed_over_the_line_by_itself() {
    let mut village = Village::start(1, Output::Wav, Broker::Embedded);
    is_renewed_and_plays(&mut village, (-70 * DAY_S, 20 * DAY_S));
    // Both steps stand in the log as the pole's own doing; it may have asked again before the answer came.
    let of_the_pole = format!("/audit?user=speaker:{}&limit=50", village.poles[0].id);
    let log = village.office.api.get(&of_the_pole);
    let deeds: Vec<&str> = log["entries"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry["action"].as_str())
        .collect();
    let (last, before) = deeds.split_first().expect("something was written down");
    assert_eq!(*last, "use certificate", "{log}");
    assert!(
        !before.is_empty() && before.iter().all(|deed| *deed == "renew"),
        "{log}"
    );
}

#[test]
fn a_certificate_that_ran_out_in_the_dark_is_renewed_by_the_offices_http() {
    let mut village = Village::start(1, Output::Wav, Broker::Embedded);
    is_renewed_and_plays(&mut village, (-100 * DAY_S, -10 * DAY_S));
}

#[test]
fn enrolment_over_https_is_with_the_office_of_the_sticker_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut office = Office::install(folder.path(), Broker::Embedded, LineKind::Tls, 0);
    office.with_https();
    office.restart();
    let told = office.command(&[
        "speaker",
        "add",
        "ban-chuong-1",
        "--name",
        "Bản Chương",
        "--area",
        "Sảng Mộc/Bản Chương",
    ]);
    let text = told
        .split_whitespace()
        .map(|word| word.trim_matches('\''))
        .find(|word| word.starts_with("https://") && word.contains("/enrol#"))
        .unwrap_or_else(|| panic!("no sticker in {told}"));
    let broker_port = office.broker_port;
    let none = Credentials::Token {
        token: String::new(),
        office_key: String::new(),
    };
    let pole = Pole::install(folder.path(), "ban-chuong-1", broker_port, &none, None);
    let other = "ab".repeat(32);
    let (done, said) = pole.enrol(&[text, "--fingerprint", &other]);
    assert!(
        !done.success() && said.contains("not the office of the sticker"),
        "{said}"
    );
    let (site, code) = text.split_once('#').expect("a sticker");
    let mistyped = format!(
        "{site}#0000-0000-0000{}",
        &code[code.find('.').expect("a dot")..]
    );
    let (done, said) = pole.enrol(&[&mistyped]);
    assert!(!done.success() && said.contains("new sticker"), "{said}");
    assert!(!pole.data_dir().join("identity").exists());
    let (done, said) = pole.enrol(&[text]);
    assert!(done.success() && said.contains("ban-chuong-1"), "{said}");
    let identity = identity_of(&pole);
    assert!(
        !identity.roots.is_empty(),
        "it knows the root from the first day"
    );
    assert!(!is_refused(broker_port, &identity));
}

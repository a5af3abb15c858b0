//! A board becomes a speaker, another takes its place, it moves, and it is retired.

use axum::{
    body::Body,
    http::{Request, header},
};
use ed25519_dalek::SigningKey;
use loa_protocol::{certificate::Renewal, envelope::seal};
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use serde_json::{Value, json};

use super::{Office, office_with, with};
use crate::{
    config::Config,
    engine::Change,
    logic::permissions::Role,
    pki::Peer,
    store::{
        AuditFilter,
        testing::{area, speaker},
    },
};

const POLE: &str = "/api/v1/speakers/ban-chuong-1";
const DAY_S: i64 = 86_400;

/// A board's key, and its request for a certificate.
struct Board {
    key: SigningKey,
    pem: String,
    der: Vec<u8>,
}

fn board() -> Board {
    let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let request = CertificateParams::new(vec!["wishes".to_owned()])
        .unwrap()
        .serialize_request(&pair)
        .unwrap();
    // RFC 8410: the seed follows these in PKCS #8.
    let der = pair.serialize_der();
    let mark = [4, 34, 4, 32];
    let at = der.windows(4).position(|w| w == mark).unwrap() + 4;
    let seed: [u8; 32] = der[at..at + 32].try_into().unwrap();
    Board {
        key: SigningKey::from_bytes(&seed),
        pem: request.pem().unwrap(),
        der: request.der().to_vec(),
    }
}

impl Office {
    async fn code(&self) -> String {
        let path = format!("{POLE}/enrolment");
        let given = self.post(&self.chief, &path, &json!({})).await.ok();
        given["code"].as_str().unwrap().to_owned()
    }

    async fn enrol(&self, code: &str, board: &Board) -> super::Answer {
        let asked = json!({"code": code, "request": board.pem, "agent": "loa-agent 1"});
        self.post("", "/api/v1/enrol", &asked).await
    }

    async fn certificates(&self) -> Vec<Value> {
        let path = format!("{POLE}/certificates");
        let told = self.get(&self.chief, &path).await.ok();
        told["certificates"].as_array().unwrap().clone()
    }

    async fn renew(&self, board: &Board, next: &Board) -> super::Answer {
        let wish = Renewal {
            speaker: speaker("ban-chuong-1"),
            request: next.der.clone(),
        };
        let request = Request::builder()
            .method("POST")
            .uri("/api/v1/renew")
            .header(header::CONTENT_TYPE, "application/cbor")
            .body(Body::from(seal(&wish, &board.key)));
        self.send(with(request.unwrap(), "accept-language", "en"))
            .await
    }
}

fn peer(enrolled: &Value) -> Peer {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let pem = enrolled["certificate"].as_str().unwrap();
    Peer::of(&CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap()
}

async fn office() -> Office {
    office_with(Config::default()).await
}

#[tokio::test]
async fn a_code_makes_a_board_the_speaker_once() {
    let mut office = office().await;
    let given = office
        .post(&office.chief, &format!("{POLE}/enrolment"), &json!({}))
        .await
        .ok();
    let code = given["code"].as_str().unwrap();
    let (url, mark) = (&given["office"], &given["fingerprint"]);
    let text = format!(
        "{}/enrol#{code}.{}",
        url.as_str().unwrap(),
        mark.as_str().unwrap()
    );
    assert_eq!(given["text"], text);
    assert!(given["qr"].as_str().unwrap().starts_with("<svg"));
    office.told();
    let board = board();
    let enrolled = office.enrol(&code.to_lowercase(), &board).await.ok();
    assert_eq!(enrolled["speaker"], "ban-chuong-1");
    assert_eq!(peer(&enrolled).speaker, "ban-chuong-1");
    assert_eq!(enrolled["root_key"].as_str().unwrap().len(), 64);
    assert!(!enrolled["roots"].as_array().unwrap().is_empty());
    let known = vec![Change::Speakers(vec![speaker("ban-chuong-1")])];
    assert_eq!(office.told(), known);
    let again = office.enrol(code, &board).await;
    assert_eq!(again.refusal(), (422, "enrol_code_wrong"));
    let kept = office.certificates().await;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0]["serial"], peer(&enrolled).serial);
    assert!(kept[0]["revoked"].is_null());
}

#[tokio::test]
async fn a_code_that_is_old_replaced_or_guessed_is_worth_nothing() {
    let office = office().await;
    let (first, second) = (office.code().await, office.code().await);
    let wrong = (422, "enrol_code_wrong");
    assert_eq!(office.enrol(&first, &board()).await.refusal(), wrong);
    office.village.clock.pass_s(8 * DAY_S);
    assert_eq!(office.enrol(&second, &board()).await.refusal(), wrong);
    let mut slowed = false;
    for _ in 0..10 {
        let refused = office.enrol("0000-0000-0000", &board()).await;
        slowed |= refused.refusal() == (429, "too_many_guesses");
    }
    assert!(slowed);
}

#[tokio::test]
async fn a_request_that_is_none_does_not_use_up_the_code() {
    let office = office().await;
    let code = office.code().await;
    let mut bad = board();
    bad.pem = "xin chào".into();
    let refused = office.enrol(&code, &bad).await;
    assert_eq!(refused.refusal(), (422, "enrol_request_wrong"));
    assert!(office.enrol(&code, &board()).await.status.is_success());
}

#[tokio::test]
async fn a_new_board_shuts_the_old_one_out() {
    let office = office().await;
    let old = office.enrol(&office.code().await, &board()).await.ok();
    let new = office.enrol(&office.code().await, &board()).await.ok();
    let kept = office.certificates().await;
    let of = |enrolled: &Value| {
        let serial = peer(enrolled).serial;
        kept.iter().find(|c| c["serial"] == serial).unwrap().clone()
    };
    assert_eq!(of(&old)["reason"], "replaced");
    assert!(of(&new)["revoked"].is_null());
    let in_force = office.village.certificates_in_force().await.unwrap();
    assert_eq!(in_force.len(), 1);
}

#[tokio::test]
async fn a_retired_pole_holds_nothing_and_gets_nothing() {
    let office = office().await;
    let board = board();
    office.enrol(&office.code().await, &board).await.ok();
    let code = office.code().await;
    let retired = office
        .post(&office.chief, &format!("{POLE}/retire"), &json!({}))
        .await;
    assert!(retired.status.is_success(), "{}", retired.body);
    assert!(
        office
            .village
            .certificates_in_force()
            .await
            .unwrap()
            .is_empty()
    );
    let revoked = office.village.certificates_revoked().await.unwrap();
    assert_eq!(revoked.len(), 1);
    assert_eq!(
        office.enrol(&code, &board).await.refusal(),
        (422, "enrol_code_wrong")
    );
    assert_eq!(
        office.renew(&board, &board).await.refusal(),
        (403, "renewal_refused")
    );
}

#[tokio::test]
async fn a_pole_that_was_dark_for_a_year_gets_its_next_certificate_by_itself() {
    let office = office().await;
    let (first, next) = (board(), board());
    office.enrol(&office.code().await, &first).await.ok();
    office.village.clock.pass_s(400 * DAY_S);
    let stranger = office.renew(&next, &next).await;
    assert_eq!(stranger.refusal(), (403, "renewal_refused"));
    let renewed = office.renew(&first, &next).await.ok();
    assert_eq!(peer(&renewed).speaker, "ban-chuong-1");
    // Whoever heard it ask and says it again gets the same, and takes nothing from the pole.
    for _ in 0..5 {
        office.nothing_will_change();
        let again = office.renew(&first, &next).await.ok();
        assert_eq!(peer(&again).serial, peer(&renewed).serial);
    }
    let in_force = office.village.certificates_in_force().await.unwrap();
    assert_eq!(in_force[0].serial, peer(&renewed).serial);
    let of_the_pole = AuditFilter {
        user: Some("speaker:ban-chuong-1".into()),
        limit: 10,
        ..AuditFilter::default()
    };
    let entries = office.village.audit_entries(&of_the_pole).await.unwrap();
    assert_eq!(entries.len(), 1, "one renewal, one entry: {entries:?}");
    assert_eq!(entries[0].entry.action, "POST /renew");
    assert_eq!(entries[0].entry.subject, "ban-chuong-1");
}

#[tokio::test]
async fn a_pole_keeps_its_identity_when_it_moves_to_another_area() {
    let office = office().await;
    let enrolled = office.enrol(&office.code().await, &board()).await.ok();
    let moved = office
        .patch(&office.chief, POLE, &json!({"area": "khuoi-meo"}))
        .await
        .ok();
    assert_eq!(moved["area"], "khuoi-meo");
    let found = office.village.speaker(&speaker("ban-chuong-1")).await;
    assert_eq!(found.unwrap().area, area("khuoi-meo"));
    let kept = office.certificates().await;
    assert_eq!(kept[0]["serial"], peer(&enrolled).serial);
    assert!(kept[0]["revoked"].is_null());
}

#[tokio::test]
async fn codes_stickers_and_retiring_are_for_those_who_build_and_have_just_proved_it() {
    let office = office().await;
    let head = office
        .somebody("truong-xom", Role::HamletHead, Some("ban-chuong"))
        .await;
    let (enrolment, retire) = (format!("{POLE}/enrolment"), format!("{POLE}/retire"));
    let sticker = format!("{POLE}/sticker");
    for path in [&enrolment, &retire] {
        let refused = office.post(&head, path, &json!({})).await;
        assert_eq!(refused.refusal(), (403, "forbidden"), "{path}");
    }
    assert_eq!(office.get(&head, &sticker).await.refusal().0, 403);
    office.village.clock.pass_s(3_600);
    for path in [&enrolment, &retire] {
        let refused = office.post(&office.chief, path, &json!({})).await;
        assert_eq!(refused.refusal(), (403, "proof_needed"), "{path}");
    }
    let refused = office.get(&office.chief, &sticker).await;
    assert_eq!(refused.refusal(), (403, "proof_needed"));
}

#[tokio::test]
async fn a_sticker_shows_name_square_and_code_and_runs_nothing() {
    let office = office().await;
    let name = json!({"name": "Cụm <b>1</b>"});
    office.patch(&office.chief, POLE, &name).await.ok();
    let sticker = office.get(&office.chief, &format!("{POLE}/sticker")).await;
    let policy = sticker.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("script"));
    let page = sticker.body.as_str().unwrap();
    for word in [
        "<svg",
        "Cụm &lt;b&gt;1&lt;/b&gt;",
        "ban-chuong-1",
        "Bản Chương, Sảng Mộc",
        "105mm",
    ] {
        assert!(page.contains(word), "{word}");
    }
    assert!(!page.contains("<script"));
    let (_, rest) = page.split_once("/enrol#").unwrap();
    assert!(
        office
            .enrol(&rest[..14], &board())
            .await
            .status
            .is_success()
    );
}

#[tokio::test]
async fn where_speakers_have_certificates_no_token_is_told() {
    let office = office().await;
    let new = json!({"name": "Bản Chương 3", "area": "ban-chuong"});
    let made = office
        .post(&office.chief, "/api/v1/speakers", &new)
        .await
        .ok();
    assert!(made.get("token").is_none() && made.get("office_key").is_none());
}

/// A log that says everything there is to say.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_in_the_log_however_much_it_says() {
    let log = Log::default();
    let writer = log.clone();
    let everything = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(everything);
    let office = office().await;
    let (first, next) = (board(), board());
    let code = office.code().await;
    office.enrol(&code, &first).await.ok();
    // Before it has run out nobody gets the next one here, whoever made the pole ask.
    let early = office.renew(&first, &next).await;
    assert_eq!(early.refusal(), (403, "renewal_refused"));
    office.village.clock.pass_s(91 * DAY_S);
    office.renew(&first, &next).await.ok();
    tracing::debug!(identity = ?office.state.identity, config = ?office.state.config);
    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(text.contains("enrolled"), "{text}");
    let bare = code.replace('-', "");
    let mut secrets = vec![code, bare, "PRIVATE KEY".to_owned()];
    for name in ["ca.key", "server.key", "office.key"] {
        use std::os::unix::fs::PermissionsExt;
        let path = office.village.dir.path().join(name);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
        let key = std::fs::read_to_string(path).unwrap();
        let longest = key.lines().max_by_key(|line| line.len()).unwrap();
        secrets.push(longest.to_owned());
    }
    for secret in secrets {
        assert!(!text.contains(&secret), "a secret is in the log");
    }
}

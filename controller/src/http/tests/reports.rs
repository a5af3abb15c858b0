//! The figures that somebody signs, as the API tells them.

use axum::body::Body;
use loa_protocol::playout::{Miss, Outcome};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tower::ServiceExt;

use super::{Office, office, office_with, request, watching::tell, with};
use crate::{
    config::Config,
    logic::{Presence, permissions::Role},
    notify::{MailConfig, MailSecurity},
    reports::mail,
    store::{
        NewSpeaker,
        testing::{NOON, area, speaker},
    },
};

/// Two occurrences of one pole, one of another, and an hour in which one was away.
async fn month() -> Office {
    let office = office().await;
    let run = office.village.begin_run().await.expect("a run");
    for who in ["ban-chuong-1", "khuoi-meo-1"] {
        office
            .village
            .record_presence(&speaker(who), Presence::Online, NOON)
            .await
            .expect("recorded");
    }
    tell(
        &office,
        "ban-chuong-1",
        "b1/2026-11-24/0/0",
        Outcome::Completed,
        NOON,
    )
    .await;
    let missed = Outcome::Missed(Miss::Off);
    tell(&office, "khuoi-meo-1", "b1/2026-11-24/0/0", missed, NOON).await;
    for (presence, s) in [(Presence::Offline, 3_600), (Presence::Online, 7_200)] {
        office
            .village
            .record_presence(&speaker("khuoi-meo-1"), presence, NOON.plus_s(s))
            .await
            .expect("recorded");
    }
    office.village.clock.pass_s(4 * 3_600);
    office.village.keep_run(run).await.expect("kept");
    office
}

#[tokio::test]
async fn a_month_tells_due_heard_missed_and_why_by_area_and_speaker() {
    let office = month().await;
    let path = "/api/v1/reports/monthly?month=2026-11&area=sang-moc";
    let found = office.get(&office.chief, path).await.ok();
    let total = &found["total"];
    assert_eq!((&total["due"], &total["completed"]), (&json!(2), &json!(1)));
    assert_eq!(
        (&total["missed"], &total["unverified"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(total["error_p95_ms"], json!(5));
    // Two of three poles were ever heard, for four hours each; one was away for one of them.
    assert_eq!(total["measured_s"], json!(8 * 3_600));
    assert_eq!(total["connected_s"], json!(7 * 3_600));
    assert_eq!(
        found["reasons"],
        json!([{ "outcome": "missed", "reason": "off", "n": 1 }])
    );
    assert_eq!(found["complete"], json!(false));
    assert_eq!(found["outage_events"], json!(1));
    let names: Vec<&str> = found["areas"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|a| a["area"].as_str().expect("an id"))
        .collect();
    assert_eq!(names, ["ban-chuong", "khuoi-meo"]);
    let away = &found["speakers"][2];
    assert_eq!(away["speaker"], json!("khuoi-meo-1"));
    assert_eq!(
        away["causes"],
        json!([{ "cause": "unknown", "n": 1, "seconds": 3_600 }])
    );
    let bad = office
        .get(&office.chief, "/api/v1/reports/monthly?month=2026-13")
        .await;
    assert_eq!(bad.refusal(), (422, "date_invalid"));
}

#[tokio::test]
async fn a_span_of_days_is_told_by_speaker_area_and_day() {
    let office = month().await;
    let span = "from=2026-11-23&to=2026-11-25";
    for (by, rows, key) in [
        ("speaker", 3, "speaker"),
        ("area", 1, "area"),
        ("day", 3, "day"),
    ] {
        let path = format!("/api/v1/reports/availability?{span}&by={by}");
        let found = office.get(&office.chief, &path).await.ok();
        assert_eq!(found["total"]["due"], json!(2), "{by}");
        let all = found["rows"].as_array().expect("a list");
        assert_eq!(all.len(), rows, "{by}");
        assert!(all.iter().all(|row| row[key].is_string()), "{by}");
        let due: u64 = all.iter().filter_map(|row| row["due"].as_u64()).sum();
        assert_eq!(due, 2, "{by}");
    }
    let path = "/api/v1/reports/availability?from=2026-11-25&to=2026-11-24";
    assert_eq!(
        office.get(&office.chief, path).await.refusal(),
        (422, "date_invalid")
    );
    let path = "/api/v1/reports/availability?from=2024-11-25&to=2026-11-24";
    assert_eq!(
        office.get(&office.chief, path).await.refusal(),
        (422, "limit_invalid")
    );
}

#[tokio::test]
async fn everybody_sees_the_figures_of_his_own_area_only() {
    let office = month().await;
    let head = office
        .somebody("head", Role::HamletHead, Some("khuoi-meo"))
        .await;
    let own = office
        .get(&head, "/api/v1/reports/monthly?month=2026-11")
        .await
        .ok();
    assert_eq!(own["area"], json!("khuoi-meo"));
    assert_eq!(own["total"]["due"], json!(1));
    let path = "/api/v1/reports/monthly?month=2026-11&area=ban-chuong";
    assert_eq!(office.get(&head, path).await.refusal().0, 403);
    assert_eq!(
        office
            .get("", "/api/v1/reports/monthly.xlsx?month=2026-11")
            .await
            .refusal()
            .0,
        401
    );
}

async fn bytes(office: &Office, path: &str, lang: &'static str) -> (String, Vec<u8>) {
    let asked = request("GET", &office.chief, path, None);
    let mut asked = with(asked, "x-nothing", "0");
    asked
        .headers_mut()
        .insert("accept-language", lang.parse().expect("a header"));
    let answer = office
        .router
        .clone()
        .oneshot(asked)
        .await
        .expect("infallible");
    assert!(answer.status().is_success(), "{path}");
    let kind = answer.headers()["content-type"]
        .to_str()
        .expect("text")
        .to_owned();
    let body: Body = answer.into_body();
    let bytes = axum::body::to_bytes(body, 1 << 24).await.expect("a body");
    (kind, bytes.to_vec())
}

#[tokio::test]
async fn csv_opens_in_vietnamese_and_no_name_is_a_formula() {
    let office = month().await;
    let new = NewSpeaker::named("=1+1", area("ban-chuong"));
    office
        .village
        .add_speaker(new, &crate::chance::token(), None)
        .await
        .expect("a speaker");
    let path = "/api/v1/reports/monthly.csv?month=2026-11";
    let (kind, csv) = bytes(&office, path, "vi").await;
    assert!(kind.starts_with("text/csv"));
    assert!(csv.starts_with("\u{feff}Loa,Tên,Số loa,".as_bytes()));
    let text = String::from_utf8(csv).expect("UTF-8");
    assert!(text.contains(",'=1+1,"), "{text}");
    assert!(
        text.lines()
            .last()
            .is_some_and(|last| last.starts_with(",Tổng cộng,4,"))
    );
    let path = "/api/v1/reports/availability.csv?from=2026-11-24&to=2026-11-25&by=day";
    let (_, csv) = bytes(&office, path, "en").await;
    let text = String::from_utf8(csv).expect("UTF-8");
    assert!(
        text.starts_with("\u{feff}Day,Name,Speakers,Connected (%)"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 4);
}

#[tokio::test]
async fn the_spreadsheet_is_one_and_the_same_for_the_same_report() {
    let office = month().await;
    let path = "/api/v1/reports/monthly.xlsx?month=2026-11&area=sang-moc";
    let (kind, one) = bytes(&office, path, "vi").await;
    assert!(kind.contains("spreadsheetml"));
    assert!(one.starts_with(b"PK"));
    assert_eq!(one, bytes(&office, path, "vi").await.1);
    assert_ne!(one, bytes(&office, path, "en").await.1);
}

#[tokio::test]
async fn a_report_s_mail_that_fails_is_tried_again_later_and_one_that_went_never() {
    let office = office_with(Config::default()).await;
    let claim = async || {
        office
            .village
            .claim_report("2026-10", "", "xa@example.vn", |_| 300)
            .await
            .expect("read")
    };
    assert_eq!(claim().await, Some(1));
    assert_eq!(claim().await, None);
    office.village.clock.pass_s(300);
    assert_eq!(claim().await, Some(2));
    office
        .village
        .report_sent("2026-10", "", "xa@example.vn")
        .await
        .expect("noted");
    office.village.clock.pass_s(86_400);
    assert_eq!(claim().await, None);
}

/// A mail server that takes one mail on this address, and gives it back.
async fn one_mail(address: &str) -> tokio::task::JoinHandle<String> {
    let listener = TcpListener::bind(address).await.expect("a port");
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a caller");
        let mut stream = BufReader::new(stream);
        let mut talk = String::new();
        stream.write_all(b"220 post\r\n").await.expect("written");
        loop {
            let from = talk.len();
            stream.read_line(&mut talk).await.expect("a line");
            let answer: &[u8] = match talk[from..].split([' ', ':', '\r']).next() {
                Some("DATA") => {
                    stream.write_all(b"354 go on\r\n").await.expect("written");
                    while !talk.ends_with("\r\n.\r\n") {
                        stream.read_line(&mut talk).await.expect("a line");
                    }
                    stream.write_all(b"250 taken\r\n").await.expect("written");
                    return talk;
                }
                _ => b"250 fine\r\n",
            };
            stream.write_all(answer).await.expect("written");
        }
    })
}

#[tokio::test]
async fn the_month_s_report_goes_out_once_also_when_the_mail_server_was_away() {
    let port = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let server = port.local_addr().expect("bound").to_string();
    drop(port);
    let mut config = Config::default();
    config.report.areas = [("sang-moc".to_owned(), vec!["xa@example.vn".to_owned()])].into();
    config.mail = Some(MailConfig {
        server: server.clone(),
        security: MailSecurity::None,
        from: "Loa <loa@example.vn>".into(),
        username: None,
        password_file: None,
        ca_file: None,
    });
    let office = office_with(config).await;
    let send = async || mail::send_due(&office.state).await.expect("a try");
    // There was no office in October.
    let early = one_mail(&server).await;
    send().await;
    early.abort();
    let _ = early.await;
    office.village.clock.pass_s(7 * 86_400);
    // The server is away.
    send().await;
    office.village.clock.pass_s(600);
    let taken = one_mail(&server).await;
    send().await;
    let talk = taken.await.expect("a mail");
    assert!(talk.contains("RCPT TO:<xa@example.vn>"), "{talk}");
    assert!(talk.contains("loa-2026-11.xlsx"), "{talk}");
    // And no second one: nobody would take it.
    office.village.clock.pass_s(86_400);
    let again = one_mail(&server).await;
    send().await;
    assert!(!again.is_finished());
    again.abort();
}

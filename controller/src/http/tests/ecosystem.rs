//! What other programs read: metrics, health, calendars.

use std::{collections::BTreeSet, net::SocketAddr};

use axum::{body::Body, extract::ConnectInfo, http::Request};
use icalendar::Component;
use loa_protocol::telemetry::Hearing;
use serde_json::{Value, json};

use super::{
    Answer, Office, office, office_with, request,
    watch::{online, status},
};
use crate::{config::Config, logic::permissions::Role};

const DASHBOARD: &str = include_str!("../../../../config/grafana-dashboard.json");

fn from(address: &str, mut request: Request<Body>) -> Request<Body> {
    let address: SocketAddr = address.parse().expect("an address");
    request.extensions_mut().insert(ConnectInfo(address));
    request
}

pub async fn scrape(office: &Office) -> String {
    let asked = from("127.0.0.1:50000", request("GET", "", "/metrics", None));
    let answer = office.send(asked).await;
    assert_eq!(answer.status, 200);
    answer.body.as_str().expect("text").to_owned()
}

/// An office of which everything is known.
async fn busy() -> Office {
    let office = office().await;
    let told = status("ban-chuong-1", Hearing::Heard);
    online(&office, "ban-chuong-1", told);
    office
}

/// The names of all series, and each line looked at.
fn names(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            series.split('{').next().expect("a name")
        })
        .collect()
}

#[tokio::test]
async fn prometheus_reads_the_office_the_areas_and_the_poles() {
    let office = busy().await;
    let text = scrape(&office).await;
    for line in [
        "loa_line_up 1",
        "loa_database_up 1",
        "loa_speakers{area=\"ban-chuong\",presence=\"online\"} 1",
        "loa_speakers{area=\"ban-chuong\",presence=\"offline\"} 1",
        "loa_speakers{area=\"khuoi-meo\",presence=\"online\"} 0",
        "loa_speaker_online{speaker=\"ban-chuong-1\",area=\"ban-chuong\"} 1",
        "loa_speaker_temperature_celsius{speaker=\"ban-chuong-1\",area=\"ban-chuong\"} 51.5",
        "loa_speaker_clock_offset_seconds{speaker=\"ban-chuong-1\",area=\"ban-chuong\"} -0.0015",
        "loa_speaker_signal_dbm{speaker=\"ban-chuong-1\",area=\"ban-chuong\"} -97",
        "loa_statuses_taken_total 0",
        "loa_calls 0",
        "loa_relays 0",
    ] {
        assert!(
            text.lines().any(|l| l == line),
            "{line} is missing in:\n{text}"
        );
    }
    names(&text);
}

#[tokio::test]
async fn what_is_not_known_of_a_pole_has_no_figure() {
    let text = scrape(&busy().await).await;
    let of_silent = |line: &&str| line.contains("speaker=\"khuoi-meo-1\"");
    let silent: Vec<&str> = text.lines().filter(of_silent).collect();
    assert!(
        silent
            .iter()
            .all(|l| !l.contains("temperature") && !l.contains("sounding"))
    );
    assert!(silent.iter().any(|l| l.starts_with("loa_speaker_online")));
}

#[tokio::test]
async fn the_grafana_dashboard_names_only_metrics_that_there_are() {
    let text = scrape(&busy().await).await;
    let mut known = names(&text);
    // Counted by reason: there is none while nothing was refused.
    known.insert("loa_messages_refused_total");
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let mut used = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().expect("an expression");
            let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
            let words = expression.split(word).filter(|w| w.starts_with("loa_"));
            used.extend(words.map(str::to_owned));
        }
    }
    assert!(used.len() > 10, "{used:?}");
    for name in &used {
        assert!(known.contains(name.as_str()), "{name} is no metric");
    }
}

#[tokio::test]
async fn without_a_token_metrics_are_for_this_machine_only() {
    let office = office().await;
    let ask = |address: &str, token: &str| from(address, request("GET", token, "/metrics", None));
    let refusal = |answer: &Answer| answer.status.as_u16();
    assert_eq!(
        refusal(&office.send(ask("[::ffff:127.0.0.1]:1", "")).await),
        200
    );
    let far = office.send(ask("203.0.113.9:1", "")).await;
    assert_eq!(far.refusal(), (403, "metrics_closed"));
    let unknown = office.send(request("GET", "", "/metrics", None)).await;
    assert_eq!(unknown.refusal(), (403, "metrics_closed"));
}

#[tokio::test]
async fn with_a_token_metrics_are_read_from_everywhere_and_only_with_it_and_single_speakers_can_be_left_out()
 {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "0123456789abcdef\n").expect("written");
    let mut config = Config::default();
    config.metrics.token_file = Some(file);
    config.metrics.per_speaker = false;
    let office = office_with(config).await;
    let near = from("127.0.0.1:1", request("GET", "", "/metrics", None));
    assert_eq!(office.send(near).await.refusal(), (403, "metrics_closed"));
    let asked = request("GET", "0123456789abcdef", "/metrics", None);
    let answer = office.send(from("203.0.113.9:1", asked)).await;
    assert_eq!(answer.status, 200);
    let text = answer.body.as_str().expect("text");
    assert!(text.contains("loa_speakers{") && !text.contains("loa_speaker_online"));
}

#[tokio::test]
async fn a_machine_that_watches_over_the_office_learns_how_it_is() {
    let office = office().await;
    assert_eq!(
        office.get("", "/livez").await.ok(),
        json!({ "alive": true })
    );
    assert_eq!(
        office.get("", "/readyz").await.ok(),
        json!({ "ready": true })
    );
    let health = office.get("", "/healthz").await.ok();
    assert_eq!(
        (&health["database"], &health["broker"]),
        (&json!(true), &json!(false))
    );
    office.state.closing().cancel();
    assert_eq!(office.get("", "/readyz").await.status.as_u16(), 503);
    assert_eq!(office.get("", "/livez").await.status.as_u16(), 200);
}

/// Tomorrow at 05:30, in the whole commune; in Khuổi Mèo it is quiet then.
async fn planned(office: &Office) {
    let audio = office.audio().await;
    let say = json!({ "title": "Họp xóm; 7h30, nhà văn hóa", "audio": audio, "targets": ["area.sang-moc"],
        "when": { "at": "2026-11-25T05:30" } });
    office
        .post(&office.chief, "/api/v1/bulletins", &say)
        .await
        .ok();
    let quiet = json!({ "quiet_hours": [{ "from": "21:00", "to": "06:00" }] });
    let path = "/api/v1/speakers/khuoi-meo-1";
    office.patch(&office.chief, path, &quiet).await.ok();
}

/// Identity, title, start and description of each event.
fn read(answer: &Answer) -> Vec<[String; 4]> {
    let text = answer.body.as_str().expect("text");
    let unfolded = icalendar::parser::unfold(text);
    let parsed = icalendar::parser::read_calendar(&unfolded).expect("a calendar");
    let calendar = icalendar::Calendar::from(parsed);
    let events = calendar.events();
    events
        .map(|event| {
            ["UID", "SUMMARY", "DTSTART", "DESCRIPTION"]
                .map(|name| event.property_value(name).expect(name).to_owned())
        })
        .collect()
}

#[tokio::test]
async fn a_programme_is_read_by_calendar_programs_by_the_poles_own_rules() {
    let office = office().await;
    planned(&office).await;
    let of = async |path: &str| {
        let answer = office.get(&office.chief, path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(
            answer.headers["content-type"],
            "text/calendar; charset=utf-8"
        );
        read(&answer)
    };
    let pole = of("/api/v1/speakers/ban-chuong-1/programme.ics").await;
    assert_eq!(pole.len(), 1);
    assert_eq!(pole[0][1], "Họp xóm; 7h30, nhà văn hóa");
    assert_eq!(pole[0][2], "20261124T223000Z");
    assert!(pole[0][0].ends_with("-2026-11-25-0-0.speaker.ban-chuong-1@loa"));
    assert_eq!(
        of("/api/v1/speakers/khuoi-meo-1/programme.ics").await.len(),
        0
    );
    let area = of("/api/v1/areas/sang-moc/programme.ics").await;
    assert_eq!((area.len(), area[0][3].as_str()), (1, "On 2 of 3 speakers"));
    let head = office
        .somebody("head", Role::HamletHead, Some("khuoi-meo"))
        .await;
    let other = office
        .get(&head, "/api/v1/areas/sang-moc/programme.ics")
        .await;
    assert_eq!(other.refusal(), (403, "forbidden"));
}

#[tokio::test]
async fn a_secret_address_has_its_maker_s_rights_as_long_as_he_has_them() {
    let office = office().await;
    planned(&office).await;
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let beyond = json!({ "area": "khuoi-meo" });
    let refused = office.post(&head, "/api/v1/calendars", &beyond).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    let both = json!({ "area": "ban-chuong", "speaker": "ban-chuong-1" });
    let refused = office.post(&head, "/api/v1/calendars", &both).await;
    assert_eq!(refused.refusal(), (422, "calendar_target_invalid"));

    let own = json!({ "area": "ban-chuong" });
    let made = office.post(&head, "/api/v1/calendars", &own).await.ok();
    let url = made["url"].as_str().expect("an address");
    let path = &url[url.find("/api").expect("a path")..];
    assert_eq!(read(&office.get("", path).await).len(), 1);
    let mine = office.get(&head, "/api/v1/calendars").await.ok();
    assert_eq!(mine["calendars"][0]["area"], json!("ban-chuong"));
    assert!(mine["calendars"][0].get("url").is_none() && !mine["calendars"][0]["used"].is_null());

    // He moves to another hamlet.
    let users = office.get(&office.chief, "/api/v1/users").await.ok();
    let users = users["users"].as_array().expect("a list");
    let him = users.iter().find(|u| u["username"] == "head").expect("him");
    let user = format!("/api/v1/users/{}", him["id"].as_str().expect("an id"));
    let moved = json!({ "area": "khuoi-meo" });
    office.patch(&office.chief, &user, &moved).await.ok();
    let gone = office.get("", path).await;
    assert_eq!(gone.refusal(), (404, "calendar_gone"));
    let back = json!({ "area": "ban-chuong" });
    office.patch(&office.chief, &user, &back).await.ok();
    assert_eq!(office.get("", path).await.status, 200);

    // Another person does not take it away; its maker does.
    let calendar = format!("/api/v1/calendars/{}", made["id"].as_str().expect("an id"));
    let other = office
        .somebody("other", Role::Officer, Some("sang-moc"))
        .await;
    assert_eq!(
        office.delete(&other, &calendar).await.refusal(),
        (403, "forbidden")
    );
    let head = office
        .somebody("head2", Role::HamletHead, Some("ban-chuong"))
        .await;
    assert_eq!(
        office.delete(&head, &calendar).await.refusal(),
        (403, "forbidden")
    );
    assert_eq!(office.delete(&office.chief, &calendar).await.status, 204);
    assert_eq!(office.get("", path).await.refusal(), (404, "calendar_gone"));
}

#[tokio::test]
async fn who_tries_secrets_is_slowed_down() {
    let office = office().await;
    let mut refusals = Vec::new();
    for n in 0..8 {
        let path = format!("/api/v1/calendars/open/{n:064}/programme.ics");
        refusals.push(office.get("", &path).await.status.as_u16());
    }
    assert_eq!(refusals[..5], [404; 5]);
    assert_eq!(refusals[7], 429);
}

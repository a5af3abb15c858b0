//! The calendar, and the schedules that follow it.

use serde_json::{Value, json};

use super::{Office, office, request, with};
use crate::{engine::Change, logic::permissions::Role};
use loa_protocol::{bulletin::When, channel::Channel};

const PATH: &str = "/api/v1/holidays";

async fn daily(office: &Office, except: Value, skip_holidays: bool) -> String {
    let audio = office.audio().await;
    let say = json!({ "title": "Bản tin sáng", "audio": audio, "targets": ["area.sang-moc"],
        "when": { "rrule": "FREQ=DAILY", "start": "2026-11-24T05:30", "except": except },
        "skip_holidays": skip_holidays });
    let made = office
        .post(&office.chief, "/api/v1/bulletins", &say)
        .await
        .ok();
    format!("/api/v1/bulletins/{}", made["id"].as_str().expect("an id"))
}

/// As the poles get it: revision, and the days taken out.
async fn on_air(office: &Office) -> (u32, Vec<String>) {
    let state = office.village.channel(&commune()).await.expect("read");
    let bulletin = &state.bulletins[0];
    let When::Rule { except, .. } = &bulletin.when else {
        panic!("a rule");
    };
    (bulletin.revision, except.clone())
}

fn commune() -> Channel {
    "area.sang-moc".parse().expect("a channel")
}

fn days(list: &Value) -> Vec<&str> {
    let all = list["holidays"].as_array().expect("a list");
    all.iter()
        .map(|h| h["id"].as_str().expect("a day"))
        .collect()
}

#[tokio::test]
async fn a_schedule_follows_the_calendar_and_keeps_a_persons_own_days_apart() {
    let mut office = office().await;
    let chief = office.chief.clone();
    let tet = json!({ "from": "2027-02-05", "to": "2027-02-07", "name": "Tết" });
    let made = office.post(&chief, PATH, &tet).await.ok();
    assert_eq!(days(&made), ["2027-02-05", "2027-02-06", "2027-02-07"]);
    let path = daily(&office, json!(["2026-12-01"]), true).await;
    let all = ["2026-12-01", "2027-02-05", "2027-02-06", "2027-02-07"];
    assert_eq!(on_air(&office).await, (1, all.map(String::from).to_vec()));
    let shown = office.get(&chief, &path).await.ok();
    assert_eq!(
        (&shown["skip_holidays"], &shown["when"]["except"]),
        (&json!(true), &json!(["2026-12-01"]))
    );
    let before = office
        .village
        .channel(&commune())
        .await
        .expect("read")
        .version;
    office.told();
    // A day more: a new revision, a new generation, and the engine knows.
    let new_year = json!({ "date": "2027-01-01", "name": "Tết Dương lịch" });
    office.post(&chief, PATH, &new_year).await.ok();
    let (revision, except) = on_air(&office).await;
    assert_eq!((revision, except.len()), (2, 5));
    assert_eq!(office.told(), [Change::Channels(vec![commune()], None)]);
    let after = office
        .village
        .channel(&commune())
        .await
        .expect("read")
        .version;
    assert_eq!(after.generation, before.generation + 1);
    let shown = office.get(&chief, &path).await.ok();
    assert_eq!(shown["revision"], 2);
    // A day less.
    let gone = office.delete(&chief, &format!("{PATH}/2027-02-06")).await;
    assert_eq!(gone.status, 204);
    assert!(!on_air(&office).await.1.contains(&"2027-02-06".to_owned()));
    // The same edit again is none, whatever the poles hold.
    office.told();
    office.nothing_will_change();
    let same = json!({ "when": { "rrule": "FREQ=DAILY", "start": "2026-11-24T05:30", "except": ["2026-12-01"] } });
    let unchanged = office.patch(&chief, &path, &same).await.ok();
    assert_eq!(unchanged["revision"], 3);
    assert!(office.told().is_empty());
    // An edit of something else keeps the holidays.
    office
        .patch(&chief, &path, &json!({ "title": "Tin sáng" }))
        .await
        .ok();
    assert_eq!(on_air(&office).await.1.len(), 4);
    let off = office
        .patch(&chief, &path, &json!({ "skip_holidays": false }))
        .await
        .ok();
    assert_eq!(off["skip_holidays"], false);
    assert_eq!(on_air(&office).await.1, ["2026-12-01"]);
    office.told();
    office
        .post(&chief, PATH, &json!({ "date": "2027-03-01", "name": "x" }))
        .await
        .ok();
    assert!(office.told().is_empty());
}

#[tokio::test]
async fn a_schedule_of_which_the_calendar_leaves_nothing_is_refused() {
    let office = office().await;
    let chief = &office.chief;
    let day = json!({ "date": "2026-11-30", "name": "Ngày hội" });
    office.post(chief, PATH, &day).await.ok();
    let audio = office.audio().await;
    let say = |skip: bool, until: &str| {
        json!({ "title": "x", "audio": audio, "targets": ["area.sang-moc"], "skip_holidays": skip,
            "when": { "rrule": format!("FREQ=WEEKLY;BYDAY=MO;UNTIL={until}"), "start": "2026-11-24T05:30" } })
    };
    let path = "/api/v1/bulletins";
    let refused = office.post(chief, path, &say(true, "20261201")).await;
    assert_eq!(refused.refusal(), (422, "no_occurrence"));
    let week_after = office.post(chief, path, &say(true, "20261208")).await.ok();
    assert_eq!(week_after["next"], "2026-12-06T22:30:00Z");
    let all = office.post(chief, path, &say(false, "20261201")).await.ok();
    let path = format!("{path}/{}", all["id"].as_str().expect("an id"));
    let skip = json!({ "skip_holidays": true });
    let refused = office.patch(chief, &path, &skip).await;
    assert_eq!(refused.refusal(), (422, "no_occurrence"));
}

#[tokio::test]
async fn what_is_cancelled_or_does_not_skip_is_left_alone() {
    let mut office = office().await;
    let chief = office.chief.clone();
    let gone = daily(&office, json!([]), true).await;
    office
        .call("POST", &chief, &format!("{gone}/cancel"), None)
        .await
        .ok();
    daily(&office, json!([]), false).await;
    office.told();
    let day = json!({ "date": "2027-01-01", "name": "Tết Dương lịch" });
    office.post(&chief, PATH, &day).await.ok();
    assert!(office.told().is_empty());
    assert_eq!(on_air(&office).await, (1, vec![]));
}

#[tokio::test]
async fn a_holiday_far_ahead_reaches_the_poles_when_it_is_near_and_stays_while_they_look_back() {
    let mut office = office().await;
    let chief = office.chief.clone();
    let far = json!({ "date": "2028-01-26", "name": "Tết" });
    office.post(&chief, PATH, &far).await.ok();
    daily(&office, json!([]), true).await;
    assert_eq!(on_air(&office).await, (1, vec![]));
    let day_s = 24 * 3_600;
    office.village.clock.pass_s(30 * day_s);
    office.told();
    super::super::tidy(&office.state).await.expect("tidied");
    assert_eq!(on_air(&office).await, (2, vec!["2028-01-26".to_owned()]));
    assert_eq!(office.told(), [Change::Channels(vec![commune()], None)]);
    super::super::tidy(&office.state).await.expect("tidied");
    assert!(office.told().is_empty());
    // Five days after it.
    office.village.clock.pass_s(403 * day_s);
    super::super::tidy(&office.state).await.expect("tidied");
    assert_eq!(on_air(&office).await.0, 2);
    office.village.clock.pass_s(40 * day_s);
    super::super::tidy(&office.state).await.expect("tidied");
    assert_eq!(on_air(&office).await, (3, vec![]));
}

#[tokio::test]
async fn the_calendar_is_read_in_spans_and_bounded() {
    let office = office().await;
    let chief = &office.chief;
    let tet = json!({ "from": "2027-02-05", "to": "2027-02-07", "name": "Tết" });
    let ask = || {
        with(
            request("POST", chief, PATH, Some(&tet)),
            "idempotency-key",
            "k1",
        )
    };
    let made = office.send(ask()).await.ok();
    assert_eq!(office.send(ask()).await.ok(), made);
    let renamed = json!({ "date": "2027-02-06", "name": "Mùng một" });
    office.post(chief, PATH, &renamed).await.ok();
    let some = office
        .get(chief, &format!("{PATH}?from=2027-02-06&to=2027-02-28"))
        .await
        .ok();
    assert_eq!(days(&some), ["2027-02-06", "2027-02-07"]);
    assert_eq!(some["holidays"][0]["name"], "Mùng một");
    for (body, code) in [
        (json!({ "name": "x" }), "holiday_invalid"),
        (json!({ "name": "x", "date": "2027-02-30" }), "date_invalid"),
        (
            json!({ "name": "x", "date": "2040-01-01" }),
            "holiday_invalid",
        ),
        (
            json!({ "name": "x", "from": "2027-02-07", "to": "2027-02-05" }),
            "holiday_invalid",
        ),
        (
            json!({ "name": "x", "from": "2027-01-01", "to": "2027-02-01" }),
            "holiday_invalid",
        ),
        (json!({ "name": "", "date": "2027-01-01" }), "name_invalid"),
    ] {
        let refused = office.post(chief, PATH, &body).await;
        assert_eq!(refused.refusal(), (422, code), "{body}");
    }
    for id in ["2027-05-01", "tet"] {
        let refused = office.delete(chief, &format!("{PATH}/{id}")).await;
        assert_eq!(refused.refusal(), (404, "not_found"), "{id}");
    }
    let audio = office.audio().await;
    let once = json!({ "title": "x", "audio": audio, "targets": ["area.sang-moc"],
        "when": { "at": "2026-11-25T05:30" }, "skip_holidays": true });
    let refused = office.post(chief, "/api/v1/bulletins", &once).await;
    assert_eq!(refused.refusal(), (422, "skip_holidays_invalid"));
}

#[tokio::test]
async fn only_who_arranges_from_a_root_down_changes_the_calendar() {
    let office = office().await;
    let day = json!({ "date": "2027-01-01", "name": "Tết Dương lịch" });
    for (name, role, at, status) in [
        ("all", Role::Officer, None, 201),
        ("root", Role::Officer, Some("vo-nhai"), 201),
        ("commune", Role::Officer, Some("sang-moc"), 403),
        ("head", Role::HamletHead, None, 403),
        ("monitor", Role::Monitor, Some("vo-nhai"), 403),
    ] {
        let who = office.somebody(name, role, at).await;
        assert_eq!(office.post(&who, PATH, &day).await.status, status, "{name}");
        let gone = office.delete(&who, &format!("{PATH}/2027-05-01")).await;
        assert_eq!(gone.status, if status == 201 { 404 } else { 403 }, "{name}");
        office.get(&who, PATH).await.ok();
    }
}

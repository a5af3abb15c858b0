//! Who has to say yes, and who may.

use super::*;

#[tokio::test]
async fn an_alarm_for_the_commune_takes_two_people_and_for_one_hamlet_none_is_waited_for() {
    let mut office = office().await;
    let officer = officer(&office).await;
    let wide = json!({ "priority": "emergency", "targets": ["area.sang-moc"] });
    let view = say(&office, &office.chief, wide.clone()).await.ok();
    assert_eq!(view["warnings"], json!([]));
    assert_eq!(
        (&view["state"], &view["ask"]),
        (&json!("awaiting"), &json!("wide_emergency"))
    );
    assert!(office.told().is_empty());
    let own = approve(&office, &office.chief, &view).await;
    assert_eq!(own.refusal(), (403, "approval_own"));
    approve(&office, &officer, &view).await.ok();
    assert!(matches!(
        &office.told()[..],
        [Change::Channels(_, Some(Urgent::Start(_)))]
    ));
    // By way of two speakers it is as wide.
    let two = json!({ "priority": "emergency", "targets": ["speaker.ban-chuong-1", "speaker.khuoi-meo-1"] });
    assert_eq!(
        say(&office, &officer, two).await.ok()["ask"],
        "wide_emergency"
    );
    // Made wide by an edit, too.
    let narrow = json!({ "priority": "emergency", "when": { "at": "2026-11-24T18:00" } });
    let narrow = say(&office, &officer, narrow).await.ok();
    assert_eq!(
        (&narrow["state"], &narrow["ask"]),
        (&json!("planned"), &Value::Null)
    );
    let more = json!({ "targets": ["area.ban-chuong", "area.khuoi-meo"] });
    let widened = office.patch(&officer, &path(&narrow), &more).await.ok();
    assert_eq!(
        (&widened["state"], &widened["ask"]),
        (&json!("awaiting"), &json!("wide_emergency"))
    );
}

#[tokio::test]
async fn an_office_of_one_person_is_told_that_nobody_could_approve() {
    let office = office().await;
    let wide = json!({ "priority": "emergency", "targets": ["area.sang-moc"] });
    let view = say(&office, &office.chief, wide).await.ok();
    assert_eq!(view["warnings"][0]["code"], "nobody_approves");
    let asked = json!({ "title": "Lũ", "priority": "emergency", "targets": ["area.sang-moc"], "when": { "now": true } });
    let path = format!("{BULLETINS}/check");
    let told = office.post(&office.chief, &path, &asked).await.ok();
    assert_eq!(told["warnings"][0]["code"], "nobody_approves");
    assert_eq!(told["approvers"], json!([]));
}

#[tokio::test]
async fn an_alarm_does_not_become_wide_by_way_of_its_group() {
    let office = office().await;
    let group = json!({ "name": "Cụm", "area": "sang-moc", "members": ["ban-chuong-1"] });
    office
        .post(&office.chief, "/api/v1/groups", &group)
        .await
        .ok();
    let alarm = json!({ "priority": "emergency", "targets": ["group.cum"], "when": { "at": "2026-11-24T18:00" } });
    say(&office, &office.chief, alarm).await.ok();
    let path = "/api/v1/groups/cum";
    let one_more = json!({ "members": ["ban-chuong-1", "ban-chuong-2"] });
    office.patch(&office.chief, path, &one_more).await.ok();
    let wider = json!({ "members": ["ban-chuong-1", "khuoi-meo-1"] });
    let refused = office.patch(&office.chief, path, &wider).await;
    assert_eq!(refused.refusal(), (409, "in_use"));
    let group = office.village.group(&"cum".parse().expect("a name")).await;
    let members = group.expect("read").members;
    assert_eq!(members, [speaker("ban-chuong-1"), speaker("ban-chuong-2")]);
}

#[tokio::test]
async fn who_may_approve_what_where() {
    let office = careful("everyone").await;
    let officer = officer(&office).await;
    for (role, at, may) in [
        (Role::Administrator, None, true),
        (Role::Administrator, Some("sang-moc"), true),
        (Role::Approver, Some("vo-nhai"), true),
        (Role::Approver, Some("ban-chuong"), true),
        (Role::Approver, Some("khuoi-meo"), false),
        (Role::Officer, None, false),
        (Role::Officer, Some("sang-moc"), false),
        (Role::HamletHead, Some("ban-chuong"), false),
        (Role::Monitor, None, false),
    ] {
        let view = say(&office, &officer, daily()).await.ok();
        assert_eq!(
            (&view["state"], &view["ask"]),
            (&json!("awaiting"), &json!("anyone"))
        );
        let name = format!("{role:?}-{at:?}").to_lowercase();
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let who = office.somebody(&name, role, at).await;
        let seen = office.get(&who, &path(&view)).await;
        if seen.status == 200 {
            assert_eq!(seen.body["may"]["approve"], may, "{name}");
        }
        let answer = approve(&office, &who, &view).await;
        let sent_back = send_back(&office, &who, &view, "Không").await;
        match may {
            true => assert_eq!(answer.ok()["state"], "planned", "{name}"),
            false => {
                assert_eq!(answer.refusal(), (403, "forbidden"), "{name}");
                assert_eq!(sent_back.refusal(), (403, "forbidden"), "{name}");
            }
        }
        // Who approves there needs nobody himself.
        if may {
            let own = say(&office, &who, daily()).await.ok();
            assert_eq!(
                (&own["state"], &own["ask"]),
                (&json!("planned"), &Value::Null),
                "{name}"
            );
        }
    }
    let approver = office
        .somebody("lanh-dao", Role::Approver, Some("sang-moc"))
        .await;
    let me = office.get(&approver, "/api/v1/me").await.ok();
    assert_eq!(
        (&me["rights"]["approve"], &me["rights"]["arrange"]),
        (
            &json!(["hamlet", "anyone", "wide_emergency"]),
            &json!(false)
        )
    );
    let me = office.get(&officer, "/api/v1/me").await.ok();
    assert_eq!(me["rights"]["approve"], json!(["hamlet", "wide_emergency"]));
}

//! What was approved and is changed, paused or on air.

use super::*;

#[tokio::test]
async fn a_change_of_anything_that_is_heard_takes_it_off_the_air_until_it_is_approved_again() {
    let mut office = careful("hamlets").await;
    let (head, officer) = (head(&office).await, officer(&office).await);
    let view = say(&office, &head, daily()).await.ok();
    let aired = approve(&office, &officer, &view).await.ok();
    assert_eq!(
        aired["digest"], view["digest"],
        "what airs is what was approved"
    );
    office.told();

    let title = json!({ "title": "Họp xóm tháng 12" });
    let renamed = office.patch(&head, &path(&view), &title).await.ok();
    assert_eq!(
        (&renamed["state"], &renamed["decision"]["by_name"]),
        (&json!("planned"), &json!("officer"))
    );
    assert!(matches!(&office.told()[..], [Change::Channels(_, None)]));

    let louder = office
        .patch(
            &head,
            &path(&view),
            &json!({ "volume": 100, "repeat": { "times": 2, "every_s": 60 } }),
        )
        .await
        .ok();
    assert_eq!(
        (&louder["state"], &louder["decision"], &louder["next"]),
        (&json!("awaiting"), &Value::Null, &Value::Null)
    );
    assert!(
        matches!(
            &office.told()[..],
            [Change::Channels(_, Some(Urgent::Cancel(_)))]
        ),
        "the poles are told at once"
    );
    assert_eq!(on_air(&office, "area.ban-chuong").await, 0);
    assert_eq!(
        approve(&office, &officer, &aired).await.refusal(),
        (409, "approval_stale")
    );
    approve(&office, &officer, &louder).await.ok();
    // One who needs no approval stands for his own change.
    let by_officer = office
        .patch(&officer, &path(&view), &json!({ "volume": 70 }))
        .await
        .ok();
    assert_eq!(
        (
            &by_officer["state"],
            &by_officer["ask"],
            &by_officer["decision"]
        ),
        (&json!("planned"), &Value::Null, &Value::Null)
    );
    let by_head = office
        .patch(&head, &path(&view), &json!({ "volume": 80 }))
        .await
        .ok();
    assert_eq!(by_head["state"], "awaiting");
}

#[tokio::test]
async fn what_is_on_air_is_not_changed_into_something_that_waits() {
    let office = careful("hamlets").await;
    let (head, officer) = (head(&office).await, officer(&office).await);
    let view = say(&office, &head, json!({})).await.ok();
    let louder = json!({ "volume": 80 });
    // Before, it may be; its half hour begins again.
    office.village.clock.pass_s(600);
    office.prove(&officer).await;
    let view = office.patch(&head, &path(&view), &louder).await.ok();
    assert_eq!(view["approve_by"], NOON.plus_s(2_400).to_string());
    approve(&office, &officer, &view).await.ok();
    let refused = office
        .patch(&head, &path(&view), &json!({ "volume": 90 }))
        .await;
    assert_eq!(refused.refusal(), (409, "on_air"));
    office
        .patch(&officer, &path(&view), &json!({ "volume": 90 }))
        .await
        .ok();
    // What was planned for later may still be moved to now, and waits anew.
    let later = say(&office, &head, daily()).await.ok();
    approve(&office, &officer, &later).await.ok();
    let now = json!({ "when": { "now": true } });
    let moved = office.patch(&head, &path(&later), &now).await.ok();
    assert_eq!(moved["state"], "awaiting");
    assert_eq!(on_air(&office, "area.ban-chuong").await, 1);
}

#[tokio::test]
async fn a_paused_schedule_is_off_the_air_and_keeps_its_approval() {
    let mut office = careful("hamlets").await;
    let (head, officer) = (head(&office).await, officer(&office).await);
    let monitor = office.somebody("monitor", Role::Monitor, None).await;
    let view = say(&office, &head, daily()).await.ok();
    assert_eq!(
        post(&office, &head, &view, "pause").await.refusal(),
        (409, "not_pausable")
    );
    assert_eq!(
        post(&office, &head, &view, "resume").await.refusal(),
        (409, "not_paused")
    );
    approve(&office, &officer, &view).await.ok();
    office.told();
    for what in ["pause", "resume"] {
        let refused = post(&office, &monitor, &view, what).await;
        assert_eq!(refused.refusal(), (403, "forbidden"));
    }
    let paused = post(&office, &head, &view, "pause").await.ok();
    assert_eq!(
        (&paused["state"], &paused["next"]),
        (&json!("paused"), &Value::Null)
    );
    assert!(paused["may"]["pause"].as_bool().expect("a truth"));
    assert!(matches!(
        &office.told()[..],
        [Change::Channels(_, Some(Urgent::Cancel(_)))]
    ));
    assert_eq!(on_air(&office, "area.ban-chuong").await, 0);
    post(&office, &head, &view, "pause").await.ok();
    assert!(office.told().is_empty(), "twice is the same as once");
    assert_eq!(titles(&office, &head, "paused").await, 1);

    // Two days on. What was due meanwhile is not said.
    office.village.clock.pass_s(2 * 86_400);
    let resumed = post(&office, &head, &view, "resume").await.ok();
    assert_eq!(
        (
            &resumed["state"],
            &resumed["next"],
            &resumed["decision"]["verdict"]
        ),
        (
            &json!("planned"),
            &json!("2026-11-26T22:30:00Z"),
            &json!("approved")
        )
    );
    assert_eq!(on_air(&office, "area.ban-chuong").await, 1);
    // What is said now is cancelled, not paused; and what has passed is not resumed.
    let now = say(&office, &officer, json!({})).await.ok();
    assert_eq!(
        post(&office, &officer, &now, "pause").await.refusal(),
        (409, "not_pausable")
    );
    let once = json!({ "when": { "at": "2026-11-26T13:00" }, "lateness_s": 3600 });
    let once = say(&office, &officer, once).await.ok();
    post(&office, &officer, &once, "pause").await.ok();
    office.village.clock.pass_s(2 * 3_600);
    assert_eq!(
        post(&office, &officer, &once, "resume").await.refusal(),
        (409, "bulletin_over")
    );
}

#[tokio::test]
async fn an_edit_and_an_approval_at_once_never_air_the_edit() {
    let office = careful("hamlets").await;
    let (head, officer) = (head(&office).await, officer(&office).await);
    for round in 0..6 {
        let view = say(&office, &head, daily()).await.ok();
        let edit = json!({ "volume": 10 });
        let (approved, edited) = match round % 2 {
            0 => {
                let path = path(&view);
                tokio::join!(
                    approve(&office, &officer, &view),
                    office.patch(&head, &path, &edit)
                )
            }
            _ => {
                let path = path(&view);
                let (edited, approved) = tokio::join!(
                    office.patch(&head, &path, &edit),
                    approve(&office, &officer, &view)
                );
                (approved, edited)
            }
        };
        let read = office.get(&officer, &path(&view)).await.ok();
        match read["state"].as_str() {
            Some("planned") => assert_eq!(read["volume"], 100),
            Some("awaiting") => assert_eq!(read["volume"], 10),
            other => panic!("{other:?}: {} {}", approved.body, edited.body),
        }
    }
}

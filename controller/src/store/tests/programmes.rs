//! What a change means for the programmes.

use loa_protocol::{
    bulletin::{Bulletin, When},
    channel::Channel,
    programme::MAX_BULLETINS,
};

use crate::{
    logic::approval::{Fate, Stage},
    store::{
        BulletinChange, BulletinFilter, BulletinState, Kept, NewBulletin, Store, StoreError,
        testing::{NOON, area, bulletin, some_audio, village},
    },
};

fn channel(text: &str) -> Channel {
    text.parse().expect("a channel")
}
fn at(text: &str) -> When {
    When::At { at: text.into() }
}
fn change<'a>(
    seen: &'a Kept,
    bulletin: &'a Bulletin,
    targets: &'a [Channel],
) -> BulletinChange<'a> {
    BulletinChange {
        seen,
        bulletin,
        audio: seen.audio.as_ref(),
        relay: None,
        targets,
        skip_holidays: false,
        fate: Fate::Free,
        by: None,
    }
}
async fn generation(store: &Store, name: &str) -> u64 {
    store
        .channel(&channel(name))
        .await
        .expect("read")
        .version
        .generation
}
async fn ids(store: &Store, name: &str) -> Vec<String> {
    let state = store.channel(&channel(name)).await.expect("read");
    state.bulletins.iter().map(|b| b.id.to_string()).collect()
}
async fn add(store: &Store, when: When, targets: &[&str]) -> Bulletin {
    let (audio, manifest) = some_audio(store).await;
    let bulletin = bulletin(manifest, when, NOON);
    let new = NewBulletin {
        bulletin: bulletin.clone(),
        audio: Some(audio),
        relay: None,
        targets: targets.iter().map(|t| channel(t)).collect(),
        skip_holidays: false,
        supersedes: None,
        made_by: None,
        ask: None,
    };
    store.add_bulletin(new, None).await.expect("added");
    bulletin
}

#[tokio::test]
async fn a_bulletin_is_read_back_as_it_was_written() {
    let store = village().await;
    let rule = When::Rule {
        start: "2026-11-24T05:30".into(),
        rrule: "FREQ=DAILY".into(),
        except: vec!["2026-12-01".into()],
    };
    let written = add(&store, rule, &["area.sang-moc", "speaker.khuoi-meo-1"]).await;
    let kept = store.bulletin(&written.id).await.expect("read");
    assert_eq!(kept.bulletin, written);
    assert_eq!(
        kept.channels(),
        [channel("area.sang-moc"), channel("speaker.khuoi-meo-1")]
    );
    assert_eq!(
        (kept.ends, kept.state(NOON)),
        (None, BulletinState::Planned)
    );
    let state = store
        .channel(&channel("area.sang-moc"))
        .await
        .expect("read");
    assert_eq!(state.bulletins, [written]);
    assert_eq!(state.version.epoch, store.office().epoch);
    assert_eq!(store.channels().await.expect("read").len(), 2);
}

#[tokio::test]
async fn changing_the_targets_gives_both_the_old_and_the_new_programme_a_new_generation() {
    let store = village().await;
    let mut b = add(
        &store,
        at("2026-11-25T05:30"),
        &["area.ban-chuong", "area.khuoi-meo"],
    )
    .await;
    let before = [
        generation(&store, "area.ban-chuong").await,
        generation(&store, "area.khuoi-meo").await,
    ];
    let kept = store.bulletin(&b.id).await.expect("read");
    b.revision += 1;
    let to = [channel("area.khuoi-meo"), channel("area.sang-moc")];
    let (changed, left) = store
        .change_bulletin(change(&kept, &b, &to))
        .await
        .expect("changed");
    assert_eq!(left, [channel("area.ban-chuong")]);
    assert_eq!(changed.bulletin.revision, 2);
    assert!(generation(&store, "area.ban-chuong").await > before[0]);
    assert!(generation(&store, "area.khuoi-meo").await > before[1]);
    assert!(ids(&store, "area.ban-chuong").await.is_empty());
    assert_eq!(ids(&store, "area.sang-moc").await, [b.id.to_string()]);
    // The same revision again comes from somebody who did not see this one.
    let late = store.change_bulletin(change(&kept, &b, &to)).await;
    assert!(matches!(late, Err(StoreError::Changed { .. })), "{late:?}");
}

#[tokio::test]
async fn a_cancelled_bulletin_leaves_its_programmes_once() {
    let store = village().await;
    let b = add(&store, at("2026-11-25T05:30"), &["area.sang-moc"]).await;
    let (kept, left) = store.cancel_bulletin(&b.id).await.expect("cancelled");
    assert_eq!(left, [channel("area.sang-moc")]);
    assert_eq!(kept.state(NOON), BulletinState::Cancelled);
    let after = generation(&store, "area.sang-moc").await;
    assert!(ids(&store, "area.sang-moc").await.is_empty());
    let (_, again) = store.cancel_bulletin(&b.id).await.expect("cancelled");
    assert!(again.is_empty());
    assert_eq!(generation(&store, "area.sang-moc").await, after);
}

#[tokio::test]
async fn what_supersedes_cancels_the_older_in_the_same_step() {
    let store = village().await;
    let old = add(&store, at("2026-11-25T05:30"), &["area.sang-moc"]).await;
    let (audio, manifest) = some_audio(&store).await;
    let new = NewBulletin {
        bulletin: bulletin(manifest, at("2026-11-25T05:30"), NOON),
        audio: Some(audio),
        relay: None,
        targets: vec![channel("area.ban-chuong")],
        skip_holidays: false,
        supersedes: Some(old.id.clone()),
        made_by: None,
        ask: None,
    };
    let (kept, left) = store.add_bulletin(new, None).await.expect("added");
    assert_eq!(left, [channel("area.sang-moc")]);
    assert_eq!(kept.supersedes, Some(old.id.clone()));
    let old = store.bulletin(&old.id).await.expect("read");
    assert_eq!(old.stage, Stage::Cancelled);
}

#[tokio::test]
async fn what_is_over_stays_a_week_in_the_programme_for_poles_that_were_off() {
    let store = village().await;
    let b = add(&store, at("2026-11-24T12:10"), &["area.sang-moc"]).await;
    let day = 24 * 3_600;
    store.clock.pass_s(6 * day);
    assert_eq!(ids(&store, "area.sang-moc").await, [b.id.to_string()]);
    store.clock.pass_s(2 * day);
    assert!(ids(&store, "area.sang-moc").await.is_empty());
    let ended = BulletinFilter {
        state: Some(BulletinState::Ended),
        limit: 10,
        ..BulletinFilter::default()
    };
    assert_eq!(store.bulletins(&ended).await.expect("read").len(), 1);
}

#[tokio::test]
async fn a_full_programme_refuses_one_more_and_what_is_over_makes_room() {
    let store = village().await;
    let (audio, manifest) = some_audio(&store).await;
    let new = |when: &str| NewBulletin {
        bulletin: bulletin(manifest.clone(), at(when), NOON),
        audio: Some(audio.clone()),
        relay: None,
        targets: vec![channel("speaker.ban-chuong-1")],
        skip_holidays: false,
        supersedes: None,
        made_by: None,
        ask: None,
    };
    for n in 0..MAX_BULLETINS {
        let when = if n < 3 {
            "2026-11-24T12:30"
        } else {
            "2026-12-24T12:30"
        };
        store
            .add_bulletin(new(when), None)
            .await
            .expect("there is room");
    }
    let refused = store.add_bulletin(new("2026-12-24T12:30"), None).await;
    assert!(
        matches!(refused, Err(StoreError::ProgrammeFull { .. })),
        "{:?}",
        refused.err()
    );
    assert_eq!(
        ids(&store, "speaker.ban-chuong-1").await.len(),
        MAX_BULLETINS
    );
    // Nothing of the refused one is left behind.
    let filter = BulletinFilter {
        limit: 1_000,
        ..BulletinFilter::default()
    };
    assert_eq!(
        store.bulletins(&filter).await.expect("read").len(),
        MAX_BULLETINS
    );
    store.clock.pass_s(3_600);
    store
        .add_bulletin(new("2026-12-24T12:30"), None)
        .await
        .expect("three are over");
    assert_eq!(
        ids(&store, "speaker.ban-chuong-1").await.len(),
        MAX_BULLETINS
    );
}

#[tokio::test]
async fn stop_is_remembered_and_never_goes_back() {
    let store = village().await;
    let here = [channel("area.sang-moc")];
    store.stop(&here, NOON.plus_s(10)).await.expect("stopped");
    store.stop(&here, NOON).await.expect("stopped");
    let state = store.channel(&here[0]).await.expect("read");
    assert_eq!(state.silence_before, Some(NOON.plus_s(10)));
    assert_eq!(state.version.generation, 2);
}

#[tokio::test]
async fn an_area_sees_what_it_hears_and_what_is_said_below_it() {
    let store = village().await;
    let commune = add(&store, at("2026-11-25T05:30"), &["area.sang-moc"]).await;
    let hamlet = add(&store, at("2026-11-25T05:30"), &["area.ban-chuong"]).await;
    let pole = add(&store, at("2026-11-25T05:30"), &["speaker.khuoi-meo-1"]).await;
    let seen_from = async |name: &str| {
        let filter = BulletinFilter {
            area: Some(area(name)),
            limit: 10,
            ..BulletinFilter::default()
        };
        let mut ids: Vec<_> = store
            .bulletins(&filter)
            .await
            .expect("read")
            .into_iter()
            .map(|k| k.bulletin.id)
            .collect();
        ids.sort();
        ids
    };
    let sorted = |mut ids: Vec<_>| {
        ids.sort();
        ids
    };
    assert_eq!(
        seen_from("vo-nhai").await,
        sorted(vec![commune.id.clone(), hamlet.id.clone(), pole.id.clone()])
    );
    assert_eq!(
        seen_from("ban-chuong").await,
        sorted(vec![commune.id.clone(), hamlet.id.clone()])
    );
    assert_eq!(
        seen_from("khuoi-meo").await,
        sorted(vec![commune.id.clone(), pole.id.clone()])
    );
    assert!(
        !store
            .concerns(&hamlet.id, &area("khuoi-meo"))
            .await
            .expect("read")
    );
}

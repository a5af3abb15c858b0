//! Whatever races: what no second person has said yes to is in no programme.

use loa_protocol::{
    bulletin::{Bulletin, When},
    channel::Channel,
    id::BulletinId,
};

use crate::{
    logic::approval::{Ask, Fate, Refusal, Stage, Verdict},
    store::{
        BulletinChange, BulletinState, Kept, NewBulletin, Store, StoreError, UserId, Word,
        testing::{NOON, bulletin, some_audio, village},
    },
};

fn channel() -> Channel {
    "area.sang-moc".parse().expect("a channel")
}
fn person(name: &str) -> UserId {
    UserId::new(name)
}
async fn awaiting(store: &Store, when: When) -> Kept {
    let (audio, manifest) = some_audio(store).await;
    let new = NewBulletin {
        bulletin: bulletin(manifest, when, NOON),
        audio: Some(audio),
        relay: None,
        targets: vec![channel()],
        skip_holidays: false,
        supersedes: None,
        made_by: Some(person("head")),
        ask: Some(Ask::Hamlet),
    };
    store.add_bulletin(new, None).await.expect("added").0
}
fn tomorrow() -> When {
    When::At {
        at: "2026-11-25T05:30".into(),
    }
}
async fn approve(
    store: &Store,
    id: &BulletinId,
    by: &str,
    digest: &str,
) -> Result<Kept, StoreError> {
    let word = Word {
        by: &person(by),
        digest,
        returned_for: None,
    };
    store.decide_bulletin(id, word).await.map(|(kept, _)| kept)
}
async fn louder(store: &Store, seen: &Kept) -> Result<Kept, StoreError> {
    let bulletin = Bulletin {
        revision: seen.bulletin.revision + 1,
        volume: 10,
        ..seen.bulletin.clone()
    };
    let change = BulletinChange {
        seen,
        bulletin: &bulletin,
        audio: seen.audio.as_ref(),
        relay: None,
        targets: &[channel()],
        skip_holidays: false,
        fate: Fate::Asks(Ask::Hamlet),
        by: Some(&person("head")),
    };
    store.change_bulletin(change).await.map(|(kept, _)| kept)
}
async fn on_air(store: &Store) -> Vec<Bulletin> {
    store.channel(&channel()).await.expect("read").bulletins
}

#[tokio::test]
async fn what_waits_was_sent_back_or_is_paused_is_in_no_programme() {
    let store = village().await;
    let kept = awaiting(&store, tomorrow()).await;
    let id = kept.bulletin.id.clone();
    assert_eq!(kept.state(NOON), BulletinState::Awaiting);
    assert_eq!(kept.targets[0].generation, 0);
    assert!(on_air(&store).await.is_empty());
    // Nothing was published, so no pole has to read anything anew.
    assert!(store.channels().await.expect("read").is_empty());

    let word = Word {
        by: &person("officer"),
        digest: &kept.digest(),
        returned_for: Some("Thiếu giờ".into()),
    };
    let (kept, _) = store.decide_bulletin(&id, word).await.expect("sent back");
    assert_eq!(kept.state(NOON), BulletinState::Returned);
    let decision = kept.decision.as_ref().expect("a decision");
    assert_eq!(decision.verdict, Verdict::Returned);
    assert_eq!(decision.reason.as_deref(), Some("Thiếu giờ"));
    assert!(on_air(&store).await.is_empty());

    let kept = louder(&store, &kept).await.expect("handed in again");
    assert_eq!((kept.stage, &kept.decision), (Stage::Awaiting, &None));
    let kept = approve(&store, &id, "officer", &kept.digest())
        .await
        .expect("approved");
    assert_eq!(on_air(&store).await, std::slice::from_ref(&kept.bulletin));

    let (kept, left) = store.pause_bulletin(&id).await.expect("paused");
    assert_eq!((kept.stage, left), (Stage::Paused, vec![channel()]));
    assert!(on_air(&store).await.is_empty());
    let (kept, done) = store.resume_bulletin(&id).await.expect("resumed");
    assert!(done && kept.decision.is_some());
    assert_eq!(kept.bulletin.revision, 3);
    assert_eq!(on_air(&store).await, [kept.bulletin]);
}

#[tokio::test]
async fn an_edit_and_two_approvals_at_once_air_what_was_approved_or_nothing() {
    let store = village().await;
    let (mut aired, mut edited) = (0, 0);
    for round in 0..20 {
        let kept = awaiting(&store, tomorrow()).await;
        let id = kept.bulletin.id.clone();
        let digest = kept.digest();
        // Who comes first changes from round to round.
        let (a, b, edit) = match round % 3 {
            0 => tokio::join!(
                approve(&store, &id, "officer", &digest),
                approve(&store, &id, "leader", &digest),
                louder(&store, &kept)
            ),
            1 => {
                let (edit, a, b) = tokio::join!(
                    louder(&store, &kept),
                    approve(&store, &id, "officer", &digest),
                    approve(&store, &id, "leader", &digest)
                );
                (a, b, edit)
            }
            _ => {
                let (a, edit, b) = tokio::join!(
                    approve(&store, &id, "officer", &digest),
                    louder(&store, &kept),
                    approve(&store, &id, "leader", &digest)
                );
                (a, b, edit)
            }
        };
        let yes = [&a, &b].iter().filter(|said| said.is_ok()).count();
        let kept = store.bulletin(&id).await.expect("read");
        let programme = on_air(&store).await;
        let here = programme.iter().find(|b| b.id == id);
        match kept.stage {
            Stage::Planned => {
                aired += 1;
                assert_eq!(yes, 1);
                assert!(matches!(edit, Err(StoreError::Changed { .. })), "{edit:?}");
                let decision = kept.decision.as_ref().expect("a decision");
                assert_eq!((&decision.digest, kept.digest()), (&digest, digest.clone()));
                assert_eq!(here.map(|b| b.volume), Some(100));
            }
            Stage::Awaiting => {
                edited += 1;
                assert_eq!(yes, 0, "{a:?} {b:?}");
                assert_eq!(kept.bulletin.volume, 10);
                assert_eq!(here, None);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(aired > 0 && edited > 0, "{aired} aired, {edited} edited");
}

#[tokio::test]
async fn a_late_word_an_own_word_and_a_word_on_another_form_change_nothing() {
    let store = village().await;
    let when = When::Now {
        at: NOON,
        date: "2026-11-24".into(),
    };
    let kept = awaiting(&store, when).await;
    let id = kept.bulletin.id.clone();
    let refused = |said: Result<Kept, StoreError>| match said {
        Err(StoreError::Undecided(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let own = approve(&store, &id, "head", &kept.digest()).await;
    assert_eq!(refused(own), Refusal::Own);
    let stale = approve(&store, &id, "officer", "0123").await;
    assert_eq!(refused(stale), Refusal::Stale);
    store.clock.pass_s(1_801);
    let by = NOON.plus_s(1_800);
    let late = approve(&store, &id, "officer", &kept.digest()).await;
    assert_eq!(refused(late), Refusal::TooLate { by });
    assert_eq!(kept.state(by), BulletinState::Awaiting);
    assert_eq!(kept.state(by.plus_us(1)), BulletinState::Lapsed);
    assert!(on_air(&store).await.is_empty());
}

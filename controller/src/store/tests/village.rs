//! The tree, the groups, the poles, the people.

use std::os::unix::fs::PermissionsExt;

use loa_protocol::id::GroupId;

use crate::{
    auth::token_hash,
    chance,
    logic::permissions::Role,
    store::{
        AreaChange, Claim, GroupChange, NewArea, NewGroup, NewSession, NewUser, SESSION_LIFE_S,
        SpeakerChange, Store, StoreError, UserId,
        testing::{area, empty, speaker, village},
    },
};

#[tokio::test]
async fn a_speaker_follows_itself_its_areas_up_to_the_root_and_its_groups() {
    let store = village().await;
    let id = speaker("ban-chuong-1");
    let names = |config: loa_protocol::speaker_config::SpeakerConfig| -> Vec<String> {
        config.channels.iter().map(ToString::to_string).collect()
    };
    let before = store
        .speaker_config(&id)
        .await
        .expect("read")
        .expect("known");
    let first = before.version;
    assert_eq!(
        names(before),
        [
            "speaker.ban-chuong-1",
            "area.ban-chuong",
            "area.sang-moc",
            "area.vo-nhai"
        ]
    );
    let school = NewGroup {
        id: None,
        name: "Trường học".into(),
        area: area("sang-moc"),
        members: vec![id.clone()],
    };
    let school = store.add_group(school, None).await.expect("a group");
    let after = store
        .speaker_config(&id)
        .await
        .expect("read")
        .expect("known");
    assert!(after.version > first);
    assert!(names(after).contains(&"group.truong-hoc".to_owned()));
    // Moved to another hamlet: other channels, a new version, and nothing of the past.
    store.clock.pass_s(100);
    let change = SpeakerChange {
        area: Some(area("khuoi-meo")),
        ..SpeakerChange::default()
    };
    store.change_speaker(&id, change).await.expect("moved");
    let moved = store
        .speaker_config(&id)
        .await
        .expect("read")
        .expect("known");
    assert_eq!(moved.since, moved.made);
    assert!(!names(moved).contains(&"area.ban-chuong".to_owned()));
    let (_, left) = store
        .change_group(
            &school.id,
            GroupChange {
                members: Some(vec![]),
                ..GroupChange::default()
            },
        )
        .await
        .expect("changed");
    assert_eq!(left, std::slice::from_ref(&id));
    store.remove_speaker(&id).await.expect("removed");
    assert_eq!(store.speaker_config(&id).await.expect("read"), None);
    assert!(!store.mqtt_tokens().await.expect("read").contains_key(&id));
}

#[tokio::test]
async fn hanging_an_area_elsewhere_changes_what_its_speakers_follow() {
    let store = village().await;
    let new = NewArea {
        name: "Thần Sa".into(),
        parent: Some(area("vo-nhai")),
        ..NewArea::default()
    };
    store.add_area(new, None).await.expect("an area");
    let change = AreaChange {
        parent: Some(Some(area("than-sa"))),
        ..AreaChange::default()
    };
    let (_, moved) = store
        .change_area(&area("ban-chuong"), change)
        .await
        .expect("moved");
    assert_eq!(moved, [speaker("ban-chuong-1"), speaker("ban-chuong-2")]);
    let lineage = store.lineage(&area("ban-chuong")).await.expect("read");
    assert_eq!(
        lineage,
        [area("ban-chuong"), area("than-sa"), area("vo-nhai")]
    );
}

#[tokio::test]
async fn the_tree_stays_a_tree() {
    let store = village().await;
    let below_itself = AreaChange {
        parent: Some(Some(area("ban-chuong"))),
        ..AreaChange::default()
    };
    let refused = store.change_area(&area("vo-nhai"), below_itself).await;
    assert!(
        matches!(refused, Err(StoreError::Cycle { .. })),
        "{refused:?}"
    );
    let refused = store.delete_area(&area("sang-moc")).await;
    assert!(
        matches!(refused, Err(StoreError::InUse { by: "areas", .. })),
        "{refused:?}"
    );
    let mut parent = area("vo-nhai");
    let deep = loop {
        let new = NewArea {
            name: "x".into(),
            parent: Some(parent),
            ..NewArea::default()
        };
        match store.add_area(new, None).await {
            Ok(made) => parent = made.id,
            Err(error) => break error,
        }
    };
    assert!(matches!(deep, StoreError::TooDeep { .. }), "{deep:?}");
}

#[tokio::test]
async fn two_hamlets_of_one_name_get_two_ids() {
    let store = village().await;
    let again = |parent| NewArea {
        name: "Bản Chương".into(),
        parent: Some(area(parent)),
        ..NewArea::default()
    };
    let second = store
        .add_area(again("vo-nhai"), None)
        .await
        .expect("an area");
    assert_eq!(second.id, area("ban-chuong-2"));
    let same_id = NewArea {
        id: Some(area("ban-chuong")),
        ..again("vo-nhai")
    };
    let refused = store.add_area(same_id, None).await;
    assert!(
        matches!(refused, Err(StoreError::Taken { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_group_of_a_speaker_that_is_not_there_is_refused_whole() {
    let store = village().await;
    let new = NewGroup {
        id: None,
        name: "Chợ".into(),
        area: area("sang-moc"),
        members: vec![speaker("ban-chuong-1"), speaker("nowhere")],
    };
    let refused = store.add_group(new, None).await;
    assert!(
        matches!(refused, Err(StoreError::NotFound { .. })),
        "{refused:?}"
    );
    assert_eq!(store.groups().await.expect("read"), []);
    assert!(
        store
            .group(&GroupId::new("cho").expect("a name"))
            .await
            .is_err()
    );
}

fn user(username: &str, role: Role) -> NewUser {
    NewUser {
        username: username.into(),
        name: username.into(),
        role,
        area: None,
        password_hash: Some("$argon2id$…".into()),
    }
}

#[tokio::test]
async fn nobody_else_on_the_machine_reads_the_database() {
    let store = empty().await;
    let modes = || {
        ["loa.db", "loa.db-wal", "loa.db-shm", "office.key"].map(|name| {
            let about = std::fs::metadata(store.dir.path().join(name)).expect(name);
            about.permissions().mode() & 0o777
        })
    };
    assert_eq!(modes(), [0o600; 4]);
    // One that was made before, or copied back from a backup.
    store.store.close().await;
    let path = store.dir.path().join("loa.db");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("changed");
    let again = Store::open(store.dir.path(), store.clock.clone()).await;
    let again = again.expect("the same store");
    assert_eq!(modes(), [0o600; 4]);
    again.close().await;
}

fn session(token_hash: &str) -> NewSession {
    NewSession {
        token_hash: token_hash.into(),
        ..NewSession::default()
    }
}

#[tokio::test]
async fn a_session_lives_while_it_is_used_and_a_user_has_so_many() {
    let store = empty().await;
    let chief = store
        .add_user(user("a", Role::Administrator), None, None)
        .await
        .expect("a user");
    let day = 24 * 3_600;
    store
        .add_session(&chief.id, session("first"))
        .await
        .expect("signed in");
    for _ in 0..4 {
        store.clock.pass_s(20 * day);
        assert!(store.session("first").await.expect("read").is_some());
    }
    // Ninety days after signing in it ends all the same.
    store.clock.pass_s(10 * day);
    assert_eq!(store.session("first").await.expect("read"), None);
    store
        .add_session(&chief.id, session("second"))
        .await
        .expect("signed in");
    store.clock.pass_s(31 * day);
    assert_eq!(store.session("second").await.expect("read"), None);
    for n in 0..25 {
        store.clock.pass_s(1);
        store
            .add_session(&chief.id, session(&format!("s{n}")))
            .await
            .expect("signed in");
    }
    assert_eq!(store.session("s4").await.expect("read"), None);
    assert!(store.session("s5").await.expect("read").is_some());
    store.end_session("s5").await.expect("signed out");
    assert_eq!(store.session("s5").await.expect("read"), None);
}

#[tokio::test]
async fn the_last_administrator_of_everything_stays() {
    let store = empty().await;
    let chief = store
        .add_user(user("a", Role::Administrator), None, None)
        .await
        .expect("a user");
    let refused = store.delete_user(&chief.id).await;
    assert!(
        matches!(refused, Err(StoreError::LastAdministrator)),
        "{refused:?}"
    );
    store
        .add_user(user("b", Role::Administrator), None, None)
        .await
        .expect("a user");
    store
        .delete_user(&chief.id)
        .await
        .expect("there is another");
}

#[tokio::test]
async fn a_setup_link_works_once_and_the_older_one_not_at_all() {
    let store = empty().await;
    let (old, new) = (token_hash(&chance::token()), token_hash(&chance::token()));
    store.replace_first_setup_token(&old).await.expect("a link");
    store.replace_first_setup_token(&new).await.expect("a link");
    assert!(store.use_setup_token(&old, "chief", "hash").await.is_err());
    let chief = store
        .use_setup_token(&new, "chief", "hash")
        .await
        .expect("the first");
    assert_eq!((chief.role, chief.area), (Role::Administrator, None));
    assert!(store.use_setup_token(&new, "other", "hash").await.is_err());
}

#[tokio::test]
async fn a_create_asked_for_twice_under_one_key_is_done_once() {
    let store = empty().await;
    let claim = Claim {
        user: UserId::new("u1"),
        route: "POST /areas",
        key: "k1".into(),
        request_hash: "h".into(),
    };
    let new = || NewArea {
        name: "Võ Nhai".into(),
        ..NewArea::default()
    };
    store.add_area(new(), Some(&claim)).await.expect("an area");
    let again = store.add_area(new(), Some(&claim)).await;
    assert!(matches!(again, Err(StoreError::Repeated)), "{again:?}");
    assert_eq!(store.areas(None).await.expect("read").len(), 1);
    let known = store
        .remembered(&claim)
        .await
        .expect("read")
        .expect("remembered");
    assert_eq!((known.resource.as_str(), known.answer), ("vo-nhai", None));
    store
        .remember_answer(&claim, 201, "{}")
        .await
        .expect("kept");
    let known = store
        .remembered(&claim)
        .await
        .expect("read")
        .expect("remembered");
    assert_eq!(known.answer, Some((201, "{}".into())));
    // No phone comes back with it when its session is over.
    store.clock.pass_s(SESSION_LIFE_S + 1);
    assert_eq!(store.remembered(&claim).await.expect("read"), None);
    store.tidy().await.expect("tidied");
    store.add_area(new(), Some(&claim)).await.expect("another");
}

#[tokio::test]
async fn the_office_keeps_its_key_and_epoch_over_a_restart() {
    let first = empty().await;
    let (epoch, key) = (first.office().epoch, first.office().public_key());
    assert_eq!(first.next_head_generation().await.expect("counted"), 1);
    first.close().await;
    first.clock.pass_s(1_000);
    let again = Store::open(first.dir.path(), first.clock.clone())
        .await
        .expect("opened");
    assert_eq!(
        (again.office().epoch, again.office().public_key()),
        (epoch, key)
    );
    assert_eq!(again.next_head_generation().await.expect("counted"), 2);
    use std::os::unix::fs::PermissionsExt;
    let file = std::fs::metadata(first.dir.path().join("office.key")).expect("the key");
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    // The database is lost: the next one counts in a greater epoch, under the same key.
    again.close().await;
    for name in ["loa.db", "loa.db-wal", "loa.db-shm"] {
        let _ = std::fs::remove_file(first.dir.path().join(name));
    }
    let reborn = Store::open(first.dir.path(), first.clock.clone())
        .await
        .expect("opened");
    assert!(reborn.office().epoch > epoch);
}

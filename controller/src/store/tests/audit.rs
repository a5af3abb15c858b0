//! The audit log: nothing is changed without an entry, no entry without a change, and neither afterwards.

use loa_protocol::{content::Sha, head::Checkpoint};

use super::super::{AuditFilter, NewArea, testing};
use crate::{
    act::Act,
    logic::audit::Broken,
    store::testing::{TestStore, area, speaker},
};

async fn add(village: &TestStore, name: &str) -> Result<(), crate::store::StoreError> {
    let new = NewArea {
        name: name.into(),
        parent: Some(area("sang-moc")),
        ..NewArea::default()
    };
    let act = Act::new("POST /areas");
    act.doing(village.add_area(new, None)).await.map(drop)
}

async fn village_with(entries: u32) -> TestStore {
    let village = testing::village().await;
    for n in 0..entries {
        add(&village, &format!("Xóm {n}")).await.expect("an area");
    }
    village
}

/// As somebody with the file in hands would, who takes the triggers away first.
async fn tamper(village: &TestStore, sql: &str) {
    let mut db = village.inner.writer.acquire().await.expect("the writer");
    for trigger in [
        "audit_is_not_changed",
        "audit_is_not_deleted",
        "audit_has_no_holes",
    ] {
        let drop = format!("DROP TRIGGER IF EXISTS {trigger}");
        sqlx::query(sqlx::AssertSqlSafe(drop))
            .execute(&mut *db)
            .await
            .expect("dropped");
    }
    sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
        .execute(&mut *db)
        .await
        .expect("changed");
}

#[tokio::test]
async fn a_change_and_its_entry_are_one() {
    let village = village_with(2).await;
    let all = AuditFilter {
        limit: 10,
        ..AuditFilter::default()
    };
    let entries = village.audit_entries(&all).await.expect("read");
    assert_eq!(
        entries.len(),
        2,
        "what the village began with is nobody's doing"
    );
    assert_eq!(entries[0].entry.subject, "xom-1");
    assert_eq!(entries[0].previous, entries[1].hash);
    // What is refused leaves none.
    let nowhere = NewArea {
        name: "Đâu đó".into(),
        parent: Some(area("khong-co")),
        ..NewArea::default()
    };
    let act = Act::new("POST /areas");
    act.doing(village.add_area(nowhere, None))
        .await
        .expect_err("no such parent");
    assert_eq!(
        village
            .checkpoint()
            .await
            .expect("read")
            .expect("some")
            .entries,
        2
    );
    // And where the entry cannot be written, nothing is changed.
    tamper(
        &village,
        "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .await;
    let areas = village.areas(None).await.expect("read").len();
    add(&village, "Xóm 9").await.expect_err("no entry");
    assert_eq!(village.areas(None).await.expect("read").len(), areas);
}

#[tokio::test]
async fn the_database_itself_keeps_the_log_from_being_changed() {
    let village = village_with(3).await;
    for sql in [
        "UPDATE audit SET details = '{}' WHERE number = 2",
        "DELETE FROM audit WHERE number = 3",
        "INSERT OR REPLACE INTO audit SELECT number, at, 'x', session, address, action, subject, details, previous, hash \
         FROM audit WHERE number = 2",
        "INSERT INTO audit SELECT 9, at, user_id, session, address, action, subject, details, previous, hash \
         FROM audit WHERE number = 2",
    ] {
        let done = sqlx::query(sql).execute(&village.inner.writer).await;
        assert!(done.is_err(), "{sql}");
    }
    assert!(village.verify_audit(1).await.expect("walked").is_ok());
}

#[tokio::test]
async fn whoever_changes_the_file_is_found_out() {
    for (sql, broken) in [
        (
            "UPDATE audit SET user_id = 'u9' WHERE number = 2",
            Some((2, Broken::Hash)),
        ),
        (
            "UPDATE audit SET hash = 'x' WHERE number = 2",
            Some((2, Broken::Hash)),
        ),
        (
            "DELETE FROM audit WHERE number = 2",
            Some((3, Broken::Hole)),
        ),
        // The end is held by the witnesses alone.
        ("DELETE FROM audit WHERE number = 4", None),
    ] {
        let village = village_with(4).await;
        let whole = village.checkpoint().await.expect("read").expect("some");
        let mut db = village.inner.writer.acquire().await.expect("the writer");
        super::super::audit::witness(&mut db, &speaker("ban-chuong-1"), whole, testing::NOON)
            .await
            .expect("noted");
        drop(db);
        assert!(village.verify_audit(1).await.expect("walked").is_ok());
        tamper(&village, sql).await;
        let verified = village.verify_audit(1).await.expect("walked");
        assert_eq!(verified.broken, broken, "{sql}");
        assert!(!verified.is_ok(), "{sql}");
        assert!(!verified.witnesses[0].agrees || broken.is_some(), "{sql}");
    }
}

#[tokio::test]
async fn a_log_written_anew_from_the_beginning_does_not_deceive_a_witness() {
    let village = village_with(3).await;
    let other = Checkpoint {
        entries: 2,
        hash: Sha::of(b"what was there once"),
    };
    let mut db = village.inner.writer.acquire().await.expect("the writer");
    for (who, saw) in [
        ("ban-chuong-1", other),
        (
            "ban-chuong-2",
            Checkpoint {
                entries: 0,
                hash: Sha([0; 32]),
            },
        ),
    ] {
        super::super::audit::witness(&mut db, &speaker(who), saw, testing::NOON)
            .await
            .expect("noted");
    }
    drop(db);
    let verified = village.verify_audit(1).await.expect("walked");
    assert_eq!(verified.broken, None);
    let agree: Vec<bool> = verified.witnesses.iter().map(|w| w.agrees).collect();
    assert_eq!(agree, [false, true]);
    // From the middle on it says the same of the witnesses.
    assert_eq!(village.verify_audit(3).await.expect("walked"), verified);
    village.verify_audit(9).await.expect_err("no such entry");
}

#[tokio::test]
async fn of_what_a_pole_saw_the_longest_stays() {
    let village = village_with(3).await;
    let seen = |entries| Checkpoint {
        entries,
        hash: Sha::of(&[entries as u8]),
    };
    let mut db = village.inner.writer.acquire().await.expect("the writer");
    for entries in [2, 5, 1] {
        super::super::audit::witness(
            &mut db,
            &speaker("ban-chuong-1"),
            seen(entries),
            testing::NOON,
        )
        .await
        .expect("noted");
    }
    drop(db);
    let verified = village.verify_audit(1).await.expect("walked");
    assert_eq!(verified.witnesses[0].saw, seen(5));
}

#[tokio::test]
async fn entries_are_found_by_person_subject_and_time() {
    let village = village_with(5).await;
    let find = async |filter: AuditFilter| {
        let found = village.audit_entries(&filter).await.expect("read");
        let numbers: Vec<u64> = found.iter().map(|kept| kept.entry.number).collect();
        numbers
    };
    let all = AuditFilter {
        limit: 3,
        ..AuditFilter::default()
    };
    assert_eq!(find(all.clone()).await, [5, 4, 3]);
    let next = AuditFilter {
        before: Some(3),
        ..all.clone()
    };
    assert_eq!(find(next).await, [2, 1]);
    let about = AuditFilter {
        subject: Some("xom-3".into()),
        ..all.clone()
    };
    assert_eq!(find(about).await, [4]);
    let part = AuditFilter {
        subject: Some("xom".into()),
        ..all.clone()
    };
    assert!(find(part).await.is_empty());
    let later = AuditFilter {
        from: Some(testing::NOON.plus_s(1)),
        ..all
    };
    assert!(find(later).await.is_empty());
}

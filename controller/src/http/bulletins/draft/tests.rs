//! What becomes of what people type.

use loa_protocol::{
    bulletin::{Chime, OnPreempt, Priority, Status, When},
    content::Manifest,
    time::WallTime,
};

use super::*;

/// 2026-11-24T12:00:00+07:00.
const NOON: WallTime = WallTime::from_millis(1_795_496_400_000);
const HANOI: &str = "Asia/Ho_Chi_Minh";

fn asked(json: &str) -> BulletinBody {
    let mut whole = serde_json::json!({ "title": "Họp xóm", "audio": "a", "targets": ["area.x"] });
    let more: serde_json::Value = serde_json::from_str(json).expect("good JSON");
    for (key, value) in more.as_object().expect("an object") {
        whole[key] = value.clone();
    }
    serde_json::from_value(whole).expect("a body")
}
fn made(json: &str) -> Result<Bulletin, &'static str> {
    let manifest = Manifest::of(&[7; 100], 10_000);
    let id = "b1".parse().expect("a name");
    new(&asked(json), id, Source::Content(manifest), HANOI, NOON).map_err(|error| error.code.word())
}
fn kept(bulletin: Bulletin) -> Kept {
    Kept {
        audio: Some("a0123456789abcdef".parse().expect("a name")),
        relay: None,
        stage: Stage::Planned,
        plea: None,
        decision: None,
        endorsing: None,
        said_title: Some(bulletin.title.clone()),
        words: None,
        ends: bulletin
            .last_planned()
            .expect("a good one")
            .map(|at| bulletin.start_by(at).plus_s(12)),
        supersedes: None,
        made_by: None,
        made: NOON,
        changed: NOON,
        own_except: None,
        targets: vec![],
        bulletin,
    }
}
fn patched(old: &Bulletin, json: &str, now: WallTime) -> Result<Bulletin, &'static str> {
    let patch: BulletinPatch = serde_json::from_str(json).expect("a patch");
    let source = old.source.clone();
    amended(&kept(old.clone()), &patch, source, now).map_err(|error| error.code.word())
}

#[test]
fn what_is_not_said_is_filled_in_by_the_books() {
    let b = made(r#"{"when":{"now":true}}"#).expect("taken");
    assert_eq!(
        b.when,
        When::Now {
            at: NOON,
            date: "2026-11-24".into()
        }
    );
    assert_eq!(
        (b.lateness_s, b.chime, b.volume),
        (Some(600), Chime::Rise, 100)
    );
    assert_eq!((b.on_preempt, b.valid_until), (OnPreempt::Resume, None));
    // Ten seconds and a chime of 1.6, rounded up, and a minute.
    assert_eq!(b.max_duration_s, 72);
    let b = made(r#"{"when":{"at":"2026-11-25T05:30"},"priority":"priority"}"#).expect("taken");
    assert_eq!((b.lateness_s, b.chime), (Some(300), Chime::Bell));
    let b = made(r#"{"when":{"now":true},"priority":"emergency"}"#).expect("taken");
    assert_eq!((b.lateness_s, b.chime), (None, Chime::Alert));
    assert_eq!(b.valid_until, Some(NOON.plus_s(30 * 60)));
    let b =
        made(r#"{"when":{"now":true},"priority":"emergency","status":"exercise"}"#).expect("taken");
    assert_eq!((b.status, b.chime), (Status::Exercise, Chime::Exercise));
}

#[test]
fn an_emergency_always_ends() {
    let repeated =
        r#"{"when":{"now":true},"priority":"emergency","repeat":{"times":5,"every_s":600}}"#;
    let b = made(repeated).expect("taken");
    assert_eq!(b.valid_until, Some(NOON.plus_s(4 * 600 + 1_800)));
    let daily =
        r#"{"when":{"rrule":"FREQ=DAILY","start":"2026-11-25T05:30"},"priority":"emergency"}"#;
    let b = made(daily).expect("taken");
    assert_eq!((b.lateness_s, b.valid_until), (Some(1_800), None));
    let until =
        r#"{"when":{"now":true},"priority":"emergency","valid_until":"2026-11-24T18:00:00+07:00"}"#;
    let b = made(until).expect("taken");
    assert_eq!(
        (b.lateness_s, b.valid_until),
        (None, Some(NOON.plus_s(6 * 3_600)))
    );
}

#[test]
fn nonsense_is_refused_by_name() {
    for (json, code) in [
        (r#"{"when":{}}"#, "when_invalid"),
        (r#"{"when":{"now":false}}"#, "when_invalid"),
        (
            r#"{"when":{"now":true,"at":"2026-11-25T05:30"}}"#,
            "when_invalid",
        ),
        (r#"{"when":{"rrule":"FREQ=DAILY"}}"#, "when_invalid"),
        (
            r#"{"when":{"at":"2026-11-25T05:30","except":["2026-11-25"]}}"#,
            "when_invalid",
        ),
        (r#"{"when":{"at":"tomorrow"}}"#, "schedule_start_invalid"),
        (
            r#"{"when":{"at":"2026-11-25T05:30+07:00"}}"#,
            "schedule_start_invalid",
        ),
        (r#"{"when":{"at":"2026-11-24T11:00"}}"#, "time_past"),
        (
            r#"{"when":{"at":"2026-11-24T11:00"},"priority":"emergency"}"#,
            "time_past",
        ),
        (
            r#"{"when":{"rrule":"FREQ=NEVER","start":"2026-11-25T05:30"}}"#,
            "schedule_value_invalid",
        ),
        (
            r#"{"when":{"rrule":"INTERVAL=2","start":"2026-11-25T05:30"}}"#,
            "schedule_no_frequency",
        ),
        (
            r#"{"when":{"rrule":"FREQ=SECONDLY","start":"2026-11-25T05:30"}}"#,
            "schedule_too_often",
        ),
        (
            r#"{"when":{"rrule":"FREQ=DAILY;COUNT=3","start":"2026-11-01T05:30"}}"#,
            "no_occurrence",
        ),
        (
            r#"{"when":{"rrule":"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30","start":"2026-11-25T05:30"}}"#,
            "no_occurrence",
        ),
        (
            r#"{"when":{"rrule":"FREQ=DAILY","start":"2026-11-25T05:30","except":["never"]}}"#,
            "schedule_exception_invalid",
        ),
        (r#"{"when":{"now":true},"zone":"Hanoi"}"#, "zone_invalid"),
        (
            r#"{"when":{"at":"2026-11-25T05:30"},"zone":"Hanoi"}"#,
            "zone_invalid",
        ),
        (r#"{"when":{"now":true},"volume":101}"#, "volume_invalid"),
        (
            r#"{"when":{"now":true},"lateness_s":-1}"#,
            "lateness_invalid",
        ),
        (
            r#"{"when":{"now":true},"repeat":{"times":0}}"#,
            "repeat_invalid",
        ),
        (
            r#"{"when":{"now":true},"repeat":{"times":2,"every_s":90000}}"#,
            "repeat_invalid",
        ),
        (
            r#"{"when":{"now":true},"max_duration_s":0}"#,
            "max_duration_invalid",
        ),
        (r#"{"when":{"now":true},"order":-1}"#, "order_invalid"),
        (r#"{"when":{"now":true},"title":"  "}"#, "title_invalid"),
        (
            r#"{"when":{"now":true},"valid_until":"soon"}"#,
            "time_invalid",
        ),
        (
            r#"{"when":{"now":true},"valid_until":"2026-11-24T04:59:00Z"}"#,
            "valid_until_past",
        ),
        (
            r#"{"when":{"at":"2026-11-25T05:30"},"valid_until":"2026-11-24T18:00:00Z"}"#,
            "no_occurrence",
        ),
    ] {
        assert_eq!(made(json).err(), Some(code), "{json}");
    }
}

#[test]
fn a_minute_late_is_still_said() {
    let b = made(r#"{"when":{"at":"2026-11-24T11:59:30"}}"#).expect("within the lateness");
    assert_eq!(
        b.planned(WallTime::EPOCH, WallTime::MAX, 9)
            .expect("planned")
            .len(),
        1
    );
}

#[test]
fn a_new_time_plans_from_now_on_and_does_not_say_again_what_was_due() {
    let b = made(r#"{"when":{"rrule":"FREQ=DAILY","start":"2026-11-24T06:00"}}"#).expect("taken");
    let later = NOON.plus_s(3_600);
    let moved = patched(
        &b,
        r#"{"when":{"rrule":"FREQ=DAILY","start":"2026-11-24T06:30"}}"#,
        later,
    );
    assert_eq!(moved.expect("moved").since, later);
    let renamed = patched(&b, r#"{"title":"Khác"}"#, later).expect("renamed");
    assert_eq!(renamed.since, b.since);
    let once = made(r#"{"when":{"at":"2026-11-24T12:30"}}"#).expect("taken");
    let same_day = patched(&once, r#"{"when":{"at":"2026-11-24T15:00"}}"#, later);
    assert_eq!(same_day, Err("already_due"));
    let another = patched(&once, r#"{"when":{"at":"2026-11-25T15:00"}}"#, later);
    assert!(another.is_ok(), "{another:?}");
    let not_due = patched(
        &once,
        r#"{"when":{"at":"2026-11-24T15:00"}}"#,
        NOON.plus_s(60),
    );
    assert!(not_due.is_ok(), "{not_due:?}");
    let past = patched(
        &once,
        r#"{"when":{"at":"2026-11-24T11:59"}}"#,
        NOON.plus_s(60),
    );
    assert_eq!(past, Err("time_past"));
}

#[test]
fn what_is_over_or_said_now_is_not_moved() {
    let now = made(r#"{"when":{"now":true}}"#).expect("taken");
    let at = patched(
        &now,
        r#"{"when":{"at":"2026-11-25T15:00"}}"#,
        NOON.plus_s(5),
    );
    assert_eq!(at, Err("now_is_fixed"));
    let again = patched(&now, r#"{"repeat":{"times":3}}"#, NOON.plus_s(5));
    assert_eq!(again, Err("now_is_fixed"));
    let louder = patched(&now, r#"{"volume":50}"#, NOON.plus_s(5)).expect("still going");
    assert_eq!(louder.volume, 50);
    let over = patched(&now, r#"{"volume":50}"#, NOON.plus_s(24 * 3_600));
    assert_eq!(over, Err("bulletin_over"));
}

#[test]
fn a_default_follows_a_change_and_a_choice_stays() {
    let b = made(r#"{"when":{"at":"2026-11-25T05:30"}}"#).expect("taken");
    let raised = patched(&b, r#"{"priority":"emergency"}"#, NOON).expect("raised");
    assert_eq!((raised.chime, raised.lateness_s), (Chime::Alert, None));
    assert!(raised.valid_until.is_some());
    let chosen = made(r#"{"when":{"at":"2026-11-25T05:30"},"chime":"none"}"#).expect("taken");
    let raised = patched(&chosen, r#"{"priority":"priority"}"#, NOON).expect("raised");
    assert_eq!((raised.chime, raised.lateness_s), (Chime::None, Some(300)));
    let limited = patched(&b, r#"{"valid_until":"2026-12-01T00:00:00Z"}"#, NOON).expect("limited");
    assert!(limited.valid_until.is_some());
    let free = patched(&limited, r#"{"valid_until":null}"#, NOON).expect("freed");
    assert_eq!(free.valid_until, None);
}

mod nonsense {
    use proptest::prelude::*;

    use super::*;

    /// Near enough to the real thing to get past the first check.
    fn civil() -> impl Strategy<Value = String> {
        prop_oneof![
            "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]",
            "[0-9:T+Z-]{0,20}",
            ".{0,12}",
        ]
    }
    fn rule() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            "FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY|HOURLY|MINUTELY)",
            "(INTERVAL|COUNT|BYHOUR|BYMINUTE|BYMONTH|BYMONTHDAY|BYSETPOS|BYWEEKNO|BYYEARDAY)=-?[0-9]{1,3}",
            "BYDAY=-?[0-5]?(MO|TU|SU)",
            "UNTIL=20[0-9]{6}(T[0-9]{6}Z?)?",
            "[A-Z=;,0-9]{0,10}",
        ];
        proptest::collection::vec(part, 1..5).prop_map(|parts| parts.join(";"))
    }
    fn when() -> impl Strategy<Value = WhenBody> {
        prop_oneof![
            Just(WhenBody {
                now: Some(true),
                ..WhenBody::default()
            }),
            civil().prop_map(|at| WhenBody {
                at: Some(at),
                ..WhenBody::default()
            }),
            (rule(), civil(), proptest::collection::vec(civil(), 0..3)).prop_map(
                |(rrule, start, except)| {
                    WhenBody {
                        rrule: Some(rrule),
                        start: Some(start),
                        except,
                        ..WhenBody::default()
                    }
                }
            ),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// Whatever is typed: a refusal, or a bulletin that every pole takes and that has an end for the database.
        #[test]
        fn nothing_typed_brings_the_office_down(
            when in when(),
            zone in prop_oneof![Just("Asia/Ho_Chi_Minh".to_owned()), Just("America/New_York".to_owned()), ".{0,10}"],
            numbers in any::<[i64; 5]>(),
            small in any::<[u8; 5]>(),
            pick in any::<bool>(),
            priority in prop_oneof![Just(Priority::Ordinary), Just(Priority::Emergency)],
            title in ".{0,20}",
            until in proptest::option::of(prop_oneof![civil().prop_map(|c| c + ":00Z"), ".{0,10}"]),
        ) {
            let number = |n: usize| Some(if pick { i64::from(small[n]) } else { numbers[n] });
            let body = BulletinBody {
                title, audio: String::new(), priority, targets: vec![], when, zone: Some(zone),
                relay: None,
                lateness_s: number(0).filter(|_| small[0] % 2 == 0),
                on_preempt: OnPreempt::Resume,
                repeat: Some(RepeatBody { times: number(1).unwrap_or(1), every_s: number(2).unwrap_or(0) }),
                chime: None, volume: number(3).filter(|_| small[3] % 2 == 0), order: None,
                max_duration_s: number(4).filter(|_| small[4] % 2 == 0),
                valid_until: until, status: Status::Actual, supersedes: None,
                skip_holidays: false,
            };
            let manifest = Manifest::of(&[7; 100], 10_000);
            if let Ok(b) = new(&body, "b1".parse().expect("a name"), Source::Content(manifest), HANOI, NOON) {
                prop_assert!(b.check().is_ok());
                prop_assert!(b.lateness_s.is_some() || b.valid_until.is_some(), "it never ends: {b:?}");
                prop_assert!(b.last_planned().is_ok());
            }
        }
    }
}

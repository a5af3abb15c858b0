//! Who is asked, what is bound, and that nobody and nothing slips by.

use loa_protocol::content::Manifest;
use proptest::prelude::*;

use super::{super::permissions::Role, *};

/// 2026-11-24T12:00:00+07:00.
const NOON: WallTime = WallTime::from_millis(1_795_496_400_000);

fn area(name: &str) -> AreaId {
    name.parse().expect("a good name")
}
fn place(names: &[&str], in_force: Approval) -> Place {
    Place {
        lineage: names.iter().map(|name| area(name)).collect(),
        in_force,
    }
}
fn hamlet(in_force: Approval) -> Place {
    place(&["ban-chuong", "sang-moc"], in_force)
}
fn somebody(role: Role, at: &str) -> Actor {
    Actor {
        role,
        area: Some(area(at)),
    }
}
fn channel(text: &str) -> Channel {
    text.parse().expect("a channel")
}
fn bulletin(when: When) -> Bulletin {
    Bulletin {
        endorsement: None,
        id: "b1".parse().expect("a name"),
        revision: 1,
        title: "Họp xóm".into(),
        priority: Priority::Ordinary,
        status: Status::Actual,
        order: 100,
        source: loa_protocol::bulletin::Source::Content(Manifest::of(&[7; 100], 10_000)),
        replay: None,
        chime: Chime::Rise,
        volume: 100,
        when,
        zone: "Asia/Ho_Chi_Minh".into(),
        repeat: Repeat::default(),
        lateness_s: Some(600),
        on_preempt: OnPreempt::Resume,
        max_duration_s: 72,
        since: NOON,
        valid_until: None,
    }
}
fn now() -> When {
    When::Now {
        at: NOON,
        date: "2026-11-24".into(),
    }
}
fn at(text: &str) -> When {
    When::At { at: text.into() }
}
fn rule(rrule: &str) -> When {
    When::Rule {
        start: "2026-11-25T05:30".into(),
        rrule: rrule.into(),
        except: vec![],
    }
}

#[test]
fn where_the_commune_wants_to_hear_hamlet_heads_first_only_they_are_asked() {
    let ask = |role, at| {
        let places = [hamlet(Approval::Hamlets)];
        need(
            &somebody(role, at),
            Priority::Ordinary,
            Status::Actual,
            1,
            &places,
        )
    };
    assert_eq!(ask(Role::HamletHead, "ban-chuong"), Some(Ask::Hamlet));
    for role in [Role::Officer, Role::Approver, Role::Administrator] {
        assert_eq!(ask(role, "sang-moc"), None, "{role:?}");
    }
}

#[test]
fn where_everybody_is_asked_only_who_approves_there_is_not() {
    let ask = |role, at| {
        let places = [
            hamlet(Approval::Everyone),
            place(&["khuoi-meo", "sang-moc"], Approval::None),
        ];
        need(
            &somebody(role, at),
            Priority::Priority,
            Status::Actual,
            2,
            &places,
        )
    };
    assert_eq!(ask(Role::HamletHead, "ban-chuong"), Some(Ask::Anyone));
    assert_eq!(ask(Role::Officer, "sang-moc"), Some(Ask::Anyone));
    assert_eq!(ask(Role::Approver, "sang-moc"), None);
    // One who approves elsewhere only is asked here.
    assert_eq!(ask(Role::Approver, "khuoi-meo"), Some(Ask::Anyone));
}

#[test]
fn an_alarm_for_one_hamlet_waits_for_nobody_and_for_two_for_a_second_person() {
    for in_force in [Approval::None, Approval::Hamlets, Approval::Everyone] {
        let ask = |role, status, hamlets| {
            let who = somebody(role, "sang-moc");
            need(
                &who,
                Priority::Emergency,
                status,
                hamlets,
                &[hamlet(in_force)],
            )
        };
        assert_eq!(ask(Role::Officer, Status::Actual, 1), None);
        for role in [Role::Officer, Role::Approver, Role::Administrator] {
            assert_eq!(ask(role, Status::Actual, 2), Some(Ask::WideEmergency));
        }
        // A drill has no hurry: it asks as the area says of everything.
        let everything = (in_force == Approval::Everyone).then_some(Ask::Anyone);
        assert_eq!(ask(Role::Officer, Status::Exercise, 2), everything);
        assert_eq!(ask(Role::Officer, Status::Test, 1), everything);
    }
}

#[test]
fn one_person_alone_alarms_two_hamlets_and_the_third_waits_for_somebody() {
    let areas = |names: &[&str]| names.iter().map(|name| area(name)).collect();
    for (own, others, needs) in [
        (&["a"][..], &[][..], None),
        (&["a"], &["a"], None),
        (&["b"], &["a"], None),
        (&["b"], &["a", "b"], None),
        (&["c"], &["a", "b"], Some(Ask::WideEmergency)),
        (&[], &["a", "b"], None),
    ] {
        assert_eq!(one_more(&areas(own), &areas(others)), needs, "{own:?}");
    }
}

#[test]
fn an_alarm_counts_while_it_was_due_in_the_last_ten_minutes_or_is_still_to_come() {
    let after = |s| NOON.plus_s(s);
    let alarm = bulletin(now());
    assert!(weighs(&alarm, None, NOON));
    assert!(weighs(&alarm, None, after(600)));
    assert!(!weighs(&alarm, None, after(601)));
    // Cancelling does not unsay it.
    assert!(weighs(&alarm, Some(NOON), after(20)));
    let later = bulletin(at("2026-11-24T18:00"));
    assert!(weighs(&later, None, after(60)));
    assert!(!weighs(&later, Some(after(60)), after(90)));
}

#[test]
fn a_wide_alarm_is_taken_back_at_once_but_not_again_and_again() {
    let old = TakenBack {
        stands: true,
        wide: true,
        ends: Some(NOON),
        corrected: false,
    };
    let needs = |old, after_s| taking_back(Some(Ask::WideEmergency), &old, NOON.plus_s(after_s));
    assert_eq!(needs(old, 60), None);
    assert_eq!(needs(old, 86_401), Some(Ask::WideEmergency));
    for but in [
        TakenBack {
            corrected: true,
            ..old
        },
        // It reaches more than it did: nobody agreed to that.
        TakenBack { wide: false, ..old },
        TakenBack {
            stands: false,
            ..old
        },
    ] {
        assert_eq!(needs(but, 60), Some(Ask::WideEmergency));
    }
    let plain = |stands| taking_back(Some(Ask::Hamlet), &TakenBack { stands, ..old }, NOON);
    assert_eq!((plain(true), plain(false)), (None, Some(Ask::Hamlet)));
    assert_eq!(taking_back(None, &old, NOON.plus_s(86_401)), None);
}

#[test]
fn an_area_that_says_nothing_does_as_the_one_above() {
    use Approval::{Everyone, Hamlets, None as Nobody};
    for (upwards, in_force) in [
        (vec![], Nobody),
        (vec![None, None], Nobody),
        (vec![None, Some(Hamlets), Some(Everyone)], Hamlets),
        (vec![Some(Nobody), Some(Everyone)], Nobody),
    ] {
        assert_eq!(Approval::in_force(upwards.clone()), in_force, "{upwards:?}");
    }
}

#[test]
fn what_is_to_be_said_now_may_be_approved_for_half_an_hour() {
    let b = bulletin(now());
    assert_eq!(approve_by(&b, NOON), Some(NOON.plus_s(1_800)));
    let soon = Bulletin {
        valid_until: Some(NOON.plus_s(300)),
        ..b
    };
    assert_eq!(approve_by(&soon, NOON), Some(NOON.plus_s(300)));
}

#[test]
fn what_is_to_be_said_at_a_time_may_be_approved_until_it_is_too_late_to_begin() {
    let b = bulletin(at("2026-11-24T13:00"));
    let planned = NOON.plus_s(3_600);
    assert_eq!(approve_by(&b, NOON), Some(planned.plus_s(600)));
    // An alarm with neither lateness nor end is not approved a day later.
    let endless = Bulletin {
        lateness_s: None,
        ..b.clone()
    };
    assert_eq!(approve_by(&endless, NOON), Some(planned.plus_s(1_800)));
    // Of several repeats the first counts.
    let twice = Bulletin {
        repeat: Repeat {
            times: 3,
            every_s: 1_200,
        },
        ..b
    };
    assert_eq!(approve_by(&twice, NOON), Some(planned.plus_s(600)));
}

#[test]
fn a_schedule_may_be_approved_as_long_as_something_of_it_is_ahead() {
    assert_eq!(approve_by(&bulletin(rule("FREQ=DAILY")), NOON), None);
    let three = bulletin(rule("FREQ=DAILY;COUNT=3"));
    // 2026-11-27T05:30 in Hà Nội.
    let last = NOON.plus_s(-6 * 3_600 - 1_800).plus_s(3 * 86_400);
    assert_eq!(approve_by(&three, NOON), Some(last));
}

#[test]
fn what_waited_goes_on_air_at_the_instant_of_approval() {
    let later = NOON.plus_s(13 * 3_600);
    let said = on_air(&bulletin(now()), Some(later.plus_s(1_200)), later);
    let date = "2026-11-25".to_owned();
    assert_eq!(said.when, When::Now { at: later, date });
    assert_eq!(
        (said.since, said.valid_until),
        (later, Some(later.plus_s(1_200)))
    );
    assert_eq!(
        on_air(&bulletin(rule("FREQ=DAILY")), None, later).since,
        later
    );
    let planned = bulletin(at("2026-11-24T13:00"));
    assert_eq!(on_air(&planned, None, NOON.plus_s(3_601)), planned);
}

#[test]
fn what_was_approved_at_the_last_second_still_reaches_the_poles() {
    let asked = NOON.plus_s(1_800);
    for until in [None, Some(asked)] {
        let alarm = Bulletin {
            valid_until: until,
            ..bulletin(now())
        };
        let by = approve_by(&alarm, NOON);
        assert_eq!(by, Some(asked));
        assert_eq!(
            on_air(&alarm, by, asked).valid_until,
            Some(asked.plus_s(600))
        );
    }
    // But not longer than whoever made it wanted.
    let meant = Bulletin {
        valid_until: Some(NOON.plus_s(1_000)),
        ..bulletin(now())
    };
    let said = on_air(&meant, approve_by(&meant, NOON), NOON.plus_s(990));
    assert_eq!(said.valid_until, Some(NOON.plus_s(1_000)));
}

#[test]
fn an_edit_asks_again_or_stands_by_the_word_of_whoever_may() {
    use Stage::*;
    for (stage, voided, need, then) in [
        (Planned, false, Some(Ask::Hamlet), Planned),
        (Planned, true, Some(Ask::Hamlet), Awaiting),
        (Planned, true, None, Planned),
        (Paused, true, Some(Ask::Anyone), Awaiting),
        (Paused, true, None, Paused),
        (Paused, false, Some(Ask::Anyone), Paused),
        (Awaiting, false, Some(Ask::Hamlet), Awaiting),
        (Awaiting, true, None, Planned),
        // What was sent back is handed in again by any edit.
        (Returned, false, Some(Ask::Hamlet), Awaiting),
        (Returned, true, Some(Ask::Hamlet), Awaiting),
        (Returned, false, None, Planned),
    ] {
        let becomes = stage.after(fate(stage, voided, need));
        assert_eq!(becomes, then, "{stage:?} {voided} {need:?}");
    }
}

#[test]
fn each_refusal_is_told_from_the_others() {
    let plea = Plea {
        ask: Ask::Hamlet,
        by: Some("head"),
        at: NOON,
        approve_by: Some(NOON.plus_s(60)),
    };
    let case = Case {
        stage: Stage::Awaiting,
        made_by: Some(&"maker"),
        plea: Some(&plea),
        digest: "d1",
    };
    let say = |case: &Case<'_, &str>, who, holds, seen, late_s| {
        decide(case, &who, holds, seen, NOON.plus_s(late_s))
    };
    assert_eq!(say(&case, "officer", true, "d1", 60), Ok(()));
    for (who, holds, seen, late_s, refusal) in [
        ("monitor", false, "d1", 0, Refusal::NotAllowed),
        ("maker", true, "d1", 0, Refusal::Own),
        ("head", true, "d1", 0, Refusal::Own),
        ("officer", true, "d0", 0, Refusal::Stale),
        (
            "officer",
            true,
            "d1",
            61,
            Refusal::TooLate {
                by: NOON.plus_s(60),
            },
        ),
    ] {
        assert_eq!(say(&case, who, holds, seen, late_s), Err(refusal), "{who}");
    }
    for stage in [
        Stage::Planned,
        Stage::Returned,
        Stage::Paused,
        Stage::Cancelled,
    ] {
        let case = Case { stage, ..case };
        assert_eq!(
            say(&case, "officer", true, "d1", 0),
            Err(Refusal::NotAwaiting)
        );
    }
}

/// One edit of something that is heard.
fn edits() -> impl Strategy<Value = fn(&mut Bulletin, &mut Vec<Channel>)> {
    let all: Vec<fn(&mut Bulletin, &mut Vec<Channel>)> = vec![
        |b, _| b.revision += 1,
        |b, _| {
            b.source = loa_protocol::bulletin::Source::Content(Manifest::of(
                b"another sound",
                b.manifest().expect("audio").duration_ms,
            ))
        },
        |b, _| b.chime = [Chime::Bell, Chime::Rise][usize::from(b.chime == Chime::Bell)],
        |b, _| b.volume = (b.volume + 1) % 101,
        |b, _| b.order += 1,
        |b, _| {
            b.priority = match b.priority {
                Priority::Emergency => Priority::Ordinary,
                _ => Priority::Emergency,
            };
        },
        |b, _| {
            b.status = match b.status {
                Status::Actual => Status::Exercise,
                _ => Status::Actual,
            };
        },
        |_, targets| targets.push(channel("area.khuoi-meo")),
        |_, targets| {
            targets.pop();
        },
        |b, _| match &mut b.when {
            When::Now { at, .. } => *at = at.plus_s(1),
            When::At { at } => at.push_str(":30"),
            When::Rule { except, .. } => except.push("2026-12-01".into()),
        },
        |b, _| b.zone.push('x'),
        |b, _| b.repeat.times += 1,
        |b, _| b.repeat.every_s += 1,
        |b, _| b.lateness_s = Some(b.lateness_s.map_or(1, |s| s + 1)),
        |b, _| {
            b.on_preempt = match b.on_preempt {
                OnPreempt::Drop => OnPreempt::Resume,
                _ => OnPreempt::Drop,
            };
        },
        |b, _| b.max_duration_s += 1,
        |b, _| b.valid_until = Some(b.valid_until.map_or(NOON, |at| at.plus_us(1))),
    ];
    proptest::sample::select(all)
}
fn whens() -> impl Strategy<Value = When> {
    prop_oneof![
        Just(now()),
        Just(at("2026-11-24T12:30")),
        Just(rule("FREQ=DAILY;COUNT=2")),
        Just(rule("FREQ=DAILY")),
    ]
}
fn anything() -> impl Strategy<Value = Bulletin> {
    (
        whens(),
        0..=100_u8,
        1..=5_u16,
        0..=3_600_u32,
        proptest::option::of(0..=900_u32),
        proptest::option::of(1..=200_000_i64),
        any::<bool>(),
    )
        .prop_map(
            |(when, volume, times, every_s, lateness_s, valid_s, emergency)| Bulletin {
                volume,
                repeat: Repeat { times, every_s },
                lateness_s,
                valid_until: valid_s.map(|s| NOON.plus_s(s)),
                priority: match emergency {
                    true => Priority::Emergency,
                    false => Priority::Ordinary,
                },
                ..bulletin(when)
            },
        )
}
fn roles() -> impl Strategy<Value = Role> {
    proptest::sample::select(vec![
        Role::Administrator,
        Role::Officer,
        Role::Approver,
        Role::HamletHead,
        Role::Monitor,
    ])
}
fn regimes() -> impl Strategy<Value = Approval> {
    proptest::sample::select(vec![Approval::None, Approval::Hamlets, Approval::Everyone])
}

proptest! {
    #[test]
    fn any_edit_of_what_is_heard_is_another_form(b in anything(), edit in edits()) {
        let targets = vec![channel("area.sang-moc"), channel("speaker.ban-chuong-1")];
        let (mut other, mut other_targets) = (b.clone(), targets.clone());
        edit(&mut other, &mut other_targets);
        prop_assert_ne!(digest(&b, &targets, None), digest(&other, &other_targets, None));
        let only_numbered = Bulletin { revision: b.revision, ..other.clone() } == b && targets == other_targets;
        prop_assert_eq!(voids((&b, &targets, None), (&other, &other_targets, None)), !only_numbered);
        // The order in which targets were named is not heard, and neither is the title.
        let mut renamed = b.clone();
        renamed.title.push('!');
        let turned: Vec<Channel> = targets.iter().rev().cloned().collect();
        prop_assert_eq!(digest(&b, &targets, None), digest(&renamed, &turned, None));
    }

    #[test]
    fn a_late_approval_is_never_granted_and_a_timely_one_airs_nothing_stale(
        b in anything(),
        asked_s in 0..=3_600_i64,
        late_s in 0..=400_000_i64,
    ) {
        let asked = NOON.plus_s(asked_s);
        let by = approve_by(&b, asked);
        let plea = Plea { ask: Ask::Hamlet, by: Some(1), at: asked, approve_by: by };
        let case = Case { stage: Stage::Awaiting, made_by: Some(&1), plea: Some(&plea), digest: "d" };
        let at = asked.plus_s(late_s);
        match decide(&case, &2, true, "d", at) {
            Ok(()) => {
                prop_assert!(by.is_none_or(|by| at <= by));
                let said = on_air(&b, by, at);
                for start in said.planned(WallTime::EPOCH, at.plus_s(7 * 86_400), 50).expect("a good rule") {
                    let fresh = start.at >= at || at <= start.at.plus_s(900) || at <= said.start_by(start.at);
                    prop_assert!(fresh, "{start:?} is said at {at}");
                    prop_assert!(start.at >= at || matches!(said.when, When::At { .. }), "{start:?}");
                }
            }
            Err(refusal) => prop_assert_eq!(Some(refusal), by.map(|by| Refusal::TooLate { by })),
        }
    }

    #[test]
    fn nobody_decides_on_what_is_the_own(
        maker in proptest::option::of(0..4_u8),
        asker in proptest::option::of(0..4_u8),
        who in 0..4_u8,
        late_s in 0..100_i64,
    ) {
        let plea = Plea { ask: Ask::WideEmergency, by: asker, at: NOON, approve_by: Some(NOON.plus_s(50)) };
        let case = Case { stage: Stage::Awaiting, made_by: maker.as_ref(), plea: Some(&plea), digest: "d" };
        let granted = decide(&case, &who, true, "d", NOON.plus_s(late_s)).is_ok();
        prop_assert!(!granted || (maker != Some(who) && asker != Some(who)));
    }

    #[test]
    fn a_wide_alarm_always_takes_two_people(
        role in roles(),
        at in proptest::option::of(proptest::sample::select(vec!["ban-chuong", "sang-moc", "elsewhere"])),
        regime in regimes(),
        hamlets in 2..50_usize,
        maker in 0..3_u8,
        who in 0..3_u8,
        holds in any::<bool>(),
        stage in proptest::sample::select(vec![Stage::Planned, Stage::Awaiting, Stage::Returned, Stage::Paused]),
    ) {
        let actor = Actor { role, area: at.map(area) };
        let ask = need(&actor, Priority::Emergency, Status::Actual, hamlets, &[hamlet(regime)]);
        prop_assert_eq!(ask, Some(Ask::WideEmergency));
        // However it stood: once it is made into a wide alarm, it waits …
        prop_assert_eq!(stage.after(fate(stage, true, ask)), Stage::Awaiting);
        // … and comes out of waiting by another person's word only.
        let plea = Plea { ask: Ask::WideEmergency, by: Some(maker), at: NOON, approve_by: None };
        let case = Case { stage: Stage::Awaiting, made_by: Some(&maker), plea: Some(&plea), digest: "d" };
        prop_assert_eq!(decide(&case, &who, holds, "d", NOON).is_ok(), holds && who != maker);
    }
}

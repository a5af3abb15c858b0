//! What the poles of a village will play, in sentences.

use loa_protocol::{
    bulletin::{Chime, OnPreempt, Repeat, When},
    content::Manifest,
    playout::Skip,
    programme::Version,
    speaker_config::VolumePlan,
};

use super::*;

/// 2026-11-24T00:00:00+07:00.
const MIDNIGHT: WallTime = WallTime::from_millis(1_795_453_200_000);

fn hour(h: i64) -> WallTime {
    MIDNIGHT.plus_s(h * 3_600)
}

fn daily(id: &str, start: &str) -> Bulletin {
    Bulletin {
        endorsement: None,
        id: id.parse().expect("a good name"),
        revision: 1,
        title: "Bản tin sáng".into(),
        priority: Priority::Ordinary,
        status: Status::Actual,
        order: 100,
        source: loa_protocol::bulletin::Source::Content(Manifest::of(id.as_bytes(), 10_000)),
        replay: None,
        chime: Chime::None,
        volume: 100,
        when: When::Rule {
            start: format!("2026-11-20T{start}"),
            rrule: "FREQ=DAILY".into(),
            except: Vec::new(),
        },
        zone: "Asia/Ho_Chi_Minh".into(),
        repeat: Repeat::default(),
        lateness_s: Some(60),
        on_preempt: OnPreempt::Resume,
        max_duration_s: 14_400,
        since: WallTime::EPOCH,
        valid_until: None,
    }
}

fn said(channel: &str, bulletins: Vec<Bulletin>) -> (Channel, ChannelState) {
    let channel: Channel = channel.parse().expect("a good channel");
    let state = ChannelState {
        channel: channel.clone(),
        version: Version::default(),
        silence_before: None,
        bulletins,
    };
    (channel, state)
}

fn pole(name: &str, quiet: &[(&str, &str)]) -> SpeakerConfig {
    let channels = [format!("speaker.{name}"), "area.ban-chuong".into()];
    SpeakerConfig {
        speaker: name.parse().expect("a good name"),
        version: Version::default(),
        made: MIDNIGHT,
        name: name.into(),
        channels: channels
            .iter()
            .map(|c| c.parse().expect("a channel"))
            .collect(),
        zone: "Asia/Ho_Chi_Minh".into(),
        quiet_hours: quiet
            .iter()
            .map(|(from, to)| DayWindow::new(from, to).expect("a window"))
            .collect(),
        volume: VolumePlan::default(),
        muted: false,
        limits: None,
        since: WallTime::EPOCH,
        delay_trim_ms: 0,
        self_test_at: None,
        orders: Vec::new(),
    }
}

#[test]
fn poles_that_hear_the_same_under_the_same_rules_are_worked_out_once() {
    let channels = HashMap::from([
        said("area.ban-chuong", vec![daily("b1", "05:30")]),
        said("speaker.p3", vec![daily("b2", "06:00")]),
        said("speaker.p4", Vec::new()),
    ]);
    let mut planner = Planner::new(&channels, hour(0), hour(0), hour(7 * 24));
    let first = planner.plan(&pole("p1", &[]), &Governor::default());
    assert_eq!(first.items.len(), 7);
    // Another name, another volume, a programme that is empty: the same future.
    let mut loud = pole("p2", &[]);
    loud.volume.percent = 100;
    assert!(Rc::ptr_eq(
        &first,
        &planner.plan(&loud, &Governor::default())
    ));
    assert!(Rc::ptr_eq(
        &first,
        &planner.plan(&pole("p4", &[]), &Governor::default())
    ));
    assert_eq!(planner.made(), 1);
    assert_eq!(
        planner
            .plan(&pole("p3", &[]), &Governor::default())
            .items
            .len(),
        14
    );
    let quiet = planner.plan(&pole("p5", &[("05:00", "06:00")]), &Governor::default());
    assert_eq!(
        quiet.items[0].outcome,
        Some(Outcome::Skipped(Skip::QuietHours))
    );
    assert_eq!(planner.made(), 3);
}

#[test]
fn what_was_due_is_left_for_the_pole_to_tell() {
    let channels = HashMap::from([said("area.ban-chuong", vec![daily("b1", "05:30")])]);
    let mut planner = Planner::new(&channels, hour(12), hour(0), hour(48));
    let plan = planner.plan(&pole("p1", &[]), &Governor::default());
    let seen: Vec<_> = plan
        .items
        .iter()
        .map(|item| (item.outcome, item.starts))
        .collect();
    let tomorrow = hour(24).plus_s(5 * 3_600 + 1_800);
    assert_eq!(
        seen,
        [(None, None), (Some(Outcome::Completed), Some(tomorrow))]
    );
}

#[test]
fn what_began_before_the_day_still_holds_the_horn_unless_all_was_stopped() {
    let mut long = daily("b1", "23:50");
    if let loa_protocol::bulletin::Source::Content(manifest) = &mut long.source {
        manifest.duration_ms = 30 * 60 * 1_000;
    }
    let mut news = daily("b2", "00:05");
    news.lateness_s = Some(60);
    let (channel, mut state) = said("area.ban-chuong", vec![long, news]);
    let mut channels = HashMap::from([(channel.clone(), state.clone())]);
    let plan = Planner::new(&channels, hour(-2), hour(0), hour(1))
        .plan(&pole("p1", &[]), &Governor::default());
    assert_eq!(plan.items.len(), 1);
    assert_eq!(plan.items[0].outcome, Some(Outcome::Skipped(Skip::Busy)));
    // Now it is past midnight, and somebody pressed stop.
    state.silence_before = Some(hour(0).plus_s(10));
    channels.insert(channel, state);
    let now = hour(0).plus_s(60);
    let plan =
        Planner::new(&channels, now, hour(0), hour(1)).plan(&pole("p1", &[]), &Governor::default());
    assert_eq!(plan.items[0].outcome, Some(Outcome::Completed));
}

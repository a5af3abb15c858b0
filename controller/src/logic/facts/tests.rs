use loa_protocol::{
    event::RunEnd,
    playout::PlayoutId,
    telemetry::{Ear, Listened, Power, SelfTest, Telemetry},
};

use super::*;
use crate::logic::testing;

const NOW: WallTime = WallTime::from_millis(1_795_496_400_000);

fn ago(minutes: i64) -> WallTime {
    NOW.plus_s(-minutes * 60)
}

/// One pole, as a story: what is not told is as it is on a good day.
struct Pole {
    presence: Presence,
    since: WallTime,
    last_heard: Option<WallTime>,
    listening: Option<WallTime>,
    status: Option<SpeakerStatus>,
    outage: Option<(WallTime, Cause)>,
    journal: Journal,
    muted: bool,
}

fn pole() -> Pole {
    Pole {
        presence: Presence::Online,
        since: ago(600),
        last_heard: Some(ago(0)),
        listening: Some(ago(2_000)),
        status: Some(SpeakerStatus {
            at: Some(ago(0)),
            telemetry: Some(Box::new(Telemetry {
                machine_uptime_s: Some(36_000),
                starts_1h: 1,
                ..Telemetry::default()
            })),
            ..testing::status("ban-chuong-1")
        }),
        outage: None,
        journal: Journal::default(),
        muted: false,
    }
}

impl Pole {
    fn measured(&mut self) -> &mut Telemetry {
        let status = self.status.as_mut().expect("a status");
        status.telemetry.as_mut().expect("telemetry")
    }
    fn gone(mut self, presence: Presence, minutes: i64) -> Self {
        self.presence = presence;
        self.since = ago(minutes);
        self
    }
    fn because(mut self, cause: Cause) -> Self {
        self.outage = Some((self.since, cause));
        self
    }
    fn with_ear(mut self) -> Self {
        self.measured().ear = Ear {
            kind: EarKind::Microphone,
            ..Ear::default()
        };
        self
    }
    fn listened(mut self, minutes: i64, hearing: Hearing) -> Self {
        self.measured().ear.last_heard = Some(Listened {
            playout: PlayoutId {
                occurrence: "b1/2026-11-24/0/0".parse().expect("an occurrence"),
                attempt: 0,
            },
            at: ago(minutes),
            hearing,
            clarity_centi: None,
            delay_us: None,
        });
        self
    }
    fn tested(mut self, minutes: i64, hearing: Hearing) -> Self {
        self.measured().ear.last_test = Some(SelfTest {
            at: ago(minutes),
            hearing,
            clarity_centi: None,
            delay_us: None,
            asked: false,
            trouble: None,
        });
        self
    }
    fn facts(&self) -> Facts {
        let evidence = Evidence {
            presence: self.presence,
            since: self.since,
            last_heard: self.last_heard,
            listening: self.listening,
            status: self.status.as_ref(),
            outage: self.outage,
            journal: &self.journal,
            muted: self.muted,
        };
        facts(&evidence, NOW)
    }
    fn severity(&self) -> Severity {
        severity(&self.facts(), NOW)
    }
    /// Powered, connected, healthy, audible, as in the columns of a table.
    fn states(&self) -> [(State, Option<Why>); 4] {
        let facts = self.facts();
        [facts.powered, facts.connected, facts.healthy, facts.audible].map(|f| (f.state, f.why))
    }
}

use State::{No, Unknown, Yes};

#[test]
fn a_pole_that_speaks_is_powered_connected_and_healthy_and_without_a_microphone_nobody_knows_if_it_sounds()
 {
    assert_eq!(
        pole().states(),
        [
            (Yes, None),
            (Yes, None),
            (Yes, None),
            (Unknown, Some(Why::NoMicrophone)),
        ]
    );
    assert_eq!(pole().severity(), Severity::Ok);
    assert_eq!(pole().facts().powered.since, Some(ago(600)));
}

#[test]
fn of_a_silent_pole_only_the_silence_is_known() {
    for presence in [Presence::Silent, Presence::Offline] {
        let states = pole()
            .with_ear()
            .listened(5, Hearing::Heard)
            .gone(presence, 2)
            .states();
        assert_eq!(
            states,
            [
                (Unknown, None),
                (No, Some(Why::Silent)),
                (Unknown, None),
                (Unknown, Some(Why::Silent)),
            ]
        );
    }
}

#[test]
fn nothing_is_yes_of_a_pole_that_cannot_be_reached_whatever_it_said_before() {
    let causes = [
        Cause::Unknown,
        Cause::Power,
        Cause::Network,
        Cause::Route,
        Cause::Mast,
        Cause::Agent,
        Cause::Stopped,
        Cause::Office,
    ];
    for presence in [Presence::Silent, Presence::Offline] {
        for cause in causes {
            let gone = pole()
                .with_ear()
                .listened(1, Hearing::Heard)
                .gone(presence, 5);
            let states = gone.because(cause).states();
            assert!(
                states.iter().all(|(state, _)| *state != Yes),
                "{cause:?}: {states:?}"
            );
        }
    }
}

#[test]
fn a_power_cut_is_told_from_a_mast_that_fell() {
    let dark = pole().gone(Presence::Silent, 5).because(Cause::Power);
    assert_eq!(dark.states()[0], (No, Some(Why::PowerCut)));
    assert_eq!(dark.states()[1], (No, Some(Why::Power)));
    assert_eq!(dark.states()[3], (No, Some(Why::PowerCut)));
    let unreachable = pole().gone(Presence::Silent, 5).because(Cause::Mast);
    assert_eq!(unreachable.states()[0], (Unknown, None));
    assert_eq!(unreachable.states()[1], (No, Some(Why::Mast)));
}

#[test]
fn a_pole_on_its_battery_is_powered_and_somebody_should_know() {
    let mut pole = pole();
    pole.measured().power = Some(Power {
        mains: Some(false),
        battery_percent: Some(80),
        battery_mv: None,
    });
    pole.journal.mains = Some((ago(7), false));
    let powered = pole.facts().powered;
    assert_eq!(powered, yes(Why::OnBattery, ago(7)));
    assert_eq!(pole.severity(), Severity::Warning);
    // And when it then falls silent, mains is what was gone.
    let gone = pole.gone(Presence::Silent, 3);
    assert_eq!(gone.facts().powered, no(Why::MainsGone, ago(7)));
}

#[test]
fn a_new_pole_was_never_seen_and_is_no_alarm() {
    let mut new = pole().gone(Presence::Offline, 100);
    (new.status, new.last_heard) = (None, None);
    assert_eq!(new.states()[1], (No, Some(Why::NeverSeen)));
    assert_eq!(new.severity(), Severity::Notice);
}

#[test]
fn while_the_office_cannot_hear_it_says_so_and_blames_no_pole() {
    let mut pole = pole();
    pole.listening = None;
    assert!(pole.states().iter().all(|(state, _)| *state == Unknown));
    assert_eq!(pole.states()[1].1, Some(Why::Office));
    // Just started: nobody had the time to speak.
    let mut pole = self::pole().gone(Presence::Offline, 1);
    (pole.listening, pole.last_heard) = (Some(ago(1)), None);
    assert_eq!(pole.states()[1], (Unknown, Some(Why::Office)));
    pole.listening = Some(ago(2));
    assert_eq!(pole.states()[1], (No, Some(Why::Silent)));
}

#[test]
fn a_pole_that_plays_and_is_not_heard_is_the_worst() {
    let mut mute_horn = pole().with_ear().listened(5, Hearing::NotHeard);
    mute_horn.journal.hearing = Some((ago(300), Hearing::NotHeard));
    assert_eq!(mute_horn.facts().audible, no(Why::NotHeard, ago(300)));
    assert_eq!(mute_horn.severity(), Severity::Critical);
    // The next self-test finds it mended.
    let mended = mute_horn.tested(1, Hearing::Heard);
    assert_eq!(mended.facts().audible, yes(Why::Heard, ago(1)));
    assert_eq!(mended.severity(), Severity::Ok);
}

#[test]
fn the_last_sound_counts_whether_it_was_a_bulletin_or_a_test() {
    let broke = pole()
        .with_ear()
        .listened(500, Hearing::Heard)
        .tested(30, Hearing::NotHeard);
    assert_eq!(broke.facts().audible, no(Why::SelfTestFailed, ago(30)));
    let unclear = pole()
        .with_ear()
        .listened(9, Hearing::Heard)
        .tested(3, Hearing::Unclear);
    assert_eq!(unclear.facts().audible, yes(Why::Heard, ago(9)));
}

#[test]
fn what_was_heard_the_day_before_yesterday_says_nothing_of_today() {
    let old = pole().with_ear().listened(37 * 60, Hearing::Heard);
    assert_eq!(old.states()[3], (Unknown, Some(Why::NotYetHeard)));
    let new = pole().with_ear();
    assert_eq!(new.states()[3], (Unknown, Some(Why::NotYetHeard)));
}

#[test]
fn a_microphone_in_trouble_is_none() {
    let mut pole = pole().with_ear().listened(5, Hearing::Heard);
    pole.measured().ear.trouble = Some("no such device".into());
    assert_eq!(pole.states()[3], (Unknown, Some(Why::NoMicrophone)));
}

#[test]
fn muted_is_not_audible_whoever_muted_it_and_no_alarm() {
    let mut by_office = pole().with_ear().listened(5, Hearing::Heard);
    by_office.muted = true;
    assert_eq!(by_office.states()[3], (No, Some(Why::Muted)));
    assert_eq!(by_office.severity(), Severity::Notice);
    let mut at_pole = pole();
    at_pole.status.as_mut().expect("a status").muted = true;
    assert_eq!(at_pole.states()[3], (No, Some(Why::Muted)));
}

#[test]
fn an_output_that_failed_is_not_audible_until_something_was_heard_again() {
    let mut failed = pole();
    failed.journal.output_fault = Some(ago(90));
    assert_eq!(failed.facts().audible, no(Why::OutputFailed, ago(90)));
    let mut again = failed.with_ear().listened(5, Hearing::Heard);
    assert_eq!(again.states()[3], (Yes, Some(Why::Heard)));
    again.journal.output_fault = Some(ago(1));
    assert_eq!(again.states()[3], (No, Some(Why::OutputFailed)));
}

#[test]
fn an_agent_that_cannot_keep_going_is_not_healthy() {
    let mut looping = pole();
    looping.measured().starts_1h = 7;
    looping.journal.booted = Some((ago(2), Some(RunEnd::Crashed)));
    assert_eq!(looping.facts().healthy, no(Why::CrashLooping, ago(2)));
    assert_eq!(looping.severity(), Severity::Warning);
    // Once is told, and forgotten after an hour; an asked restart is not told at all.
    let mut once = pole();
    once.journal.booted = Some((ago(20), Some(RunEnd::Crashed)));
    assert_eq!(once.facts().healthy, yes(Why::Restarted, ago(20)));
    assert_eq!(once.severity(), Severity::Notice);
    once.journal.booted = Some((ago(61), Some(RunEnd::Crashed)));
    assert_eq!(once.states()[2], (Yes, None));
    once.journal.booted = Some((ago(20), Some(RunEnd::Ordered)));
    assert_eq!(once.states()[2], (Yes, None));
    // And one that hung does not answer.
    let hung = pole().gone(Presence::Silent, 5).because(Cause::Agent);
    assert_eq!(hung.states()[2], (No, Some(Why::Stalled)));
}

#[test]
fn clock_disk_heat_stalls_and_faults_are_each_named() {
    let mut clock = pole();
    clock.status.as_mut().expect("a status").clock.trust = Trust::Untrusted;
    assert_eq!(clock.states()[2], (No, Some(Why::ClockUntrusted)));
    assert_eq!(clock.severity(), Severity::Critical);
    let mut disk = pole();
    disk.status.as_mut().expect("a status").disk_free_bytes = Some(5_000_000);
    assert_eq!(disk.states()[2], (No, Some(Why::DiskFull)));
    let mut hot = pole();
    hot.measured().temperature_mc = Some(91_000);
    assert_eq!(hot.states()[2], (No, Some(Why::Hot)));
    let mut stalled = pole();
    stalled.journal.stalled = Some(ago(10));
    assert_eq!(stalled.states()[2], (No, Some(Why::Stalled)));
    let mut faulty = pole();
    faulty.journal.fault = Some(ago(10));
    assert_eq!(faulty.states()[2], (No, Some(Why::Faults)));
    faulty.journal.fault = Some(ago(70));
    assert_eq!(faulty.states()[2], (Yes, None));
}

#[test]
fn a_pole_that_is_away_for_ten_minutes_is_critical_and_not_before() {
    assert_eq!(
        pole().gone(Presence::Silent, 9).severity(),
        Severity::Warning
    );
    assert_eq!(
        pole().gone(Presence::Silent, 10).severity(),
        Severity::Critical
    );
    let outage = pole().gone(Presence::Offline, 3).because(Cause::Network);
    assert_eq!(outage.severity(), Severity::Warning);
}

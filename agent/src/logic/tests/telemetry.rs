//! Sentences about what the pole measures of itself.

use jiff::civil::date;
use loa_protocol::{
    event::What,
    telemetry::{DataUse, Network, NetworkKind, Telemetry},
    topic::Topic,
};

use super::pole::*;
use crate::logic::{
    documents::default_config,
    port::{Input, Machine, Traffic},
};

fn telemetry(pole: &Pole) -> Telemetry {
    *pole.status().telemetry.unwrap()
}
fn modem(received_bytes: u64, sent_bytes: u64) -> Machine {
    on("wwan0", received_bytes, sent_bytes)
}
fn on(interface: &str, received_bytes: u64, sent_bytes: u64) -> Machine {
    Machine {
        network: Some(Network {
            kind: NetworkKind::Cellular,
            interface: interface.into(),
            signal_dbm: Some(-87),
            signal_percent: None,
            operator: Some("Viettel".into()),
            cell: Some("452-04-1234".into()),
        }),
        traffic: Some(Traffic {
            received_bytes,
            sent_bytes,
        }),
        ..Machine::default()
    }
}
fn used(pole: &Pole) -> Option<(u64, u64)> {
    let data = telemetry(pole).data?;
    Some((data.received_bytes, data.sent_bytes))
}
fn statuses(pole: &Pole) -> usize {
    let is_status = |(t, _): &&(Topic, Vec<u8>)| matches!(t, Topic::Status(_));
    pole.published.iter().filter(is_status).count()
}

#[test]
fn the_status_tells_what_was_measured_and_what_the_program_knows_itself() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.reads(Machine {
        uptime_s: Some(100),
        temperature_mc: Some(51_250),
        load_centi: Some(42),
        processors: Some(4),
        memory_total_bytes: Some(1 << 30),
        memory_available_bytes: Some(1 << 29),
        disk_total_bytes: Some(8 << 30),
        ..modem(0, 0)
    });
    pole.run_to(120);
    let told = telemetry(&pole);
    assert_eq!(told.machine_uptime_s, Some(220));
    assert_eq!(told.machine_boot.as_deref(), Some("machine-0"));
    assert_eq!(
        (told.temperature_mc, told.load_centi),
        (Some(51_250), Some(42))
    );
    assert_eq!(
        (told.content_bytes, told.content_quota_bytes),
        (40_000, 64 << 20)
    );
    assert_eq!(told.volume, Some(80));
    assert_eq!(told.last_sound, Some(t(90)));
    assert_eq!(told.network.unwrap().cell.as_deref(), Some("452-04-1234"));
    // It is still known after a restart.
    let pole = pole.loses_power(5);
    assert_eq!(telemetry(&pole).last_sound, Some(t(90)));
    assert_eq!(telemetry(&pole).machine_boot.as_deref(), Some("machine-1"));
}

#[test]
fn what_was_measured_rides_with_the_minutes_status() {
    let mut pole = Pole::with(vec![]);
    pole.input(Input::Connected);
    pole.reads(Machine::default());
    pole.run_s(2);
    let before = statuses(&pole);
    for n in 0..300 {
        pole.reads(Machine {
            temperature_mc: Some(n),
            ..Machine::default()
        });
        pole.run_s(1);
    }
    assert_eq!(statuses(&pole), before + 5);
}

#[test]
fn a_reading_that_is_too_old_is_not_told() {
    let mut pole = Pole::with(vec![]);
    pole.reads(Machine {
        temperature_mc: Some(51_250),
        ..Machine::default()
    });
    pole.run_s(170);
    assert_eq!(telemetry(&pole).temperature_mc, Some(51_250));
    pole.run_s(20);
    assert_eq!(telemetry(&pole).temperature_mc, None);
}

#[test]
fn a_long_word_of_a_modem_is_cut_between_letters() {
    let mut pole = Pole::with(vec![]);
    let mut machine = modem(0, 0);
    machine.network.as_mut().unwrap().operator = Some("Mạng di động ".repeat(20));
    pole.reads(machine);
    let operator = telemetry(&pole).network.unwrap().operator.unwrap();
    assert!((60..=64).contains(&operator.len()), "{operator}");
}

#[test]
fn bytes_are_counted_over_restarts_of_the_program_and_of_the_machine() {
    let mut pole = Pole::with(vec![]);
    // What went through before it was a speaker is not its own.
    pole.reads(modem(5_000_000, 1_000));
    assert_eq!(used(&pole), Some((0, 0)));
    pole.reads(modem(5_000_700, 1_100));
    assert_eq!(used(&pole), Some((700, 100)));
    pole.input(Input::Shutdown);
    // The program did not run; the modem did.
    let mut pole = pole.begins_again(30);
    pole.reads(modem(5_001_000, 1_200));
    assert_eq!(used(&pole), Some((1_000, 200)));
    pole.input(Input::Shutdown);
    // The machine did not run: its counters begin at nothing.
    let mut pole = pole.loses_power(30);
    pole.reads(modem(40, 4));
    assert_eq!(used(&pole), Some((1_040, 204)));
    // Nor did the modem for a moment.
    pole.reads(modem(10, 1));
    assert_eq!(used(&pole), Some((1_050, 205)));
    // The way out changes, and back: what went through another interface counts as well.
    pole.reads(on("ppp1", 300, 30));
    pole.reads(modem(20, 2));
    assert_eq!(used(&pole), Some((1_360, 236)));
}

#[test]
fn a_month_begins_at_nothing_at_midnight_of_the_place() {
    let mut pole = Pole::with(vec![]);
    pole.reads(modem(0, 0));
    // 30 November, 23:59 in Viet Nam.
    pole.run_to(6 * 86_400 + 12 * 3_600 - 60);
    pole.reads(modem(900, 90));
    assert_eq!(
        telemetry(&pole).data,
        Some(DataUse {
            month: date(2026, 11, 1),
            received_bytes: 900,
            sent_bytes: 90
        })
    );
    pole.run_s(61);
    pole.reads(modem(1_000, 100));
    assert_eq!(
        telemetry(&pole).data,
        Some(DataUse {
            month: date(2026, 12, 1),
            received_bytes: 100,
            sent_bytes: 10
        })
    );
}

#[test]
fn without_a_trusted_clock_bytes_are_counted_and_told_once_the_month_is_known() {
    let mut pole = Pole::untrusted(Disk::default(), 64 << 20);
    pole.system_us = 0;
    pole.reads(modem(0, 0));
    pole.reads(modem(500, 50));
    assert_eq!(telemetry(&pole).data, None);
    pole.system_us = t(0).as_micros() - pole.mono_us as i64;
    pole.input(Input::KernelClock(crate::logic::port::KernelClock {
        synced: true,
        held: false,
    }));
    pole.reads(modem(600, 60));
    assert_eq!(used(&pole), Some((600, 60)));
}

#[test]
fn the_count_goes_to_the_disk_every_ten_minutes_and_at_the_end() {
    let mut pole = Pole::with(vec![]);
    let mut written = Vec::new();
    for n in 0..240 {
        pole.reads(modem(n * 1_000, 0));
        written.push(pole.disk.documents["own:data"].clone());
        pole.run_s(45);
    }
    written.dedup();
    // Three hours.
    assert!((17..=19).contains(&written.len()), "{}", written.len());
    pole.input(Input::Shutdown);
    let mut pole = pole.begins_again(5);
    pole.reads(modem(240_000, 0));
    assert_eq!(used(&pole), Some((240_000, 0)));
}

#[test]
fn a_note_that_cannot_be_read_is_told_and_counts_as_none() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.reads(modem(0, 0));
    for name in ["own:run", "own:data", "own:told", "own:order"] {
        pole.disk.documents.insert(name.into(), vec![0xff, 1]);
    }
    let mut pole = pole.loses_power(5);
    assert!(pole.faults("disk") > 0);
    assert!(
        pole.watch()
            .iter()
            .any(|w| matches!(w, What::Booted { after: None, .. }))
    );
    pole.run_to(120);
    assert_eq!(pole.heard().len(), 1);
}

#[test]
fn the_volume_is_that_of_the_hour() {
    let mut pole = Pole::with(vec![]);
    let mut config = default_config(&SPEAKER.parse().unwrap());
    config.version = version(2);
    config.volume.percent = 70;
    config.volume.ceiling = 60;
    pole.hears_config(&config);
    assert_eq!(telemetry(&pole).volume, Some(60));
}

//! Sentences about what a made-up board shows.

use std::{fs, path::Path};

use loa_protocol::telemetry::{NetworkKind, Power};

use super::{
    board,
    command::{self, Said},
    network, power,
    tree::Tree,
};
use crate::{
    clock,
    config::Sensors,
    logic::port::{Input, Traffic},
};

/// A board whose kernel shows these files.
struct Board {
    folder: tempfile::TempDir,
}

impl Board {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let board = Self { folder };
        board.shows(files);
        board
    }
    fn shows(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = self.folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("writes");
        }
    }
    fn tree(&self) -> Tree {
        Tree::at(self.folder.path())
    }
}

const ROUTES: &str =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

fn village_pole() -> Board {
    let routes = format!(
        "{ROUTES}eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
         wwan0\t00000000\t00000000\t0001\t0\t0\t50\t00000000\t0\t0\t0\n\
         eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
    );
    Board::with(&[
        ("proc/uptime", "350735.47 234388.90\n"),
        (
            "proc/sys/kernel/random/boot_id",
            "0d3b1c0a-8b1e-4d0f-9f0e-2f9c4a3d5e6f\n",
        ),
        ("proc/loadavg", "0.42 0.36 0.30 1/123 4567\n"),
        (
            "proc/meminfo",
            "MemTotal:         948304 kB\nMemFree:          100 kB\nMemAvailable:     512000 kB\n",
        ),
        ("sys/devices/system/cpu/online", "0-3\n"),
        ("sys/class/thermal/thermal_zone0/temp", "48312\n"),
        ("sys/class/thermal/thermal_zone1/temp", "51250\n"),
        ("sys/class/thermal/thermal_zone2/temp", "9999999\n"),
        ("sys/class/thermal/cooling_device0/temp", "99000\n"),
        ("proc/net/route", &routes),
        ("sys/class/net/eth0/operstate", "up\n"),
        ("sys/class/net/eth0/carrier", "1\n"),
        ("sys/class/net/eth0/type", "1\n"),
        ("sys/class/net/eth0/statistics/rx_bytes", "11\n"),
        ("sys/class/net/eth0/statistics/tx_bytes", "12\n"),
        ("sys/class/net/wwan0/operstate", "unknown\n"),
        ("sys/class/net/wwan0/type", "519\n"),
        ("sys/class/net/wwan0/statistics/rx_bytes", "123456789012\n"),
        ("sys/class/net/wwan0/statistics/tx_bytes", "42\n"),
    ])
}

#[test]
fn a_board_tells_how_long_it_runs_how_warm_and_how_busy_it_is() {
    let board = village_pole();
    let tree = board.tree();
    assert_eq!(board::uptime_s(&tree), Some(350_735));
    assert_eq!(
        board::boot_id(&tree).as_deref(),
        Some("0d3b1c0a-8b1e-4d0f-9f0e-2f9c4a3d5e6f")
    );
    assert_eq!(board::temperature_mc(&tree), Some(51_250));
    assert_eq!(board::load_centi(&tree), Some(42));
    assert_eq!(board::processors(&tree), Some(4));
    let memory = board::memory(&tree);
    assert_eq!(
        (memory.total, memory.available),
        (Some(948_304 * 1024), Some(512_000 * 1024))
    );
}

#[test]
fn a_board_that_shows_nothing_or_nonsense_hurts_nobody() {
    for text in [
        "",
        "\n",
        "x",
        "-",
        "4294967295-0,1-",
        "\u{fffd}\u{0}",
        "99999999999999999999",
    ] {
        let board = Board::with(&[
            ("proc/uptime", text),
            ("proc/loadavg", text),
            ("proc/meminfo", text),
            ("proc/net/route", text),
            ("proc/net/if_inet6", text),
            ("proc/net/ipv6_route", text),
            ("sys/devices/system/cpu/online", text),
            ("sys/class/thermal/thermal_zone0/temp", text),
            ("sys/class/power_supply/b/type", "Battery"),
            ("sys/class/power_supply/b/capacity", text),
            ("sys/class/power_supply/a/type", "Mains"),
            ("sys/class/power_supply/a/online", text),
        ]);
        let tree = board.tree();
        assert_eq!(board::uptime_s(&tree), None, "{text:?}");
        assert_eq!(board::temperature_mc(&tree), None, "{text:?}");
        assert_eq!(board::processors(&tree).unwrap_or(0), 0, "{text:?}");
        assert_eq!(board::memory(&tree), board::Memory::default());
        assert_eq!(power::read(&tree, None, None), Power::default(), "{text:?}");
        let line = network::read(&tree, None);
        assert_eq!((line.up, line.interface), (Some(false), None), "{text:?}");
        board::load_centi(&tree);
    }
    let nothing = Board::with(&[]);
    let tree = nothing.tree();
    assert_eq!(board::boot_id(&tree), None);
    assert_eq!(board::load_centi(&tree), None);
    assert_eq!(network::read(&tree, Some("eth0")), network::Line::default());
}

#[test]
fn the_way_out_is_the_default_route_that_the_kernel_takes() {
    let board = village_pole();
    let line = network::read(&board.tree(), None);
    assert_eq!(line.up, Some(true));
    assert_eq!(
        line.interface,
        Some(("wwan0".into(), NetworkKind::Cellular))
    );
    let traffic = Traffic {
        received_bytes: 123_456_789_012,
        sent_bytes: 42,
    };
    assert_eq!(line.traffic, Some(traffic));
    // The modem is gone: the cable is what is left.
    board.shows(&[("sys/class/net/wwan0/operstate", "down\n")]);
    let line = network::read(&board.tree(), None);
    assert_eq!(line.interface, Some(("eth0".into(), NetworkKind::Ethernet)));
    // The operator knows better, with a tunnel in between.
    let line = network::read(&board.tree(), Some("wwan0"));
    assert_eq!(line.interface.map(|(name, _)| name), Some("wwan0".into()));
    assert_eq!(network::read(&board.tree(), Some("ppp7")).interface, None);
}

#[test]
fn a_cable_that_is_pulled_is_no_network_and_an_address_of_the_link_alone_is_none_either() {
    let board = village_pole();
    board.shows(&[
        ("sys/class/net/wwan0/operstate", "down\n"),
        ("sys/class/net/eth0/carrier", "0\n"),
    ]);
    assert_eq!(network::read(&board.tree(), None).up, Some(false));

    let address = |scope: &str| {
        format!(
            "fe80000000000000021122fffe334455 02 40 {scope} 80     eth0\n00000000000000000000000000000001 01 80 10 80       lo\n"
        )
    };
    let link_only = Board::with(&[
        ("proc/net/route", ROUTES),
        ("proc/net/if_inet6", &address("20")),
        ("sys/class/net/eth0/operstate", "up"),
    ]);
    assert_eq!(network::read(&link_only.tree(), None).up, Some(false));
    link_only.shows(&[("proc/net/if_inet6", &address("00"))]);
    assert_eq!(network::read(&link_only.tree(), None).up, Some(true));
}

#[test]
fn a_pole_with_nothing_but_ipv6_finds_its_way_out() {
    let zeros = "00000000000000000000000000000000";
    let routes = format!(
        "{zeros} 00 {zeros} 00 fe80000000000000000000000000abcd 00000400 00000001 00000000 00450003     wlan0\n\
         {zeros} 00 {zeros} 00 {zeros} ffffffff 00000001 00000000 00200200       lo\n"
    );
    let board = Board::with(&[
        ("proc/net/ipv6_route", &routes),
        (
            "proc/net/if_inet6",
            "20010db8000000000000000000000001 02 40 00 80    wlan0\n",
        ),
        ("sys/class/net/wlan0/operstate", "up"),
        ("sys/class/net/wlan0/type", "1"),
        (
            "sys/class/net/wlan0/uevent",
            "DEVTYPE=wlan\nINTERFACE=wlan0\n",
        ),
    ]);
    let line = network::read(&board.tree(), None);
    assert_eq!(line.interface, Some(("wlan0".into(), NetworkKind::Wifi)));
    assert_eq!((line.up, line.traffic), (Some(true), None));
}

#[test]
fn mains_and_battery_are_found_or_named() {
    let board = Board::with(&[
        ("sys/class/power_supply/ac/type", "Mains\n"),
        ("sys/class/power_supply/ac/online", "0\n"),
        ("sys/class/power_supply/pad/type", "Battery\n"),
        ("sys/class/power_supply/pad/scope", "Device\n"),
        ("sys/class/power_supply/pad/capacity", "3\n"),
    ]);
    // Nothing else feeds it, so the socket that shows nothing is not the one it hangs on.
    assert_eq!(power::read(&board.tree(), None, None), Power::default());
    let named = power::read(&board.tree(), Some("ac"), None);
    assert_eq!(named.mains, Some(false));
    board.shows(&[
        ("sys/class/power_supply/ups/type", "Battery\n"),
        ("sys/class/power_supply/ups/capacity", "87\n"),
        ("sys/class/power_supply/ups/voltage_now", "12650000\n"),
    ]);
    let found = Power {
        mains: Some(false),
        battery_percent: Some(87),
        battery_mv: Some(12_650),
    };
    assert_eq!(power::read(&board.tree(), None, None), found);
    board.shows(&[("sys/class/power_supply/ac/online", "1\n")]);
    assert_eq!(power::read(&board.tree(), None, None).mains, Some(true));
    assert_eq!(
        power::read(&board.tree(), Some("gone"), Some("gone")),
        Power::default()
    );
}

#[test]
fn a_command_tells_what_the_kernel_does_not() {
    let (said, wrong) = command::parse(
        "signal_dbm = -87\nsignal_percent=60\r\noperator=Viettel Mobile\ncell=452-04-1A2B\n\nmains=no\nbattery_percent=\nbattery_mv=12650\nkind=cellular\n",
    );
    assert_eq!(wrong, None);
    assert_eq!(
        said,
        Said {
            kind: Some(NetworkKind::Cellular),
            signal_dbm: Some(-87),
            signal_percent: Some(60),
            operator: Some("Viettel Mobile".into()),
            cell: Some("452-04-1A2B".into()),
            mains: Some(false),
            battery_percent: None,
            battery_mv: Some(12_650),
        }
    );
}

#[test]
fn a_line_that_makes_no_sense_is_named_and_the_others_count() {
    for line in [
        "singal_dbm=-87",
        "signal_percent=101",
        "mains=maybe",
        "hello",
        "signal_dbm=-9999999999",
    ] {
        let (said, wrong) = command::parse(&format!("{line}\nbattery_mv=5"));
        assert_eq!(said.battery_mv, Some(5));
        assert!(wrong.is_some_and(|wrong| wrong.contains(line)), "{line}");
    }
}

fn shell(script: &str) -> Vec<String> {
    ["/bin/sh", "-c", script].map(String::from).to_vec()
}

#[test]
fn a_command_is_run_without_a_shell_and_its_failures_are_told_in_words() {
    let echo = ["/bin/echo", "cell=$HOME; *"].map(String::from);
    assert_eq!(command::run(&echo, 10), Ok("cell=$HOME; *\n".into()));
    assert_eq!(command::run(&[], 10), Ok(String::new()));
    for (wrong, told) in [
        (vec!["/nowhere/modem".to_owned()], "cannot be started"),
        (shell("exit 3"), "failed"),
        (shell("kill -9 $$"), "failed"),
    ] {
        let error = command::run(&wrong, 10).expect_err("it fails");
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn a_command_that_hangs_ends_with_all_it_started_and_one_that_talks_too_much_is_cut() {
    let began_us = clock::mono_us();
    let error = command::run(&shell("sleep 60 & sleep 60"), 1).expect_err("it hangs");
    assert!(error.contains("within 1 s"), "{error}");
    // It leaves somebody behind who holds its output open: nobody waits for that.
    let left = command::run(&shell("sleep 60 & echo mains=yes"), 10);
    assert_eq!(left, Ok("mains=yes\n".into()));
    assert!(clock::mono_us() - began_us < 30_000_000);
    let endless = command::run(&shell("yes | head -c 60000"), 10).expect("it ends");
    assert_eq!(endless.len(), 4_096);
    assert!(command::run(&shell("yes"), 1).is_err());
}

#[test]
fn readings_come_by_themselves_and_mains_that_go_bring_one_at_once() {
    let board = village_pole();
    let supply = |online| {
        [
            ("sys/class/power_supply/ac/type", "Mains\n"),
            ("sys/class/power_supply/ac/online", online),
        ]
    };
    board.shows(&supply("1\n"));
    let sensors = Sensors {
        root: board.folder.path().into(),
        mains_supply: Some("ac".into()),
        modem_command: shell("echo cell=452-04-1A2B"),
        ..Sensors::default()
    };
    let mut readings = super::start(sensors, Path::new("/")).expect("a thread");
    let mut next = || match readings.blocking_recv() {
        Some(Input::Machine(machine)) => machine,
        other => panic!("a reading, not {other:?}"),
    };
    let first = next();
    assert_eq!(first.uptime_s, Some(350_735));
    assert!(first.disk_total_bytes.is_some_and(|bytes| bytes > 0));
    let network = first.network.clone().expect("a network");
    assert_eq!(network.cell.as_deref(), Some("452-04-1A2B"));
    assert_eq!(first.power.expect("power").mains, Some(true));
    // Long before the next measurement is due.
    let began_us = clock::mono_us();
    board.shows(&supply("0\n"));
    assert_eq!(next().power.expect("power").mains, Some(false));
    assert!(clock::mono_us() - began_us < 20_000_000);
}

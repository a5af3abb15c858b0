//! Thousands of poles at once.

use loa_tests::process::{
    Broker, Village,
    figures::{Figure, Goal, largest, summary},
    measure::{
        crowd::{come_back, cost_in_clear, cost_of_tls, enrol_all},
        statuses::Crowd,
    },
};

/// Raises the rate until the office no longer keeps up with it.
pub(super) fn statuses() -> Vec<Figure> {
    // In clear, as in the earlier rounds, so that the figures can be compared; what TLS adds is `tls`'s business.
    let village = Village::in_clear(0);
    let mut crowd = Crowd::gather(&village, 2_000);
    let mut best = None;
    for offered in [2_500.0, 5_000.0, 10_000.0, 15_000.0] {
        // 20 seconds of it: what is still on its way when the last is sent counts little.
        let flood = crowd.flood(&village, offered, (offered / 100.0) as u64);
        println!(
            "  offered {offered:.0}/s: taken {:.0}/s, office {:.0} % of a core, {:.0} MB, {:.2} kB on disk a document of {} bytes",
            flood.rate, flood.cpu_percent, flood.rss_mb, flood.disk_kb, flood.bytes
        );
        if best
            .is_none_or(|best: loa_tests::process::measure::statuses::Flood| flood.rate > best.rate)
        {
            best = Some(flood);
        }
        if flood.rate < offered * 0.9 {
            break;
        }
    }
    let best = best.expect("there was a flood");
    vec![
        Figure {
            name: "status_rate",
            value: best.rate,
            unit: "1/s",
            goal: Goal::AtLeast(2_000.0),
            n: best.documents,
            how: "status documents of 2,000 speakers through the embedded broker, each acknowledged, until the last of each \
                  is in SQLite; broker, office and the speakers share this machine"
                .into(),
        },
        Figure {
            name: "status_cpu_pct",
            value: best.cpu_percent,
            unit: "%",
            goal: Goal::Told,
            n: best.documents,
            how: "user and system time of the controller, broker included, of one core, at status_rate".into(),
        },
        Figure {
            name: "status_disk_kb",
            value: best.disk_kb,
            unit: "kB",
            goal: Goal::Told,
            n: best.documents,
            how: "written to storage by the controller for each status document at status_rate".into(),
        },
    ]
}

pub(super) fn tls() -> Vec<Figure> {
    const POLES: usize = 2_000;
    let clear = cost_in_clear(&Village::in_clear(0), POLES);
    let village = Village::of_office(Broker::Embedded, 0);
    let identities = enrol_all(&village, POLES);
    let tls = cost_of_tls(&village, &identities);
    println!("  in clear: {clear:?}; over TLS: {tls:?}");
    let figure = |name, value, unit, how: &str| Figure {
        name,
        value,
        unit,
        goal: Goal::Told,
        n: POLES,
        how: how.into(),
    };
    vec![
        figure(
            "tls_memory_kb",
            tls.memory_kb,
            "kB",
            "growth of the controller's resident memory for each of 2,000 connected, silent poles with certificates",
        ),
        figure(
            "tls_memory_ratio",
            tls.memory_kb / clear.memory_kb,
            "",
            "tls_memory_kb over the same in clear",
        ),
        figure(
            "tls_cpu_ms",
            tls.cpu_ms,
            "ms",
            "user and system time of the controller for each pole that comes in over TLS",
        ),
        figure(
            "tls_cpu_ratio",
            tls.cpu_ms / clear.cpu_ms,
            "",
            "tls_cpu_ms over the same in clear",
        ),
    ]
}

pub(super) fn reconnect() -> Vec<Figure> {
    const POLES: usize = 2_000;
    const JITTER_S: u16 = 30;
    let mut village = Village::of_office(Broker::Embedded, JITTER_S);
    let identities = enrol_all(&village, POLES);
    let came = come_back(&mut village, &identities, JITTER_S);
    println!(
        "{}",
        summary("back after the restart", "s", &came.after_restart_s)
    );
    println!(
        "{}",
        summary("beyond the own jitter", "s", &came.straggled_s)
    );
    vec![
        Figure {
            name: "reconnect_2000_s",
            value: largest(&came.straggled_s),
            unit: "s",
            goal: Goal::AtMost(15.0),
            n: POLES,
            how: "slowest of 2,000 poles with certificates after the office with its broker was killed and started again, by the \
                  agent's own waiting rule with a jitter of 30 s: from its first try that the broker could answer until it was in"
                .into(),
        },
        Figure {
            name: "reconnect_2000_all_s",
            value: largest(&came.after_restart_s),
            unit: "s",
            goal: Goal::Told,
            n: POLES,
            how: "the same from when the broker listened again, the waiting of the jitter (and of tries that came too early) included"
                .into(),
        },
    ]
}

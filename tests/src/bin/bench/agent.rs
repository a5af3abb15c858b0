//! What a pole needs of its board.

use std::time::Duration;

use loa_tests::process::{
    Broker, Output, Village,
    clock::wait_for,
    figures::{Figure, Goal, largest},
    measure::cost::{stripped_mb, watch},
    program::binary,
};
use serde_json::json;

pub(super) fn cost() -> Vec<Figure> {
    let village = Village::start(2, Output::Both, Broker::Embedded);
    let long = village.material(100.0, 1);
    // Something to know and to hold: a daily bulletin, and one that was said.
    let daily =
        json!({"when": {"rrule": "FREQ=DAILY", "start": "2020-01-01T03:00"}, "title": "Hằng ngày"});
    village.say(&long, &daily);
    village.wait_until_all_hold(&long.content);
    let pids: Vec<u32> = village.poles.iter().map(|pole| pole.pid()).collect();
    let minute = Duration::from_secs(60);
    let rest = watch(&pids, minute);
    village.say(&long, &json!({}));
    wait_for("all play", Duration::from_secs(10), || {
        village
            .poles
            .iter()
            .all(|pole| pole.status().is_some_and(|s| s.status.sounding.is_some()))
    });
    let playing = watch(&pids, minute);
    for (output, ((rest_mb, rest_pct), (playing_mb, playing_pct))) in
        ["file", "sink"].iter().zip(rest.iter().zip(&playing))
    {
        println!(
            "  {output}: at rest {rest_mb:.1} MB, {rest_pct:.2} % CPU; playing {playing_mb:.1} MB, {playing_pct:.2} % CPU"
        );
    }
    let worse = |values: Vec<f64>| largest(&values);
    vec![
        Figure {
            name: "agent_rss_mb",
            value: worse(rest.iter().map(|(mb, _)| *mb).collect()),
            unit: "MB",
            goal: Goal::AtMost(25.0),
            n: 120,
            how: "largest VmRSS in 60 s at rest, connected, with a programme; the worse of WAV and PulseAudio output".into(),
        },
        Figure {
            name: "agent_playing_cpu_pct",
            value: worse(playing.iter().map(|(_, pct)| *pct).collect()),
            unit: "%",
            goal: Goal::AtMost(5.0),
            n: 2,
            how: "user and system time of one core over 60 s of playing; the worse of WAV and PulseAudio output".into(),
        },
    ]
}

pub(super) fn size() -> Vec<Figure> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    vec![Figure {
        name: "agent_binary_size_mb",
        value: stripped_mb(&binary("loa-agent"), folder.path()),
        unit: "MB",
        goal: Goal::AtMost(15.0),
        n: 1,
        how: "size of a copy of the release binary after `strip`".into(),
    }]
}

//! The power fails, again and again, at any instant: nothing that was written is lost, nothing sounds twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use loa_protocol::{event::What, playout::Outcome};
use loa_tests::process::{
    Broker, Output, Village,
    chance::Chance,
    clock::{now_us, wait_for, wait_for_time},
    journal::{self, OfficeEvent, PoleJournal},
    pole::Pole,
    recording::pieces_by_file_name,
    village::{Material, civil_time_in},
};
use serde_json::json;

const KILLS: usize = 300;
const POLES: usize = 3;
/// Starts of one bulletin, a second apart.
const STRETCH: usize = 10;

#[test]
fn three_hundred_power_cuts_lose_no_row_and_begin_nothing_twice() {
    let mut chance = Chance::printed();
    let mut village = Village::start(POLES, Output::Wav, Broker::Embedded);
    let short = village.material(0.3, chance.draw());
    let fresh: Vec<Material> = (0..10)
        .map(|_| village.material(2.0, chance.draw()))
        .collect();
    let mut planned = BTreeMap::new();
    // Every second on all poles, for longer than the cuts will take.
    let mut starts = Vec::new();
    for start_s in (4..124).step_by(STRETCH) {
        let (at, first_us) = civil_time_in(start_s);
        let repeat = json!({"times": STRETCH, "every_s": 1});
        let (bulletin, _) = village.say(&short, &json!({"when": {"at": at}, "repeat": repeat}));
        starts.push((bulletin.clone(), first_us));
        planned.insert(bulletin, STRETCH);
    }
    let kills = cut_power(&mut village, &mut chance, &fresh, &mut planned);
    // What would begin when the last cut is long over shows nothing more.
    for (bulletin, first_us) in starts {
        if first_us > now_us() + 3_000_000 {
            village.cancel(&bulletin);
            planned.remove(&bulletin);
        }
    }
    println!("kills on each pole: {kills:?}");
    assert_eq!(kills.iter().sum::<usize>(), KILLS);

    for (bulletin, count) in &planned {
        village.wait_for_outcomes(bulletin, count * POLES, Duration::from_secs(180));
    }
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for (index, kills) in kills.into_iter().enumerate() {
        let pole = &village.poles[index];
        wait_for(
            "everything is acknowledged",
            Duration::from_secs(30),
            || journal::of_pole(&pole.data_dir()).events.is_empty(),
        );
        village.poles[index].stop();
        let pole = &village.poles[index];
        let journal = journal::of_pole(&pole.data_dir());
        let events = journal::at_office(&village.office.data_dir(), &pole.id);
        the_store_is_whole(&journal, kills);
        nothing_is_lost(&journal, &events);
        nothing_began_twice(pole, &journal, &events);
        everything_is_accounted_for(&journal, &planned);
        for row in &journal.ledger {
            let (outcome, reason) = row.playout.outcome.unwrap().words();
            *outcomes
                .entry(format!("{outcome} {}", reason.unwrap_or_default()))
                .or_default() += 1;
        }
    }
    println!("{outcomes:?}");
    assert!(outcomes.contains_key("completed "), "some sounded whole");
    assert!(
        outcomes.contains_key("interrupted power_cut"),
        "some cuts were in the middle of a bulletin"
    );
}

/// Kills each agent 50 to 600 ms after its last start, one in ten after up to 2.5 s, over and over, and gives how often each
/// died. Now and then says something with new audio, so that downloads are cut too.
fn cut_power(
    village: &mut Village,
    chance: &mut Chance,
    fresh: &[Material],
    planned: &mut BTreeMap<String, usize>,
) -> Vec<usize> {
    let mut due: Vec<i64> = (0..POLES)
        .map(|_| now_us() + 1_000 * chance.between(50, 600) as i64)
        .collect();
    let mut kills = vec![0; POLES];
    let mut fresh = fresh.iter();
    for kill in 1..=KILLS {
        let pole = (0..POLES)
            .min_by_key(|pole| due[*pole])
            .expect("there are poles");
        wait_for_time(due[pole]);
        assert!(village.poles[pole].is_running(), "it ended by itself");
        village.poles[pole].kill();
        kills[pole] += 1;
        village.switch_on(pole);
        let most_ms = if kill % 10 == 0 { 2_500 } else { 600 };
        due[pole] = now_us() + 1_000 * chance.between(50, most_ms) as i64;
        if kill % 25 == 0
            && let Some(material) = fresh.next()
        {
            let (bulletin, _) = village.say(
                material,
                &json!({"title": format!("Sau {kill} lần mất điện")}),
            );
            planned.insert(bulletin, 1);
        }
    }
    kills
}

fn the_store_is_whole(journal: &PoleJournal, kills: usize) {
    assert_eq!(journal.integrity, "ok");
    assert!(journal.put_aside.is_empty(), "{:?}", journal.put_aside);
    // A start that is cut before it has opened the store does not count as one.
    assert!(
        (1..=kills as u64 + 1).contains(&journal.boots),
        "{} runs, {kills} kills",
        journal.boots
    );
}

/// The office has every event once, from the one and only store, and the ledger says what the events said.
fn nothing_is_lost(journal: &PoleJournal, events: &[OfficeEvent]) {
    assert!(
        events.iter().all(|event| event.store == journal.store),
        "a second store: the first was lost"
    );
    let numbers: Vec<u64> = events.iter().map(|event| event.number).collect();
    assert_eq!(
        numbers,
        (1..=journal.last_event).collect::<Vec<_>>(),
        "no hole, none twice"
    );
    assert!(journal.events.is_empty(), "acknowledged, so forgotten");
    let rows: BTreeMap<_, _> = journal
        .ledger
        .iter()
        .map(|row| (&row.playout.id, &row.playout))
        .collect();
    for event in events {
        let (What::Started { playout } | What::Ended { playout } | What::Suspended { playout, .. }) =
            &event.what
        else {
            continue;
        };
        let row = rows
            .get(&playout.id)
            .unwrap_or_else(|| panic!("event {}: no row for {:?}", event.number, playout.id));
        if matches!(event.what, What::Ended { .. }) {
            assert_eq!(row.outcome, playout.outcome, "{:?}", playout.id);
        }
    }
}

/// By the recordings, by the events, and by the ledger.
fn nothing_began_twice(pole: &Pole, journal: &PoleJournal, events: &[OfficeEvent]) {
    let mut recorded: BTreeMap<String, usize> = BTreeMap::new();
    for (playout, piece) in pieces_by_file_name(&pole.wav_dir()) {
        assert_eq!(piece, 0, "nothing cut anything: {playout}");
        *recorded.entry(playout).or_default() += 1;
    }
    let rows: BTreeSet<String> = journal
        .ledger
        .iter()
        .map(|row| {
            let id = &row.playout.id;
            format!(
                "{}_a{}",
                id.occurrence.to_string().replace('/', "_"),
                id.attempt
            )
        })
        .collect();
    for (playout, times) in &recorded {
        assert_eq!(*times, 1, "{playout} sounded {times} times on {}", pole.id);
        assert!(rows.contains(playout), "{playout} sounded without a row");
        assert!(
            playout.ends_with("_a0"),
            "an ordinary bulletin has one attempt: {playout}"
        );
    }
    let mut started = BTreeSet::new();
    for event in events {
        if let What::Started { playout } = &event.what {
            assert!(
                started.insert(playout.id.clone()),
                "{:?} began twice",
                playout.id
            );
        }
    }
}

/// Each occurrence of each bulletin has one row with one outcome.
fn everything_is_accounted_for(journal: &PoleJournal, planned: &BTreeMap<String, usize>) {
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &journal.ledger {
        assert!(
            row.playout.outcome.is_some(),
            "{:?} has no outcome",
            row.playout.id
        );
        *rows
            .entry(row.playout.id.occurrence.bulletin.as_str())
            .or_default() += 1;
    }
    for (bulletin, count) in planned {
        assert_eq!(rows.get(bulletin.as_str()), Some(count), "{bulletin}");
    }
}

#[test]
fn after_a_power_cut_an_emergency_is_said_again_and_an_ordinary_bulletin_is_not() {
    let mut village = Village::start(1, Output::Wav, Broker::Embedded);
    let material = village.material(4.0, 1);
    for (priority, attempts) in [("ordinary", 1), ("emergency", 2)] {
        let (bulletin, _) = village.say(&material, &json!({"priority": priority}));
        wait_for("it sounds", Duration::from_secs(20), || {
            village.poles[0].recordings_of(&bulletin).len() == 1
        });
        wait_for_time(village.poles[0].recordings_of(&bulletin)[0].note.start_us + 1_000_000);
        village.poles[0].kill();
        village.switch_on(0);
        let mut rows = village.wait_for_outcomes(&bulletin, attempts, Duration::from_secs(30));
        rows.sort_by_key(|row| row.attempt);
        assert_eq!(rows.len(), attempts, "{rows:?}");
        assert_eq!(rows[0].reason.as_deref(), Some("power_cut"), "{rows:?}");
        if let Some(again) = rows.get(1) {
            assert_eq!(
                (again.attempt, again.outcome.as_deref()),
                (1, Some("completed"))
            );
        }
        assert_eq!(village.poles[0].recordings_of(&bulletin).len(), attempts);
    }
    village.poles[0].stop();
    let journal = journal::of_pole(&village.poles[0].data_dir());
    let is_cut = |outcome: Outcome| outcome.words() == ("interrupted", Some("power_cut"));
    assert_eq!(
        journal
            .ledger
            .iter()
            .filter(|row| is_cut(row.playout.outcome.unwrap()))
            .count(),
        2
    );
}

//! Was it heard? By the hundred, with noises, echoes, wrong sounds and broken horns; each failure names its seed.

use loa_audio::hearing::{
    CLEAR, Decimator, Found, Matcher, RATE, Settings, Verdict,
    air::{Chance, Noise, add_noise, arriving, crackle, drifted, horn, music, paths, speech},
    amplitude, chirp, decimated,
};

/// Sends and hears as the agent does, in blocks of 50 ms; what was heard is stamped with an error of `jitter_us`.
fn listen(sent: &[f32], heard: &[f32], least: u32, jitter_us: f32, chance: &mut Chance) -> Found {
    const BLOCK: usize = RATE as usize / 20;
    const BLOCK_US: u64 = 50_000;
    let begin_us = 10_000_000;
    let mut matcher = Matcher::new(Settings::default());
    matcher.began((), least);
    let blocks = (sent.len().max(heard.len()) / BLOCK) as u64 + 130;
    for n in 0..blocks {
        let now_us = begin_us + n * BLOCK_US;
        let part = |all: &[f32]| -> Vec<f32> {
            let from = n as usize * BLOCK;
            all.get(from..(from + BLOCK).min(all.len()))
                .unwrap_or_default()
                .to_vec()
        };
        match part(sent) {
            piece if !piece.is_empty() => matcher.sent(&piece, now_us),
            _ => matcher.over(),
        }
        let mut piece = part(heard);
        if !heard.is_empty() {
            // The microphone goes on after the sound.
            piece.resize(BLOCK, 0.0);
            let off = chance.sample() * jitter_us;
            matcher.heard(&piece, now_us.saturating_add_signed(off as i64));
        }
        if let Some(((), found)) = matcher.poll(now_us + BLOCK_US).pop() {
            return found;
        }
    }
    panic!("it is told in time");
}

fn tail(frames: &mut Vec<f32>) {
    frames.extend(std::iter::repeat_n(0.0, 3 * RATE as usize));
}

/// A playout as a microphone at 10 dB of signal to noise hears it.
fn through_the_air(sent: &[f32], db: f32, kind: Noise, chance: &mut Chance) -> Vec<f32> {
    let mut heard = arriving(&horn(sent, RATE), &paths(chance), RATE);
    let noise = kind.make(heard.len(), RATE, chance);
    add_noise(&mut heard, &noise, db);
    heard
}

fn material(n: u64, seconds: f32, chance: &mut Chance) -> Vec<f32> {
    match n % 4 {
        0 => music(seconds, RATE, chance),
        _ => speech(seconds, RATE, chance),
    }
}

#[test]
fn at_ten_decibels_of_signal_to_noise_everything_is_heard() {
    let (mut wrong, mut faintest) = (Vec::new(), f32::MAX);
    for seed in 0..150 {
        let chance = &mut Chance::new(seed);
        let seconds = chance.between(3.0, 9.0);
        let sent = material(seed, seconds, chance);
        let kind = Noise::ALL[seed as usize % 3];
        let heard = through_the_air(&sent, 10.0, kind, chance);
        let found = listen(&sent, &heard, 3, 2_000.0, chance);
        faintest = faintest.min(found.clarity_centi.unwrap_or(0) as f32 / 100.0);
        if found.verdict() != Verdict::Heard {
            wrong.push((seed, kind, seconds, found));
        }
    }
    println!("faintest clarity {faintest}, bound {CLEAR}");
    assert!(wrong.is_empty(), "{} wrong: {wrong:?}", wrong.len());
}

#[test]
fn silence_a_wrong_sound_and_a_broken_horn_are_not_heard() {
    let (mut wrong, mut clearest) = (Vec::new(), 0.0_f32);
    for seed in 0..200 {
        let chance = &mut Chance::new(1_000 + seed);
        let seconds = chance.between(3.0, 9.0);
        let sent = material(seed, seconds, chance);
        let frames = sent.len() + RATE as usize;
        let heard = match seed % 4 {
            0 => Noise::ALL[(seed / 4) as usize % 3].make(frames, RATE, chance),
            1 => {
                let other = speech(seconds + 1.0, RATE, chance);
                through_the_air(&other, 20.0, Noise::White, chance)
            }
            2 => {
                let other = music(seconds + 1.0, RATE, chance);
                through_the_air(&other, 20.0, Noise::Street, chance)
            }
            _ => crackle(frames, 0.01, chance),
        };
        let found = listen(&sent, &heard, 3, 2_000.0, chance);
        clearest = clearest.max(found.clarity_centi.unwrap_or(0) as f32 / 100.0);
        if found.verdict() != Verdict::NotHeard {
            wrong.push((seed, found));
        }
    }
    println!("clearest {clearest}, bound {CLEAR}");
    assert!(wrong.is_empty(), "{} wrong: {wrong:?}", wrong.len());
}

#[test]
fn a_working_microphone_that_gives_only_zeroes_hears_nothing() {
    let chance = &mut Chance::new(7);
    let sent = speech(5.0, RATE, chance);
    let found = listen(&sent, &vec![0.0; sent.len()], 3, 0.0, chance);
    assert_eq!(found.verdict(), Verdict::NotHeard, "{found:?}");
    assert_eq!(found.clarity_centi, Some(0));
    // Nor one that gives its own offset and nothing else.
    let found = listen(&sent, &vec![0.01; sent.len()], 3, 0.0, chance);
    assert_eq!(found.verdict(), Verdict::NotHeard, "{found:?}");
    // Heard perfectly, but a hundred decibels down: that is the cable, not the horn.
    let leak: Vec<f32> = sent.iter().map(|f| f * 1e-4).collect();
    assert_eq!(
        listen(&sent, &leak, 3, 0.0, chance).verdict(),
        Verdict::NotHeard
    );
}

#[test]
fn nothing_is_said_where_nothing_can_be_said() {
    let chance = &mut Chance::new(8);
    let sent = speech(5.0, RATE, chance);
    assert_eq!(listen(&sent, &[], 3, 0.0, chance).verdict(), Verdict::Deaf);
    let short = speech(1.2, RATE, chance);
    assert_eq!(
        listen(&short, &short, 3, 0.0, chance).verdict(),
        Verdict::TooShort
    );
    // A steady tone is the same at every delay.
    let tone: Vec<f32> = (0..5 * RATE)
        .map(|n| 0.3 * (n as f32 * 0.5).sin())
        .collect();
    assert_eq!(
        listen(&tone, &tone, 3, 0.0, chance).verdict(),
        Verdict::TooShort
    );
}

#[test]
fn the_delay_is_found_to_the_millisecond() {
    for seed in 0..30 {
        let chance = &mut Chance::new(2_000 + seed);
        let sent = speech(4.0, RATE, chance);
        let delay = chance.between(0.0, 1.5);
        let mut heard = arriving(&sent, &[(delay, 0.2), (delay + 0.3, 0.1)], RATE);
        let noise = Noise::Street.make(heard.len(), RATE, chance);
        add_noise(&mut heard, &noise, 10.0);
        let found = listen(&sent, &heard, 3, 0.0, chance);
        let off_ms = (found.delay_us.expect("heard") as f32 / 1_000.0) - delay * 1_000.0;
        assert!(
            off_ms.abs() < 1.0,
            "seed {seed}: off by {off_ms} ms, {found:?}"
        );
    }
}

#[test]
fn clocks_that_drift_apart_do_no_harm() {
    for (seed, ppm) in [
        (1, 100.0),
        (2, -200.0),
        (3, 500.0),
        (4, -3_300.0),
        (5, 3_300.0),
    ] {
        let chance = &mut Chance::new(3_000 + seed);
        let sent = speech(8.0, RATE, chance);
        let heard = through_the_air(&sent, 10.0, Noise::Babble, chance);
        let found = listen(&sent, &drifted(&heard, ppm), 3, 2_000.0, chance);
        println!("{ppm} ppm: {found:?}");
        assert_eq!(
            found.verdict(),
            Verdict::Heard,
            "seed {seed}, {ppm} ppm: {found:?}"
        );
    }
}

#[test]
fn a_horn_that_dies_early_was_not_heard() {
    let chance = &mut Chance::new(4_000);
    let sent = speech(24.0, RATE, chance);
    let mut heard = through_the_air(&sent, 20.0, Noise::White, chance);
    heard.truncate(6 * RATE as usize);
    heard.extend((0..20 * RATE).map(|_| 0.001 * chance.sample()));
    let found = listen(&sent, &heard, 3, 0.0, chance);
    assert_eq!(found.verdict(), Verdict::NotHeard, "{found:?}");
    assert!(found.heard >= 1, "the beginning was: {found:?}");
}

#[test]
fn a_neighbour_with_the_same_chime_does_not_speak_for_a_broken_horn() {
    for seed in 0..20 {
        let chance = &mut Chance::new(5_000 + seed);
        let chime = music(1.5, RATE, chance);
        let with = |bulletin: Vec<f32>| [chime.clone(), bulletin].concat();
        let sent = with(speech(14.0, RATE, chance));
        let other = with(speech(14.0, RATE, chance));
        let heard = through_the_air(&other, 20.0, Noise::Street, chance);
        let found = listen(&sent, &heard, 3, 0.0, chance);
        assert_eq!(found.verdict(), Verdict::NotHeard, "seed {seed}: {found:?}");
    }
}

#[test]
fn the_chirp_is_heard_far_below_the_noise_and_never_where_it_is_not() {
    let sent = decimated(&chirp(amplitude(-30.0)));
    for kind in Noise::ALL {
        for db in [20.0, 10.0, 0.0, -5.0] {
            for seed in 0..8 {
                let chance = &mut Chance::new(6_000 + seed);
                let mut long = sent.clone();
                tail(&mut long);
                let mut heard = arriving(&sent, &paths(chance), RATE);
                // Noise before and after it, too.
                let noise = kind.make(heard.len(), RATE, chance);
                add_noise(&mut heard, &noise, db);
                let found = listen(&sent, &heard, 2, 1_000.0, chance);
                assert_eq!(
                    found.verdict(),
                    Verdict::Heard,
                    "{kind:?} {db} dB, seed {seed}: {found:?}"
                );
                let noise = kind.make(long.len(), RATE, chance);
                let found = listen(&sent, &noise, 2, 1_000.0, chance);
                assert_eq!(
                    found.verdict(),
                    Verdict::NotHeard,
                    "{kind:?} alone, seed {seed}: {found:?}"
                );
            }
        }
    }
}

#[test]
fn forty_eight_kilohertz_in_uneven_pieces_come_to_the_same() {
    let chance = &mut Chance::new(9);
    let sent = speech(4.0, 48_000, chance);
    let (mut out, mut decimator) = (Vec::new(), Decimator::default());
    for piece in sent.chunks(1_111) {
        decimator.push(piece, &mut |f| out.push(f));
    }
    let found = listen(&out, &decimated(&sent), 3, 0.0, chance);
    assert_eq!(found.verdict(), Verdict::Heard);
    assert!(found.delay_us.is_some_and(|us| us.abs() < 500), "{found:?}");
}

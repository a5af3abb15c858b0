//! `loa-agent test-sound`: a chime through the configured output, now, without an agent.

use std::{
    sync::{Arc, mpsc::sync_channel},
    time::Duration,
};

use loa_protocol::{
    bulletin::Chime,
    content::Sha,
    playout::{OccurrenceId, PlayoutId},
};

use super::{
    deck::Piece,
    feed::{Feed, FeedSpec},
    output::{Output, OutputError},
    tap::{SharedDeck, Tap},
};
use crate::{
    clock,
    logic::port::{How, Play, PlaySource, PlayerEvent},
};

/// Time for a device to wake up before the chime.
const WAKE_UP_US: u64 = 500_000;
/// The chime, a device with two seconds of delay, and patience.
const PATIENCE: Duration = Duration::from_secs(10);

/// Plays a chime and waits for its end; tells what sounded, in words.
///
/// # Errors
/// Why nothing sounded.
pub fn test_sound(output: &mut dyn Output) -> Result<String, OutputError> {
    let deck = SharedDeck::default();
    let play = test_play();
    let chime = play.chime;
    let start_us = play.start_mono_us + output.guard_us();
    let spec = FeedSpec {
        chime,
        file: None,
        station: None,
        from_ms: 0,
    };
    let feed = Feed::spawn(spec, || {});
    let play = Arc::new(play);
    deck.lock().arm(
        Piece {
            play,
            feed,
            stream: None,
            start_us,
        },
        clock::mono_us(),
    );
    // One word to hear: look at the deck, or why the output broke.
    let (word, heard) = sync_channel::<Option<String>>(8);
    let broke = word.clone();
    let tap = Tap::new(deck.clone(), Arc::new(move || drop(word.try_send(None))));
    let open = output.open(tap, Arc::new(move |why| drop(broke.try_send(Some(why)))))?;
    let failed = |why: String| OutputError::Silent {
        output: output.describe(),
        why,
    };
    loop {
        match heard.recv_timeout(PATIENCE) {
            Ok(Some(why)) => return Err(failed(why)),
            Ok(None) => {}
            Err(_) => return Err(failed("it takes no sound".into())),
        }
        let ended =
            std::iter::from_fn(|| deck.lock().next_event(u64::MAX)).find_map(|event| match event {
                PlayerEvent::Ended { how, .. } => Some(how),
                _ => None,
            });
        match ended {
            None => {}
            Some(How::Finished) => break,
            Some(how) => return Err(failed(format!("{how:?}"))),
        }
    }
    // What a device has taken is heard only after its delay.
    clock::sleep_until_mono_us(clock::mono_us() + WAKE_UP_US);
    drop(open);
    let seconds = chime.duration_ms() as f64 / 1_000.0;
    Ok(format!(
        "the chime `rise` ({seconds:.1} s) on {}",
        output.describe()
    ))
}

fn test_play() -> Play {
    let now = clock::reading();
    let start = now.system.plus_us(WAKE_UP_US.cast_signed());
    let occurrence = OccurrenceId {
        bulletin: "test-sound"
            .parse()
            .expect("letters and a dash make a name"),
        date: jiff::tz::TimeZone::UTC
            .to_datetime(start.timestamp())
            .date(),
        index: 0,
        repeat: 0,
    };
    Play {
        playout: PlayoutId {
            occurrence,
            attempt: 0,
        },
        piece: 0,
        title: "test-sound".into(),
        source: PlaySource::Content(Sha([0; 32])),
        chime: Chime::Rise,
        from_ms: 0,
        start_mono_us: now.mono_us + WAKE_UP_US,
        planned: start,
        start,
        volume: 80,
        until_ms: u64::MAX,
    }
}

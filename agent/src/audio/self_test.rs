//! `loa-agent self-test`: the chirp through the configured output, and what the configured microphone heard of it.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use loa_audio::hearing::{CLEAR, Found, Verdict, amplitude};
use tokio::sync::mpsc::Receiver;

use super::{listener, output::Output, player::Player};
use crate::{
    clock,
    config::Config,
    logic::port::{How, Input, PlayerCommand, PlayerEvent, self_test as the_test},
};

/// Time for the output and the microphone to wake up before the chirp.
const WAKE_UP_US: u64 = 2_200_000;
/// Waking up, the chirp, the slowest echo, and patience.
const PATIENCE: Duration = Duration::from_secs(20);
const NUMBER: u32 = 1;

/// Sounds the chirp as the running program would, and gives what was heard of it.
///
/// # Errors
/// Why nothing can be said, in words.
pub fn self_test(output: Box<dyn Output>, config: &Config) -> Result<Found, String> {
    let listening = listener::start(&config.microphone).map_err(|e| e.to_string())?;
    let Some((ear, inputs)) = listening else {
        return Err("nothing listens: set [microphone] in the configuration".into());
    };
    let suspect = Box::new(|_| {});
    let (player, events) =
        Player::start_heard_by(output, config.data_dir.clone(), suspect, Some(ear), None)
            .map_err(|e| e.to_string())?;
    let command = PlayerCommand::SelfTest {
        number: NUMBER,
        start_mono_us: clock::mono_us() + WAKE_UP_US,
        amplitude: amplitude(config.microphone.self_test_dbfs as f32),
    };
    player.send(command);
    let found = wait(events, inputs);
    player.quit();
    found
}

/// The word of the listener, or why there will be none. Both receivers are read by threads of their own, which end with
/// the player and the listener.
fn wait(mut events: Receiver<PlayerEvent>, mut inputs: Receiver<Input>) -> Result<Found, String> {
    let (word, heard) = sync_channel::<Result<Found, String>>(8);
    let from_player = word.clone();
    std::thread::spawn(move || {
        while let Some(event) = events.blocking_recv() {
            if let PlayerEvent::Ended { how, .. } = event {
                match how {
                    How::Failed { detail, .. } => drop(from_player.try_send(Err(detail))),
                    How::Replaced | How::Stopped => {
                        drop(from_player.try_send(Err("the chirp was cut".into())));
                    }
                    How::Finished | How::LimitReached | How::Starved => {}
                }
            }
        }
    });
    std::thread::spawn(move || {
        let mut trouble = None;
        while let Some(input) = inputs.blocking_recv() {
            match input {
                Input::EarTrouble { why } => trouble = why,
                Input::Listened { playout, found, .. } if playout == the_test() => {
                    let deaf = trouble.clone().filter(|_| found.verdict() == Verdict::Deaf);
                    drop(word.try_send(deaf.map_or(Ok(found), Err)));
                }
                _ => {}
            }
        }
    });
    match heard.recv_timeout(PATIENCE) {
        Ok(found) => found,
        Err(RecvTimeoutError::Timeout) => Err("the listener did not answer".into()),
        Err(RecvTimeoutError::Disconnected) => Err("the player ended".into()),
    }
}

/// What was found, for the person at the pole.
pub fn words(found: &Found) -> String {
    let clarity = found.clarity_centi.unwrap_or(0) as f32 / 100.0;
    match (found.verdict(), found.clarity_centi) {
        (Verdict::Heard, None) => "Heard: the command says that it sounded.".into(),
        (Verdict::NotHeard, None) => "NOT heard: the command says that nothing sounded.".into(),
        (Verdict::Heard, Some(_)) => format!(
            "Heard: clarity {clarity:.1} (heard from {CLEAR}), {:.1} ms after it left the output.",
            found.delay_us.unwrap_or(0) as f32 / 1_000.0
        ),
        (Verdict::NotHeard, Some(_)) => format!(
            "NOT heard: clarity {clarity:.1} (heard from {CLEAR}). Is the amplifier on, the horn connected, the microphone near it?"
        ),
        (Verdict::TooShort | Verdict::Deaf, _) => {
            "Nothing can be said: the microphone gave no sound.".into()
        }
    }
}

//! The thread that listens: opens the microphone (or reads the amplifier) while something sounds, compares, and tells what
//! came of each piece. It never keeps the player or the loop waiting: both only leave word for it.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    time::Duration,
};

use loa_audio::hearing::{Found, Matcher, Settings, amplitude};
use loa_protocol::playout::PlayoutId;
use tokio::sync::mpsc;

use super::{
    microphone::Microphone,
    reference::{Note, Reference},
};
use crate::{
    clock,
    config::{self, MicrophoneKind},
    logic::port::{Input, self_test},
    sensors::command,
};

/// Words that may wait; each only says that the output opened or closed, and the thread looks for itself.
const QUEUE: usize = 16;
/// Inputs that may wait for the loop; the thread waits then.
const INPUTS: usize = 16;
/// Between two looks while something sounds, and while nothing does.
const PACE: Duration = Duration::from_millis(100);
const IDLE: Duration = Duration::from_secs(3_600);
/// Between two tries to open a microphone.
const RETRY_US: u64 = 2_000_000;
/// Half seconds without which nothing is said: 1.5 s of a playout. The self-test is two.
pub const LEAST: u32 = 3;
const LEAST_TEST: u32 = 2;
/// A reading of the amplifier: so long after the beginning, and then again and again. Of the self-test, at once.
const FIRST_READING_US: u64 = 1_000_000;
const FIRST_READING_TEST_US: u64 = 300_000;
const READ_EVERY_US: u64 = 10_000_000;

enum Word {
    /// The output is open: something sounds, or is about to.
    Opened,
    Closed,
}

/// The player's end: it leaves word, and its output leaves what it sounds.
#[derive(Clone, Debug)]
pub struct Ear {
    words: SyncSender<Word>,
    reference: Reference,
}

impl Ear {
    pub fn reference(&self) -> Reference {
        self.reference.clone()
    }
    pub fn output_opened(&self) {
        // A full queue wakes the listener as well as this would.
        let _ = self.words.try_send(Word::Opened);
    }
    pub fn output_closed(&self) {
        self.reference.end();
        let _ = self.words.try_send(Word::Closed);
    }
}

/// Starts the thread, where anything is set to listen. It ends with the last [`Ear`], or soon after.
///
/// # Errors
/// When the system gives no thread.
pub fn start(config: &config::Microphone) -> std::io::Result<Option<(Ear, mpsc::Receiver<Input>)>> {
    if config.kind == MicrophoneKind::None {
        return Ok(None);
    }
    let (words, inbox) = sync_channel(QUEUE);
    let (inputs, told) = mpsc::channel(INPUTS);
    let reference = Reference::default();
    let work = Work {
        config: config.clone(),
        reference: reference.clone(),
        inputs,
        trouble: None,
    };
    let is_microphone = config.kind == MicrophoneKind::Device;
    std::thread::Builder::new()
        .name("loa-ear".into())
        .stack_size(512 * 1024)
        .spawn(move || {
            if is_microphone {
                work.listen(&inbox);
            } else {
                work.read(&inbox);
            }
        })?;
    Ok(Some((Ear { words, reference }, told)))
}

struct Work {
    config: config::Microphone,
    reference: Reference,
    inputs: mpsc::Sender<Input>,
    trouble: Option<String>,
}

type Key = (PlayoutId, u32);

/// What compares, as the configuration wants it.
pub fn matcher<K>(config: &config::Microphone) -> Matcher<K> {
    Matcher::new(Settings {
        quietest: amplitude(config.quietest_dbfs as f32),
        farthest_us: u64::from(config.farthest_ms) * 1_000,
    })
}

/// What is held only while something sounds.
struct Session {
    matcher: Matcher<Key>,
    microphone: Option<Microphone>,
    retry_at_us: u64,
}

impl Work {
    fn listen(mut self, inbox: &Receiver<Word>) {
        let (mut session, mut is_open) = (None::<Session>, false);
        while self.word(inbox, session.is_some(), &mut is_open) {
            if is_open {
                session.get_or_insert_with(|| self.begin());
            }
            let Some(now) = session.as_mut() else {
                continue;
            };
            self.look_after_microphone(now);
            self.take_in(now);
            for ((playout, piece), found) in now.matcher.poll(clock::mono_us()) {
                self.tell(playout, piece, found);
            }
            if !is_open && !now.matcher.is_busy() {
                // Closes the microphone.
                session = None;
            }
        }
    }

    /// Waits for a word or for time to pass; `false` when nobody is left to give one.
    fn word(&self, inbox: &Receiver<Word>, is_busy: bool, is_open: &mut bool) -> bool {
        let pace = if is_busy || *is_open { PACE } else { IDLE };
        match inbox.recv_timeout(pace) {
            Ok(Word::Opened) => *is_open = true,
            Ok(Word::Closed) => *is_open = false,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    fn begin(&self) -> Session {
        Session {
            matcher: matcher(&self.config),
            microphone: None,
            retry_at_us: 0,
        }
    }

    fn look_after_microphone(&mut self, session: &mut Session) {
        let now_us = clock::mono_us();
        if session
            .microphone
            .as_ref()
            .is_some_and(Microphone::is_broken)
        {
            session.microphone = None;
            session.retry_at_us = now_us + RETRY_US;
            self.in_trouble(Some("the microphone was lost".into()));
        }
        if session.microphone.is_some() || now_us < session.retry_at_us {
            return;
        }
        match Microphone::open(&self.config) {
            Ok(microphone) => {
                session.microphone = Some(microphone);
                self.in_trouble(None);
            }
            Err(why) => {
                session.retry_at_us = clock::mono_us() + RETRY_US;
                self.in_trouble(Some(why));
            }
        }
    }

    fn take_in(&self, session: &mut Session) {
        let (notes, frames) = self.reference.take();
        let mut rest = &frames[..];
        for note in notes {
            match note {
                Note::Began { playout, piece } => {
                    let is_test = playout == self_test();
                    let least = if is_test { LEAST_TEST } else { LEAST };
                    session.matcher.began((playout, piece), least);
                }
                Note::Frames { first_us, count } => {
                    let (block, later) = rest.split_at(count.min(rest.len()));
                    session.matcher.sent(block, first_us);
                    rest = later;
                }
                Note::Over => session.matcher.over(),
            }
        }
        let Some(microphone) = &session.microphone else {
            return;
        };
        let (blocks, frames) = microphone.take();
        let mut rest = &frames[..];
        for (first_us, count) in blocks {
            let (block, later) = rest.split_at(count.min(rest.len()));
            session.matcher.heard(block, first_us);
            rest = later;
        }
    }

    /// With a program instead of a microphone: now and then while something sounds.
    fn read(mut self, inbox: &Receiver<Word>) {
        let mut is_open = false;
        let mut sounding: Option<(Key, Found, u64)> = None;
        while self.word(inbox, sounding.is_some(), &mut is_open) {
            let now_us = clock::mono_us();
            for note in self.reference.take().0 {
                match note {
                    Note::Began { playout, piece } => {
                        let is_test = playout == self_test();
                        let wait_us = if is_test {
                            FIRST_READING_TEST_US
                        } else {
                            FIRST_READING_US
                        };
                        let before = sounding.replace((
                            (playout, piece),
                            Found::default(),
                            now_us + wait_us,
                        ));
                        self.tell_reading(before);
                    }
                    Note::Frames { .. } => {}
                    Note::Over => {
                        let over = sounding.take();
                        self.tell_reading(over);
                    }
                }
            }
            if let Some((_, found, due_us)) = &mut sounding
                && now_us >= *due_us
            {
                *due_us = now_us + READ_EVERY_US;
                match self.reading() {
                    Ok(is_sounding) => {
                        found.stretches += 1;
                        found.heard += u32::from(is_sounding);
                        self.in_trouble(None);
                    }
                    Err(why) => {
                        found.missed += 1;
                        self.in_trouble(Some(why));
                    }
                }
            }
        }
    }

    fn tell_reading(&self, over: Option<(Key, Found, u64)>) {
        if let Some(((playout, piece), found, _)) = over {
            self.tell(playout, piece, found);
        }
    }

    fn reading(&self) -> Result<bool, String> {
        let output = command::run(&self.config.command, self.config.command_timeout_s)?;
        says_it_sounds(&output, self.config.threshold)
            .ok_or_else(|| "the command prints neither a number nor sounding=yes or no".into())
    }

    fn tell(&self, playout: PlayoutId, piece: u32, found: Found) {
        tracing::debug!(?playout, piece, ?found, "listened");
        // Nobody listens only when the program ends.
        let _ = self.inputs.blocking_send(Input::Listened {
            playout,
            piece,
            found,
        });
    }

    fn in_trouble(&mut self, why: Option<String>) {
        if self.trouble != why {
            self.trouble.clone_from(&why);
            let _ = self.inputs.blocking_send(Input::EarTrouble { why });
        }
    }
}

/// A number, or `sounding=yes` or `sounding=no`, in the first line that is not empty.
fn says_it_sounds(output: &str, threshold: f64) -> Option<bool> {
    let line = output
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())?;
    match line {
        "sounding=yes" => Some(true),
        "sounding=no" => Some(false),
        number => {
            let number: f64 = number.parse().ok()?;
            number.is_finite().then_some(number >= threshold)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_of_the_amplifier_is_a_number_or_a_word() {
        for (output, sounds) in [
            ("12.5\n", Some(true)),
            ("\n  0.2 \nmore\n", Some(false)),
            ("sounding=yes\n", Some(true)),
            ("sounding=no", Some(false)),
            ("nan", None),
            ("", None),
            ("sounding", None),
        ] {
            assert_eq!(says_it_sounds(output, 5.0), sounds, "{output:?}");
        }
    }
}

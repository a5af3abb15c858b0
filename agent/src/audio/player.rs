//! The thread that plays: takes commands, keeps the deck supplied, opens the output before a start and closes it after.
//!
//! Every `Play` is answered by exactly one `Ended`, whatever happens to it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use loa_audio::hearing::chirp;
use loa_protocol::{
    bulletin::Chime,
    content::{ContentId, Sha},
    id::BulletinId,
    live::Packet,
    playout::{Failure, PlayoutId},
};
use loa_station::Web;
use tokio::sync::mpsc;

use super::{
    deck::Piece,
    feed::{End, Feed, FeedSpec, StationSpec},
    listener::Ear,
    output::{Broken, OpenOutput, Output},
    stream::Stream,
    tap::{SharedDeck, Tap, Wake},
};
use crate::{
    clock, content,
    logic::port::{How, Play, PlaySource, PlayerCommand, PlayerEvent, self_test},
};

/// Commands that may wait. The thread takes each within the time an output needs to open (3 s at the very most).
const QUEUE: usize = 256;
/// Of them, packets of streams: several seconds of one. What finds no room is lost, as on a bad line.
const PACKETS: usize = 192;
/// Events that may wait for the loop; the thread waits then.
const EVENTS: usize = 64;
/// An output is opened this much before a start: a device needs a while until its word about its delay is good.
const OPEN_AHEAD_US: u64 = 2_000_000;
/// And closed this much after the last sample.
const CLOSE_AFTER_US: u64 = 500_000;
/// Between two tries to open an output for a piece that is still to come.
const RETRY_US: u64 = 250_000;
/// A piece is given up when no output could be had for this long after its start.
const GIVE_UP_US: u64 = 1_000_000;
/// A prepared piece that nobody plays is forgotten this long after its start.
const FORGET_US: u64 = 5_000_000;
/// An open output that asks for nothing for this long is dead.
const DEAD_US: u64 = 5_000_000;
/// Nothing to do: look again anyway, now and then.
const IDLE: Duration = Duration::from_secs(10);
/// While the output is open: the pace at which the player looks after it.
const BUSY_US: u64 = 50_000;

/// Called when a content did not decode: its file may be damaged.
pub type Suspect = Box<dyn Fn(ContentId) + Send>;

enum Message {
    Command(PlayerCommand),
    /// The deck has something to tell.
    Look,
    /// The output of this opening stopped taking sound.
    Broken {
        opening: u64,
        why: String,
    },
    Quit,
}

/// The sending end of the player.
#[derive(Debug)]
pub struct Player {
    messages: SyncSender<Message>,
    /// Raised when a `Stop` found no room: everything falls silent.
    silence: Arc<AtomicBool>,
    /// Packets that wait for the thread.
    packets: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Player {
    /// `data_dir` is where `content/` lies. The receiver must be read: the thread waits for room in it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        output: Box<dyn Output>,
        data_dir: PathBuf,
        suspect: Suspect,
    ) -> std::io::Result<(Self, mpsc::Receiver<PlayerEvent>)> {
        Self::start_heard_by(output, data_dir, suspect, None, None)
    }

    /// The same, with something that listens to what it sounds, and how stations are fetched.
    ///
    /// # Errors
    /// As [`Player::start`].
    pub fn start_heard_by(
        output: Box<dyn Output>,
        data_dir: PathBuf,
        suspect: Suspect,
        ear: Option<Ear>,
        stations: Option<Web>,
    ) -> std::io::Result<(Self, mpsc::Receiver<PlayerEvent>)> {
        let (messages, inbox) = sync_channel(QUEUE);
        let (events, told) = mpsc::channel(EVENTS);
        let silence = Arc::new(AtomicBool::new(false));
        let packets = Arc::new(AtomicUsize::new(0));
        let work = Work {
            deck: SharedDeck::default(),
            output,
            data_dir,
            suspect,
            ear,
            stations,
            events,
            messages: messages.clone(),
            silence: Arc::clone(&silence),
            packets: Arc::clone(&packets),
            prepared: None,
            armed: None,
            open: None,
            opening: 0,
            retry_at_us: 0,
            why_closed: String::new(),
        };
        let thread = std::thread::Builder::new()
            .name("loa-player".into())
            .stack_size(512 * 1024)
            .spawn(move || work.run(&inbox))?;
        let player = Self {
            messages,
            silence,
            packets,
            thread: Some(thread),
        };
        Ok((player, told))
    }

    /// Never waits. A `Play` that finds no room is answered here; a `Stop` that finds none silences everything; a packet
    /// that finds none is lost.
    pub fn send(&self, command: PlayerCommand) -> Option<PlayerEvent> {
        let is_packet = matches!(command, PlayerCommand::Packet { .. });
        if is_packet && self.packets.fetch_add(1, Ordering::Relaxed) >= PACKETS {
            self.packets.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let (TrySendError::Full(refused) | TrySendError::Disconnected(refused)) =
            self.messages.try_send(Message::Command(command)).err()?;
        match refused {
            Message::Command(PlayerCommand::Play(play)) => Some(PlayerEvent::Ended {
                playout: play.playout,
                piece: play.piece,
                at_mono_us: clock::mono_us(),
                place_ms: play.from_ms,
                how: How::Failed {
                    failure: Failure::Output,
                    detail: "the player does not answer".into(),
                },
            }),
            Message::Command(PlayerCommand::SelfTest { number, .. }) => Some(PlayerEvent::Ended {
                playout: self_test(),
                piece: number,
                at_mono_us: clock::mono_us(),
                place_ms: 0,
                how: How::Replaced,
            }),
            Message::Command(PlayerCommand::Stop { .. }) => {
                self.silence.store(true, Ordering::Relaxed);
                None
            }
            Message::Command(PlayerCommand::Packet { .. }) => {
                self.packets.fetch_sub(1, Ordering::Relaxed);
                None
            }
            _ => None,
        }
    }

    /// Stops everything and closes the output. Waits for the thread, which waits for its events to be read: only when
    /// the receiver is read by another thread or dropped.
    pub fn quit(mut self) {
        // A full queue only delays it; the thread is alive and takes from it.
        let _ = self.messages.send(Message::Quit);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Work {
    deck: SharedDeck,
    output: Box<dyn Output>,
    data_dir: PathBuf,
    suspect: Suspect,
    ear: Option<Ear>,
    stations: Option<Web>,
    events: mpsc::Sender<PlayerEvent>,
    messages: SyncSender<Message>,
    silence: Arc<AtomicBool>,
    packets: Arc<AtomicUsize>,
    prepared: Option<(Play, Sound)>,
    /// Content of what was armed last, for `suspect`.
    armed: Option<(PlayoutId, u32, ContentId)>,
    open: Option<Open>,
    /// Counts the openings, so that a late word of an old one is known.
    opening: u64,
    retry_at_us: u64,
    why_closed: String,
}

/// What a piece sounds from.
struct Sound {
    feed: Feed,
    stream: Option<Box<Stream>>,
}

struct Open {
    pulled_us: Arc<AtomicU64>,
    _output: Box<dyn OpenOutput>,
}

impl Work {
    fn run(mut self, inbox: &Receiver<Message>) {
        loop {
            match inbox.recv_timeout(self.wait()) {
                Ok(Message::Command(command)) => self.command(command),
                Ok(Message::Broken { opening, why }) if opening == self.opening => self.broken(why),
                Ok(Message::Look | Message::Broken { .. }) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Message::Quit) | Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.silence.swap(false, Ordering::Relaxed) {
                tracing::error!("too many commands waited for the player: everything is stopped");
                self.deck.lock().stop_all(clock::mono_us());
            }
            self.look_after_output();
            self.tell(clock::mono_us());
        }
        self.deck.lock().stop_all(clock::mono_us());
        self.close();
        self.tell(u64::MAX);
    }

    fn command(&mut self, command: PlayerCommand) {
        match command {
            PlayerCommand::Prepare(play) => {
                // A file may be another by now; the packets of a stream do not come again.
                let sound = match play.source {
                    PlaySource::Stream { .. } => self.sound(&play),
                    _ => Sound {
                        feed: self.feed(&play),
                        stream: None,
                    },
                };
                self.prepared = Some((*play, sound));
            }
            PlayerCommand::Play(play) => self.play(*play),
            PlayerCommand::Stop { playout, piece } => {
                self.deck.lock().stop(&playout, piece, clock::mono_us());
            }
            PlayerCommand::SelfTest {
                number,
                start_mono_us,
                amplitude,
            } => self.self_test(number, start_mono_us, amplitude),
            PlayerCommand::Packet {
                bulletin,
                packet,
                captured_mono_us,
            } => {
                self.packets.fetch_sub(1, Ordering::Relaxed);
                self.packet(&bulletin, &packet, captured_mono_us);
            }
        }
    }

    /// Arms the chirp, unless anything at all is at the deck. What comes later takes its place as that of any piece.
    fn self_test(&mut self, number: u32, start_mono_us: u64, amplitude: f32) {
        let now = clock::reading();
        let start = now
            .system
            .plus_us(start_mono_us.cast_signed() - now.mono_us.cast_signed());
        let play = Play {
            playout: self_test(),
            piece: number,
            title: "self-test".into(),
            source: PlaySource::Content(Sha([0; 32])),
            chime: Chime::None,
            from_ms: 0,
            start_mono_us,
            planned: start,
            start,
            volume: 100,
            until_ms: u64::MAX,
        };
        let mut deck = self.deck.lock();
        if deck.is_sounding() || deck.armed_start_us().is_some() {
            drop(deck);
            // Nobody listens only when the program ends.
            let _ = self.events.blocking_send(PlayerEvent::Ended {
                playout: play.playout,
                piece: number,
                at_mono_us: now.mono_us,
                place_ms: 0,
                how: How::Replaced,
            });
            return;
        }
        let piece = Piece {
            start_us: start_mono_us.saturating_add(self.output.guard_us()),
            play: Arc::new(play),
            feed: Feed::ready(chirp(amplitude), End::Finished),
            stream: None,
        };
        deck.arm(piece, now.mono_us);
        drop(deck);
        self.retry_at_us = 0;
    }

    fn play(&mut self, play: Play) {
        let Sound { feed, stream } = self.sound(&play);
        // What waits in a piece whose place this one takes came before anything else.
        let armed = self.deck.lock().take_armed_stream(&play.source);
        let stream = armed.or(stream);
        let content = match &play.source {
            PlaySource::Content(content) => Some(*content),
            PlaySource::Stream { .. } | PlaySource::Station { .. } => None,
        };
        self.armed = content.map(|content| (play.playout.clone(), play.piece, content));
        self.retry_at_us = 0;
        let start_us = play.start_mono_us.saturating_add(self.output.guard_us());
        let play = Arc::new(play);
        self.deck.lock().arm(
            Piece {
                play,
                feed,
                stream,
                start_us,
            },
            clock::mono_us(),
        );
    }

    /// What was prepared, where it is the same. Of a stream, the packets that came so far are kept in any case.
    fn sound(&mut self, play: &Play) -> Sound {
        let same_sound = |prepared: &Play| {
            prepared.source == play.source
                && prepared.chime == play.chime
                && prepared.from_ms == play.from_ms
        };
        if let Some((_, sound)) = self.prepared.take_if(|(prepared, _)| same_sound(prepared)) {
            return sound;
        }
        let prepared = self
            .prepared
            .take_if(|(prepared, sound)| sound.stream.is_some() && prepared.source == play.source);
        let stream = prepared
            .and_then(|(_, sound)| sound.stream)
            .or_else(|| Stream::of(&play.source));
        Sound {
            feed: self.feed(play),
            stream,
        }
    }

    /// To the stream that it is of, wherever it waits or sounds.
    fn packet(&mut self, bulletin: &BulletinId, packet: &Packet, captured_us: u64) {
        let now_us = clock::mono_us();
        let prepared = self.prepared.as_mut();
        if let Some(stream) = prepared
            .and_then(|(_, sound)| sound.stream.as_deref_mut())
            .filter(|stream| stream.bulletin() == bulletin)
        {
            stream.push(packet.clone(), captured_us, now_us);
        }
        for stream in self.deck.lock().streams_of(bulletin) {
            stream.push(packet.clone(), captured_us, now_us);
        }
    }

    fn feed(&self, play: &Play) -> Feed {
        let spec = FeedSpec {
            chime: play.chime,
            file: match &play.source {
                PlaySource::Content(content) => Some(content::path_of(&self.data_dir, *content)),
                PlaySource::Stream { .. } | PlaySource::Station { .. } => None,
            },
            station: match &play.source {
                PlaySource::Station { url, .. } => Some(StationSpec {
                    url: url.clone(),
                    web: self.stations.clone(),
                    start_us: play.start_mono_us,
                }),
                PlaySource::Content(_) | PlaySource::Stream { .. } => None,
            },
            from_ms: play.from_ms,
        };
        let look = self.messages.clone();
        // What cannot be decoded is told of before its time. A full queue wakes the player as well as this would.
        Feed::spawn(spec, move || drop(look.try_send(Message::Look)))
    }

    /// Opens, closes and watches the output.
    fn look_after_output(&mut self) {
        let now_us = clock::mono_us();
        self.prepared
            .take_if(|(play, _)| now_us > play.start_mono_us.saturating_add(FORGET_US));
        let mut deck = self.deck.lock();
        deck.check_armed(now_us);
        let (sounding, last_us) = (deck.is_sounding(), deck.last_sound_us());
        drop(deck);
        let near = self
            .next_start_us()
            .is_some_and(|start| start <= now_us + OPEN_AHEAD_US);
        match &self.open {
            None if near => self.try_open(now_us),
            Some(open) => {
                let quiet = last_us.is_none_or(|last| now_us > last.saturating_add(CLOSE_AFTER_US));
                if now_us
                    > open
                        .pulled_us
                        .load(Ordering::Relaxed)
                        .saturating_add(DEAD_US)
                {
                    self.broken("the output stopped taking sound".into());
                } else if !sounding && !near && quiet {
                    // A late word of it is not about the next one.
                    self.opening += 1;
                    self.close();
                }
            }
            None => {}
        }
    }

    fn next_start_us(&self) -> Option<u64> {
        let prepared = self.prepared.as_ref().map(|(play, _)| play.start_mono_us);
        let armed = self.deck.lock().armed_start_us();
        prepared.into_iter().chain(armed).min()
    }

    fn try_open(&mut self, now_us: u64) {
        if now_us < self.retry_at_us {
            return;
        }
        self.opening += 1;
        let opening = self.opening;
        let look = self.messages.clone();
        // A full queue wakes the player as well as this would.
        let wake: Wake = Arc::new(move || drop(look.try_send(Message::Look)));
        let line = self.messages.clone();
        let broken: Broken =
            Arc::new(move |why| drop(line.try_send(Message::Broken { opening, why })));
        // Beside the output, so that it listens by the time that something sounds.
        self.ear.iter().for_each(Ear::output_opened);
        let tap = Tap::new(self.deck.clone(), wake).kept_in(self.ear.as_ref().map(Ear::reference));
        let pulled_us = tap.pulled_us();
        match self.output.open(tap, broken) {
            Ok(output) => {
                self.open = Some(Open {
                    pulled_us,
                    _output: output,
                });
            }
            Err(error) => {
                self.close();
                self.not_open(error.to_string());
            }
        }
    }

    fn close(&mut self) {
        self.open = None;
        self.ear.iter().for_each(Ear::output_closed);
    }

    fn not_open(&mut self, why: String) {
        let now_us = clock::mono_us();
        self.retry_at_us = now_us + RETRY_US;
        if why != self.why_closed {
            tracing::error!(error = why, "no sound");
            self.why_closed.clone_from(&why);
        }
        let mut deck = self.deck.lock();
        if deck
            .armed_start_us()
            .is_some_and(|start| now_us > start.saturating_add(GIVE_UP_US))
        {
            deck.armed_failed(&why, now_us);
        }
    }

    /// What sounds is over; what is to come may find the output again.
    fn broken(&mut self, why: String) {
        self.close();
        self.opening += 1;
        self.deck.lock().output_failed(&why, clock::mono_us());
        self.not_open(why);
    }

    /// Tells what has been heard until then.
    fn tell(&mut self, until_us: u64) {
        loop {
            let next = self.deck.lock().next_event(until_us);
            let Some(event) = next else { return };
            if let PlayerEvent::Ended {
                playout,
                piece,
                how:
                    How::Failed {
                        failure: Failure::Decode,
                        ..
                    },
                ..
            } = &event
                && let Some((_, _, content)) = self
                    .armed
                    .take_if(|(armed, its_piece, _)| armed == playout && *its_piece == *piece)
            {
                (self.suspect)(content);
            }
            // Nobody listens only when the program ends.
            let _ = self.events.blocking_send(event);
        }
    }

    fn wait(&self) -> Duration {
        let now_us = clock::mono_us();
        let event_us = self.deck.lock().next_event_us();
        let open_us = match self.open {
            Some(_) => Some(now_us + BUSY_US),
            None => self
                .next_start_us()
                .map(|start| start.saturating_sub(OPEN_AHEAD_US).max(self.retry_at_us)),
        };
        let next_us = event_us.into_iter().chain(open_us).min();
        Duration::from_micros(next_us.unwrap_or(u64::MAX).saturating_sub(now_us)).min(IDLE)
    }
}

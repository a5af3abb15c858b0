//! One call while it is on: from the phone's frames to the air and to disk, and to its end.

use std::{sync::Arc, time::Duration};

use loa_protocol::time::WallTime;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    air::{Air, stream_key},
    calls::{Calls, Line, Shown},
    ending::{self, Ending},
    recorder::Recorder,
    voice::{Spoken, Voice},
};
use crate::{
    act::Act,
    logic::{
        Reading,
        call::{Call, CallEffect, CallEnd, CallInput},
    },
};

/// 20 ms from a phone.
#[derive(Debug)]
pub struct Frame {
    pub socket: u64,
    pub number: u32,
    pub captured: WallTime,
    pub spoken: Spoken,
}

#[derive(Debug)]
pub enum Command {
    Microphone {
        socket: u64,
    },
    Frame(Frame),
    End {
        why: CallEnd,
        /// In whose name.
        act: Option<Act>,
        /// Told when it is written down.
        done: oneshot::Sender<()>,
    },
}

#[derive(Debug)]
pub(super) struct Running {
    calls: Calls,
    line: Arc<Line>,
    commands: mpsc::Receiver<Command>,
    show: watch::Sender<Shown>,
    call: Call,
    voice: Voice,
    air: Option<Air>,
    recorder: Recorder,
}

/// Why and where a call ended.
struct Over {
    why: CallEnd,
    next: u32,
    at: WallTime,
}

impl Running {
    pub fn new(
        calls: Calls,
        line: Arc<Line>,
        commands: mpsc::Receiver<Command>,
        show: watch::Sender<Shown>,
        made: Reading,
    ) -> Self {
        let desk = &calls.desk;
        let key = stream_key(&desk.store.office().key, &line.id);
        let air = desk.engine.live();
        let air = air.map(|air| Air::new(air, line.id.clone(), key, line.channels.clone()));
        let longest_us = i64::from(desk.config.longest_s) * 1_000_000;
        Self {
            call: Call::new(made, line.speak_at, longest_us),
            recorder: Recorder::begin(desk.recording(&line.id)),
            voice: Voice::default(),
            air,
            calls,
            line,
            commands,
            show,
        }
    }

    pub async fn run(mut self) {
        let closing = self.calls.closing();
        let (over, act, done) = loop {
            let now = self.calls.desk.clock.mono_us();
            let deadline = self.call.deadline().unwrap_or(now);
            let wait = Duration::from_micros(deadline.saturating_sub(now));
            let command = tokio::select! {
                command = self.commands.recv() => command,
                () = tokio::time::sleep(wait) => {
                    if let Some(over) = self.handle(CallInput::Tick) {
                        break (over, None, None);
                    }
                    continue;
                }
                () = closing.cancelled() => None,
            };
            match command {
                Some(Command::Microphone { socket }) => {
                    if let Some(over) = self.handle(CallInput::Microphone { socket }) {
                        break (over, None, None);
                    }
                    self.show.send_modify(|shown| shown.floor = Some(socket));
                }
                Some(Command::Frame(frame)) => {
                    if let Some(over) = self.frame(frame) {
                        break (over, None, None);
                    }
                }
                Some(Command::End { why, act, done }) => {
                    if let Some(over) = self.handle(CallInput::End(why)) {
                        break (over, act, Some(done));
                    }
                }
                None => {
                    if let Some(over) = self.handle(CallInput::End(CallEnd::Office)) {
                        break (over, None, None);
                    }
                }
            }
        };
        self.end(over, act, done).await;
    }

    fn handle(&mut self, input: CallInput) -> Option<Over> {
        let now = self.calls.desk.clock.reading();
        match self.call.handle(input, now)? {
            CallEffect::Ended { why, next, at } => Some(Over { why, next, at }),
            CallEffect::HangUp { .. } | CallEffect::Drop(_) | CallEffect::Send { .. } => None,
        }
    }

    fn frame(&mut self, frame: Frame) -> Option<Over> {
        let now = self.calls.desk.clock.reading();
        let input = CallInput::Frame {
            socket: frame.socket,
            number: frame.number,
            captured: frame.captured,
        };
        let effect = self.call.handle(input, now);
        if let Some(CallEffect::Ended { why, next, at }) = effect {
            return Some(Over { why, next, at });
        }
        if let Some(CallEffect::Send { number, captured }) = effect
            && let Some(opus) = self.voice.frame(&frame.spoken)
        {
            if let Some(air) = &mut self.air {
                air.frame(number, captured, &opus);
            }
            self.recorder.frame(number, &opus);
        }
        let (frames, holes) = (self.call.frames(), self.call.holes());
        // Looked at twice a second; not worth waking anybody.
        self.show.send_if_modified(|shown| {
            (shown.frames, shown.holes) = (frames, holes);
            false
        });
        None
    }

    /// First the poles and the phone hear of it, then the books, then the recording.
    async fn end(mut self, over: Over, act: Option<Act>, done: Option<oneshot::Sender<()>>) {
        let Over { why, next, at } = over;
        if let Some(air) = self.air {
            air.end(next, at);
        }
        self.show.send_modify(|shown| shown.ended = Some(why));
        let id = self.line.id.clone();
        let mut ending = Ending {
            desk: &self.calls.desk,
            line: &self.line,
            why,
            at,
            frames: self.call.frames(),
            holes: self.call.holes(),
        };
        let written = ending::write(&ending);
        match act {
            Some(act) => act.doing(written).await,
            None => written.await,
        }
        self.calls.over(&id);
        if let Some(done) = done {
            // Whoever asked may have gone.
            let _ = done.send(());
        }
        self.commands.close();
        while let Some(command) = self.commands.recv().await {
            if let Command::End { why, done, .. } = command {
                let _ = done.send(());
                // For the books it was over; but whoever stops it wants to hear no more of it.
                if why == CallEnd::Stopped {
                    ending.why = why;
                }
            }
        }
        tracing::info!(call = %id, by = %self.line.name, ?why, frames = ending.frames, holes = ending.holes, "call over");
        ending::keep(&ending, self.recorder).await;
    }
}

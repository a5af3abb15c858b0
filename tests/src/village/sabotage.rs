//! Mistakes built in on purpose, to show that the village notices them. A simulation that cannot fail proves nothing.

use loa_agent::logic::port::{PlayerCommand, Write};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The disk says "durable" at once and writes later: sound comes before its row.
    AnswerBeforeDurable,
    /// The disk drops the rows that open a playout, and says nothing.
    DropRows,
    /// The ledger is empty after every start of the program.
    ForgetTheLedger,
    /// One kind of event is not written: the numbers have a hole.
    DropEvents,
    /// Outcomes are told and not kept in the ledger.
    DropOutcomes,
    /// Everything starts two seconds before its time.
    StartEarly,
    /// Everything starts two seconds late.
    StartLate,
    /// The player hears no `Stop`.
    IgnoreStop,
    /// The player is told nothing of one playout in ten.
    NeverPlay,
    /// The player is given nothing of what is streamed.
    DropPackets,
    /// A stream is open until nothing comes any more.
    Overstay,
    /// The office acknowledges what its database does not hold.
    AcknowledgeUnstored,
    /// Office documents are not kept on the disk.
    DropDocuments,
    /// A hostile broker has the office's key, and the judge is not told.
    LendTheKey,
    /// The poles of a village whose broker has the key were given no limits.
    LiftTheLimits,
}

impl Sabotage {
    pub const ALL: [Self; 13] = [
        Self::AnswerBeforeDurable,
        Self::DropRows,
        Self::ForgetTheLedger,
        Self::DropEvents,
        Self::DropOutcomes,
        Self::StartEarly,
        Self::StartLate,
        Self::IgnoreStop,
        Self::NeverPlay,
        Self::DropPackets,
        Self::Overstay,
        Self::AcknowledgeUnstored,
        Self::DropDocuments,
    ];

    pub(super) fn of_player(
        this: Option<Self>,
        mut command: PlayerCommand,
    ) -> Option<PlayerCommand> {
        match (this, &mut command) {
            (Some(Self::StartEarly), PlayerCommand::Play(play)) => {
                play.start_mono_us = play.start_mono_us.saturating_sub(2_000_000);
            }
            (Some(Self::StartLate), PlayerCommand::Play(play)) => play.start_mono_us += 2_000_000,
            (Some(Self::IgnoreStop), PlayerCommand::Stop { .. }) => return None,
            (Some(Self::NeverPlay), PlayerCommand::Play(play))
                if play
                    .source
                    .content()
                    .is_some_and(|c| c.0[0].is_multiple_of(10)) =>
            {
                return None;
            }
            (Some(Self::DropPackets), PlayerCommand::Packet { .. }) => return None,
            (Some(Self::Overstay), PlayerCommand::Packet { packet, .. }) if packet.last => {
                return None;
            }
            (Some(Self::Overstay), PlayerCommand::Play(play))
                if play.source.content().is_none() =>
            {
                play.until_ms += 10_000;
            }
            _ => {}
        }
        Some(command)
    }

    pub(super) fn of_writes(this: Option<Self>, writes: Vec<Write>) -> Vec<Write> {
        let drop = |write: &Write| match (this, write) {
            (Some(Self::DropRows), Write::PutLedger(row)) => {
                row.playout.started.is_none() && row.playout.outcome.is_none()
            }
            (Some(Self::DropOutcomes), Write::PutLedger(row)) => row.playout.outcome.is_some(),
            (Some(Self::DropEvents), Write::AppendEvent(event)) => {
                matches!(event.what, loa_protocol::event::What::Suspended { .. })
            }
            (Some(Self::DropDocuments), Write::PutDocument { .. }) => true,
            _ => false,
        };
        writes.into_iter().filter(|w| !drop(w)).collect()
    }
}

//! Streams on the stage: live calls and relays. Which of their packets the player gets, when they begin, when there is enough of
//! them to sound, and how they end.
//!
//! A packet is believed when its channel's word holds its bulletin, the stream's own key signed it, nothing like it came before,
//! and it was captured within the last ten seconds of an occurrence that is on. The place in a stream is bound to time:
//! whoever joins late joins at the present place, and what waited goes on there.
//!
//! A stream of which nothing comes is suspended and goes on when packets have flowed for half a second. One of which too little
//! comes in time, or that starved too often, is left until it is over: its recording says the rest. Its channels are listened to
//! again while another stream of theirs is at hand.
//!
//! Bounds: [`MAX_FLOWS`] streams at once; what is of a further one is dropped.

mod left;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ed25519_dalek::VerifyingKey;
use loa_protocol::{
    arbitration::Candidate,
    bulletin::{Bulletin, When},
    channel::Channel,
    envelope::Refusal,
    id::BulletinId,
    live::{FRAME_MS, Packet, STARVED_MS, Stream, Streamed},
    playout::{Interruption, Miss, OccurrenceId, Outcome},
    time::WallTime,
};

use self::left::Left;
use super::{
    Agent,
    act::{Act, ActState, Fate},
    flow::{Flow, MAX_AGE_US, end_of},
    port::{How, LedgerRow, PlaySource, PlayerCommand},
};

/// Most streams that are followed at once.
pub const MAX_FLOWS: usize = 16;
/// What was captured longer than this before an occurrence's plan is not of it.
const PREFACE_US: i64 = 5_000_000;
/// So long after its end a stream is stopped, should the player not have found the end by itself.
const END_SLACK_MS: i64 = 300;
/// A stream that starves for the fourth time is left.
const MAX_STARVATIONS: u32 = 3;
/// What sounded for so long without starving is not thought of as one that starves again and again.
const CALM_US: u64 = 60_000_000;
/// What comes later than this is not handed on: not even its loss can be made up for.
const TOO_LATE_US: u64 = 1_000_000;
/// Whose newest packet reaches as close to the end as this heard it to its end: the office, too, waits so long for more.
const NEAR_END_MS: i64 = 2_500;

#[derive(Debug, Default)]
pub struct Streams {
    flows: BTreeMap<BulletinId, Flow>,
    /// Those that were left, and what was not listened to any more for it.
    left: BTreeMap<BulletinId, Left>,
    /// Filters that are not subscribed to for it.
    pub(super) unheard: BTreeSet<String>,
    /// When another stream of those channels begins (monotonic), for which they are listened to again.
    wake: Option<u64>,
}

impl Streams {
    /// Until when a piece was heard that began and ended then, should it have gone on with what it had; monotonic. `None` for
    /// what is no stream of packets.
    pub(super) fn heard_to(&self, act: &Act, begun_us: u64, ended_us: u64) -> Option<u64> {
        act.bulletin.stream().filter(|_| !act.aired.is_station)?;
        let chime_ms = act.bulletin.chime.duration_ms();
        let chime_ms = chime_ms.saturating_sub(act.row.place_ms);
        let chimed_us = begun_us.saturating_add(chime_ms * 1_000);
        let flow = self.flows.get(&act.bulletin.id);
        let sounds_to_us = flow.map_or(0, |flow| flow.handed.sounds_to_us(ended_us));
        Some(chimed_us.max(sounds_to_us))
    }

    fn of(&self, bulletin: &BulletinId, planned: WallTime) -> Option<&Flow> {
        let flow = self.flows.get(bulletin);
        flow.filter(|flow| flow.planned == planned)
    }
}

impl Agent {
    /// A packet came by this channel.
    pub(super) fn packet_came(
        &mut self,
        channel: &Channel,
        id: &BulletinId,
        bytes: &[u8],
    ) -> Result<(), Refusal> {
        if !self.documents.speaks_of(channel, id) {
            return Err(Refusal::WrongScope);
        }
        let known = self.agenda.known(id).ok_or(Refusal::WrongScope)?;
        let bulletin = Arc::clone(&known.bulletin);
        let stream = bulletin.stream().ok_or(Refusal::WrongScope)?;
        let Some(planned) = self.stream_at_hand(&bulletin) else {
            // It is over here, or somebody else's turn: nobody needs it, forged or not.
            return Ok(());
        };
        let over = bulletin.stream_over(planned).unwrap_or(WallTime::MAX);
        let Some(office) = self.clock.office(self.now) else {
            return Ok(());
        };
        let now_us = self.now.mono_us;
        let is_at_player = self.is_at_player(id);
        let is_shared = self.documents.channels_of(id).nth(1).is_some();
        let Some(flow) = self.flow_of(id, planned, stream) else {
            self.report.refused("flood");
            return Ok(());
        };
        if !flow.has_time_for_one(now_us) {
            flow.refused += 1;
            self.report.refused("flood");
            return Ok(());
        }
        if Packet::number_of(bytes).is_some_and(|number| flow.was_seen(number)) {
            if is_shared {
                // The same packet by another channel.
                return Ok(());
            }
            flow.refused += 1;
            return Err(Refusal::Stale);
        }
        let believed = believe(flow, stream, id, bytes, over, office, now_us);
        let (packet, captured_us) = believed.inspect_err(|_| flow.refused += 1)?;
        let due_us = captured_us + u64::from(stream.delay_ms) * 1_000;
        let is_in_time = due_us > now_us;
        let was_steady = flow.is_steady(now_us);
        flow.note(&packet, due_us, is_in_time, now_us);
        let becomes_steady = flow.is_steady(now_us) != was_steady;
        if due_us + TOO_LATE_US < now_us {
            flow.late += packet.frames.len() as u64;
        } else if is_at_player {
            if is_in_time {
                let length_us = packet.frames.len() as u64 * FRAME_MS * 1_000;
                flow.heard_to = flow.heard_to.max(Some(end_of(&packet)));
                flow.handed.add(now_us, due_us + length_us);
            }
            self.tell_player(PlayerCommand::Packet {
                bulletin: id.clone(),
                packet,
                captured_mono_us: captured_us,
            });
        }
        self.stage.dirty |= becomes_steady;
        self.leave_if_too_thin(id);
        Ok(())
    }

    /// The plan of the occurrence of this stream that is on, or about to be, and whose packets are of use.
    fn stream_at_hand(&self, bulletin: &Bulletin) -> Option<WallTime> {
        let own = self
            .stage
            .acts
            .iter()
            .filter(|(id, _)| id.bulletin == bulletin.id);
        // Nobody knows where a packet belongs, and which occurrence is on.
        let office = self.clock.office(self.now)?;
        let mut plans = Vec::new();
        for (_, act) in own {
            if act.aired.is_station && act.piece().is_some() {
                return None;
            }
            plans.push(act.row.playout.planned);
        }
        plans.extend(self.agenda.of(&bulletin.id).map(|(_, planned)| planned));
        let is_on = |planned: WallTime| {
            let over = bulletin.stream_over(planned).unwrap_or(WallTime::MAX);
            planned <= office.plus_us(PREFACE_US) && over.plus_us(MAX_AGE_US) >= office
        };
        plans.into_iter().filter(|planned| is_on(*planned)).max()
    }

    /// Sounds it, or is it about to?
    fn is_at_player(&self, bulletin: &BulletinId) -> bool {
        let mut acts = self.stage.acts.iter();
        let is_it = |(id, act): (&OccurrenceId, &Act)| {
            id.bulletin == *bulletin && matches!(act.state, ActState::AtPlayer { .. })
        };
        let prepared = self.stage.prepared.as_ref();
        acts.any(is_it)
            || prepared.is_some_and(|id| {
                let act = self.stage.acts.get(id);
                id.bulletin == *bulletin
                    // While its row is made durable the player holds what it prepared.
                    && act.is_none_or(|act| act.state == ActState::Idle)
                    && self.agenda.planned(id).is_some()
            })
    }

    /// Its book, a new one for each occurrence; `None` when there are too many.
    fn flow_of(
        &mut self,
        id: &BulletinId,
        planned: WallTime,
        stream: &Stream,
    ) -> Option<&mut Flow> {
        let key = VerifyingKey::from_bytes(&stream.key).ok()?;
        let known = self.streams.flows.get(id);
        if known.is_none_or(|flow| flow.planned != planned || flow.key != key) {
            // What was believed of the last occurrence is not believed again as of this one.
            let newest = known.map_or(WallTime::EPOCH, Flow::newest);
            let first = planned.plus_us(-PREFACE_US);
            // Right before this one, the last of that one is still coming.
            let floor = match newest < first.plus_us(-PREFACE_US) {
                true => first,
                false => newest,
            };
            let handed = known.map(|flow| flow.handed.clone()).unwrap_or_default();
            self.make_room_for_flow();
            if self.streams.flows.len() >= MAX_FLOWS && !self.streams.flows.contains_key(id) {
                return None;
            }
            let mut flow = Flow::new(planned, key, floor);
            // The last of it sounds on while the next occurrence is about to begin.
            flow.handed = handed;
            self.streams.flows.insert(id.clone(), flow);
        }
        self.streams.flows.get_mut(id)
    }

    /// Forgets those of which nothing is believed any more anyway.
    fn make_room_for_flow(&mut self) {
        if self.streams.flows.len() < MAX_FLOWS {
            return;
        }
        let office = self.clock.office(self.now);
        let agenda = &self.agenda;
        self.streams.flows.retain(|id, flow| {
            let over = agenda
                .known(id)
                .and_then(|k| k.bulletin.stream_over(flow.planned));
            over.is_some_and(|over| {
                let gone = over.plus_us(MAX_AGE_US + PREFACE_US);
                office.is_none_or(|now| gone >= now)
            })
        });
    }

    /// An instant by the office's clock, by this pole's own; `planned` is of the occurrence that it is about.
    fn here(&self, at: WallTime, planned: WallTime, bulletin: &Bulletin) -> WallTime {
        match self.clock.office(self.now) {
            Some(office) => self.now.wall.plus_us(at.since_us(office)),
            None => self
                .stream_begins(planned, bulletin)
                .plus_us(at.since_us(planned)),
        }
    }

    /// When a stream begins, by this pole's own clock. A call began when the office said so, by the office's clock; where nobody
    /// knows that, it begins when its word comes.
    pub(super) fn stream_begins(&self, planned: WallTime, bulletin: &Bulletin) -> WallTime {
        let When::Now { at, .. } = &bulletin.when else {
            return planned;
        };
        if let Some(office) = self.clock.office(self.now) {
            return self.now.wall.plus_us(planned.since_us(office));
        }
        let arrived = self.agenda.known(&bulletin.id).and_then(|k| k.arrived);
        arrived.map_or(planned, |us| {
            self.now.wall_at(us).plus_us(planned.since_us(*at))
        })
    }

    /// Where a piece that starts then begins, in milliseconds of itself.
    pub(super) fn place_at(&self, start: WallTime, row: &LedgerRow, bulletin: &Bulletin) -> u64 {
        if bulletin.stream().is_none() {
            return row.place_ms;
        }
        let begins = self.stream_begins(row.playout.planned, bulletin);
        let over_ms = start.since_ms(begins).max(0).unsigned_abs();
        over_ms.min(bulletin.length_ms())
    }

    /// Where its sound comes from.
    pub(super) fn source_of(&self, bulletin: &Bulletin, station_failed: bool) -> PlaySource {
        match self.station_of(bulletin).filter(|_| !station_failed) {
            Some(url) => PlaySource::Station {
                bulletin: bulletin.id.clone(),
                url: url.to_owned(),
            },
            None => PlaySource::of(bulletin),
        }
    }

    fn station_of<'a>(&self, bulletin: &'a Bulletin) -> Option<&'a str> {
        let url = bulletin.stream()?.url.as_deref();
        url.filter(|_| self.identity.fetches_relays)
    }

    /// May it begin or go on? It begins with its chime, before anything was said; whatever is later needs packets.
    pub(super) fn is_stream_ready(
        &self,
        id: &OccurrenceId,
        bulletin: &Bulletin,
        stream: &Stream,
    ) -> bool {
        let act = self.stage.acts.get(id);
        let station_failed = act.is_some_and(|act| act.aired.station_failed);
        if !station_failed && self.station_of(bulletin).is_some() {
            return true;
        }
        let planned = act.map(|act| act.row.playout.planned);
        let Some(planned) = planned.or_else(|| self.agenda.planned(id)) else {
            return false;
        };
        let flow = self.streams.of(&bulletin.id, planned);
        if flow.is_some_and(|flow| flow.is_steady(self.now.mono_us)) {
            return true;
        }
        let is_first = act.is_none_or(|act| !act.has_sounded());
        let patience_ms = bulletin.chime.duration_ms() + STARVED_MS;
        let begins = self.stream_begins(planned, bulletin);
        let is_beginning = self.now.wall <= begins.plus_ms(patience_ms as i64);
        is_first && self.connected && is_beginning && stream.ended.is_none()
    }

    /// A call is planned by the office's clock.
    pub(super) fn move_stream_here(&self, candidate: &mut Candidate) {
        let bulletin = self.bulletin_of(&candidate.id);
        let Some(bulletin) = bulletin.filter(|b| b.stream().is_some()) else {
            return;
        };
        let begins = self.stream_begins(candidate.planned, bulletin);
        let by_us = begins.since_us(candidate.planned);
        candidate.planned = begins;
        candidate.start_by = candidate.start_by.plus_us(by_us);
        candidate.valid_until = candidate.valid_until.map(|until| until.plus_us(by_us));
    }

    /// What the arbitration cannot know: that there was no audio to arrive, but packets.
    pub(super) fn honest_of_stream(
        &self,
        candidate: &Candidate,
        outcome: Outcome,
    ) -> Option<Outcome> {
        self.bulletin_of(&candidate.id)?.stream()?;
        let act = self.stage.acts.get(&candidate.id);
        match (outcome, act) {
            (Outcome::PreEmpted, Some(act)) if act.aired.is_starved => {
                Some(self.starved_outcome(act))
            }
            (Outcome::Missed(Miss::Off), Some(act)) if !act.durable => None,
            (Outcome::Missed(Miss::Off | Miss::NoContent), _)
                if candidate.running_since <= candidate.start_by =>
            {
                Some(Outcome::Missed(Miss::NoStream))
            }
            _ => None,
        }
    }

    /// Nothing came any more: was that its end?
    fn starved_outcome(&self, act: &Act) -> Outcome {
        let planned = act.row.playout.planned;
        let flow = self.streams.of(&act.bulletin.id, planned);
        let ended = act.bulletin.stream().and_then(|stream| stream.ended);
        let heard_to = flow.and_then(|flow| flow.heard_to);
        let is_whole = ended
            .zip(heard_to)
            .is_some_and(|(ended, heard_to)| heard_to >= ended.plus_ms(-NEAR_END_MS));
        if is_whole {
            Outcome::Completed
        } else {
            Outcome::Interrupted(Interruption::Starved)
        }
    }

    /// Did nothing of it come in time? That of an occurrence whose book is closed did.
    fn was_silent(&self, act: &Act) -> bool {
        let planned = act.row.playout.planned;
        let flow = self.streams.flows.get(&act.bulletin.id);
        flow.is_none_or(|flow| flow.planned == planned && flow.heard_to.is_none())
    }

    /// By this pole's own clock, when it is to be over at the latest; `None` while only its length ends it.
    fn stream_ends_by(&self, act: &Act) -> Option<WallTime> {
        let stream = act.bulletin.stream()?;
        let planned = act.row.playout.planned;
        let is_suspended = matches!(act.state, ActState::Suspended { .. });
        if stream.ended.is_none() && !is_suspended {
            return None;
        }
        let over = act.bulletin.stream_over(planned)?;
        Some(
            self.here(over, planned, &act.bulletin)
                .plus_ms(END_SLACK_MS),
        )
    }

    /// Ends what the office has ended, and what waited in vain.
    pub(super) fn end_streams(&mut self) {
        let now = self.now.wall;
        let mut over = Vec::new();
        for (id, act) in &self.stage.acts {
            if self.stream_ends_by(act).is_none_or(|at| now < at) {
                continue;
            }
            let outcome = match &act.state {
                ActState::AtPlayer { piece } if act.has_sounded() || piece.begun_us.is_some() => {
                    if !act.aired.is_station && self.was_silent(act) {
                        self.starved_outcome(act)
                    } else {
                        Outcome::Completed
                    }
                }
                ActState::AtPlayer { .. } => Outcome::Missed(Miss::NoStream),
                ActState::Suspended { .. } if act.aired.is_starved => self.starved_outcome(act),
                ActState::Suspended { .. } => Outcome::PreEmpted,
                // The arbitration judges it.
                ActState::Idle | ActState::Leaving { .. } => continue,
            };
            over.push((id.clone(), outcome));
        }
        for (id, outcome) in over {
            self.end_act(&id, outcome);
        }
    }

    /// When [`Agent::end_streams`] has something to do, monotonic.
    pub(super) fn streams_wake(&self) -> Option<u64> {
        let acts = self.stage.acts.values();
        let ends = acts
            .filter(|act| !matches!(act.state, ActState::Idle | ActState::Leaving { .. }))
            .filter_map(|act| self.stream_ends_by(act));
        ends.min().map(|at| self.now.mono_at(at))
    }

    /// How it fares, by the player's word.
    pub(super) fn stream_fares(&mut self, id: &OccurrenceId, streamed: Streamed) {
        if let Some(act) = self.stage.acts.get_mut(id) {
            act.aired.present = streamed;
        }
        self.note_streamed(id);
    }

    fn note_streamed(&mut self, id: &OccurrenceId) {
        let Some(act) = self.stage.acts.get_mut(id) else {
            return;
        };
        let mut streamed = act.aired.before.with(&act.aired.present);
        if let Some(flow) = self.streams.of(&id.bulletin, act.row.playout.planned) {
            streamed.refused = streamed.refused.saturating_add(flow.refused);
            streamed.late = streamed.late.saturating_add(flow.late);
        }
        act.row.playout.streamed = Some(Box::new(streamed));
    }

    pub(super) fn stream_piece_began(&mut self, id: &OccurrenceId, at_us: u64) {
        let Some(act) = self.stage.acts.get(id) else {
            return;
        };
        let chime_ms = act.bulletin.chime.duration_ms() as i64;
        let speech = self
            .stream_begins(act.row.playout.planned, &act.bulletin)
            .plus_ms(chime_ms);
        let speech_us = self.now.mono_at(speech).max(at_us);
        if let Some(act) = self.stage.acts.get_mut(id) {
            act.aired.speech_us = speech_us;
        }
    }

    /// What becomes of a stream whose piece ended so, after it had sounded for so long; `None` where it is as with anything
    /// else.
    pub(super) fn stream_piece_ended(
        &mut self,
        id: &OccurrenceId,
        how: &How,
        sounded_us: u64,
    ) -> Option<Fate> {
        let act = self.stage.acts.get(id)?;
        act.bulletin.stream()?;
        let planned = act.row.playout.planned;
        let over = act.bulletin.stream_over(planned)?;
        let left_ms = self
            .here(over, planned, &act.bulletin)
            .since_ms(self.now.wall);
        let was_asked_to_end = matches!(act.state, ActState::Leaving { .. });
        let is_whole = left_ms < NEAR_END_MS;
        let act = self.stage.acts.get_mut(id)?;
        act.aired.before = act
            .aired
            .before
            .with(&std::mem::take(&mut act.aired.present));
        if sounded_us >= CALM_US {
            act.aired.starvations = 0;
        }
        let was_heard_whole = act.aired.is_station && is_whole && sounded_us > 0;
        let was_measured = act.row.playout.streamed.is_some();
        let fate = match how {
            _ if was_asked_to_end => None,
            How::Finished if act.aired.is_station && !is_whole => Some(None),
            How::Failed { detail, .. } if act.aired.is_station => Some(Some(detail.clone())),
            How::Starved => Some(None),
            _ => None,
        };
        if was_measured {
            self.note_streamed(id);
        }
        let why = fate?;
        if was_heard_whole {
            return Some(Fate::Over(Outcome::Completed));
        }
        if let Some(why) = why {
            self.fault("station", &why);
        }
        let act = self.stage.acts.get_mut(id)?;
        act.aired.is_starved = true;
        if act.aired.is_station {
            act.aired.station_failed = true;
            return Some(Fate::Cut);
        }
        act.aired.starvations += 1;
        if let Some(flow) = self.streams.flows.get_mut(&id.bulletin) {
            flow.watch_anew();
        }
        if act.aired.starvations <= MAX_STARVATIONS {
            return Some(Fate::Cut);
        }
        self.leave(id);
        Some(Fate::Over(Outcome::Interrupted(Interruption::Starved)))
    }
}

/// Checks one packet and takes it. Gives when it was captured, monotonic.
fn believe(
    flow: &mut Flow,
    stream: &Stream,
    id: &BulletinId,
    bytes: &[u8],
    over: WallTime,
    office: WallTime,
    now_us: u64,
) -> Result<(Packet, u64), Refusal> {
    let packet = Packet::open(bytes, id, &flow.key)?;
    let is_over =
        stream.ended.is_some_and(|ended| packet.captured > ended) || packet.captured > over;
    if is_over && !packet.frames.is_empty() {
        return Err(Refusal::Expired);
    }
    if !flow.is_fresh(packet.captured, office) {
        return Err(Refusal::Stale);
    }
    let captured_us = flow.take(&packet, office, now_us).ok_or(Refusal::Stale)?;
    Ok((packet, captured_us))
}

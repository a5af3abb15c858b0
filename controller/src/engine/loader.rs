//! Reads from the database what the logic should know: after a change, and everything at the start.
//!
//! The database is the truth, and a change says only where to look; looking twice does no harm. What is urgent is read
//! before what was asked for earlier. `loa-controller speaker add` and `keys install` write from another process, so the list
//! of speakers and the roots are compared every [`COMPARE`].
//!
//! When everything is read again (after a new signing key), no more than [`AT_ONCE`] documents go out in one [`STEP`].

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use ed25519_dalek::VerifyingKey;
use loa_protocol::{
    channel::Channel, envelope::parse_public_key, head::Checkpoint, id::SpeakerId,
    programme::Command,
};
use tokio::sync::mpsc;

use super::{Change, Urgent};
use crate::{
    broker::{Roster, SpeakerTokens, TokenHash},
    logic::{ChannelState, Input, TrustState},
    pki::Peer,
    store::{Standing, Store, StoreError},
};

/// How long a speaker added by another process waits at most.
const COMPARE: Duration = Duration::from_secs(5);
/// How long a database in trouble is left alone.
const TROUBLE: Duration = Duration::from_secs(1);
/// How often the poles are told how far the audit log went, where it went on.
const WITNESS: Duration = Duration::from_secs(60);

/// As when the broker came back empty: poles on thin lines, and the broker, get it piece by piece.
const AT_ONCE: usize = 200;
const STEP: Duration = Duration::from_millis(100);

/// One thing to read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    Channel(Channel),
    Speaker(SpeakerId),
}

/// By what a speaker is let in.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    token: Option<TokenHash>,
    serials: Vec<String>,
    /// Public, in hex, of the same certificates, oldest first.
    keys: Vec<String>,
}

impl Known {
    /// With which it signs; `None`: it has a token and no certificate, and signs nothing.
    fn keys(&self) -> Option<Vec<VerifyingKey>> {
        if self.keys.is_empty() && self.token.is_some() {
            return None;
        }
        let keys = self.keys.iter();
        Some(keys.filter_map(|key| parse_public_key(key).ok()).collect())
    }
}

pub(super) struct Loader {
    store: Store,
    tokens: SpeakerTokens,
    roster: Roster,
    changes: mpsc::Receiver<Change>,
    inputs: mpsc::Sender<Input>,
    known: HashMap<SpeakerId, Known>,
    /// What the logic was told of whom the poles believe.
    standing: Option<Arc<Standing>>,
    /// What the logic was told of the audit log.
    checkpoint: Option<Checkpoint>,
    /// Each place once; bounded by what the database has.
    waiting: VecDeque<Place>,
    in_waiting: HashSet<Place>,
    urgent: VecDeque<(Channel, Urgent)>,
    /// Look everywhere, as soon as the database can be read.
    all_due: bool,
}

impl Loader {
    pub(super) fn new(
        store: Store,
        tokens: SpeakerTokens,
        roster: Roster,
        changes: mpsc::Receiver<Change>,
        inputs: mpsc::Sender<Input>,
    ) -> Self {
        Self {
            store,
            tokens,
            roster,
            changes,
            inputs,
            known: HashMap::new(),
            standing: None,
            checkpoint: None,
            waiting: VecDeque::new(),
            in_waiting: HashSet::new(),
            urgent: VecDeque::new(),
            all_due: false,
        }
    }

    /// The whole database as inputs: whom to believe, then speakers, then programmes.
    pub(super) async fn read_everything(&mut self) -> Result<Vec<Input>, StoreError> {
        let mut inputs = Vec::from_iter(self.new_trust().await?);
        inputs.extend(self.new_checkpoint().await?);
        self.everything().await?;
        while let Some(place) = self.waiting.pop_front() {
            self.in_waiting.remove(&place);
            inputs.extend(self.read(&place, None).await?);
        }
        Ok(inputs)
    }

    /// Ends when nobody can tell of changes any more, or nobody listens.
    pub(super) async fn run(mut self) {
        let mut compare = tokio::time::interval(COMPARE);
        compare.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut witness = tokio::time::interval(WITNESS);
        witness.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut step = tokio::time::interval(STEP);
        step.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut left = AT_ONCE;
        loop {
            let slow = left == 0 && self.urgent.is_empty();
            let idle = self.urgent.is_empty() && self.waiting.is_empty() && !self.all_due;
            let found = tokio::select! {
                biased;
                change = self.changes.recv() => match change {
                    Some(change) => self.note(change).await,
                    None => return,
                },
                _ = compare.tick() => self.compare().await,
                _ = witness.tick() => self.witness().await,
                _ = step.tick(), if slow => {
                    left = AT_ONCE;
                    Ok(())
                }
                () = std::future::ready(()), if !idle && !slow => {
                    left = left.saturating_sub(1);
                    Ok(())
                }
            };
            let done = match found {
                Ok(()) if left == 0 && self.urgent.is_empty() => Ok(()),
                Ok(()) => self.read_next().await,
                failed => failed,
            };
            match done {
                Ok(()) => {}
                Err(LoadError::NobodyListens) => return,
                Err(LoadError::Store(error)) => {
                    tracing::error!(%error, "the database cannot be read; trying again");
                    tokio::time::sleep(TROUBLE).await;
                    self.all_due = true;
                }
            }
        }
    }

    /// Writes down where to look.
    async fn note(&mut self, change: Change) -> Result<(), LoadError> {
        match change {
            Change::Channels(channels, Some(urgent)) => {
                let each = channels
                    .into_iter()
                    .map(|channel| (channel, urgent.clone()));
                self.urgent.extend(each);
            }
            Change::Channels(channels, None) => {
                channels
                    .into_iter()
                    .for_each(|c| self.wait(Place::Channel(c)));
            }
            Change::Speakers(speakers) => {
                speakers
                    .into_iter()
                    .for_each(|s| self.wait(Place::Speaker(s)));
                self.compare_speakers().await?;
            }
            Change::Trust => self.compare_trust().await?,
            Change::Everything => self.all_due = true,
        }
        Ok(())
    }

    async fn read_next(&mut self) -> Result<(), LoadError> {
        let (place, urgent) = if let Some((channel, urgent)) = self.urgent.pop_front() {
            (Place::Channel(channel), Some(urgent))
        } else if let Some(place) = self.waiting.pop_front() {
            self.in_waiting.remove(&place);
            (place, None)
        } else if self.all_due {
            self.everything().await?;
            self.all_due = false;
            return Ok(());
        } else {
            return Ok(());
        };
        match self.read(&place, urgent.as_ref()).await {
            Ok(inputs) => {
                for input in inputs {
                    self.tell(input).await?;
                }
                Ok(())
            }
            Err(error) => {
                // Not lost: the urgent part is in the programme too.
                self.wait(place);
                Err(error.into())
            }
        }
    }

    async fn read(&self, place: &Place, urgent: Option<&Urgent>) -> Result<Vec<Input>, StoreError> {
        Ok(match place {
            Place::Channel(channel) => {
                let state = self.store.channel(channel).await?;
                let command = urgent.and_then(|urgent| command(urgent, &state.bulletins));
                vec![Input::Channel {
                    state: ChannelState {
                        channel: state.channel,
                        version: state.version,
                        silence_before: state.silence_before,
                        bulletins: state.bulletins,
                    },
                    command,
                }]
            }
            Place::Speaker(speaker) => match self.store.speaker_config(speaker).await? {
                // Its keys first: nothing unsigned is to be taken in between.
                Some(config) => {
                    let keys = self.known.get(speaker).and_then(Known::keys);
                    let keys = keys.map(|keys| Input::SpeakerKeys {
                        speaker: speaker.clone(),
                        keys,
                    });
                    let config = Input::Config(Box::new(config));
                    keys.into_iter().chain([config]).collect()
                }
                None => vec![Input::SpeakerRemoved(speaker.clone())],
            },
        })
    }

    async fn everything(&mut self) -> Result<(), StoreError> {
        self.compare_speakers().await?;
        let speakers = self.store.speakers().await?;
        speakers
            .into_iter()
            .for_each(|s| self.wait(Place::Speaker(s)));
        let channels = self.store.channels().await?;
        channels
            .into_iter()
            .for_each(|c| self.wait(Place::Channel(c)));
        Ok(())
    }

    async fn compare(&mut self) -> Result<(), LoadError> {
        self.compare_trust().await?;
        Ok(self.compare_speakers().await?)
    }

    /// Whom to believe goes first; then all is read again, for it may be signed with another key, and alarms may have to wait.
    async fn compare_trust(&mut self) -> Result<(), LoadError> {
        if let Some(input) = self.new_trust().await? {
            self.tell(input).await?;
            self.all_due = true;
        }
        Ok(())
    }

    async fn witness(&mut self) -> Result<(), LoadError> {
        match self.new_checkpoint().await? {
            Some(input) => self.tell(input).await,
            None => Ok(()),
        }
    }

    async fn new_checkpoint(&mut self) -> Result<Option<Input>, StoreError> {
        let checkpoint = self.store.checkpoint().await?;
        if checkpoint == self.checkpoint {
            return Ok(None);
        }
        self.checkpoint = checkpoint;
        Ok(checkpoint.map(Input::Checkpoint))
    }

    async fn new_trust(&mut self) -> Result<Option<Input>, StoreError> {
        self.store.refresh_trust().await?;
        let standing = self.store.standing();
        let known = self.standing.as_ref();
        if known.is_some_and(|known| Arc::ptr_eq(known, &standing)) {
            return Ok(None);
        }
        let roots = standing.roots.iter();
        let approvers = standing.approvers.iter();
        let state = TrustState {
            roots: roots.map(|(n, bytes)| (*n, bytes.clone().into())).collect(),
            approvers: approvers
                .map(|(area, bytes)| (area.clone(), bytes.clone().into()))
                .collect(),
            key: standing.office.key.clone(),
        };
        self.standing = Some(standing);
        Ok(Some(Input::Trust(Box::new(state))))
    }

    /// Who may connect first: a new speaker may knock at once, and one whose certificate was revoked is cut off at once.
    async fn compare_speakers(&mut self) -> Result<(), StoreError> {
        let mut known: HashMap<SpeakerId, Known> = HashMap::new();
        for speaker in self.store.speakers().await? {
            known.insert(speaker, Known::default());
        }
        for (speaker, token) in self.store.mqtt_tokens().await? {
            known.entry(speaker).or_default().token = Some(token);
        }
        for one in self.store.certificates_in_force().await? {
            let of = known.entry(one.speaker).or_default();
            of.serials.push(one.serial);
            of.keys.push(one.key);
        }
        if known == self.known {
            return Ok(());
        }
        if self.tokens_differ(&known) {
            let table = known
                .iter()
                .filter_map(|(id, known)| Some((id.to_string(), known.token?)));
            self.tokens.replace(table.collect());
        }
        if self.serials_differ(&known) {
            self.roster.replace(known.iter().flat_map(|(id, known)| {
                known.serials.iter().map(|serial| Peer {
                    speaker: id.to_string(),
                    serial: serial.clone(),
                })
            }));
        }
        let gone = self.known.keys().filter(|id| !known.contains_key(id));
        let new = known
            .iter()
            .filter(|(id, now)| self.known.get(id) != Some(now));
        let changed: Vec<SpeakerId> = gone.chain(new.map(|(id, _)| id)).cloned().collect();
        changed
            .into_iter()
            .for_each(|s| self.wait(Place::Speaker(s)));
        self.known = known;
        Ok(())
    }

    fn tokens_differ(&self, known: &HashMap<SpeakerId, Known>) -> bool {
        let tokens = |of: &HashMap<SpeakerId, Known>| -> HashMap<SpeakerId, TokenHash> {
            of.iter()
                .filter_map(|(id, known)| Some((id.clone(), known.token?)))
                .collect()
        };
        tokens(known) != tokens(&self.known)
    }

    fn serials_differ(&self, known: &HashMap<SpeakerId, Known>) -> bool {
        let serials = |of: &HashMap<SpeakerId, Known>| -> HashSet<String> {
            of.values()
                .flat_map(|known| known.serials.iter().cloned())
                .collect()
        };
        serials(known) != serials(&self.known)
    }

    fn wait(&mut self, place: Place) {
        if self.in_waiting.insert(place.clone()) {
            self.waiting.push_back(place);
        }
    }

    async fn tell(&self, input: Input) -> Result<(), LoadError> {
        self.inputs
            .send(input)
            .await
            .map_err(|_| LoadError::NobodyListens)
    }
}

#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error("the engine has ended")]
    NobodyListens,
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn command(urgent: &Urgent, bulletins: &[loa_protocol::bulletin::Bulletin]) -> Option<Command> {
    Some(match urgent {
        // One that is not there any more was cancelled in the same breath.
        Urgent::Start(id) => Command::Start {
            bulletin: Box::new(bulletins.iter().find(|b| b.id == *id)?.clone()),
        },
        Urgent::Cancel(id) => Command::Cancel {
            bulletin: id.clone(),
        },
        Urgent::Stop(before) => Command::Stop { before: *before },
    })
}

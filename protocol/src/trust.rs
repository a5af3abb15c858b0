//! What a speaker believes, and whom: the root in force, what each of its keys may sign, and whose approval an emergency needs.
//!
//! Pure. Time is an argument, and `None` where the clock cannot be trusted: then nothing is too old.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::VerifyingKey;

use crate::{
    bulletin::{Bulletin, Priority, Status},
    channel::Channel,
    endorsement::{MAX_ASSERTIONS, MAX_TARGETS, challenge},
    envelope::{Document, KeyId, Keyring, Refusal, open_counted, open_unsigned},
    id::AreaId,
    passkey::{self, Expected},
    root::{Approver, Approvers, EmergencyBy, MAX_APPROVERS, MAX_KEYS, Root, Scope},
    time::WallTime,
};

/// Roots that came before the ones between; beyond it the highest goes.
const MAX_AHEAD: usize = 8;

/// What a speaker was given to begin with.
#[derive(Clone, Debug)]
pub enum Anchor {
    /// A root key: the first root that it signed is the first that is believed.
    RootKey(VerifyingKey),
    /// An office of one key without a root: for simulations and tests.
    OneKey(VerifyingKey),
}

#[derive(Clone, Debug)]
pub struct Trust {
    anchor: Anchor,
    root: Option<Root>,
    office: Keyring,
    ahead: BTreeMap<u32, Vec<u8>>,
    approvers: BTreeMap<AreaId, (KeyId, Approvers)>,
}

/// What became of a root document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootTaken {
    Known,
    /// Kept until the ones between have come.
    Ahead,
    /// In force, with all that waited for it. `gone`: keys that are not believed any more; what they signed is to be forgotten,
    /// and with it how far it counted (so an attacker who counted to the end of all numbers is overcome).
    New {
        /// Name each is stored under by its version, with its bytes.
        taken: Vec<(u32, Vec<u8>)>,
        gone: BTreeSet<KeyId>,
    },
}

/// A document with the key by which it is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened<D> {
    pub document: D,
    pub signer: KeyId,
}

/// Why an emergency does not sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEndorsed {
    #[error("no approver has signed it")]
    Missing,
    #[error("it was approved for other places")]
    Elsewhere,
    #[error("its approval does not reach to its end")]
    TooLong,
    #[error("too few approvers' signatures on it are good")]
    TooFew,
}

impl Trust {
    pub fn new(anchor: Anchor) -> Self {
        let office = match &anchor {
            Anchor::OneKey(key) => Keyring::new([*key]),
            Anchor::RootKey(_) => Keyring::default(),
        };
        Self {
            anchor,
            root: None,
            office,
            ahead: BTreeMap::new(),
            approvers: BTreeMap::new(),
        }
    }

    /// An office of one key and no root.
    pub fn of_key(key: VerifyingKey) -> Self {
        Self::new(Anchor::OneKey(key))
    }

    pub fn root(&self) -> Option<&Root> {
        self.root.as_ref()
    }

    pub fn root_version(&self) -> u32 {
        self.root.as_ref().map_or(0, |root| root.version)
    }

    /// Takes a root document, and those that waited for it.
    pub fn take_root(&mut self, bytes: &[u8]) -> Result<RootTaken, Refusal> {
        let root: Root = open_unsigned(bytes)?;
        if root.version <= self.root_version() {
            // Somebody may only be late; but what was replaced is never believed again.
            return if Some(&root) == self.root.as_ref() {
                Ok(RootTaken::Known)
            } else {
                Err(Refusal::Stale)
            };
        }
        if self.root.is_some() && root.version > self.root_version() + 1 {
            check(&root)?;
            signed_enough(bytes, &root)?;
            self.ahead.insert(root.version, bytes.to_vec());
            if self.ahead.len() > MAX_AHEAD {
                self.ahead.pop_last();
            }
            return Ok(RootTaken::Ahead);
        }
        let before = self.believed_keys();
        let mut taken = vec![(root.version, bytes.to_vec())];
        self.put(bytes, root)?;
        while let Some(next) = self.ahead.remove(&(self.root_version() + 1)) {
            let Ok(root) = open_unsigned::<Root>(&next) else {
                continue;
            };
            let version = root.version;
            if self.put(&next, root).is_ok() {
                taken.push((version, next));
            }
        }
        let version = self.root_version();
        self.ahead.retain(|ahead, _| *ahead > version);
        let now = self.believed_keys();
        let gone: BTreeSet<KeyId> = before.difference(&now).cloned().collect();
        self.approvers
            .retain(|_, (signer, _)| !gone.contains(signer));
        Ok(RootTaken::New { taken, gone })
    }

    fn put(&mut self, bytes: &[u8], root: Root) -> Result<(), Refusal> {
        check(&root)?;
        match (&self.root, &self.anchor) {
            (Some(old), _) => signed_enough(bytes, old)?,
            (None, Anchor::RootKey(key)) => {
                open_counted::<Root>(bytes, &Keyring::new([*key]))?;
            }
            // An office of one key has no root.
            (None, Anchor::OneKey(_)) => return Err(Refusal::NotSigned),
        }
        signed_enough(bytes, &root)?;
        self.office = Keyring::new(root.office.iter().map(|k| *k.key.key()));
        self.root = Some(root);
        Ok(())
    }

    fn believed_keys(&self) -> BTreeSet<KeyId> {
        let root = self.root.iter();
        root.flat_map(|root| {
            let office = root.office.iter().map(|k| k.key.id());
            office.chain(root.areas.iter().map(|k| k.key.id()))
        })
        .collect()
    }

    /// Opens what the office says about itself or about one speaker.
    pub fn open<D: Document>(
        &self,
        bytes: &[u8],
        now: Option<WallTime>,
    ) -> Result<Opened<D>, Refusal> {
        self.open_if(bytes, now, |scope| scope.covers_type(D::TYPE))
    }

    /// Opens what the office says on a channel.
    pub fn open_on<D: Document>(
        &self,
        bytes: &[u8],
        channel: &Channel,
        now: Option<WallTime>,
    ) -> Result<Opened<D>, Refusal> {
        self.open_if(bytes, now, |scope| {
            scope.covers_type(D::TYPE) && scope.covers_channel(channel)
        })
    }

    fn open_if<D: Document>(
        &self,
        bytes: &[u8],
        now: Option<WallTime>,
        covers: impl Fn(&Scope) -> bool,
    ) -> Result<Opened<D>, Refusal> {
        let (document, signers) = open_counted::<D>(bytes, &self.office)?;
        let Some(root) = &self.root else {
            let signer = signers.into_iter().next().ok_or(Refusal::NotSigned)?;
            return Ok(Opened { document, signer });
        };
        let over = |expires: WallTime| now.is_some_and(|now| now > expires);
        if over(root.expires) {
            return Err(Refusal::Expired);
        }
        let mut why = Refusal::NotSigned;
        for key in &root.office {
            let id = key.key.id();
            if !signers.contains(&id) {
                continue;
            }
            if !covers(&key.scope) {
                why = Refusal::WrongScope;
            } else if over(key.expires) {
                why = Refusal::Expired;
            } else {
                return Ok(Opened {
                    document,
                    signer: id,
                });
            }
        }
        Err(why)
    }

    /// The highest priority that this key may give.
    pub fn max_priority(&self, signer: &KeyId) -> Priority {
        match &self.root {
            None => Priority::Emergency,
            Some(root) => root
                .office
                .iter()
                .filter(|k| k.key.id() == *signer)
                .map(|k| k.scope.max_priority)
                .max()
                .unwrap_or(Priority::Ordinary),
        }
    }

    /// Takes further approvers of an area. `true`: they are new and worth storing.
    pub fn take_approvers(
        &mut self,
        area: &AreaId,
        bytes: &[u8],
        now: Option<WallTime>,
    ) -> Result<bool, Refusal> {
        let root = self.root.as_ref().ok_or(Refusal::NotSigned)?;
        let keys = root
            .areas
            .iter()
            .filter(|k| k.area == *area && now.is_none_or(|now| now <= k.expires));
        let ring = Keyring::new(keys.map(|k| *k.key.key()));
        let (given, signers) = open_counted::<Approvers>(bytes, &ring)?;
        if given.area != *area {
            return Err(Refusal::WrongScope);
        }
        if now.is_some_and(|now| now > given.expires) {
            return Err(Refusal::Expired);
        }
        check_approvers(&given.approvers)?;
        // Whoever may name approvers for one area may not name them for everywhere.
        if given.approvers.iter().any(|a| a.channels.is_empty()) {
            return Err(Refusal::BreaksRule);
        }
        if let Some((_, known)) = self.approvers.get(area) {
            if given.version < known.version {
                return Err(Refusal::Stale);
            }
            if given.version == known.version {
                return Ok(false);
            }
        }
        let signer = signers.into_iter().next().ok_or(Refusal::NotSigned)?;
        self.approvers.insert(area.clone(), (signer, given));
        Ok(true)
    }

    /// Everybody whose passkey counts at `now`.
    pub fn approvers(&self, now: Option<WallTime>) -> impl Iterator<Item = &Approver> {
        let fresh = move |expires: WallTime| now.is_none_or(|now| now <= expires);
        let named = self.root.iter().flat_map(|root| &root.approvers);
        let further = self
            .approvers
            .values()
            .filter(move |(_, doc)| fresh(doc.expires))
            .flat_map(|(_, doc)| &doc.approvers);
        named.chain(further).filter(move |a| fresh(a.expires))
    }

    /// May this sound, as far as approvers are concerned? Only an emergency in earnest needs them, and only where the root says so.
    pub fn endorsed(
        &self,
        b: &Bulletin,
        channel: &Channel,
        now: Option<WallTime>,
    ) -> Result<(), NotEndorsed> {
        let alarm = b.priority == Priority::Emergency && b.status == Status::Actual;
        let rule = self.root.as_ref().map(|root| &root.emergency);
        let Some(rule) = rule.filter(|rule| alarm && rule.by == EmergencyBy::Passkey) else {
            return Ok(());
        };
        let endorsement = b.endorsement.as_ref().ok_or(NotEndorsed::Missing)?;
        if endorsement.targets.len() > MAX_TARGETS || !endorsement.targets.contains(channel) {
            return Err(NotEndorsed::Elsewhere);
        }
        if b.valid_until.is_none_or(|until| until > endorsement.until) {
            return Err(NotEndorsed::TooLong);
        }
        let challenge = challenge(b, &endorsement.targets, endorsement.until);
        let expected = Expected {
            challenge: &challenge.0,
            relying_party: &rule.relying_party,
        };
        let mut people = BTreeSet::new();
        for assertion in endorsement.assertions.iter().take(MAX_ASSERTIONS) {
            let approver = self.approvers(now).find(|a| {
                a.credential == assertion.credential
                    && (a.channels.is_empty()
                        || endorsement.targets.iter().all(|t| a.channels.contains(t)))
            });
            if let Some(approver) = approver
                && passkey::verify(assertion, &approver.key, expected).is_ok()
            {
                people.insert(approver.name.as_str());
            }
        }
        if people.len() >= usize::from(rule.needed) {
            Ok(())
        } else {
            Err(NotEndorsed::TooFew)
        }
    }
}

/// Are there signatures of enough of this root's own keys?
fn signed_enough(bytes: &[u8], root: &Root) -> Result<(), Refusal> {
    let ring = Keyring::new(root.roots.iter().map(|k| *k.key()));
    let (_, signers) = open_counted::<Root>(bytes, &ring)?;
    if signers.len() >= usize::from(root.needed) {
        Ok(())
    } else {
        Err(Refusal::NotSigned)
    }
}

fn check(root: &Root) -> Result<(), Refusal> {
    let distinct: BTreeSet<KeyId> = root.roots.iter().map(|k| k.id()).collect();
    let fits = (1..=distinct.len()).contains(&usize::from(root.needed))
        && distinct.len() == root.roots.len()
        && root.roots.len() <= MAX_KEYS
        && (1..=MAX_KEYS).contains(&root.office.len())
        && root.areas.len() <= MAX_APPROVERS
        && root.emergency.needed >= 1
        && (root.emergency.by == EmergencyBy::Office || !root.emergency.relying_party.is_empty());
    if !fits {
        return Err(Refusal::BreaksRule);
    }
    check_approvers(&root.approvers)
}

fn check_approvers(approvers: &[Approver]) -> Result<(), Refusal> {
    let fits = |a: &Approver| {
        (1..=passkey::MAX_CREDENTIAL).contains(&a.credential.len())
            && a.key.len() == 65
            && a.key.first() == Some(&4)
            && a.channels.len() <= MAX_TARGETS
    };
    if approvers.len() <= MAX_APPROVERS && approvers.iter().all(fits) {
        Ok(())
    } else {
        Err(Refusal::BreaksRule)
    }
}

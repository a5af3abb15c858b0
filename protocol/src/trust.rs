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
    root::{Approver, Approvers, EmergencyBy, MAX_APPROVERS, MAX_KEYS, PublicKey, Root, Scope},
    time::WallTime,
};

/// Roots that came before the ones between; beyond it the highest goes.
const MAX_AHEAD: usize = 8;
/// An endorsement of what is said at once reaches no further than this, in seconds; a speaker remembers longer what it said.
pub const SAID_AT_ONCE_WITHIN_S: i64 = 31 * 86_400;

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

    /// Takes a root document, and those that waited for it. Whether it has expired is not asked here: one that has may be
    /// a step on the way to one that has not.
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
        let Anchor::RootKey(anchor) = &self.anchor else {
            // An office of one key has no root.
            return Err(Refusal::NotSigned);
        };
        signed_enough(bytes, &root)?;
        check(&root)?;
        let is_next = match &self.root {
            Some(_) => root.version.checked_sub(1) == Some(self.root_version()),
            // The first one may be of any version.
            None => open_counted::<Root>(bytes, &Keyring::new([*anchor])).is_ok(),
        };
        if !is_next {
            self.ahead.insert(root.version, bytes.to_vec());
            if self.ahead.len() > MAX_AHEAD {
                self.ahead.pop_last();
            }
            return Ok(RootTaken::Ahead);
        }
        if let Some(old) = &self.root {
            signed_enough(bytes, old)?;
        }
        let before = self.believed_keys();
        let mut taken = vec![(root.version, bytes.to_vec())];
        self.root = Some(root);
        while let Some((version, next)) = self.take_ahead() {
            taken.push((version, next));
        }
        let version = self.root_version();
        self.ahead.retain(|ahead, _| *ahead > version);
        let root = self.root.iter();
        self.office = Keyring::new(root.flat_map(|r| &r.office).map(|k| *k.key.key()));
        let gone = before.difference(&self.believed_keys()).cloned().collect();
        self.drop_approvers();
        Ok(RootTaken::New { taken, gone })
    }

    /// Puts the next one in force, when it has come before and is signed by the present one's keys.
    fn take_ahead(&mut self) -> Option<(u32, Vec<u8>)> {
        let version = self.root_version().checked_add(1)?;
        let bytes = self.ahead.remove(&version)?;
        signed_enough(&bytes, self.root.as_ref()?).ok()?;
        self.root = Some(open_unsigned(&bytes).ok()?);
        Some((version, bytes))
    }

    /// Forgets the approvers that were named by a key which may name none for that area any more.
    fn drop_approvers(&mut self) {
        let keys = self.root.iter().flat_map(|r| &r.areas);
        let may: BTreeSet<(&AreaId, KeyId)> = keys.map(|k| (&k.area, k.key.id())).collect();
        self.approvers
            .retain(|area, (signer, _)| may.contains(&(area, signer.clone())));
    }

    /// Areas for which further approvers are known.
    pub fn approver_areas(&self) -> impl Iterator<Item = &AreaId> {
        self.approvers.keys()
    }
    pub fn has_approvers(&self, area: &AreaId) -> bool {
        self.approvers.contains_key(area)
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

    /// Would what this key signed still be opened, be its time over or not?
    pub fn may_sign(&self, signer: &KeyId, kind: &str, channel: Option<&Channel>) -> bool {
        let Some(root) = &self.root else {
            return self.office.contains(signer);
        };
        root.office.iter().any(|k| {
            k.key.id() == *signer
                && k.scope.covers_type(kind)
                && channel.is_none_or(|channel| k.scope.covers_channel(channel))
        })
    }

    /// When the time of this office key is over; `None`: never, or it is not believed at all.
    pub fn key_expires(&self, signer: &KeyId) -> Option<WallTime> {
        let mut keys = self.root.iter().flat_map(|root| &root.office);
        keys.find(|k| k.key.id() == *signer).map(|k| k.expires)
    }

    /// The next instant at which a key, an approver or the root itself runs out.
    pub fn next_expiry(&self, now: WallTime) -> Option<WallTime> {
        let root = self.root.iter();
        let own = root.flat_map(|root| {
            let office = root.office.iter().map(|k| k.expires);
            let areas = root.areas.iter().map(|k| k.expires);
            let people = root.approvers.iter().map(|a| a.expires);
            office.chain(areas).chain(people).chain([root.expires])
        });
        let further = self.approvers.values().flat_map(|(_, doc)| {
            let people = doc.approvers.iter().map(|a| a.expires);
            people.chain([doc.expires])
        });
        own.chain(further).filter(|at| *at >= now).min()
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
        let of_area = || root.areas.iter().filter(|k| k.area == *area);
        let ring = Keyring::new(of_area().map(|k| *k.key.key()));
        let (given, signers) = open_counted::<Approvers>(bytes, &ring)?;
        if given.area != *area {
            return Err(Refusal::WrongScope);
        }
        if let Some((_, known)) = self.approvers.get(area) {
            if given == *known {
                return Ok(false);
            }
            if given.version <= known.version {
                return Err(Refusal::Stale);
            }
        }
        let fresh = |expires: WallTime| now.is_none_or(|now| now <= expires);
        let signer = of_area()
            .filter(|k| fresh(k.expires))
            .map(|k| k.key.id())
            .find(|id| signers.contains(id));
        let Some(signer) = signer.filter(|_| fresh(given.expires) && fresh(root.expires)) else {
            return Err(Refusal::Expired);
        };
        check_approvers(&given.approvers)?;
        // Whoever may name approvers for one area may not name them for others.
        let reaches_out = |channel: &Channel| match channel {
            Channel::Area(other) => other != area,
            Channel::Group(_) => true,
            // A speaker takes the approvers only of areas in which it lies.
            Channel::Speaker(_) => false,
        };
        let goes_too_far =
            |a: &Approver| a.channels.is_empty() || a.channels.iter().any(reaches_out);
        if given.approvers.iter().any(goes_too_far) {
            return Err(Refusal::BreaksRule);
        }
        self.approvers.insert(area.clone(), (signer, given));
        Ok(true)
    }

    /// Everybody whose passkey counts at `now`.
    pub fn approvers(&self, now: Option<WallTime>) -> impl Iterator<Item = &Approver> {
        let fresh = move |expires: WallTime| now.is_none_or(|now| now <= expires);
        let named = self.root.iter().flat_map(|root| &root.approvers);
        let keys = self.root.iter().flat_map(|root| &root.areas);
        let fresh_keys: BTreeSet<(&AreaId, KeyId)> = keys
            .filter(|k| fresh(k.expires))
            .map(|k| (&k.area, k.key.id()))
            .collect();
        let further = self
            .approvers
            .iter()
            .filter(move |(area, (signer, doc))| {
                fresh(doc.expires) && fresh_keys.contains(&(*area, signer.clone()))
            })
            .flat_map(|(_, (_, doc))| &doc.approvers);
        named.chain(further).filter(move |a| fresh(a.expires))
    }

    /// Do approvers have to sign this?
    pub fn needs_endorsement(&self, b: &Bulletin) -> bool {
        let alarm = b.priority == Priority::Emergency && b.status == Status::Actual;
        let rule = self.root.as_ref().map(|root| root.emergency.by);
        alarm && rule == Some(EmergencyBy::Passkey)
    }

    /// May this sound, as far as approvers are concerned? Only an emergency in earnest needs them, and only where the root says so.
    pub fn endorsed(
        &self,
        b: &Bulletin,
        channel: &Channel,
        now: Option<WallTime>,
    ) -> Result<(), NotEndorsed> {
        let rule = self.root.as_ref().map(|root| &root.emergency);
        let Some(rule) = rule.filter(|_| self.needs_endorsement(b)) else {
            return Ok(());
        };
        let endorsement = b.endorsement.as_ref().ok_or(NotEndorsed::Missing)?;
        if endorsement.targets.len() > MAX_TARGETS || !endorsement.targets.contains(channel) {
            return Err(NotEndorsed::Elsewhere);
        }
        if b.valid_until.is_none_or(|until| until > endorsement.until) {
            return Err(NotEndorsed::TooLong);
        }
        // What is said at once has no plan that people signed: it is bound to soon, and each speaker remembers it longer.
        let soon = now.map(|now| now.plus_s(SAID_AT_ONCE_WITHIN_S));
        if b.is_now() && soon.is_some_and(|soon| endorsement.until > soon) {
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
                    && passkey::verify(assertion, &a.key, expected).is_ok()
            });
            people.extend(approver.map(|a| a.name.as_str()));
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
    fn distinct<'a>(keys: impl Iterator<Item = &'a PublicKey>) -> usize {
        keys.map(PublicKey::id).collect::<BTreeSet<_>>().len()
    }
    let fits = (1..=root.roots.len()).contains(&usize::from(root.needed))
        && distinct(root.roots.iter()) == root.roots.len()
        && root.roots.len() <= MAX_KEYS
        // A key with two scopes would give in one what only the other allows.
        && distinct(root.office.iter().map(|k| &k.key)) == root.office.len()
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

//! Takes back what was signed by a key that is not believed any more, with how far it counted: so an attacker who counted to
//! the end of all numbers is overcome by the next root (The Update Framework's recovery from fast-forward).
//!
//! What kept this speaker quiet stays: the limits, quiet hours and mute of a forgotten configuration are in force until a new
//! one is believed, and what was stopped stays stopped until its channel has a new programme.

use std::collections::BTreeSet;

use loa_protocol::{
    channel::Channel,
    envelope::{Document, KeyId},
    head::Head,
    id::BulletinId,
    programme::{Now, Programme, Version},
    speaker_config::SpeakerConfig,
    trust::Trust,
};

use super::documents::{CONFIG, Documents, Followed, HEAD, Word, now_name, programme_name};

/// What had to go.
#[derive(Debug, Default, PartialEq)]
pub struct Forgotten {
    /// Stored documents.
    pub names: Vec<String>,
    /// What they planned.
    pub bulletins: BTreeSet<BulletinId>,
    pub head: bool,
    pub config: bool,
}

impl Documents {
    pub fn forget_distrusted(&mut self, trust: &Trust) -> Forgotten {
        let mut forgotten = Forgotten::default();
        let may = |signer: &KeyId, kind| trust.may_sign(signer, kind, None);
        if self.head_signer.take_if(|s| !may(s, Head::TYPE)).is_some() {
            self.head = None;
            forgotten.head = true;
            forgotten.names.push(HEAD.into());
        }
        if self
            .config_signer
            .take_if(|s| !may(s, SpeakerConfig::TYPE))
            .is_some()
        {
            self.config_known = false;
            self.holds_to_rules = true;
            self.config.version = Version::default();
            self.config.orders.clear();
            forgotten.config = true;
            forgotten.names.push(CONFIG.into());
        }
        for (channel, followed) in &mut self.channels {
            followed.forget_distrusted(channel, trust, &mut forgotten);
        }
        forgotten
    }
}

impl Followed {
    fn forget_distrusted(&mut self, channel: &Channel, trust: &Trust, forgotten: &mut Forgotten) {
        let is_gone = |word: &Word, kind| !trust.may_sign(&word.signer, kind, Some(channel));
        if self
            .programme
            .take_if(|word| is_gone(word, Programme::TYPE))
            .is_some()
        {
            forgotten.names.push(programme_name(channel));
            let bulletins = std::mem::take(&mut self.bulletins);
            forgotten.bulletins.extend(bulletins.into_keys());
        }
        self.overlays.retain(|id, overlay| {
            let gone = is_gone(&overlay.word, Now::TYPE);
            if gone {
                forgotten.names.push(now_name(channel, Some(id)));
                forgotten.bulletins.insert(id.clone());
            }
            !gone
        });
        if let Some((before, _)) = self.stop.take_if(|(_, word)| is_gone(word, Now::TYPE)) {
            forgotten.names.push(now_name(channel, None));
            self.silence_before = self.silence_before.max(Some(before));
        }
        if self.now.take_if(|word| is_gone(word, Now::TYPE)).is_some() {
            let left = self.overlays.values().map(|overlay| &overlay.word);
            let stop = self.stop.iter().map(|(_, word)| word);
            self.now = left.chain(stop).max_by_key(|word| word.version).cloned();
        }
    }
}

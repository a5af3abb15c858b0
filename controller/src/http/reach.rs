//! Whom targets reach: names, areas and approval, read once for each target of an answer.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use loa_protocol::{
    bulletin::Bulletin,
    channel::Channel,
    id::{AreaId, SpeakerId},
};

use super::{AppState, error::ApiError};
use crate::{
    logic::{
        approval::{Approval, Ask, Place, is_alarm, need},
        permissions::{Action, Actor, may},
    },
    store::{Node, Reached},
};

/// The tree of areas, as it was when this was opened, and the targets that were asked for since.
#[derive(Debug)]
pub struct Reach {
    tree: HashMap<AreaId, Node>,
    /// Most bulletins of a list have the same few targets.
    known: HashMap<Vec<Channel>, Arc<Heard>>,
}

/// Everybody whom some targets reach together.
#[derive(Debug)]
pub struct Heard {
    /// Of the targets, in their order; of one that is no more, its id.
    pub names: Vec<String>,
    /// Each counted once.
    pub speakers: usize,
    /// Areas with speakers that hear it.
    pub hamlets: BTreeSet<AreaId>,
    /// The targets' own areas and those of everybody who hears it.
    pub places: Vec<Place>,
    /// Something of it is no more.
    some_gone: bool,
}

impl Reach {
    pub async fn open(state: &AppState) -> Result<Self, ApiError> {
        Ok(Self {
            tree: state.store.tree().await?,
            known: HashMap::new(),
        })
    }

    /// The area and all above it, itself first.
    pub fn lineage(&self, area: &AreaId) -> Vec<AreaId> {
        let mut lineage: Vec<AreaId> = Vec::new();
        let mut next = Some(area);
        while let Some(id) = next {
            let Some(node) = self.tree.get(id).filter(|_| !lineage.contains(id)) else {
                break;
            };
            lineage.push(id.clone());
            next = node.parent.as_ref();
        }
        lineage
    }

    /// What is in force for what is said to this area.
    pub fn approval(&self, lineage: &[AreaId]) -> Approval {
        Approval::in_force(lineage.iter().map(|id| self.tree.get(id)?.approval))
    }

    /// How many speakers each area itself has.
    pub fn speakers(&self) -> impl Iterator<Item = (&AreaId, usize)> {
        self.tree.iter().map(|(id, node)| (id, node.speakers))
    }

    pub async fn heard(
        &mut self,
        state: &AppState,
        targets: &[Channel],
    ) -> Result<Arc<Heard>, ApiError> {
        if let Some(known) = self.known.get(targets) {
            return Ok(known.clone());
        }
        let mut reached = Vec::with_capacity(targets.len());
        for channel in targets {
            reached.push((channel, state.store.reached(channel).await?));
        }
        let heard = Arc::new(self.together(reached));
        self.known.insert(targets.to_vec(), heard.clone());
        Ok(heard)
    }

    fn together(&self, reached: Vec<(&Channel, Reached)>) -> Heard {
        let mut names = Vec::with_capacity(reached.len());
        let mut some_gone = false;
        let mut speakers: BTreeSet<SpeakerId> = BTreeSet::new();
        let mut hamlets: BTreeSet<AreaId> = BTreeSet::new();
        let mut areas: BTreeSet<AreaId> = BTreeSet::new();
        for (channel, reached) in reached {
            some_gone |= reached.name.is_none();
            names.push(reached.name.unwrap_or_else(|| channel.to_string()));
            areas.extend(reached.area);
            for (speaker, area) in reached.speakers {
                speakers.insert(speaker);
                hamlets.insert(area);
            }
        }
        areas.extend(hamlets.iter().cloned());
        let places = areas.iter().map(|area| {
            let lineage = self.lineage(area);
            Place {
                in_force: self.approval(&lineage),
                lineage,
            }
        });
        Heard {
            names,
            speakers: speakers.len(),
            hamlets,
            places: places.collect(),
            some_gone,
        }
    }
}

impl Heard {
    /// May this person say yes to such a thing? What is asked for was written down when it was made: where more is asked by
    /// now (somebody joined a group, an area became careful), it takes somebody who would not be asked himself.
    pub fn may_approve(&self, actor: &Actor, ask: Ask, b: &Bulletin) -> bool {
        let asked = match is_alarm(b.priority, b.status) {
            true => None,
            false => need(actor, b.priority, b.status, 0, &self.places),
        };
        asked.is_none() && self.allows(actor, Action::Approve(ask))
    }

    /// May this person do this to all of it? A target that is no more reaches nobody.
    pub fn allows(&self, actor: &Actor, action: Action) -> bool {
        let own: Vec<AreaId> = actor.area.iter().cloned().collect();
        let mut places = self.places.iter();
        places.all(|place| may(actor, action, &place.lineage))
            && (!(self.some_gone || self.places.is_empty()) || may(actor, action, &own))
    }
}

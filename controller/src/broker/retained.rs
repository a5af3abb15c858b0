//! The broker's retained messages, in memory and bounded (RMQTT's own store keeps nothing).

use std::{
    str::FromStr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use rmqtt::{
    retain::{RetainStorage, RetainTree},
    topic::Topic,
    types::{Retain, TopicFilter, TopicName},
};

use super::{Tallies, clip};

/// Topics that may hold a retained message.
pub const MAX_RETAINED: usize = 100_000;
/// Payload bytes of all retained messages together.
pub const MAX_RETAINED_BYTES: usize = 256 << 20;

pub(super) struct Retained {
    held: RwLock<Held>,
    tallies: Arc<Tallies>,
}

#[derive(Default)]
struct Held {
    tree: RetainTree<Retain>,
    topics: usize,
    bytes: usize,
}

impl Retained {
    pub(super) fn new(tallies: Arc<Tallies>) -> Self {
        Self {
            held: RwLock::default(),
            tallies,
        }
    }
}

#[async_trait]
impl RetainStorage for Retained {
    fn enable(&self) -> bool {
        true
    }

    /// A message's own expiry is looked at when it is delivered.
    async fn set(
        &self,
        topic: &TopicName,
        message: Retain,
        _: Option<Duration>,
    ) -> rmqtt::Result<()> {
        let path = Topic::from_str(topic)?;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        // The old one goes in any case: a stale document is worse than none.
        if let Some(old) = held.tree.remove(&path) {
            held.topics -= 1;
            held.bytes -= old.publish.payload.len();
        }
        let bytes = message.publish.payload.len();
        if bytes == 0 {
            return Ok(());
        }
        if held.topics >= MAX_RETAINED || held.bytes + bytes > MAX_RETAINED_BYTES {
            if let Some(times) = self.tallies.unretained.count() {
                tracing::warn!(topic = %clip(topic), times, "not retained: the store of retained messages is full");
            }
            return Ok(());
        }
        held.topics += 1;
        held.bytes += bytes;
        held.tree.insert(&path, message);
        Ok(())
    }

    async fn get(&self, filter: &TopicFilter) -> rmqtt::Result<Vec<(TopicName, Retain)>> {
        let filter = Topic::from_str(filter)?;
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let found = held.tree.matches(&filter);
        Ok(found
            .into_iter()
            .map(|(topic, message)| (TopicName::from(topic.to_string()), message))
            .collect())
    }

    async fn count(&self) -> isize {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        isize::try_from(held.topics).unwrap_or(isize::MAX)
    }

    async fn max(&self) -> isize {
        isize::try_from(MAX_RETAINED).unwrap_or(isize::MAX)
    }
}

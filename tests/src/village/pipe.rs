//! The broker and the lines to it. It keeps order within a connection when it feels like it, loses what QoS 0 may lose
//! and whatever is under way when a connection breaks, says things twice, says old things again, says nonsense, and
//! comes back empty.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use loa_protocol::topic::Topic;

use super::{Happening, Micros, SECOND, Village, library::Parcel};

pub type ConnId = u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Client {
    Office,
    Pole(usize),
}

/// What a client says to the broker.
#[derive(Clone, Debug)]
pub enum Word {
    Subscribe(Vec<String>),
    Unsubscribe(Vec<String>),
    Publish { topic: Topic, parcel: Parcel },
}

/// How bad the lines are, in a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Badness {
    /// QoS 0 lost.
    pub drop: u64,
    /// QoS 1 said twice.
    pub twice: u64,
    /// Overtaken by what was said later.
    pub reorder: u64,
    /// Slowest way to a pole, in milliseconds.
    pub slow_ms: u64,
}

#[derive(Debug)]
pub struct Conn {
    pub client: Client,
    exact: BTreeSet<String>,
    wild: BTreeSet<String>,
    /// Nothing gets through, and neither side knows yet.
    pub cut: bool,
    will: Option<(Topic, Parcel)>,
    last_up: Micros,
    last_down: Micros,
}

#[derive(Debug)]
pub struct Pipe {
    pub up: bool,
    pub badness: Badness,
    retained: BTreeMap<String, (Topic, Parcel)>,
    pub conns: BTreeMap<ConnId, Conn>,
    last_conn: ConnId,
    /// Some of what was said, to be said again by a broker that lies.
    old: VecDeque<(Topic, Parcel)>,
}

const OLD_KEPT: usize = 64;

impl Pipe {
    pub fn new(badness: Badness) -> Self {
        Self {
            up: true,
            badness,
            retained: BTreeMap::new(),
            conns: BTreeMap::new(),
            last_conn: 0,
            old: VecDeque::new(),
        }
    }

    pub(super) fn subscribers(&self, topic: &str) -> Vec<ConnId> {
        self.conns
            .iter()
            .filter(|(_, conn)| {
                conn.exact.contains(topic) || conn.wild.iter().any(|f| matches(f, topic))
            })
            .map(|(id, _)| *id)
            .collect()
    }

    /// Gives this to whoever comes next; `None`: nothing.
    pub fn retain(&mut self, topic: Topic, parcel: Option<Parcel>) {
        let text = topic.to_string();
        match parcel {
            Some(parcel) => drop(self.retained.insert(text, (topic, parcel))),
            None => drop(self.retained.remove(&text)),
        }
    }

    pub fn any_old(&self, place: usize) -> Option<(Topic, Parcel)> {
        self.old.get(place % self.old.len().max(1)).cloned()
    }
}

/// MQTT 5 section 4.7, without `#`.
fn matches(filter: &str, topic: &str) -> bool {
    let (mut f, mut t) = (filter.split('/'), topic.split('/'));
    loop {
        match (f.next(), t.next()) {
            (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(a), Some(b)) if a == b => {}
            _ => return false,
        }
    }
}

impl Village {
    /// A client comes; `None` when there is no broker. An older connection of the same client is closed.
    pub(super) fn pipe_connect(
        &mut self,
        client: Client,
        will: Option<(Topic, Parcel)>,
    ) -> Option<ConnId> {
        if !self.pipe.up {
            return None;
        }
        let old: Vec<ConnId> = self
            .pipe
            .conns
            .iter()
            .filter(|(_, c)| c.client == client)
            .map(|(id, _)| *id)
            .collect();
        for conn in old {
            self.broker_drops(conn);
        }
        self.pipe.last_conn += 1;
        let conn = Conn {
            client,
            exact: BTreeSet::new(),
            wild: BTreeSet::new(),
            cut: false,
            will,
            last_up: self.now,
            last_down: self.now,
        };
        self.pipe.conns.insert(self.pipe.last_conn, conn);
        self.figures.connections += 1;
        Some(self.pipe.last_conn)
    }

    /// The broker finds a connection gone, and says the will.
    pub(super) fn broker_drops(&mut self, conn: ConnId) {
        if let Some(gone) = self.pipe.conns.remove(&conn)
            && let Some((topic, parcel)) = gone.will
        {
            self.broker_takes(topic, parcel);
        }
    }

    /// The client leaves in order: no will.
    pub(super) fn pipe_leave(&mut self, conn: ConnId) {
        self.pipe.conns.remove(&conn);
    }

    fn way(&mut self, client: Client) -> Micros {
        match client {
            Client::Office => self.chance.between(50, 3_000),
            Client::Pole(_) => {
                let slow = self.pipe.badness.slow_ms.max(5);
                // Mostly quick, with a tail.
                let ms = if self.chance.per_mille(900) {
                    self.chance.between(2, slow / 4 + 3)
                } else {
                    self.chance.between(2, slow)
                };
                ms * 1000 + self.chance.below(1000)
            }
        }
    }

    pub(super) fn say(&mut self, conn: ConnId, word: Word) {
        let Some(c) = self.pipe.conns.get(&conn) else {
            return;
        };
        let client = c.client;
        let mut at = self.now + self.way(client);
        let bad = self.pipe.badness;
        let (mut twice, mut overtaken) = (false, false);
        if let Word::Publish { topic, .. } = &word {
            if topic.qos() == 0 && self.chance.per_mille(bad.drop) {
                self.figures.dropped += 1;
                return;
            }
            twice = topic.qos() == 1 && self.chance.per_mille(bad.twice);
            overtaken = self.chance.per_mille(bad.reorder);
        }
        if let Some(c) = self.pipe.conns.get_mut(&conn) {
            if overtaken {
                at += 5 * bad.slow_ms * 1000;
                self.figures.reordered += 1;
            } else {
                at = at.max(c.last_up + 1);
                c.last_up = at;
            }
        }
        if twice {
            self.figures.repeated += 1;
            let again = at + 3 * bad.slow_ms * 1000;
            let word = word.clone();
            self.at(again, Happening::BrokerHears { conn, word });
        }
        self.at(at, Happening::BrokerHears { conn, word });
    }

    pub(super) fn broker_hears(&mut self, conn: ConnId, word: Word) {
        let Some(c) = self.pipe.conns.get_mut(&conn).filter(|c| !c.cut) else {
            self.figures.dropped += 1;
            return;
        };
        match word {
            Word::Subscribe(filters) => {
                let mut now_wanted = Vec::new();
                for filter in filters {
                    if filter.contains('+') {
                        let kept = self.pipe.retained.iter();
                        let fit = kept.filter(|(topic, _)| matches(&filter, topic));
                        now_wanted.extend(fit.map(|(_, kept)| kept.clone()));
                        c.wild.insert(filter);
                    } else {
                        now_wanted.extend(self.pipe.retained.get(&filter).cloned());
                        c.exact.insert(filter);
                    }
                }
                for (topic, parcel) in now_wanted {
                    self.hand_down(conn, &topic, &topic.to_string(), parcel);
                }
            }
            Word::Unsubscribe(filters) => {
                for filter in &filters {
                    c.wild.remove(filter);
                    c.exact.remove(filter);
                }
            }
            Word::Publish { topic, parcel } => self.broker_takes(topic, parcel),
        }
    }

    /// Keeps what is to be kept and gives it to everybody who listens.
    pub(super) fn broker_takes(&mut self, topic: Topic, parcel: Parcel) {
        let text = topic.to_string();
        if topic.is_retained() {
            if parcel.bytes.is_empty() {
                self.pipe.retained.remove(&text);
            } else {
                let kept = (topic.clone(), parcel.clone());
                self.pipe.retained.insert(text.clone(), kept);
            }
        }
        if let Some(malice) = self.malice.as_mut().filter(|_| !self.healed) {
            malice.remember(&topic, &parcel, &mut self.malice_chance);
        }
        if self.chance.per_mille(100) {
            if self.pipe.old.len() == OLD_KEPT {
                self.pipe.old.pop_front();
            }
            self.pipe.old.push_back((topic.clone(), parcel.clone()));
        }
        self.broker_gives(&topic, &text, &parcel);
    }

    /// To everybody who listens, without keeping it.
    pub(super) fn broker_gives(&mut self, topic: &Topic, text: &str, parcel: &Parcel) {
        for conn in self.pipe.subscribers(text) {
            self.hand_down(conn, topic, text, parcel.clone());
        }
    }

    fn hand_down(&mut self, conn: ConnId, topic: &Topic, text: &str, parcel: Parcel) {
        let Some(client) = self.pipe.conns.get(&conn).map(|c| c.client) else {
            return;
        };
        let bad = self.pipe.badness;
        if let Some(malice) = self.malice.as_ref()
            && (malice.holds_back(client, text, self.now)
                || malice.drop > 0 && self.malice_chance.per_mille(malice.drop))
        {
            self.figures.dropped += 1;
            return;
        }
        if topic.qos() == 0 && self.chance.per_mille(bad.drop) {
            self.figures.dropped += 1;
            if let Topic::Block { content, .. } = topic {
                *self.lost_blocks.entry(*content).or_default() += 1;
            }
            return;
        }
        let mut at = self.now + self.way(client);
        let twice = topic.qos() == 1 && self.chance.per_mille(bad.twice);
        let overtaken = self.chance.per_mille(bad.reorder);
        if let Some(c) = self.pipe.conns.get_mut(&conn) {
            if overtaken {
                at += 5 * bad.slow_ms * 1000;
                self.figures.reordered += 1;
            } else {
                at = at.max(c.last_down + 1);
                c.last_down = at;
            }
        }
        let topic: std::sync::Arc<str> = text.into();
        if twice {
            self.figures.repeated += 1;
            let again = at + 3 * bad.slow_ms * 1000;
            let (topic, parcel) = (topic.clone(), parcel.clone());
            self.at(
                again,
                Happening::ClientHears {
                    conn,
                    topic,
                    parcel,
                },
            );
        }
        self.at(
            at,
            Happening::ClientHears {
                conn,
                topic,
                parcel,
            },
        );
    }

    pub(super) fn client_hears(&mut self, conn: ConnId, topic: &str, parcel: &Parcel) {
        let Some(c) = self.pipe.conns.get(&conn).filter(|c| !c.cut) else {
            self.figures.dropped += 1;
            if let Ok(Topic::Block { content, .. }) = topic.parse() {
                *self.lost_blocks.entry(content).or_default() += 1;
            }
            return;
        };
        match c.client {
            Client::Office => self.office_hears(conn, topic, parcel),
            Client::Pole(p) => self.pole_hears(p, conn, topic, parcel),
        }
    }

    /// The broker stops; everybody notices soon.
    pub(super) fn broker_dies(&mut self, back_after: Micros) {
        if !self.pipe.up {
            return;
        }
        self.diary.write(self.now, format_args!("the broker dies"));
        self.figures.broker_restarts += 1;
        self.pipe.up = false;
        self.pipe.retained.clear();
        let conns = std::mem::take(&mut self.pipe.conns);
        for (conn, c) in conns {
            let at = self.now + self.chance.between(0, 2 * SECOND);
            match c.client {
                Client::Office => self.at(at, Happening::OfficeLosesLine { conn }),
                Client::Pole(pole) => self.at(at, Happening::PoleLosesLine { pole, conn }),
            }
        }
        self.at(self.now + back_after, Happening::BrokerBack);
    }

    /// One connection breaks at once, with all that is under way on it.
    pub(super) fn break_line(&mut self, client: Client) {
        let conn = self.pipe.conns.iter().find(|(_, c)| c.client == client);
        let Some((&conn, _)) = conn else {
            return;
        };
        self.figures.broken_lines += 1;
        self.broker_drops(conn);
        match client {
            Client::Office => self.at(self.now, Happening::OfficeLosesLine { conn }),
            Client::Pole(pole) => self.at(self.now, Happening::PoleLosesLine { pole, conn }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_stands_for_one_level() {
        assert!(matches(
            "loa/v1/speaker/+/status",
            "loa/v1/speaker/a/status"
        ));
        assert!(!matches(
            "loa/v1/speaker/+/status",
            "loa/v1/speaker/a/b/status"
        ));
        assert!(!matches("loa/v1/speaker/+", "loa/v1/speaker"));
    }
}

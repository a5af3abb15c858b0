//! The board: poles rolled up by area, worst first. Pure; who may see what was decided before.

use std::collections::HashMap;

use loa_protocol::{
    id::{AreaId, SpeakerId},
    time::WallTime,
};

use super::{
    facts::{Facts, Severity, State, Why, severity},
    outages::Cause,
    presence::Presence,
};

/// What is good of what was due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub of: u64,
    pub good: u64,
}

/// One pole on the board.
#[derive(Clone, Debug)]
pub struct Pole {
    pub speaker: SpeakerId,
    pub name: String,
    pub area: AreaId,
    pub presence: Presence,
    pub facts: Facts,
    pub severity: Severity,
    pub cause: Option<Cause>,
    /// Since when it is in trouble.
    pub since: Option<WallTime>,
    pub muted: bool,
    pub has_ear: bool,
    /// Bulletins of today that were due until now, and those that sounded as far as anybody can tell.
    pub today: Share,
}

/// What a set of poles comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub speakers: u64,
    pub online: u64,
    pub silent: u64,
    pub offline: u64,
    pub muted: u64,
    /// Somebody should look at these.
    pub trouble: u64,
    pub microphones: u64,
    pub not_heard: u64,
    pub worst: Option<Severity>,
    pub today: Share,
}

impl Pole {
    pub fn in_trouble(&self) -> bool {
        self.severity >= Severity::Warning
    }
}

impl Counts {
    pub fn add(&mut self, pole: &Pole) {
        self.speakers += 1;
        match pole.presence {
            Presence::Online => self.online += 1,
            Presence::Silent => self.silent += 1,
            Presence::Offline => self.offline += 1,
        }
        let not_heard = matches!(
            pole.facts.audible.why,
            Some(Why::NotHeard | Why::SelfTestFailed)
        );
        self.muted += u64::from(pole.muted);
        self.trouble += u64::from(pole.in_trouble());
        self.microphones += u64::from(pole.has_ear);
        self.not_heard += u64::from(not_heard);
        self.worst = self.worst.max(Some(pole.severity));
        self.today.of += pole.today.of;
        self.today.good += pole.today.good;
    }
}

/// Since when a pole with these facts is in trouble: of the facts that are not well the one that began first.
pub fn since(facts: &Facts, now: WallTime) -> Option<WallTime> {
    if severity(facts, now) < Severity::Notice {
        return None;
    }
    let all = [facts.connected, facts.powered, facts.healthy, facts.audible];
    let bad = all
        .into_iter()
        .filter(|fact| fact.state == State::No || fact.why == Some(Why::OnBattery));
    bad.filter_map(|fact| fact.since).min()
}

/// The children of `asked` (`None`: the topmost areas) that have poles in or below them, worst first.
/// `parents` has every area that may be seen.
pub fn areas(
    poles: &[Pole],
    parents: &HashMap<AreaId, Option<AreaId>>,
    asked: Option<&AreaId>,
) -> Vec<(AreaId, Counts)> {
    let mut child_of: HashMap<&AreaId, Option<&AreaId>> = HashMap::new();
    let mut rolled: HashMap<AreaId, Counts> = HashMap::new();
    for pole in poles {
        let child = match child_of.get(&pole.area) {
            Some(known) => *known,
            None => {
                let found = child(&pole.area, parents, asked);
                child_of.insert(&pole.area, found);
                found
            }
        };
        if let Some(child) = child {
            rolled.entry(child.clone()).or_default().add(pole);
        }
    }
    let mut rows: Vec<(AreaId, Counts)> = rolled.into_iter().collect();
    rows.sort_by(|(a, one), (b, other)| {
        let rank = |c: &Counts| (c.worst, c.trouble);
        rank(other).cmp(&rank(one)).then_with(|| a.cmp(b))
    });
    rows
}

/// On the way up from `area`, the last one before `asked`; `None`: it lies in `asked` itself, or not below it.
fn child<'a>(
    area: &'a AreaId,
    parents: &'a HashMap<AreaId, Option<AreaId>>,
    asked: Option<&AreaId>,
) -> Option<&'a AreaId> {
    if Some(area) == asked {
        return None;
    }
    let mut at = area;
    // A tree is never deeper than it has areas.
    for _ in 0..=parents.len() {
        match parents.get(at).and_then(Option::as_ref) {
            Some(above) if Some(above) == asked => return Some(at),
            Some(above) => at = above,
            None => break,
        }
    }
    asked.is_none().then_some(at)
}

/// Worst first; among those that are as bad the longest in trouble, then by name.
pub fn worst_first(poles: &mut [Pole]) {
    poles.sort_by(|a, b| {
        let since = |p: &Pole| p.since.unwrap_or(WallTime::MAX);
        b.severity
            .cmp(&a.severity)
            .then_with(|| since(a).cmp(&since(b)))
            .then_with(|| (&a.name, &a.speaker).cmp(&(&b.name, &b.speaker)))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::facts::Fact;

    fn area(name: &str) -> AreaId {
        name.parse().expect("a good name")
    }

    /// Võ Nhai / Sảng Mộc / {Bản Chương, Khuổi Mèo}; Võ Nhai / La Hiên.
    fn parents() -> HashMap<AreaId, Option<AreaId>> {
        [
            ("vo-nhai", None),
            ("sang-moc", Some("vo-nhai")),
            ("ban-chuong", Some("sang-moc")),
            ("khuoi-meo", Some("sang-moc")),
            ("la-hien", Some("vo-nhai")),
        ]
        .map(|(id, above)| (area(id), above.map(area)))
        .into()
    }

    fn pole(name: &str, at: &str, severity: Severity, since_s: Option<i64>) -> Pole {
        let fact = Fact {
            state: State::Yes,
            why: None,
            since: None,
        };
        Pole {
            speaker: name.parse().expect("a good name"),
            name: name.into(),
            area: area(at),
            presence: Presence::Online,
            facts: Facts {
                powered: fact,
                connected: fact,
                healthy: fact,
                audible: fact,
            },
            severity,
            cause: None,
            since: since_s.map(|s| WallTime::EPOCH.plus_s(s)),
            muted: false,
            has_ear: false,
            today: Share { of: 2, good: 1 },
        }
    }

    fn names(rows: &[(AreaId, Counts)]) -> Vec<(&str, u64, u64)> {
        rows.iter()
            .map(|(id, counts)| (id.as_str(), counts.speakers, counts.trouble))
            .collect()
    }

    #[test]
    fn a_commune_s_board_shows_its_hamlets_and_the_province_s_its_communes() {
        let poles = [
            pole("a", "ban-chuong", Severity::Critical, Some(5)),
            pole("b", "ban-chuong", Severity::Ok, None),
            pole("c", "khuoi-meo", Severity::Ok, None),
            pole("d", "sang-moc", Severity::Warning, None),
            pole("e", "la-hien", Severity::Warning, None),
        ];
        let parents = parents();
        let of = |asked: Option<&str>| areas(&poles, &parents, asked.map(area).as_ref());
        assert_eq!(names(&of(None)), [("vo-nhai", 5, 3)]);
        assert_eq!(
            names(&of(Some("vo-nhai"))),
            [("sang-moc", 4, 2), ("la-hien", 1, 1)]
        );
        // The pole that hangs at the commune's own house is in no hamlet.
        assert_eq!(
            names(&of(Some("sang-moc"))),
            [("ban-chuong", 2, 1), ("khuoi-meo", 1, 0)]
        );
        assert_eq!(of(Some("vo-nhai"))[0].1.today, Share { of: 8, good: 4 });
    }

    #[test]
    fn whoever_sees_only_a_commune_has_its_hamlets_at_the_top() {
        let poles = [pole("a", "ban-chuong", Severity::Ok, None)];
        let mut seen = parents();
        seen.remove(&area("vo-nhai"));
        assert_eq!(
            names(&areas(&poles, &seen, Some(&area("sang-moc")))),
            [("ban-chuong", 1, 0)]
        );
    }

    #[test]
    fn the_worst_is_first_and_of_the_worst_the_longest_in_trouble() {
        let mut poles = [
            pole("a", "ban-chuong", Severity::Ok, None),
            pole("b", "ban-chuong", Severity::Critical, Some(50)),
            pole("c", "ban-chuong", Severity::Critical, Some(5)),
            pole("d", "ban-chuong", Severity::Warning, Some(1)),
            pole("e", "ban-chuong", Severity::Critical, None),
        ];
        worst_first(&mut poles);
        let order: Vec<&str> = poles.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(order, ["c", "b", "e", "d", "a"]);
    }
}

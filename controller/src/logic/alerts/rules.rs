//! Rules: what is to be told of, after how long, to whom. A nearer area's rule takes the place of a farther one's.

use std::collections::HashMap;

use loa_protocol::id::AreaId;

use super::{Address, Kind, RuleId};

#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub id: RuleId,
    pub body: RuleBody,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RuleBody {
    /// `None`: everywhere.
    pub area: Option<AreaId>,
    pub kind: Kind,
    /// `false`: nothing of this kind is told of here, whatever a farther rule says.
    pub enabled: bool,
    /// It must have been so for this long.
    pub after_s: u32,
    pub limit: Option<f64>,
    /// Told again every so often until somebody acknowledges.
    pub repeat_s: Option<u32>,
    /// Told to `escalate_to` when nobody has acknowledged for so long.
    pub escalate_s: Option<u32>,
    pub tell: Vec<Address>,
    pub escalate_to: Vec<Address>,
}

impl RuleBody {
    pub fn limit(&self) -> Option<f64> {
        self.limit.or(self.kind.usual_limit())
    }
}

/// All rules of the office, to be asked which one holds.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// By area; those for everywhere apart, so that asking copies nothing.
    areas: HashMap<AreaId, Vec<Rule>>,
    everywhere: Vec<Rule>,
}

impl Rules {
    pub fn new(rules: Vec<Rule>) -> Self {
        let mut all = Self::default();
        for rule in rules {
            match rule.body.area.clone() {
                Some(area) => all.areas.entry(area).or_default().push(rule),
                None => all.everywhere.push(rule),
            }
        }
        all
    }

    /// Is there anybody at all to be told?
    pub fn tell_somebody(&self) -> bool {
        let all = self.areas.values().flatten().chain(&self.everywhere);
        all.map(|rule| &rule.body)
            .any(|body| !body.tell.is_empty() || !body.escalate_to.is_empty())
    }

    /// The enabled rule for something in the area with this lineage (itself first).
    pub fn holding(&self, kind: Kind, lineage: &[AreaId]) -> Option<&Rule> {
        let kind = kind.ruled_by();
        let of_kind = |rules: &'_ Vec<Rule>| rules.iter().position(|rule| rule.body.kind == kind);
        let nearest = lineage.iter().find_map(|area| {
            let rules = self.areas.get(area)?;
            of_kind(rules).map(|at| &rules[at])
        });
        nearest
            .or_else(|| of_kind(&self.everywhere).map(|at| &self.everywhere[at]))
            .filter(|rule| rule.body.enabled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(area: Option<&str>, after_s: u32, enabled: bool) -> Rule {
        Rule {
            id: RuleId::of([0; 8]),
            body: RuleBody {
                area: area.map(|a| a.parse().expect("a good name")),
                kind: Kind::Offline,
                enabled,
                after_s,
                limit: None,
                repeat_s: None,
                escalate_s: None,
                tell: vec![],
                escalate_to: vec![],
            },
        }
    }

    #[test]
    fn a_hamlet_s_rule_takes_the_place_of_the_commune_s() {
        let rules = Rules::new(vec![
            rule(None, 300, true),
            rule(Some("sang-moc"), 600, true),
            rule(Some("ban-chuong"), 60, true),
            rule(Some("khuoi-meo"), 60, false),
        ]);
        let after = |kind, areas: &[&str]| {
            let lineage: Vec<AreaId> = areas.iter().map(|a| a.parse().expect("a name")).collect();
            rules.holding(kind, &lineage).map(|rule| rule.body.after_s)
        };
        assert_eq!(after(Kind::Offline, &["ban-chuong", "sang-moc"]), Some(60));
        assert_eq!(after(Kind::Mast, &["ban-chuong", "sang-moc"]), Some(60));
        assert_eq!(after(Kind::Offline, &["na-lay", "sang-moc"]), Some(600));
        assert_eq!(after(Kind::Offline, &["dinh-ca"]), Some(300));
        // Turned off there, whatever the commune says.
        assert_eq!(after(Kind::Offline, &["khuoi-meo", "sang-moc"]), None);
        assert_eq!(after(Kind::Disk, &["ban-chuong"]), None);
    }
}

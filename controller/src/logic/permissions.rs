//! Who may do what, where. Every right is bound to a node of the area tree and holds for all below it.

use loa_protocol::{bulletin::Priority, id::AreaId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::approval::Ask;

/// What a person is. More roles will come; a right is asked for by [`may`], never by comparing roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Arranges everything, people included.
    Administrator,
    /// Cán bộ: speaks with any priority, and sets the speakers; approves what hamlet heads made.
    Officer,
    /// Lãnh đạo: approves what anybody made, and speaks with any priority; sets no speakers.
    Approver,
    /// Trưởng xóm: speaks to the hamlet, may silence it; raises no emergency.
    HamletHead,
    /// Looks, and changes nothing.
    Monitor,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub role: Role,
    /// The node below which the rights hold; `None`: the whole tree.
    pub area: Option<AreaId>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// See what is there and what was played.
    See,
    /// Make, change, pause or cancel a bulletin of this priority.
    Speak(Priority),
    /// Let somebody else's bulletin on air, or send it back. Never the own one, whatever the role.
    Approve(Ask),
    /// Stop everything; mute one pole.
    Silence,
    /// Change speakers (volume, quiet hours, place) and groups.
    Arrange,
    /// Add, move and remove areas and speakers, give them new tokens, and say where approval is needed.
    Build,
    /// Add, change and remove people.
    Govern,
}

/// May `actor` do `action` to something in the area whose lineage this is (itself first, then all above it)?
/// What lies in no area has an empty lineage: only a right to the whole tree covers it.
pub fn may(actor: &Actor, action: Action, lineage: &[AreaId]) -> bool {
    let in_reach = match &actor.area {
        None => true,
        Some(area) => lineage.contains(area),
    };
    in_reach && allows(actor.role, action)
}

fn allows(role: Role, action: Action) -> bool {
    match (role, action) {
        (Role::Administrator, _) | (_, Action::See) => true,
        (Role::Monitor, _) => false,
        (_, Action::Silence) => true,
        (Role::Officer, Action::Speak(_) | Action::Arrange) => true,
        (Role::Officer, Action::Approve(ask)) => ask != Ask::Anyone,
        (Role::Approver, Action::Speak(_) | Action::Approve(_)) => true,
        (Role::HamletHead, Action::Speak(priority)) => priority < Priority::Emergency,
        (Role::Officer | Role::Approver | Role::HamletHead, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table: y where the role may, - where not. Columns as in [`ACTIONS`].
    const ROLES: [(Role, &str); 5] = [
        (Role::Administrator, "y yyy yyy y y yy"),
        (Role::Officer, "      y yyy y-y y y --"),
        (Role::Approver, "     y yyy yyy y - --"),
        (Role::HamletHead, "   y yy- --- y - --"),
        (Role::Monitor, "      y --- --- - - --"),
    ];
    const ACTIONS: [Action; 11] = [
        Action::See,
        Action::Speak(Priority::Ordinary),
        Action::Speak(Priority::Priority),
        Action::Speak(Priority::Emergency),
        Action::Approve(Ask::Hamlet),
        Action::Approve(Ask::Anyone),
        Action::Approve(Ask::WideEmergency),
        Action::Silence,
        Action::Arrange,
        Action::Build,
        Action::Govern,
    ];
    /// How the thing lies to the person's own area, and whether a right reaches it.
    const RELATIONS: [(&str, bool); 8] = [
        ("the own area itself", true),
        ("below the own area", true),
        ("far below the own area", true),
        ("above the own area", false),
        ("beside the own area", false),
        ("a thing in an area, by a right to the whole tree", true),
        ("a thing in no area, by a right to the whole tree", true),
        ("a thing in no area, by a right to an area", false),
    ];

    /// Where the person's rights hold, and the lineage of the thing.
    fn places(relation: &str) -> (Option<&'static str>, &'static [&'static str]) {
        let commune: &[&str] = &["sang-moc", "vo-nhai"];
        let hamlet: &[&str] = &["ban-chuong", "sang-moc", "vo-nhai"];
        match relation {
            "the own area itself" => (Some("sang-moc"), commune),
            "below the own area" => (Some("sang-moc"), hamlet),
            "far below the own area" => (Some("vo-nhai"), hamlet),
            "above the own area" => (Some("ban-chuong"), commune),
            "beside the own area" => (Some("khuoi-meo"), hamlet),
            "a thing in an area, by a right to the whole tree" => (None, hamlet),
            "a thing in no area, by a right to the whole tree" => (None, &[]),
            "a thing in no area, by a right to an area" => (Some("sang-moc"), &[]),
            other => panic!("{other}"),
        }
    }

    fn area(name: &str) -> AreaId {
        name.parse().expect("a good name")
    }

    #[test]
    fn every_role_may_do_what_the_table_says_where_the_table_says_and_nothing_else() {
        let mut cells = 0;
        for (role, row) in ROLES {
            let row: Vec<char> = row.chars().filter(|c| !c.is_whitespace()).collect();
            assert_eq!(row.len(), ACTIONS.len(), "{role:?}");
            for (action, mark) in ACTIONS.into_iter().zip(row) {
                for (relation, reaches) in RELATIONS {
                    let (at, lineage) = places(relation);
                    let lineage: Vec<AreaId> = lineage.iter().map(|name| area(name)).collect();
                    let actor = Actor {
                        role,
                        area: at.map(area),
                    };
                    assert_eq!(
                        may(&actor, action, &lineage),
                        reaches && mark == 'y',
                        "{role:?} {action:?}: {relation}"
                    );
                    cells += 1;
                }
            }
        }
        assert_eq!(cells, 5 * 11 * 8);
    }

    #[test]
    fn the_table_knows_every_role_and_every_action() {
        // A new one does not compile here: it belongs into the table then.
        for (role, _) in ROLES {
            match role {
                Role::Administrator
                | Role::Officer
                | Role::Approver
                | Role::HamletHead
                | Role::Monitor => {}
            }
        }
        for action in ACTIONS {
            match action {
                Action::Speak(Priority::Ordinary | Priority::Priority | Priority::Emergency)
                | Action::Approve(Ask::Hamlet | Ask::Anyone | Ask::WideEmergency)
                | Action::See
                | Action::Silence
                | Action::Arrange
                | Action::Build
                | Action::Govern => {}
            }
        }
    }
}

//! Who may do what, where. Every right is bound to a node of the area tree and holds for all below it.

use loa_protocol::{bulletin::Priority, id::AreaId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a person is. More roles will come; a right is asked for by [`may`], never by comparing roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Arranges everything, people included.
    Administrator,
    /// Cán bộ: speaks with any priority, and sets the speakers.
    Officer,
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
    /// Make, change or cancel a bulletin of this priority.
    Speak(Priority),
    /// Stop everything; mute one pole.
    Silence,
    /// Change speakers (volume, quiet hours, place) and groups.
    Arrange,
    /// Add, move and remove areas and speakers, and give them new tokens.
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
        (Role::Officer, Action::Speak(_) | Action::Silence | Action::Arrange) => true,
        (Role::HamletHead, Action::Speak(priority)) => priority < Priority::Emergency,
        (Role::HamletHead, Action::Silence) => true,
        (Role::Officer | Role::HamletHead | Role::Monitor, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(name: &str) -> AreaId {
        name.parse().expect("a good name")
    }
    fn hamlet() -> Vec<AreaId> {
        vec![area("ban-chuong"), area("sang-moc"), area("vo-nhai")]
    }
    fn actor(role: Role, at: Option<&str>) -> Actor {
        Actor {
            role,
            area: at.map(area),
        }
    }
    const ORDINARY: Action = Action::Speak(Priority::Ordinary);
    const EMERGENCY: Action = Action::Speak(Priority::Emergency);

    #[test]
    fn a_right_holds_for_its_node_and_all_below_and_nowhere_else() {
        for (at, may_speak) in [
            (None, true),
            (Some("vo-nhai"), true),
            (Some("sang-moc"), true),
            (Some("ban-chuong"), true),
            (Some("khuoi-meo"), false),
        ] {
            let officer = actor(Role::Officer, at);
            assert_eq!(may(&officer, ORDINARY, &hamlet()), may_speak, "{at:?}");
        }
        // The hamlet's officer does not reach up to the commune.
        let officer = actor(Role::Officer, Some("ban-chuong"));
        assert!(!may(&officer, ORDINARY, &hamlet()[1..]));
        assert!(!may(&officer, Action::See, &[]));
        assert!(may(&actor(Role::Monitor, None), Action::See, &[]));
    }

    #[test]
    fn each_role_does_what_is_its_business() {
        let table = [
            (
                Role::Administrator,
                [true, true, true, true, true, true, true],
            ),
            (Role::Officer, [true, true, true, true, true, false, false]),
            (
                Role::HamletHead,
                [true, true, false, true, false, false, false],
            ),
            (
                Role::Monitor,
                [true, false, false, false, false, false, false],
            ),
        ];
        let actions = [
            Action::See,
            ORDINARY,
            EMERGENCY,
            Action::Silence,
            Action::Arrange,
            Action::Build,
            Action::Govern,
        ];
        for (role, allowed) in table {
            for (action, allowed) in actions.into_iter().zip(allowed) {
                let who = actor(role, Some("sang-moc"));
                assert_eq!(may(&who, action, &hamlet()), allowed, "{role:?} {action:?}");
            }
        }
    }
}

//! The village's people: who they are, and what each may do, told in a small list.

use super::{api::Api, village};

/// One of those who may sign in; all with the demo's one password.
struct Person {
    username: &'static str,
    name: &'static str,
    role: &'static str,
    area: &'static str,
    /// For the list.
    is: &'static str,
    may: &'static str,
}

const PEOPLE: [Person; 3] = [
    Person {
        username: "truong-xom",
        name: "Hoàng Văn Páo",
        role: "hamlet_head",
        area: village::BAN_CHUONG,
        is: "hamlet head of Bản Chương",
        may: "speaks to the hamlet (no emergency), stops and mutes",
    },
    Person {
        username: "can-bo",
        name: "Nông Thị Lan",
        role: "officer",
        area: village::COMMUNE,
        is: "officer of Sảng Mộc",
        may: "speaks with any priority, sets speakers, approves what hamlet heads made",
    },
    Person {
        username: "lanh-dao",
        name: "Triệu Văn Minh",
        role: "approver",
        area: village::COMMUNE,
        is: "leader of Sảng Mộc",
        may: "speaks with any priority, approves what anybody else made",
    },
];
const ADMINISTRATOR_IS: &str = "administrator";
const ADMINISTRATOR_MAY: &str = "everything, areas and people included";

/// Makes all but the administrator, who is there already.
pub async fn make(api: &Api) -> anyhow::Result<()> {
    for person in &PEOPLE {
        api.add_person(person.username, person.name, person.role, person.area)
            .await?;
    }
    Ok(())
}

/// A line for each, the administrator last: name to sign in with, who it is, what that person may do.
pub fn lines(administrator: &str) -> Vec<String> {
    let all = PEOPLE.iter().map(|p| [p.username, p.is, p.may]);
    let all = all.chain([[administrator, ADMINISTRATOR_IS, ADMINISTRATOR_MAY]]);
    let width = |column: usize| {
        let cells = all.clone().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let (first, second) = (width(0), width(1));
    all.map(|[username, is, may]| format!("{username:first$}  {is:second$}  {may}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_stands_in_the_list_and_what_they_may_stands_in_one_column() {
        let lines = lines("demo");
        assert_eq!(lines.len(), 4);
        // In characters, for Vietnamese has more bytes than letters.
        let rows = PEOPLE.iter().map(|p| p.may).chain([ADMINISTRATOR_MAY]);
        let columns: Vec<usize> = lines
            .iter()
            .zip(rows)
            .map(|(line, may)| line.chars().count() - may.chars().count())
            .collect();
        assert!(columns.windows(2).all(|w| w[0] == w[1]), "{lines:#?}");
    }
}

//! A commune with its people: Sảng Mộc with the hamlets Bản Chương (two poles) and Khuổi Mèo (one), and somebody of
//! every role.

use serde_json::{Value, json};

use super::{
    office::Broker,
    village::{Output, Village},
};

/// Everybody's.
pub const PASSWORD: &str = "mot mat khau dai";
/// Hamlet head of Bản Chương.
pub const HEAD: &str = "truong-xom";
/// Cán bộ xã: the commune's officer.
pub const OFFICER: &str = "can-bo";
/// The commune's leader, who approves.
pub const APPROVER: &str = "lanh-dao";
/// Looks, and changes nothing.
pub const MONITOR: &str = "giam-sat";
/// Arranges everything.
pub const ADMINISTRATOR: &str = "quan-tri";

#[derive(Debug)]
pub struct Commune {
    pub village: Village,
}

impl Commune {
    /// Three poles, sounding into files, all connected.
    ///
    /// # Panics
    /// When it does not come about.
    pub fn start() -> Self {
        Self::of(Village::start(3, Output::Wav, Broker::Embedded))
    }

    /// The same in a [`Village::unhurried`].
    ///
    /// # Panics
    /// When it does not come about.
    pub fn unhurried() -> Self {
        Self::of(Village::unhurried(3, Output::Wav))
    }

    fn of(village: Village) -> Self {
        let api = &village.office.api;
        let id = |made: &Value| made["id"].as_str().expect("an id").to_owned();
        let commune = id(&api.post("/areas", &json!({"name": "Sảng Mộc", "kind": "xã"})));
        let hamlet = village.channel.trim_start_matches("area.").to_owned();
        api.patch(&format!("/areas/{hamlet}"), &json!({"parent": commune}));
        let other = id(&api.post("/areas", &json!({"name": "Khuổi Mèo", "parent": commune})));
        // Where they stand on the map, in degrees.
        let places = [(21.912, 105.982), (21.915, 105.990), (21.931, 105.971)];
        for (pole, (latitude, longitude)) in village.poles.iter().zip(places) {
            let path = format!("/speakers/{}", pole.id);
            api.patch(
                &path,
                &json!({"latitude": latitude, "longitude": longitude}),
            );
        }
        api.patch(
            &format!("/speakers/{}", village.poles[2].id),
            &json!({"area": other}),
        );
        for (username, name, role, area) in [
            (HEAD, "Hoàng Văn Páo", "hamlet_head", Some(&hamlet)),
            (OFFICER, "Nông Thị Lan", "officer", Some(&commune)),
            (APPROVER, "Triệu Văn Minh", "approver", Some(&commune)),
            (MONITOR, "Lý Thị Hoa", "monitor", Some(&commune)),
            (ADMINISTRATOR, "Quản trị", "administrator", None),
        ] {
            api.post(
                "/users",
                &json!({"username": username, "name": name, "role": role, "area": area, "password": PASSWORD}),
            );
        }
        Self { village }
    }

    /// The commune's leader must hear what anybody says before it airs.
    pub fn ask_approval(&self) {
        let area = json!({"approval": "everyone"});
        self.village.office.api.patch("/areas/sang-moc", &area);
    }

    /// Bulletins of this title, newest first.
    pub fn bulletins(&self, title: &str) -> Vec<Value> {
        let all = self.village.office.api.get("/bulletins?limit=200");
        let all = all["bulletins"].as_array().cloned().unwrap_or_default();
        all.into_iter().filter(|b| b["title"] == title).collect()
    }

    /// A day of the commune, for its pictures: something was said, something is planned, something waits for approval.
    /// Gives the bulletin that was said.
    pub fn live_a_little(&self) -> String {
        let village = &self.village;
        let api = &village.office.api;
        let spoken = |text: &str| {
            let made = api.post("/audio/speech", &json!({"text": text}));
            made["id"].as_str().expect("the audio's id").to_owned()
        };
        let say = |title: &str, text: &str, more: Value| {
            let mut bulletin =
                json!({"title": title, "audio": spoken(text), "targets": ["area.sang-moc"]});
            if let (Some(all), Some(more)) = (bulletin.as_object_mut(), more.as_object()) {
                all.extend(more.clone());
            }
            let made = api.post("/bulletins", &bulletin);
            made["id"].as_str().expect("the bulletin's id").to_owned()
        };
        let words = "Mời bà con đưa trâu bò đến nhà văn hóa để tiêm phòng lúc 7h30 ngày mai.";
        let said = say(
            "Tiêm phòng trâu bò",
            words,
            json!({"when": {"now": true}, "chime": "rise"}),
        );
        let rows = village.wait_for_outcomes(&said, 3, std::time::Duration::from_secs(90));
        assert!(rows.iter().all(|row| row.outcome.is_some()));
        let (tomorrow, _) = super::village::civil_time_in(86_400);
        let day = &tomorrow[..10];
        let every_day =
            |time: &str| json!({"rrule": "FREQ=DAILY", "start": format!("{day}T{time}")});
        say("Bản tin sáng", words, json!({"when": every_day("05:30")}));
        say(
            "Nhạc hiệu buổi chiều",
            words,
            json!({"when": every_day("17:00"), "priority": "priority"}),
        );
        say(
            "Diễn tập phòng chống lũ",
            "Bà con tập trung tại sân vận động xã.",
            json!({"when": {"at": format!("{day}T09:00")}, "status": "exercise", "priority": "emergency", "targets": ["area.ban-chuong"]}),
        );
        api.post("/groups", &json!({"name": "Loa dọc suối", "area": "sang-moc", "members": [village.poles[0].id, village.poles[2].id]}));
        said
    }
}

//! The sample village: its places, its poles, and what it is told.

use jiff::tz::TimeZone;
use loa_protocol::{id::SpeakerId, time::WallTime};

use super::api::Api;

pub const BULLETIN_TEXT: &str = include_str!("../../../demo/ban-tin.txt");
pub const MUSIC: &[u8] = include_bytes!("../../../demo/nhac.mp3");
pub const ZONE: &str = "Asia/Ho_Chi_Minh";

const COMMUNE: &str = "sang-moc";
const HAMLETS: [(&str, &str); 3] = [
    ("ban-chuong", "Bản Chương"),
    ("khuoi-meo", "Khuổi Mèo"),
    ("tien-son", "Tiên Sơn"),
];

/// One pole of the village.
#[derive(Clone)]
pub struct Pole {
    pub id: SpeakerId,
    /// The hamlet's name.
    pub name: &'static str,
    /// Its secret at the broker.
    pub token: String,
}

#[derive(Clone)]
pub struct Village {
    pub poles: Vec<Pole>,
}

impl Village {
    /// Võ Nhai / Sảng Mộc / three hamlets with one pole each.
    pub async fn build(api: &Api) -> anyhow::Result<Self> {
        api.add_area("vo-nhai", "Võ Nhai", None).await?;
        api.add_area(COMMUNE, "Sảng Mộc", Some("vo-nhai")).await?;
        let mut poles = Vec::new();
        for (id, name) in HAMLETS {
            api.add_area(id, name, Some(COMMUNE)).await?;
            let token = api
                .add_speaker(id, &format!("Cụm loa xóm {name}"), id)
                .await?;
            poles.push(Pole {
                id: id.parse()?,
                name,
                token,
            });
        }
        Ok(Self { poles })
    }

    /// The hamlet of a pole.
    pub fn name(&self, id: &SpeakerId) -> &'static str {
        self.poles
            .iter()
            .find(|p| p.id == *id)
            .map_or("?", |p| p.name)
    }
}

pub fn commune_channel() -> String {
    format!("area.{COMMUNE}")
}

/// The civil time of the village, for a plan.
pub fn civil(at: WallTime) -> String {
    local(at).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// For people: 06:30:00.
pub fn clock_time(at: WallTime) -> String {
    local(at).strftime("%H:%M:%S").to_string()
}

/// For the table: 06:30:00.123.
pub fn exact_time(at: WallTime) -> String {
    let ms = at.as_millis().rem_euclid(1_000);
    format!("{}.{ms:03}", clock_time(at))
}

fn local(at: WallTime) -> jiff::civil::DateTime {
    let zone = TimeZone::get(ZONE).unwrap_or(TimeZone::UTC);
    zone.to_datetime(at.timestamp())
}

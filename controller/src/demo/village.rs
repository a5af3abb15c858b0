//! The sample village: its places, its poles, and what it is told.

use jiff::{civil::Time, tz::TimeZone};
use loa_protocol::{id::SpeakerId, time::WallTime};

use super::{api::Api, people};

pub const BULLETIN_TEXT: &str = include_str!("../../../demo/ban-tin.txt");
pub const MUSIC: &[u8] = include_bytes!("../../../demo/nhac.mp3");
pub const ZONE: &str = "Asia/Ho_Chi_Minh";

pub const COMMUNE: &str = "sang-moc";
pub const BAN_CHUONG: &str = "ban-chuong";

/// What is said every morning, and when by the village's clock.
pub const MORNING_TITLE: &str = "Bản tin sáng";
pub const MORNING_TEXT: &str =
    "Kính chào bà con xã Sảng Mộc! Đây là bản tin sáng. Chúc bà con một ngày làm việc tốt lành.";
const MORNING: Time = Time::constant(5, 30, 0, 0);
const MEETING_TITLE: &str = "Mời họp xóm";
const MEETING_TEXT: &str =
    "Kính mời mỗi hộ cử một người đến nhà văn hóa xóm họp lúc 19h30 tối nay.";

/// A hamlet with one pole, which bears its name.
struct Hamlet {
    id: &'static str,
    name: &'static str,
    /// Where the pole stands, in degrees north and east.
    place: (f64, f64),
    /// Whose bulletins need a second person there.
    approval: Option<&'static str>,
}

const HAMLETS: [Hamlet; 3] = [
    Hamlet {
        id: BAN_CHUONG,
        name: "Bản Chương",
        place: (21.912, 105.982),
        approval: None,
    },
    Hamlet {
        id: "khuoi-meo",
        name: "Khuổi Mèo",
        place: (21.931, 105.971),
        approval: Some("hamlets"),
    },
    Hamlet {
        id: "tien-son",
        name: "Tiên Sơn",
        place: (21.897, 105.996),
        approval: None,
    },
];

/// One pole of the village.
#[derive(Clone)]
pub struct Pole {
    pub id: SpeakerId,
    /// The hamlet's name.
    pub name: &'static str,
}

#[derive(Clone)]
pub struct Village {
    pub poles: Vec<Pole>,
}

impl Village {
    /// Võ Nhai / Sảng Mộc / three hamlets with one pole each, its people, and what they often say.
    pub async fn build(api: &Api) -> anyhow::Result<Self> {
        api.add_area("vo-nhai", "Võ Nhai", None, None).await?;
        api.add_area(COMMUNE, "Sảng Mộc", Some("vo-nhai"), None)
            .await?;
        let mut poles = Vec::new();
        for hamlet in &HAMLETS {
            let Hamlet { id, name, .. } = *hamlet;
            api.add_area(id, name, Some(COMMUNE), hamlet.approval)
                .await?;
            api.add_speaker(id, &format!("Cụm loa xóm {name}"), hamlet.place)
                .await?;
            poles.push(Pole {
                id: id.parse()?,
                name,
            });
        }
        people::make(api).await?;
        api.add_template(MEETING_TITLE, MEETING_TEXT, COMMUNE)
            .await?;
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

/// The first morning bulletin after `now`.
pub fn next_morning(now: WallTime) -> anyhow::Result<WallTime> {
    let zone = TimeZone::get(ZONE)?;
    let today = local(now).date();
    let of = |day: jiff::civil::Date| -> anyhow::Result<WallTime> {
        Ok(WallTime::from(zone.to_timestamp(day.to_datetime(MORNING))?))
    };
    let at = of(today)?;
    if at > now {
        return Ok(at);
    }
    of(today.tomorrow()?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_morning_is_today_before_half_past_five_and_tomorrow_from_then_on() {
        // Seven hours before the village's clock.
        for (now, next) in [
            ("2026-11-25T22:29:59Z", "2026-11-26T05:30:00"),
            ("2026-11-25T22:30:00Z", "2026-11-27T05:30:00"),
            ("2026-11-26T16:59:59Z", "2026-11-27T05:30:00"),
            ("2026-11-26T17:00:00Z", "2026-11-27T05:30:00"),
        ] {
            let now: jiff::Timestamp = now.parse().expect("an instant");
            let at = next_morning(WallTime::from(now)).expect("a morning");
            assert_eq!(civil(at), next, "{now}");
        }
    }
}

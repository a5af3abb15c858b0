//! An alert in words: short and calm; what, where, since when, why, what to do. And the same for programs, as JSON.

use loa_protocol::time::WallTime;
use serde_json::{Value, json};

use super::{Kind, Severity, telling::Event};
use crate::{
    logic::outages::Cause,
    notify::{Language, Message},
};

/// Names written out; of more only the number is told.
const NAMES: usize = 10;

/// An alert, with names in place of ids.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub id: String,
    pub event: Event,
    pub kind: Kind,
    pub severity: Severity,
    pub cause: Option<Cause>,
    pub area: Option<String>,
    pub area_name: String,
    /// Id and name; those that are back are not among them, unless all are.
    pub speakers: Vec<(String, String)>,
    pub began: WallTime,
    pub closed: Option<WallTime>,
    pub value: Option<f64>,
    pub limit: Option<f64>,
}

/// Where and how.
#[derive(Clone, Copy, Debug)]
pub struct Style<'a> {
    pub language: Language,
    /// IANA name of the clock on the office's wall.
    pub zone: &'a str,
    /// Where the app is, when the operator has said so.
    pub url: Option<&'a str>,
}

/// One alert.
pub fn message(told: &Told, style: Style) -> Message {
    let subject = subject(told, style.language);
    let mut lines = vec![format!("{subject}.")];
    if told.speakers.len() > 1 {
        lines.push(names(&told.speakers, style.language));
    }
    lines.push(times(told, style));
    if told.closed.is_none() {
        lines.extend(why(told.cause, style.language));
        lines.push(what_to_do(told, style.language).to_owned());
    }
    lines.extend(style.url.map(str::to_owned));
    let text = lines.join("\n");
    Message {
        json: whole(told.event_word(), &text, std::slice::from_ref(told)),
        subject: format!("[Loa] {subject}"),
        text,
    }
}

/// Several in one.
pub fn digest(all: &[Told], style: Style) -> Message {
    let subject = match style.language {
        Language::Vi => format!("{} thông báo về loa", all.len()),
        Language::En => format!("{} notices about speakers", all.len()),
    };
    const LINES: usize = 50;
    let mut lines = vec![format!("{subject}:")];
    lines.extend(
        all.iter()
            .take(LINES)
            .map(|told| format!("- {}", self::subject(told, style.language))),
    );
    if all.len() > LINES {
        lines.push("…".into());
    }
    lines.extend(style.url.map(str::to_owned));
    let text = lines.join("\n");
    Message {
        json: whole("digest", &text, all),
        subject: format!("[Loa] {subject}"),
        text,
    }
}

/// What somebody gets who tries an address.
pub fn trial(who: &str, style: Style) -> Message {
    let text = match style.language {
        Language::Vi => format!(
            "Tin thử từ hệ thống loa, do {who} gửi. Từ nay cảnh báo về loa có thể gửi đến địa chỉ này."
        ),
        Language::En => format!(
            "A trial message of the loudspeakers' office, sent by {who}. Alerts about speakers can reach this address."
        ),
    };
    Message {
        subject: match style.language {
            Language::Vi => "[Loa] Tin thử".into(),
            Language::En => "[Loa] A trial message".into(),
        },
        json: whole("test", &text, &[]),
        text: match style.url {
            Some(url) => format!("{text}\n{url}"),
            None => text,
        },
    }
}

impl Told {
    fn event_word(&self) -> &'static str {
        match self.event {
            Event::Opened => "opened",
            Event::Again => "again",
            Event::Escalated => "escalated",
            Event::Closed => "closed",
        }
    }
}

/// The shape that docs/operations.md promises.
fn whole(event: &str, text: &str, alerts: &[Told]) -> Value {
    let alert = |told: &Told| {
        json!({
            "id": told.id,
            "event": told.event_word(),
            "kind": told.kind,
            "cause": told.cause,
            "severity": told.severity,
            "area": told.area,
            "area_name": told.area_name,
            "speakers": told.speakers.iter()
                .map(|(id, name)| json!({ "speaker": id, "name": name })).collect::<Vec<_>>(),
            "began": told.began.to_string(),
            "closed": told.closed.map(|at| at.to_string()),
            "value": told.value,
            "limit": told.limit,
        })
    };
    json!({
        "version": 1,
        "event": event,
        "text": text,
        "alerts": alerts.iter().map(alert).collect::<Vec<_>>(),
    })
}

fn subject(told: &Told, language: Language) -> String {
    let who = match (told.speakers.as_slice(), language) {
        ([(_, name)], Language::Vi) if told.area_name.is_empty() => format!("Loa {name}"),
        ([(_, name)], Language::Vi) => format!("Loa {name} ({})", told.area_name),
        ([(_, name)], Language::En) if told.area_name.is_empty() => name.clone(),
        ([(_, name)], Language::En) => format!("{name} ({})", told.area_name),
        (many, Language::Vi) => format!("{} loa ở {}", many.len(), told.area_name),
        (many, Language::En) => format!("{} speakers in {}", many.len(), told.area_name),
    };
    let figure = |unit: &str| {
        told.value
            .map_or(String::new(), |v| format!(" ({v:.0}{unit})"))
    };
    let what = match (told.kind, language) {
        (_, Language::Vi) if told.closed.is_some() => closed_vi(told.kind).to_owned(),
        (_, Language::En) if told.closed.is_some() => closed_en(told.kind).to_owned(),
        (Kind::Offline, Language::Vi) => "mất kết nối".into(),
        (Kind::Offline, Language::En) => "cannot be reached".into(),
        (Kind::Mast, Language::Vi) => "cùng mất kết nối".into(),
        (Kind::Mast, Language::En) => "cannot be reached, all of one mast".into(),
        (Kind::Unreported, Language::Vi) => "không phát bản tin đến giờ".into(),
        (Kind::Unreported, Language::En) => "was silent when a bulletin was due".into(),
        (Kind::NotHeard, Language::Vi) => "đã phát nhưng không nghe thấy tiếng".into(),
        (Kind::NotHeard, Language::En) => "played, and was not heard".into(),
        (Kind::Clock, Language::Vi) => "sai đồng hồ".into(),
        (Kind::Clock, Language::En) => "has a clock that cannot be trusted".into(),
        (Kind::Disk, Language::Vi) => format!("sắp đầy bộ nhớ{}", figure("% còn trống")),
        (Kind::Disk, Language::En) => format!("has little disk left{}", figure(" % free")),
        (Kind::Temperature, Language::Vi) => format!("quá nóng{}", figure(" °C")),
        (Kind::Temperature, Language::En) => format!("is too hot{}", figure(" °C")),
        (Kind::DataPlan, Language::Vi) => format!("sắp hết dung lượng 3G/4G{}", figure("%")),
        (Kind::DataPlan, Language::En) => {
            format!("has used most of its mobile data{}", figure(" %"))
        }
        (Kind::Mains, Language::Vi) => "mất điện lưới".into(),
        (Kind::Mains, Language::En) => "runs without mains".into(),
        (Kind::CrashLooping, Language::Vi) => "khởi động lại liên tục".into(),
        (Kind::CrashLooping, Language::En) => "starts again and again".into(),
    };
    let before = match (told.event, language) {
        (Event::Opened | Event::Closed, _) => "",
        (Event::Again, Language::Vi) => "Nhắc lại: ",
        (Event::Again, Language::En) => "Still: ",
        (Event::Escalated, Language::Vi) => "Chưa ai xử lý: ",
        (Event::Escalated, Language::En) => "Nobody has answered: ",
    };
    format!("{before}{who} {what}")
}

fn closed_vi(kind: Kind) -> &'static str {
    match kind {
        Kind::Offline | Kind::Mast => "đã có lại kết nối",
        Kind::Unreported | Kind::NotHeard => "đã phát lại bình thường",
        Kind::Mains => "đã có điện lại",
        Kind::Clock | Kind::Disk | Kind::Temperature | Kind::DataPlan | Kind::CrashLooping => {
            "đã bình thường trở lại"
        }
    }
}

fn closed_en(kind: Kind) -> &'static str {
    match kind {
        Kind::Offline | Kind::Mast => "can be reached again",
        Kind::Unreported | Kind::NotHeard => "sounds again",
        Kind::Mains => "has mains again",
        Kind::Clock | Kind::Disk | Kind::Temperature | Kind::DataPlan | Kind::CrashLooping => {
            "is well again"
        }
    }
}

fn names(speakers: &[(String, String)], language: Language) -> String {
    let first: Vec<&str> = speakers
        .iter()
        .take(NAMES)
        .map(|(_, name)| name.as_str())
        .collect();
    let more = match (speakers.len().saturating_sub(NAMES), language) {
        (0, _) => String::new(),
        (n, Language::Vi) => format!(" và {n} loa khác"),
        (n, Language::En) => format!(" and {n} more"),
    };
    match language {
        Language::Vi => format!("Gồm: {}{more}.", first.join(", ")),
        Language::En => format!("Namely: {}{more}.", first.join(", ")),
    }
}

fn times(told: &Told, style: Style) -> String {
    let clock = |at: WallTime| match at.timestamp().in_tz(style.zone) {
        Ok(here) => here.strftime("%H:%M %d/%m").to_string(),
        Err(_) => at.to_string(),
    };
    let began = clock(told.began);
    match (told.closed, style.language) {
        (None, Language::Vi) => format!("Từ {began}."),
        (None, Language::En) => format!("Since {began}."),
        (Some(closed), Language::Vi) => format!("Từ {began} đến {}.", clock(closed)),
        (Some(closed), Language::En) => format!("From {began} to {}.", clock(closed)),
    }
}

fn why(cause: Option<Cause>, language: Language) -> Option<String> {
    let (vi, en) = match cause? {
        Cause::Unknown => ("chưa rõ, loa chưa báo về", "not known yet, it has not told"),
        Cause::Power => ("mất điện", "no power"),
        Cause::Network => (
            "loa vẫn chạy nhưng không có mạng",
            "it runs, and has no network",
        ),
        Cause::Route => (
            "có mạng nhưng không liên lạc được với máy chủ",
            "it has a network, and cannot reach the office",
        ),
        Cause::Mast => ("cùng một trạm phát sóng", "all behind one mast"),
        Cause::Agent => (
            "chương trình trên loa bị treo hoặc lỗi",
            "its program hangs or fails",
        ),
        Cause::Stopped => (
            "có người tắt hoặc khởi động lại",
            "somebody stopped or restarted it",
        ),
        Cause::Office => ("máy chủ mất kết nối", "the office itself was away"),
    };
    Some(match language {
        Language::Vi => format!("Nguyên nhân: {vi}."),
        Language::En => format!("Cause: {en}."),
    })
}

fn what_to_do(told: &Told, language: Language) -> &'static str {
    let (vi, en) = match (told.kind, told.cause) {
        (Kind::Mast, _) => (
            "Hãy hỏi nhà mạng về trạm phát sóng. Chương trình đã tải về loa vẫn phát đúng giờ.",
            "Ask the mobile operator about the mast. What the speakers hold already still plays on time.",
        ),
        (Kind::Offline, Some(Cause::Power)) => (
            "Hãy hỏi thôn và điện lực xem đã có điện chưa.",
            "Ask the hamlet and the power company whether there is power.",
        ),
        (Kind::Offline, _) => (
            "Hãy nhờ người gần đó xem đèn, nguồn điện và SIM. Chương trình đã tải về loa vẫn phát đúng giờ nếu loa còn điện.",
            "Ask somebody nearby to look at lights, power and SIM. What it holds already still plays on time while it has power.",
        ),
        (Kind::Unreported, _) => (
            "Hãy mở trang của loa để xem lý do rồi phát thử.",
            "Open the speaker's page to see why, and say something to try it.",
        ),
        (Kind::NotHeard, _) => (
            "Hãy nhờ người gần đó nghe thử, và kiểm tra ampli, dây và củ loa.",
            "Ask somebody nearby to listen, and look at amplifier, cable and horn.",
        ),
        (Kind::Clock, _) => (
            "Lịch phát chờ đến khi đồng hồ đúng lại. Hãy kiểm tra kết nối và pin đồng hồ của loa.",
            "What is planned waits until the clock is right. Look at its connection and its clock's battery.",
        ),
        (Kind::Disk, _) => (
            "Hãy xóa bớt tệp trên thẻ nhớ của loa hoặc thay thẻ lớn hơn.",
            "Free some space on the speaker's disk, or put in a larger one.",
        ),
        (Kind::Temperature, _) => (
            "Hãy kiểm tra tủ loa: lỗ thoáng, quạt, nắng chiếu.",
            "Look at its cabinet: vents, fan, sun.",
        ),
        (Kind::DataPlan, _) => ("Hãy nạp thêm dung lượng cho SIM.", "Top up the SIM."),
        (Kind::Mains, _) => (
            "Loa đang chạy bằng ắc quy. Hãy hỏi điện lực.",
            "It runs on its battery. Ask the power company.",
        ),
        (Kind::CrashLooping, _) => (
            "Hãy mở trang của loa để xem lỗi, rồi báo người quản trị.",
            "Open the speaker's page to see its faults, and tell the administrator.",
        ),
    };
    match language {
        Language::Vi => vi,
        Language::En => en,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: Kind, speakers: &[&str]) -> Told {
        Told {
            id: "w0000000000000001".into(),
            event: Event::Opened,
            kind,
            severity: kind.severity(),
            cause: None,
            area: Some("ban-chuong".into()),
            area_name: "Bản Chương".into(),
            speakers: speakers
                .iter()
                .map(|name| (name.to_lowercase(), (*name).to_owned()))
                .collect(),
            // 05:12 in Hà Nội.
            began: WallTime::from_millis(1_795_471_920_000),
            closed: None,
            value: None,
            limit: None,
        }
    }

    fn style(language: Language) -> Style<'static> {
        Style {
            language,
            zone: "Asia/Ho_Chi_Minh",
            url: Some("https://loa.vn"),
        }
    }

    #[test]
    fn one_pole_is_told_of_with_place_time_cause_and_what_to_do() {
        let mut told = told(Kind::Offline, &["Cụm 1"]);
        told.cause = Some(Cause::Power);
        let vi = message(&told, style(Language::Vi));
        assert_eq!(vi.subject, "[Loa] Loa Cụm 1 (Bản Chương) mất kết nối");
        assert_eq!(
            vi.text,
            "Loa Cụm 1 (Bản Chương) mất kết nối.\nTừ 05:12 24/11.\nNguyên nhân: mất điện.\n\
             Hãy hỏi thôn và điện lực xem đã có điện chưa.\nhttps://loa.vn"
        );
        (told.closed, told.event) = (Some(told.began.plus_s(3_600)), Event::Closed);
        let over = message(&told, style(Language::Vi));
        assert_eq!(
            over.text,
            "Loa Cụm 1 (Bản Chương) đã có lại kết nối.\nTừ 05:12 24/11 đến 06:12 24/11.\nhttps://loa.vn"
        );
        let en = message(&told, style(Language::En));
        assert!(
            en.text
                .starts_with("Cụm 1 (Bản Chương) can be reached again.")
        );
    }

    #[test]
    fn forty_poles_are_one_short_message_that_programs_get_whole() {
        let names: Vec<String> = (1..=40).map(|n| format!("Cụm {n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut told = told(Kind::Mast, &names);
        told.cause = Some(Cause::Mast);
        let said = message(&told, style(Language::Vi));
        assert!(
            said.text
                .starts_with("40 loa ở Bản Chương cùng mất kết nối.")
        );
        assert!(
            said.text.contains("Cụm 10 và 30 loa khác."),
            "{}",
            said.text
        );
        assert!(said.text.len() < 700);
        let alert = &said.json["alerts"][0];
        assert_eq!(alert["speakers"].as_array().map(Vec::len), Some(40));
        assert_eq!(
            (&alert["kind"], &alert["cause"]),
            (&json!("mast"), &json!("mast"))
        );
        assert_eq!(said.json["event"], "opened");
    }

    #[test]
    fn every_kind_has_words_in_both_languages_open_and_over() {
        for kind in Kind::RULED.into_iter().chain([Kind::Mast]) {
            let mut told = told(kind, &["Cụm 1"]);
            told.value = Some(83.4);
            for closed in [None, Some(told.began)] {
                told.closed = closed;
                let [vi, en] = [Language::Vi, Language::En].map(|l| message(&told, style(l)));
                assert_ne!(vi.text, en.text, "{kind:?}");
                assert!(vi.text.contains("Cụm 1") && en.text.contains("Cụm 1"));
            }
        }
        let hot = Told {
            value: Some(83.4),
            ..told(Kind::Temperature, &["Cụm 1"])
        };
        assert!(
            message(&hot, style(Language::Vi))
                .subject
                .ends_with("quá nóng (83 °C)")
        );
    }

    #[test]
    fn a_digest_names_each_in_a_line_and_stays_short() {
        let all: Vec<Told> = (0..80).map(|_| told(Kind::Offline, &["Cụm 1"])).collect();
        let said = digest(&all, style(Language::Vi));
        assert!(said.text.starts_with("80 thông báo về loa:\n- Loa Cụm 1"));
        assert_eq!(said.text.lines().count(), 53);
        assert_eq!(said.json["alerts"].as_array().map(Vec::len), Some(80));
    }
}

//! The month's report by mail, on its day, to each address once.
//!
//! What was sent is written down when the mail server has taken it; a mail that fails is tried again with growing pauses for
//! as long as the month lasts. Should the office end between the server's yes and our note, the mail goes twice rather
//! than not at all.

use jiff::{ToSpan, civil::Date, tz::TimeZone};
use loa_protocol::time::WallTime;

use super::{Gathered, ReportConfig, sheet, view::Heading, words::said};
use crate::{
    http::{AppState, Lang, month_ends, month_of},
    notify::{self, Language, mail::Attachment},
};

/// The first pause after a failure, and the longest, in seconds.
const FIRST_PAUSE_S: i64 = 300;
const LONGEST_PAUSE_S: i64 = 6 * 3_600;

/// The month (by its first day) whose report is to be out by now: the one before, from its day and hour on.
pub fn month_due(config: &ReportConfig, zone: &TimeZone, now: WallTime) -> Option<Date> {
    let here = zone.to_datetime(now.timestamp());
    let due = here
        .date()
        .first_of_month()
        .checked_add((i32::from(config.day) - 1).days())
        .ok()?
        .to_datetime(config.time()?);
    let month = here.date().first_of_month().checked_sub(1.month()).ok()?;
    (here >= due).then_some(month)
}

/// How long to wait after so many tries.
pub fn pause_s(tries: u32) -> i64 {
    FIRST_PAUSE_S
        .saturating_mul(1_i64 << tries.saturating_sub(1).min(20))
        .min(LONGEST_PAUSE_S)
}

/// Sends what is due and not out. To be called about once a minute.
pub async fn send_due(state: &AppState) -> Result<(), crate::store::StoreError> {
    let config = &state.config.report;
    let Some(mail) = &state.config.mail else {
        return Ok(());
    };
    let zone = &state.config.defaults.zone;
    let known = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let now = state.clock.now();
    let Some(month) = month_due(config, &known, now) else {
        return Ok(());
    };
    // A month in which there was no office has no report.
    let began = i64::try_from(state.store.office().epoch).unwrap_or(i64::MAX);
    if month_ends(month, zone) <= WallTime::from_millis(began.saturating_mul(1_000)) {
        return Ok(());
    }
    let lang = match state.config.alerts.language {
        Language::Vi => Lang::Vi,
        Language::En => Lang::En,
    };
    let name = month.strftime("%Y-%m").to_string();
    for (area, to) in config.each() {
        let Some(tries) = state.store.claim_report(&name, area, to, pause_s).await? else {
            continue;
        };
        let sent = async {
            let below = match area {
                "" => None,
                area => Some(area.parse().map_err(|_| format!("{area:?} is no area"))?),
            };
            let made = month_of(state, below, month).await;
            let (heading, gathered) = made.map_err(|error| error.to_string())?;
            let subject = subject(&heading, lang);
            let text = text(&heading, &gathered, lang);
            let file = format!("loa-{name}.xlsx");
            let bytes =
                tokio::task::spawn_blocking(move || sheet::write(&heading, &gathered, lang));
            let bytes = bytes.await.map_err(|error| error.to_string())?;
            let attachment = Attachment {
                name: file,
                media_type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
                    .into(),
                bytes: bytes.map_err(|error| error.to_string())?,
            };
            notify::mail::send(mail, to, &subject, &text, vec![attachment])
                .await
                .map_err(|error| error.to_string())
        };
        match sent.await {
            Ok(()) => {
                state.store.report_sent(&name, area, to).await?;
                tracing::info!(month = name, area, to, "the month's report is sent");
            }
            Err(error) => {
                tracing::warn!(
                    month = name,
                    area,
                    to,
                    tries,
                    error,
                    "the month's report is not sent"
                );
            }
        }
    }
    Ok(())
}

fn area_name(heading: &Heading, lang: Lang) -> &str {
    match &heading.area {
        Some((_, name)) => name,
        None => said(lang, "toàn hệ thống", "the whole office"),
    }
}

fn subject(heading: &Heading, lang: Lang) -> String {
    let (month, area) = (&heading.month, area_name(heading, lang));
    match lang {
        Lang::Vi => format!("Báo cáo loa truyền thanh tháng {month}: {area}"),
        Lang::En => format!("Loudspeakers' report for {month}: {area}"),
    }
}

/// The totals in some lines; the rest is in the file.
fn text(heading: &Heading, gathered: &Gathered, lang: Lang) -> String {
    let (counts, line) = (&gathered.total.counts, &gathered.total.line);
    let percent = |good: f64, of: f64| match of > 0.0 {
        true => format!("{:.2} %", good * 100.0 / of),
        false => "–".into(),
    };
    let connected = percent(line.connected_us as f64, line.measured_us as f64);
    let audible = percent((counts.heard + counts.unverified) as f64, counts.due as f64);
    let minutes = |ms: u64| ms / 60_000;
    let (month, area) = (&heading.month, area_name(heading, lang));
    let (due, sounded) = (minutes(counts.due_ms), minutes(counts.sounded_ms));
    match lang {
        Lang::Vi => format!(
            "Báo cáo tháng {month}, {area}: {} loa.\n\n\
             Lượt phải phát: {}\nPhát trọn: {}\nNghe được: {audible}\nTrễ: {}\nLỡ lượt: {}\nLoa chưa báo: {}\n\
             Kết nối: {connected}\nSự cố mất kết nối: {}\nPhút phải phát: {due}; đã phát: {sounded}\n\n\
             Chi tiết trong tệp kèm theo.\n",
            gathered.total.speakers,
            counts.due,
            counts.completed,
            counts.late,
            counts.missed,
            counts.unreported,
            gathered.outage_events,
        ),
        Lang::En => format!(
            "Report for {month}, {area}: {} speakers.\n\n\
             Due: {}\nCompleted: {}\nAudible: {audible}\nLate: {}\nMissed: {}\nNot reported: {}\n\
             Connected: {connected}\nOutage events: {}\nMinutes due: {due}; sounded: {sounded}\n\n\
             Details are in the file.\n",
            gathered.total.speakers,
            counts.due,
            counts.completed,
            counts.late,
            counts.missed,
            counts.unreported,
            gathered.outage_events,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("Asia/Ho_Chi_Minh").expect("a zone")
    }
    fn at(text: &str) -> WallTime {
        let here: jiff::civil::DateTime = text.parse().expect("a time");
        zone().to_timestamp(here).expect("an instant").into()
    }

    #[test]
    fn last_month_s_report_is_due_from_its_day_and_hour_on() {
        let mut config = ReportConfig::default();
        let due = |config: &ReportConfig, now| {
            month_due(config, &zone(), at(now)).map(|month| month.to_string())
        };
        let october = Some("2026-10-01".to_owned());
        assert_eq!(due(&config, "2026-11-01T06:59:59"), None);
        assert_eq!(due(&config, "2026-11-01T07:00:00"), october);
        assert_eq!(due(&config, "2026-11-30T23:59:59"), october);
        config.day = 5;
        config.hour = "18:30".into();
        assert_eq!(due(&config, "2027-01-05T18:29:00"), None);
        assert_eq!(
            due(&config, "2027-01-05T18:30:00"),
            Some("2026-12-01".to_owned())
        );
    }

    #[test]
    fn a_mail_that_fails_is_tried_again_with_growing_pauses() {
        let pauses: Vec<i64> = (1..=9).map(pause_s).collect();
        assert_eq!(pauses[..4], [300, 600, 1_200, 2_400]);
        assert!(pauses.is_sorted() && pauses[8] == LONGEST_PAUSE_S);
        assert_eq!(pause_s(u32::MAX), LONGEST_PAUSE_S);
    }
}

//! What somebody should look at before it airs: quiet hours, odd hours, what it collides with. Nothing is refused here.

use std::{collections::HashSet, sync::Arc};

use loa_protocol::{
    bulletin::{Bulletin, Planned, Priority, Status},
    id::SpeakerId,
    limits::Governor,
    quiet_hours::{DayWindow, quiet_from},
    status::SpeakerStatus,
    time::WallTime,
};

use super::{
    super::{
        AppState, error::ApiError, instant::time_of_day, messages::Code, messages::Lang,
        readiness::followers,
    },
    draft::shown,
    view::Warning,
};
use crate::store::{BulletinFilter, BulletinState, Kept, Speaker};

/// So far ahead is looked, in seconds.
const AHEAD_S: i64 = 14 * 24 * 3_600;
/// Starts that are looked at.
const STARTS: usize = 100;
/// Other bulletins that it is compared with: the newest.
const OTHERS: u32 = 100;
/// Overlaps that are told.
const OVERLAPS: usize = 3;

pub async fn of(
    state: &AppState,
    kept: &Kept,
    now: WallTime,
    lang: Lang,
) -> Result<Vec<Warning>, ApiError> {
    let speakers = followers(state, kept).await?;
    let b = &kept.bulletin;
    let starts = starts(b, now);
    let told = told(state, &speakers);
    let mut found = on_speakers(b, &starts, &speakers, &told);
    found.extend(odd_hours(b, &starts));
    if b.chime.duration_ms() + b.sound_ms() > u64::from(b.max_duration_s) * 1_000 {
        found.push((Code::WarnCut, Vec::new()));
    }
    found.extend(overlaps(state, kept, &starts, &speakers, now).await?);
    Ok(worded(found, lang))
}

/// Of a live call that would begin now: where it would not sound, and where quiet hours would cut it.
pub async fn of_call(
    state: &AppState,
    kept: &Kept,
    now: WallTime,
    lang: Lang,
) -> Result<Vec<Warning>, ApiError> {
    let speakers = followers(state, kept).await?;
    let b = &kept.bulletin;
    let mut found = on_nobody(&speakers);
    if is_alarm(b) {
        return Ok(worded(found, lang));
    }
    let told = told(state, &speakers);
    let (mut quiet, mut soon, mut first) = (0, 0, WallTime::MAX);
    for at in speakers.iter().zip(&told).filter_map(|(speaker, status)| {
        let at = quiet_at(speaker, status.as_deref(), now)?;
        (at < now.plus_ms(ms(b.length_ms()))).then_some(at)
    }) {
        // As on the pole: with less than that left it does not begin.
        if at < now.plus_ms(ms(b.need_ms(b.length_ms()))) {
            quiet += 1;
        } else {
            soon += 1;
            first = first.min(at);
        }
    }
    let of = ("of", speakers.len().to_string());
    if quiet > 0 {
        let values = vec![("count", quiet.to_string()), of.clone()];
        found.push((Code::WarnQuietNow, values));
    }
    if soon > 0 {
        let first = time_of_day(first, &b.zone);
        let values = vec![("count", soon.to_string()), of, ("first", first)];
        found.push((Code::WarnQuietSoon, values));
    }
    Ok(worded(found, lang))
}

fn worded(found: Vec<Found>, lang: Lang) -> Vec<Warning> {
    let all = found.into_iter();
    all.map(|(code, values)| Warning::new(code, lang, values))
        .collect()
}

fn ms(length: u64) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// What each speaker last said of itself.
fn told(state: &AppState, speakers: &[Speaker]) -> Vec<Option<Arc<SpeakerStatus>>> {
    let seen = state.engine.seen(speakers.iter().map(|s| &s.id));
    seen.speakers
        .into_iter()
        .map(|(_, status)| status)
        .collect()
}

/// The first quiet instant from `at` on, by what the office set for a speaker and by its own limits, as far as it has told them.
fn quiet_at(speaker: &Speaker, status: Option<&SpeakerStatus>, at: WallTime) -> Option<WallTime> {
    let office = quiet_from(&speaker.quiet_hours, at, &speaker.zone);
    let own = status.and_then(|status| {
        let Governor {
            quiet_hours, zone, ..
        } = status.governor();
        quiet_from(&quiet_hours, at, &zone)
    });
    office.into_iter().chain(own).min()
}

/// It passes quiet hours.
fn is_alarm(b: &Bulletin) -> bool {
    b.priority == Priority::Emergency && b.status == Status::Actual
}

type Found = (Code, Vec<(&'static str, String)>);

fn starts(b: &Bulletin, now: WallTime) -> Vec<Planned> {
    // What is said now was planned an instant ago.
    b.planned(now.min(b.since), now.plus_s(AHEAD_S), STARTS)
        .unwrap_or_default()
}

fn on_nobody(speakers: &[Speaker]) -> Vec<Found> {
    if speakers.is_empty() {
        return vec![(Code::WarnNobody, Vec::new())];
    }
    let muted = speakers.iter().filter(|s| s.muted).count();
    let values = vec![
        ("count", muted.to_string()),
        ("of", speakers.len().to_string()),
    ];
    match muted {
        0 => Vec::new(),
        _ => vec![(Code::WarnMuted, values)],
    }
}

fn on_speakers(
    b: &Bulletin,
    starts: &[Planned],
    speakers: &[Speaker],
    told: &[Option<Arc<SpeakerStatus>>],
) -> Vec<Found> {
    let mut found = on_nobody(speakers);
    if is_alarm(b) {
        return found;
    }
    let length_ms = ms(b.length_ms());
    let mut count = 0;
    let mut first: Option<WallTime> = None;
    // Whole villages share their quiet hours: each set is worked out once.
    let mut known: Vec<(Hours<'_>, Option<WallTime>)> = Vec::new();
    for (speaker, status) in speakers.iter().zip(told) {
        let hours = Hours::of(speaker, status.as_deref());
        let seen = known.iter().find(|(other, _)| *other == hours);
        let quiet = match seen {
            Some((_, quiet)) => *quiet,
            None => {
                // As on the pole: what would run into the quiet hours does not begin.
                let quiet = starts.iter().map(|p| p.at).find(|at| {
                    let from = quiet_at(speaker, status.as_deref(), *at);
                    from.is_some_and(|from| from < at.plus_ms(length_ms))
                });
                known.push((hours, quiet));
                quiet
            }
        };
        if let Some(at) = quiet {
            count += 1;
            first = Some(first.map_or(at, |f| f.min(at)));
        }
    }
    if let Some(first) = first {
        let values = vec![
            ("count", count.to_string()),
            ("of", speakers.len().to_string()),
            ("first", shown(first, b)),
        ];
        found.push((Code::WarnQuietHours, values));
    }
    found
}

/// By what a speaker is quiet: the office's word, and its own.
#[derive(PartialEq)]
struct Hours<'a> {
    office: (&'a [DayWindow], &'a str),
    own: (&'a [DayWindow], Option<&'a str>),
}

impl<'a> Hours<'a> {
    fn of(speaker: &'a Speaker, status: Option<&'a SpeakerStatus>) -> Self {
        Self {
            office: (&speaker.quiet_hours, &speaker.zone),
            own: status.map_or((&[], None), |status| {
                (&status.governor_quiet, status.governor_zone.as_deref())
            }),
        }
    }
}

/// Between 21:00 and 05:00 somebody may have typed the wrong half of the day.
fn odd_hours(b: &Bulletin, starts: &[Planned]) -> Option<Found> {
    let night = DayWindow {
        from: "21:00".into(),
        to: "05:00".into(),
    };
    let at = starts.iter().find(|p| night.holds(p.at, &b.zone))?.at;
    Some((Code::WarnOddHours, vec![("first", shown(at, b))]))
}

/// Others that are planned while this one sounds, on a speaker of both.
async fn overlaps(
    state: &AppState,
    kept: &Kept,
    starts: &[Planned],
    speakers: &[Speaker],
    now: WallTime,
) -> Result<Vec<Found>, ApiError> {
    let Some((first, last)) = starts.first().zip(starts.last()) else {
        return Ok(Vec::new());
    };
    let length = |b: &Bulletin| ms(b.length_ms());
    let own_ms = length(&kept.bulletin);
    let ours: HashSet<&SpeakerId> = speakers.iter().map(|s| &s.id).collect();
    let filter = BulletinFilter {
        state: Some(BulletinState::Planned),
        limit: OTHERS,
        ..BulletinFilter::default()
    };
    let mut found = Vec::new();
    for other in state.store.bulletins(&filter).await? {
        if other.bulletin.id == kept.bulletin.id || found.len() >= OVERLAPS {
            continue;
        }
        let other_ms = length(&other.bulletin);
        let (from, to) = (first.at.plus_ms(-other_ms), last.at.plus_ms(own_ms));
        let theirs = other.bulletin.planned(from, to, STARTS).unwrap_or_default();
        let clash = starts.iter().find(|own| {
            theirs.iter().any(|their| {
                own.at < their.at.plus_ms(other_ms) && their.at < own.at.plus_ms(own_ms)
            })
        });
        let Some(clash) = clash.filter(|clash| clash.at.plus_ms(own_ms) > now) else {
            continue;
        };
        let shared = followers(state, &other).await?;
        if shared.iter().any(|s| ours.contains(&s.id)) {
            let values = vec![
                ("title", other.bulletin.title.clone()),
                ("bulletin", other.bulletin.id.to_string()),
                ("first", shown(clash.at, &kept.bulletin)),
            ];
            found.push((Code::WarnOverlaps, values));
        }
    }
    Ok(found)
}

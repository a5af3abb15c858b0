//! What somebody should look at before it airs: quiet hours, odd hours, what it collides with. Nothing is refused here.

use std::collections::HashSet;

use loa_protocol::{
    bulletin::{Bulletin, Planned, Priority, Status},
    id::SpeakerId,
    quiet_hours::{DayWindow, is_quiet, quiet_from},
    time::WallTime,
};

use super::{
    super::{AppState, error::ApiError, messages::Code, messages::Lang, readiness::followers},
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
    let mut found = on_speakers(b, &starts, &speakers);
    found.extend(odd_hours(b, &starts));
    if b.chime.duration_ms() + b.sound_ms() > u64::from(b.max_duration_s) * 1_000 {
        found.push((Code::WarnCut, Vec::new()));
    }
    found.extend(overlaps(state, kept, &starts, &speakers, now).await?);
    Ok(found
        .into_iter()
        .map(|(code, values)| Warning::new(code, lang, values))
        .collect())
}

type Found = (Code, Vec<(&'static str, String)>);

fn starts(b: &Bulletin, now: WallTime) -> Vec<Planned> {
    // What is said now was planned an instant ago.
    b.planned(now.min(b.since), now.plus_s(AHEAD_S), STARTS)
        .unwrap_or_default()
}

fn on_speakers(b: &Bulletin, starts: &[Planned], speakers: &[Speaker]) -> Vec<Found> {
    if speakers.is_empty() {
        return vec![(Code::WarnNobody, Vec::new())];
    }
    let of = ("of", speakers.len().to_string());
    let mut found = Vec::new();
    let muted = speakers.iter().filter(|s| s.muted).count();
    if muted > 0 {
        let values = vec![("count", muted.to_string()), of.clone()];
        found.push((Code::WarnMuted, values));
    }
    if b.priority == Priority::Emergency && b.status == Status::Actual {
        return found;
    }
    let length_ms = i64::try_from(b.length_ms()).unwrap_or(i64::MAX);
    let mut count = 0;
    let mut first: Option<WallTime> = None;
    // Whole villages share their quiet hours: each set is worked out once.
    let mut known: Vec<(&[DayWindow], &str, Option<WallTime>)> = Vec::new();
    for speaker in speakers {
        let (windows, zone) = (&speaker.quiet_hours[..], &speaker.zone[..]);
        let seen = known.iter().find(|k| (k.0, k.1) == (windows, zone));
        let quiet = match seen {
            Some(known) => known.2,
            None => {
                // As on the pole: what would run into the quiet hours does not begin.
                let quiet = starts.iter().map(|p| p.at).find(|at| {
                    is_quiet(windows, *at, zone)
                        || quiet_from(windows, *at, zone).is_some_and(|q| q < at.plus_ms(length_ms))
                });
                known.push((windows, zone, quiet));
                quiet
            }
        };
        if let Some(at) = quiet {
            count += 1;
            first = Some(first.map_or(at, |f| f.min(at)));
        }
    }
    if let Some(first) = first {
        let first = ("first", shown(first, b));
        found.push((
            Code::WarnQuietHours,
            vec![("count", count.to_string()), of, first],
        ));
    }
    found
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
    let length = |b: &Bulletin| i64::try_from(b.length_ms()).unwrap_or(i64::MAX);
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

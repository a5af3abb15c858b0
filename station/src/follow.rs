//! Which segment of a programme comes next, as its playlist grows. Pure.

use crate::playlist::{Media, Segment};

/// One begins this many segments before the newest: the last may not be there yet.
const FROM_THE_EDGE: usize = 3;

/// The place in a programme.
#[derive(Debug, Default)]
pub struct Follower {
    next: Option<u64>,
}

impl Follower {
    /// The next segment of what the playlist now is; `None`: it is not there yet. Who fell behind goes on at the edge, and so
    /// does who is ahead of a playlist that began anew.
    pub fn next(&mut self, media: &Media) -> Option<Segment> {
        let count = media.segments.len() as u64;
        let end = media.first.saturating_add(count);
        let edge = end.saturating_sub(count.min(FROM_THE_EDGE as u64));
        let begin = if media.is_over { media.first } else { edge };
        let wanted = match self.next {
            None => begin,
            Some(next) if next < media.first => edge,
            // A little ahead is an old copy of the playlist.
            Some(next) if next > end.saturating_add(FROM_THE_EDGE as u64) => edge,
            Some(next) => next,
        };
        let at = usize::try_from(wanted.checked_sub(media.first)?).ok()?;
        let segment = media.segments.get(at)?;
        self.next = Some(wanted.checked_add(1)?);
        Some(segment.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn media(first: u64, count: u64) -> Media {
        Media {
            first,
            target: Duration::from_secs(4),
            is_over: false,
            segments: (first..first + count)
                .map(|n| Segment {
                    link: n.to_string(),
                    map: None,
                })
                .collect(),
        }
    }

    fn taken(follower: &mut Follower, media: &Media) -> Vec<String> {
        std::iter::from_fn(|| follower.next(media).map(|s| s.link)).collect()
    }

    #[test]
    fn a_programme_is_joined_near_its_edge_and_followed_one_by_one() {
        let mut follower = Follower::default();
        assert_eq!(taken(&mut follower, &media(10, 6)), ["13", "14", "15"]);
        assert_eq!(taken(&mut follower, &media(10, 6)), [""; 0]);
        assert_eq!(taken(&mut follower, &media(12, 6)), ["16", "17"]);
        // An older copy from another server.
        assert_eq!(taken(&mut follower, &media(11, 6)), [""; 0]);
        assert_eq!(taken(&mut follower, &media(13, 6)), ["18"]);
    }

    #[test]
    fn who_fell_behind_and_who_is_ahead_of_a_new_count_go_on_at_the_edge() {
        let mut follower = Follower::default();
        taken(&mut follower, &media(10, 6));
        assert_eq!(taken(&mut follower, &media(100, 4)), ["101", "102", "103"]);
        assert_eq!(taken(&mut follower, &media(0, 4)), ["1", "2", "3"]);
    }

    #[test]
    fn the_last_number_that_there_is_has_none_behind_it() {
        let mut last = media(0, 1);
        (last.first, last.is_over) = (u64::MAX, true);
        assert_eq!(taken(&mut Follower::default(), &last), [""; 0]);
    }

    #[test]
    fn what_is_over_is_read_from_its_beginning() {
        let mut over = media(0, 5);
        over.is_over = true;
        let mut follower = Follower::default();
        assert_eq!(taken(&mut follower, &over), ["0", "1", "2", "3", "4"]);
        assert_eq!(taken(&mut follower, &media(0, 0)), [""; 0]);
    }
}

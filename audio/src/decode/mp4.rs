//! What the MP4 demuxer does not tell: whether the index is there, and the edit list, which says how many
//! frames of encoder priming to drop and how long the sound really is (ISO/IEC 14496-12 sections 8.6.5 and 8.6.6).

use std::io::SeekFrom;

use symphonia::core::io::MediaSource;

/// What was found about the first audio track.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Mp4Facts {
    /// The `moov` index was found whole; without it nothing can be played.
    pub indexed: bool,
    /// A box of the file's outermost level ends behind the end of the file.
    pub cut_off: bool,
    /// Recorded in fragments: the index says nothing about the length.
    pub fragmented: bool,
    pub edit: Option<Edit>,
}

/// The one edit of an audio track: skip `start`, then play `length`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    start_ticks: u64,
    media_ticks_per_s: u32,
    /// Zero when unknown, as in a file written while it was being recorded.
    length_ticks: u64,
    movie_ticks_per_s: u32,
}

impl Edit {
    /// Frames to drop at the start, at `rate` frames per second.
    pub fn start_frames(&self, rate: u32) -> u64 {
        scale(self.start_ticks, rate, self.media_ticks_per_s)
    }

    /// Frames to play after them, if the file says.
    pub fn length_frames(&self, rate: u32) -> Option<u64> {
        (self.length_ticks > 0).then(|| scale(self.length_ticks, rate, self.movie_ticks_per_s))
    }
}

fn scale(ticks: u64, rate: u32, ticks_per_s: u32) -> u64 {
    let per_s = u128::from(ticks_per_s.max(1));
    u64::try_from((u128::from(ticks) * u128::from(rate) + per_s / 2) / per_s).unwrap_or(u64::MAX)
}

/// Boxes looked at before giving up: a bound on work for a file made of nothing but box headers.
const MAX_BOXES: usize = 10_000;

struct Walker<'a> {
    source: &'a mut dyn MediaSource,
    boxes_left: usize,
}

#[derive(Default)]
struct Track {
    is_audio: bool,
    media_ticks_per_s: u32,
    edits: Vec<(u64, i64)>,
}

/// Looks for the index and leaves the source at its start. Damage is not an error here: the demuxer will name it.
pub(super) fn scan(source: &mut dyn MediaSource, bytes: u64) -> std::io::Result<Mp4Facts> {
    let mut facts = Mp4Facts::default();
    let mut movie_ticks_per_s = 0;
    let mut walker = Walker {
        source,
        boxes_left: MAX_BOXES,
    };
    let mut at = 0;
    while let Some(found) = walker.header(at, bytes)? {
        if found.end > bytes {
            facts.cut_off = true;
            break;
        }
        if &found.kind == b"moov" && !facts.indexed {
            facts.indexed = true;
            let tracks = walker.movie(&found, &mut movie_ticks_per_s, &mut facts.fragmented)?;
            facts.edit = tracks
                .into_iter()
                .find(|track| track.is_audio)
                .and_then(|track| single_edit(&track, movie_ticks_per_s));
        }
        at = found.end;
    }
    walker.source.seek(SeekFrom::Start(0))?;
    Ok(facts)
}

/// The edit of a track that is played in one piece; anything cleverer is left alone.
fn single_edit(track: &Track, movie_ticks_per_s: u32) -> Option<Edit> {
    // A media time of -1 is an empty edit: silence before the track, which nobody needs to hear.
    let mut real = track
        .edits
        .iter()
        .filter(|(_, media_time)| *media_time >= 0);
    let &(length_ticks, media_time) = real.next()?;
    if real.next().is_some() || track.media_ticks_per_s == 0 || movie_ticks_per_s == 0 {
        return None;
    }
    Some(Edit {
        start_ticks: media_time.unsigned_abs(),
        media_ticks_per_s: track.media_ticks_per_s,
        length_ticks,
        movie_ticks_per_s,
    })
}

struct Box4 {
    kind: [u8; 4],
    body: u64,
    end: u64,
}

impl Walker<'_> {
    /// The box that starts at `at`, or `None` at `limit`, at damage, and when enough was seen.
    fn header(&mut self, at: u64, limit: u64) -> std::io::Result<Option<Box4>> {
        if self.boxes_left == 0 || at.saturating_add(8) > limit {
            return Ok(None);
        }
        self.boxes_left -= 1;
        let head: [u8; 8] = match self.read(at)? {
            Some(head) => head,
            None => return Ok(None),
        };
        let kind = [head[4], head[5], head[6], head[7]];
        let (size, header) = match u32::from_be_bytes([head[0], head[1], head[2], head[3]]) {
            0 => (limit - at, 8),
            1 => match self.read::<8>(at + 8)? {
                Some(long) => (u64::from_be_bytes(long), 16),
                None => return Ok(None),
            },
            size => (u64::from(size), 8),
        };
        if size < header {
            return Ok(None);
        }
        Ok(Some(Box4 {
            kind,
            body: at + header,
            end: at.saturating_add(size),
        }))
    }

    fn read<const N: usize>(&mut self, at: u64) -> std::io::Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        self.source.seek(SeekFrom::Start(at))?;
        match self.source.read_exact(&mut bytes) {
            Ok(()) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Calls `each` with every box directly inside `outer`.
    fn children(
        &mut self,
        outer: &Box4,
        mut each: impl FnMut(&mut Self, Box4) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let mut at = outer.body;
        while let Some(found) = self.header(at, outer.end)? {
            at = found.end;
            each(self, found)?;
        }
        Ok(())
    }

    fn movie(
        &mut self,
        moov: &Box4,
        movie_ticks_per_s: &mut u32,
        fragmented: &mut bool,
    ) -> std::io::Result<Vec<Track>> {
        let mut tracks = Vec::new();
        self.children(moov, |walker, found| {
            match &found.kind {
                b"mvhd" => *movie_ticks_per_s = walker.ticks_per_s(&found)?,
                b"mvex" => *fragmented = true,
                b"trak" => tracks.push(walker.track(&found)?),
                _ => (),
            }
            Ok(())
        })?;
        Ok(tracks)
    }

    fn track(&mut self, trak: &Box4) -> std::io::Result<Track> {
        let mut track = Track::default();
        self.children(trak, |walker, found| match &found.kind {
            b"mdia" => walker.children(&found, |walker, found| {
                match &found.kind {
                    b"mdhd" => track.media_ticks_per_s = walker.ticks_per_s(&found)?,
                    b"hdlr" => {
                        track.is_audio = walker.read(found.body + 8)? == Some(*b"soun");
                    }
                    _ => (),
                }
                Ok(())
            }),
            b"edts" => walker.children(&found, |walker, found| {
                if &found.kind == b"elst" {
                    track.edits = walker.edits(&found)?;
                }
                Ok(())
            }),
            _ => Ok(()),
        })?;
        Ok(track)
    }

    /// The time scale of an `mvhd` or `mdhd`: both begin alike.
    fn ticks_per_s(&mut self, header: &Box4) -> std::io::Result<u32> {
        let version = self.read::<1>(header.body)?;
        let offset = if version == Some([1]) { 20 } else { 12 };
        Ok(self
            .read(header.body + offset)?
            .map_or(0, u32::from_be_bytes))
    }

    /// (length in movie ticks, start in media ticks) of the first few entries.
    fn edits(&mut self, elst: &Box4) -> std::io::Result<Vec<(u64, i64)>> {
        const MAX_EDITS: u32 = 8;
        let long = self.read::<1>(elst.body)? == Some([1]);
        let count = self.read(elst.body + 4)?.map_or(0, u32::from_be_bytes);
        let mut edits = Vec::new();
        for index in 0..u64::from(count.min(MAX_EDITS)) {
            let at = elst.body + 8 + index * if long { 20 } else { 12 };
            let entry = if long {
                self.read::<8>(at)?
                    .zip(self.read::<8>(at + 8)?)
                    .map(|(length, start)| (u64::from_be_bytes(length), i64::from_be_bytes(start)))
            } else {
                self.read::<4>(at)?
                    .zip(self.read::<4>(at + 4)?)
                    .map(|(length, start)| {
                        let start = i32::from_be_bytes(start);
                        (u64::from(u32::from_be_bytes(length)), i64::from(start))
                    })
            };
            edits.extend(entry);
        }
        Ok(edits)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = (body.len() + 8) as u32;
        [&size.to_be_bytes(), kind.as_slice(), body].concat()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn iphone_like() -> Vec<u8> {
        let elst = boxed(b"elst", &words(&[0, 1, 3000, 2112, 0x1_0000]));
        let soun = u32::from_be_bytes(*b"soun");
        let mdia = [
            boxed(b"mdhd", &words(&[0, 0, 0, 44_100, 0])),
            boxed(b"hdlr", &words(&[0, 0, soun, 0])),
        ]
        .concat();
        let trak = [boxed(b"edts", &elst), boxed(b"mdia", &mdia)].concat();
        let moov = [
            boxed(b"mvhd", &words(&[0, 0, 0, 1000, 3048])),
            boxed(b"trak", &trak),
        ]
        .concat();
        [
            boxed(b"ftyp", b"M4A \0\0\0\0"),
            boxed(b"mdat", &[0; 64]),
            boxed(b"moov", &moov),
        ]
        .concat()
    }

    #[test]
    fn the_priming_of_a_phone_recording_is_known_from_its_edit_list() {
        let file = iphone_like();
        let bytes = file.len() as u64;
        let facts = scan(&mut Cursor::new(file), bytes).expect("reads");
        let edit = facts.edit.expect("an edit");
        assert!(facts.indexed && !facts.fragmented);
        assert_eq!(edit.start_frames(44_100), 2112);
        assert_eq!(edit.length_frames(44_100), Some(132_300));
    }

    #[test]
    fn a_recording_cut_off_before_its_index_has_none() {
        let mut file = iphone_like();
        file.truncate(60);
        let bytes = file.len() as u64;
        let facts = scan(&mut Cursor::new(file), bytes).expect("reads");
        assert!(facts.cut_off && !facts.indexed);
    }
}

//! One station: what it is, and its bytes piece by piece.

use std::time::Duration;

use crate::{
    Address, Away, Web,
    follow::Follower,
    http::Answer,
    lists::{TELLING, first_link, is_hls, is_list},
    playlist::{Media, Playlist, Segment},
};

/// Largest list, in bytes.
const MAX_LIST: usize = 512 * 1024;
/// Largest segment, in bytes: a minute of the best sound.
const MAX_SEGMENT: usize = 8 * 1024 * 1024;
/// Most lists that point to each other.
const MAX_LISTS: usize = 4;
/// How often a playlist may be read again with nothing new in it.
const MAX_FRUITLESS: u32 = 8;
/// How often in a row a segment or a playlist may be missing.
const MAX_MISSING: u32 = 3;
/// Bytes of one piece of what has no segments.
const PIECE: usize = 8 * 1024;

/// What a station says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    pub name: Option<String>,
    pub bitrate_kbps: Option<u32>,
    /// It comes in segments, each as a lump: it can wait, and should.
    pub in_segments: bool,
}

/// A station that answers.
#[derive(Debug)]
pub struct Station {
    about: About,
    from: From,
}

#[derive(Debug)]
enum From {
    Endless {
        answer: Box<Answer>,
        begun: Option<Vec<u8>>,
    },
    Segments(Box<Segments>),
}

#[derive(Debug)]
struct Segments {
    web: Web,
    list: Address,
    media: Media,
    follower: Follower,
    map: Option<String>,
    fruitless: u32,
    missing: u32,
}

/// Goes where the address leads, until there is sound.
///
/// # Errors
/// Why there is none.
pub fn open(address: &Address, web: &Web) -> Result<Station, Away> {
    let mut address = address.clone();
    let mut about = About::default();
    for _ in 0..MAX_LISTS {
        let mut answer = web.get(&address)?;
        about.name = about.name.or(answer.name.take());
        about.bitrate_kbps = about.bitrate_kbps.or(answer.bitrate_kbps);
        let begun = beginning(&mut answer)?;
        if !is_list(&begun, &answer.content_type) {
            return Ok(Station {
                about,
                from: From::Endless {
                    answer: Box::new(answer),
                    begun: Some(begun),
                },
            });
        }
        let list = answer.rest(begun, MAX_LIST)?;
        let list = String::from_utf8_lossy(&list);
        let here = answer.address;
        if !is_hls(&list) {
            address = here.join(first_link(&list).ok_or(Away::NotHttp)?)?;
            continue;
        }
        match Playlist::parse(&list)? {
            Playlist::Master { link, bandwidth } => {
                let kbps = bandwidth.and_then(|bits| u32::try_from(bits / 1_000).ok());
                about.bitrate_kbps = about.bitrate_kbps.or(kbps);
                address = here.join(&link)?;
            }
            Playlist::Media(media) => {
                about.in_segments = true;
                return Ok(Station {
                    about,
                    from: From::Segments(Box::new(Segments {
                        web: web.clone(),
                        list: here,
                        media,
                        follower: Follower::default(),
                        map: None,
                        fruitless: 0,
                        missing: 0,
                    })),
                });
            }
        }
    }
    Err(Away::Redirects)
}

fn beginning(answer: &mut Answer) -> Result<Vec<u8>, Away> {
    let mut begun = Vec::new();
    let mut buffer = [0; TELLING];
    while begun.len() < TELLING {
        let left = TELLING - begun.len();
        match answer.read(&mut buffer[..left])? {
            0 => break,
            read => begun.extend_from_slice(&buffer[..read]),
        }
    }
    Ok(begun)
}

impl Station {
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The next bytes of the programme; waits for them.
    ///
    /// # Errors
    /// Why there are no more; [`Away::Ended`] at its end.
    pub fn piece(&mut self) -> Result<Vec<u8>, Away> {
        match &mut self.from {
            From::Endless { answer, begun } => {
                if let Some(begun) = begun.take().filter(|begun| !begun.is_empty()) {
                    return Ok(begun);
                }
                let mut piece = vec![0; PIECE];
                match answer.read(&mut piece)? {
                    0 => Err(Away::Ended),
                    read => {
                        piece.truncate(read);
                        Ok(piece)
                    }
                }
            }
            From::Segments(segments) => segments.piece(),
        }
    }
}

impl Segments {
    fn piece(&mut self) -> Result<Vec<u8>, Away> {
        loop {
            if let Some(segment) = self.follower.next(&self.media) {
                self.fruitless = 0;
                if let Some(bytes) = self.bearable(Self::fetch, &segment)? {
                    return Ok(bytes);
                }
                continue;
            }
            if self.media.is_over {
                return Err(Away::Ended);
            }
            if self.fruitless >= MAX_FRUITLESS {
                return Err(Away::Stalled);
            }
            // RFC 8216 section 6.3.4: the target duration after a change, half of it without one.
            let wait = self.media.target / 2;
            let wait = wait.clamp(Duration::from_millis(500), Duration::from_secs(5));
            if self.fruitless > 0 && self.web.stop().wait(wait) {
                return Err(Away::Stopped);
            }
            self.fruitless += 1;
            if let Some(media) = self.bearable(|own, ()| own.reload(), &())? {
                self.media = media;
            }
        }
    }

    /// A single one that is missing is no reason to give up.
    fn bearable<T, A>(
        &mut self,
        work: impl FnOnce(&mut Self, &A) -> Result<T, Away>,
        on: &A,
    ) -> Result<Option<T>, Away> {
        match work(self, on) {
            Ok(done) => {
                self.missing = 0;
                Ok(Some(done))
            }
            Err(Away::Refused(_) | Away::Ended | Away::Unreachable(_))
                if self.missing < MAX_MISSING =>
            {
                self.missing += 1;
                Ok(None)
            }
            Err(away) => Err(away),
        }
    }

    fn reload(&mut self) -> Result<Media, Away> {
        let list = self.web.get(&self.list)?.rest(Vec::new(), MAX_LIST)?;
        match Playlist::parse(&String::from_utf8_lossy(&list))? {
            Playlist::Media(media) => Ok(media),
            Playlist::Master { .. } => Err(Away::NotHttp),
        }
    }

    fn fetch(&mut self, segment: &Segment) -> Result<Vec<u8>, Away> {
        let mut bytes = Vec::new();
        if segment.map != self.map {
            if self.map.is_some() {
                // Another form begins: whoever decodes has to begin anew.
                return Err(Away::Stalled);
            }
            if let Some(map) = &segment.map {
                bytes = self.get(map)?;
            }
            self.map.clone_from(&segment.map);
        }
        let sound = self.get(&segment.link)?;
        bytes.extend_from_slice(without_id3(&sound));
        Ok(bytes)
    }

    fn get(&self, link: &str) -> Result<Vec<u8>, Away> {
        let address = self.list.join(link)?;
        self.web.get(&address)?.rest(Vec::new(), MAX_SEGMENT)
    }
}

/// A segment of packed audio begins with a time stamp (RFC 8216 section 3.4) in an ID3v2 tag, which is no sound.
fn without_id3(segment: &[u8]) -> &[u8] {
    let Some(header) = segment.get(..10).filter(|h| h.starts_with(b"ID3")) else {
        return segment;
    };
    let size = header[6..10]
        .iter()
        .fold(0_usize, |size, &byte| size << 7 | usize::from(byte & 0x7f));
    let footer = if header[5] & 0x10 != 0 { 10 } else { 0 };
    segment.get(10 + size + footer..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_stamp_before_a_segment_is_not_played() {
        let mut segment = b"ID3\x04\0\0\0\0\0\x03abc".to_vec();
        segment.extend(b"\xff\xf1sound");
        assert_eq!(without_id3(&segment), b"\xff\xf1sound");
        assert_eq!(without_id3(b"\xff\xf1"), b"\xff\xf1");
        assert_eq!(without_id3(b"ID3\x04\0\0\x7f\x7f\x7f\x7f"), b"");
    }
}

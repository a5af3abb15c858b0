//! HLS playlists (RFC 8216), as much of them as a programme of sound needs. Pure.

use std::time::Duration;

use crate::Away;

/// Most entries that are looked at.
const MAX_ENTRIES: usize = 10_000;
/// Below this a programme of sound is hard to listen to, in bits per second.
const GOOD_ENOUGH: u64 = 40_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Playlist {
    /// Where the programme itself is, and how many bits per second it takes.
    Master {
        link: String,
        bandwidth: Option<u64>,
    },
    Media(Media),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// The number of its first segment.
    pub first: u64,
    pub target: Duration,
    /// Nothing is added any more.
    pub is_over: bool,
    pub segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub link: String,
    /// What has to be read before it (fragmented MP4).
    pub map: Option<String>,
}

impl Playlist {
    /// # Errors
    /// It is none, or asks for what is not understood here.
    pub fn parse(text: &str) -> Result<Self, Away> {
        let text = text.trim_start_matches('\u{feff}');
        if !text.starts_with("#EXTM3U") {
            return Err(Away::NotHttp);
        }
        let lines = text.lines().map(str::trim).take(MAX_ENTRIES * 8);
        if text.contains("#EXT-X-STREAM-INF") {
            return master(lines);
        }
        media(lines).map(Self::Media)
    }
}

fn media<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Media, Away> {
    let mut media = Media {
        first: 0,
        target: Duration::from_secs(6),
        is_over: false,
        segments: Vec::new(),
    };
    let mut map = None;
    for line in lines {
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        match tag {
            "#EXT-X-MEDIA-SEQUENCE" => media.first = value.parse().map_err(|_| Away::NotHttp)?,
            "#EXT-X-TARGETDURATION" => {
                let seconds = value.parse::<f64>().ok().filter(|s| s.is_finite());
                let seconds = seconds.ok_or(Away::NotHttp)?.clamp(1.0, 60.0);
                media.target = Duration::from_secs_f64(seconds);
            }
            "#EXT-X-ENDLIST" => media.is_over = true,
            "#EXT-X-KEY" if attribute(value, "METHOD") != Some("NONE") => return Err(Away::Locked),
            "#EXT-X-BYTERANGE" => return Err(Away::NotHttp),
            "#EXT-X-MAP" => {
                if attribute(value, "BYTERANGE").is_some() {
                    return Err(Away::NotHttp);
                }
                map = attribute(value, "URI").map(str::to_owned);
            }
            _ if line.is_empty() || line.starts_with('#') => {}
            _ if media.segments.len() >= MAX_ENTRIES => return Err(Away::TooLarge),
            _ => media.segments.push(Segment {
                link: line.to_owned(),
                map: map.clone(),
            }),
        }
    }
    Ok(media)
}

struct Variant<'a> {
    link: &'a str,
    bandwidth: Option<u64>,
    has_picture: bool,
    audio: Option<&'a str>,
}

/// The smallest that sounds well; sound alone before sound with a picture.
fn master<'a>(mut lines: impl Iterator<Item = &'a str>) -> Result<Playlist, Away> {
    let mut variants: Vec<Variant<'a>> = Vec::new();
    let mut renditions: Vec<(&str, &str)> = Vec::new();
    while let Some(line) = lines.next() {
        let Some((tag, value)) = line.split_once(':') else {
            continue;
        };
        if tag == "#EXT-X-MEDIA" && attribute(value, "TYPE") == Some("AUDIO") {
            let named = attribute(value, "GROUP-ID").zip(attribute(value, "URI"));
            renditions.extend(named);
        }
        if tag != "#EXT-X-STREAM-INF" || variants.len() >= MAX_ENTRIES {
            continue;
        }
        let link = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
        let codecs = attribute(value, "CODECS").unwrap_or_default();
        let has_picture = attribute(value, "RESOLUTION").is_some()
            || ["avc", "hvc", "hev", "vp0", "av01"]
                .iter()
                .any(|codec| codecs.contains(codec));
        variants.extend(link.map(|link| Variant {
            link,
            bandwidth: attribute(value, "BANDWIDTH").and_then(|bits| bits.parse().ok()),
            has_picture,
            audio: attribute(value, "AUDIO"),
        }));
    }
    let chosen = variants.iter().min_by_key(|variant| {
        let bits = variant.bandwidth.unwrap_or(u64::MAX);
        let poor = bits < GOOD_ENOUGH;
        // Of those that are poor the best.
        let cost = if poor { u64::MAX - bits } else { bits };
        (variant.has_picture, poor, cost)
    });
    let chosen = chosen.ok_or(Away::NotHttp)?;
    let rendition = renditions
        .iter()
        .find(|(group, _)| chosen.audio == Some(group));
    Ok(match rendition {
        Some((_, link)) => Playlist::Master {
            link: (*link).to_owned(),
            bandwidth: None,
        },
        None => Playlist::Master {
            link: chosen.link.to_owned(),
            bandwidth: chosen.bandwidth,
        },
    })
}

/// One of a list such as `BANDWIDTH=64000,CODECS="mp4a.40.2,x"`, without its quotes.
fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = list;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = quoted.split_once('"')?;
                (value, after.strip_prefix(',').unwrap_or(after))
            }
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if key.trim() == name {
            return Some(value);
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programme_of_segments_is_read() {
        let text = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:71\n\
            #EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:4.0,\na.m4s\n#EXT-X-DISCONTINUITY\n#EXTINF:4.0,\nb.m4s?x=1\n";
        let Ok(Playlist::Media(media)) = Playlist::parse(text) else {
            panic!("a media playlist");
        };
        assert_eq!((media.first, media.is_over), (71, false));
        assert_eq!(media.target, Duration::from_secs(4));
        let links: Vec<&str> = media.segments.iter().map(|s| s.link.as_str()).collect();
        assert_eq!(links, ["a.m4s", "b.m4s?x=1"]);
        assert_eq!(media.segments[1].map.as_deref(), Some("init.mp4"));
    }

    #[test]
    fn of_several_the_smallest_that_sounds_well_is_taken() {
        let link = |text: &str| match Playlist::parse(text) {
            Ok(Playlist::Master { link, .. }) => link,
            other => panic!("{other:?}"),
        };
        let head = "#EXTM3U\n";
        let sound = "#EXT-X-STREAM-INF:BANDWIDTH=32000,CODECS=\"mp4a.40.5\"\nlow.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=128000,CODECS=\"mp4a.40.2\"\nhigh.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS=\"mp4a.40.2\"\nmiddle.m3u8\n";
        assert_eq!(link(&format!("{head}{sound}")), "middle.m3u8");
        let picture = "#EXT-X-STREAM-INF:BANDWIDTH=50000,RESOLUTION=320x240\nvideo.m3u8\n";
        assert_eq!(link(&format!("{head}{picture}{sound}")), "middle.m3u8");
        assert_eq!(link(&format!("{head}{picture}")), "video.m3u8");
        let apart = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"vi, 1\",URI=\"sound.m3u8\"\n\
            #EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS=\"avc1.4d,mp4a.40.2\",AUDIO=\"a\"\nvideo.m3u8\n";
        assert_eq!(link(&format!("{head}{apart}")), "sound.m3u8");
    }

    #[test]
    fn a_locked_programme_is_known_for_one() {
        let text = "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\na.ts\n";
        assert_eq!(Playlist::parse(text), Err(Away::Locked));
        let open = "#EXTM3U\n#EXT-X-KEY:METHOD=NONE\na.ts\n";
        assert!(Playlist::parse(open).is_ok());
        assert_eq!(Playlist::parse("<html>"), Err(Away::NotHttp));
    }

    #[test]
    fn whatever_number_a_target_is_it_is_bounded_or_refused() {
        let target = |number: &str| {
            let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:{number}\na.ts\n");
            match Playlist::parse(&text) {
                Ok(Playlist::Media(media)) => Ok(media.target.as_secs()),
                Ok(other) => panic!("{other:?}"),
                Err(away) => Err(away),
            }
        };
        for number in ["nan", "NaN", "-nan", "inf", "-infinity", "1e999", "", "six"] {
            assert_eq!(target(number), Err(Away::NotHttp), "{number}");
        }
        for (number, seconds) in [("-1", 1), ("0", 1), ("1e-300", 1), ("6", 6), ("1e300", 60)] {
            assert_eq!(target(number), Ok(seconds), "{number}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(#EXTM3U\n)?(#EXT-X-[A-Z-]*:?[ -~]*\n|[ -~]*\n){0,20}") {
            let _ = Playlist::parse(&text);
        }
    }
}

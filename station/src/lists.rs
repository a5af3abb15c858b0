//! The small lists that point to a station: PLS, and M3U without anything of HLS in it.

/// Bytes that are enough to tell a list.
pub const TELLING: usize = 16;

/// Does this begin a list, going by its first bytes and by what the server calls it?
pub fn is_list(first: &[u8], content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let called = ["mpegurl", "x-scpls", "/pls"]
        .iter()
        .any(|list| kind.to_ascii_lowercase().contains(list));
    let first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
    let looks = |word: &[u8]| {
        first
            .get(..word.len())
            .is_some_and(|begins| begins.eq_ignore_ascii_case(word))
    };
    // Servers say so of sound as well: then its bytes are no text.
    let text = first
        .iter()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    looks(b"#EXTM3U") || looks(b"[playlist]") || (called && text && !first.is_empty())
}

/// Is it HLS?
pub fn is_hls(list: &str) -> bool {
    list.contains("#EXT-X-")
}

/// The first station that it points to.
pub fn first_link(list: &str) -> Option<&str> {
    list.lines().map(str::trim).find_map(|line| {
        let named = line.split_once('=').filter(|(name, _)| {
            let name = name.trim().to_ascii_lowercase();
            name.strip_prefix("file")
                .is_some_and(|n| n.parse::<u16>().is_ok())
        });
        let link = named.map_or(line, |(_, link)| link.trim());
        let is_link = ["http://", "https://"]
            .iter()
            .any(|scheme| link.to_ascii_lowercase().starts_with(scheme));
        is_link.then_some(link)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_list_point_to_their_first_station() {
        let pls =
            "[playlist]\nNumberOfEntries=1\nFile1=http://radio.vn:8000/;stream.mp3\nTitle1=x\n";
        assert!(is_list(pls.as_bytes(), "text/plain"));
        assert_eq!(first_link(pls), Some("http://radio.vn:8000/;stream.mp3"));
        let m3u = "#EXTM3U\r\n#EXTINF:-1,VOV\r\nhttps://radio.vn/vov\r\n";
        assert!(is_list(m3u.as_bytes(), ""));
        assert!(!is_hls(m3u));
        assert_eq!(first_link(m3u), Some("https://radio.vn/vov"));
        assert!(is_list(b"http://radio.vn/a", "audio/x-mpegurl"));
    }

    #[test]
    fn sound_is_no_list_whatever_it_is_called() {
        assert!(!is_list(b"\xff\xfb\x90\x00", "audio/x-mpegurl"));
        assert!(!is_list(b"http://radio.vn/a", "audio/mpeg"));
        assert!(!is_list(b"", "audio/x-mpegurl"));
    }
}

//! Going for a station: whatever it does, there are its bytes, or a reason.

use loa_station::{
    About, Address, Away, Reach, Station, Stop, Web, open,
    testing::{MP3, OwnStation},
};

fn own() -> OwnStation {
    OwnStation::start().expect("a station")
}

fn web(reach: Reach) -> Web {
    Web::new(reach, "test").expect("the web")
}

fn opened(url: &str) -> Result<Station, Away> {
    open(&Address::parse(url)?, &web(Reach::Everywhere))
}

#[test]
fn an_endless_station_is_read_from_its_first_byte() {
    let own = own();
    for path in ["/mp3", "/icy", "/lies", "/list.pls", "/redirect/4"] {
        let mut station = opened(&own.url(path)).expect("a station");
        let mut bytes = Vec::new();
        while bytes.len() < 5_000 {
            bytes.extend(station.piece().expect("more of it"));
        }
        assert_eq!(bytes[..5_000], MP3[..5_000], "{path}");
        let About {
            name, in_segments, ..
        } = station.about();
        assert_eq!(name.as_deref(), Some("Own"), "{path}");
        assert!(!in_segments);
    }
}

#[test]
fn a_programme_in_segments_is_followed() {
    let own = own();
    for (path, begins) in [
        ("/ts.m3u8", &b"\x47"[..]),
        ("/master.m3u8", b"\x47"),
        ("/packed.m3u8", b"\xff\xf1"),
    ] {
        let mut station = opened(&own.url(path)).expect("a station");
        assert!(station.about().in_segments);
        for _ in 0..3 {
            let piece = station.piece().expect("a segment");
            assert!(piece.starts_with(begins), "{path}");
        }
    }
    let mut station = opened(&own.url("/fmp4.m3u8")).expect("a station");
    assert_eq!(&station.piece().expect("a segment")[4..8], b"ftyp");
    assert_ne!(&station.piece().expect("a segment")[4..8], b"ftyp");
}

#[test]
fn what_is_no_station_is_told_from_one() {
    let own = own();
    let why = |path: &str| opened(&own.url(path)).err();
    assert_eq!(why("/404"), Some(Away::Refused(404)));
    assert_eq!(why("/redirect/9"), Some(Away::Redirects));
    assert_eq!(why("/huge"), Some(Away::TooLarge));
    let mut short = opened(&own.url("/short")).expect("a station");
    let end = std::iter::repeat_with(|| short.piece()).find_map(Result::err);
    assert_eq!(end, Some(Away::Ended));
    own.goes_away(true);
    let closed = why("/mp3");
    assert!(
        matches!(closed, Some(Away::NotHttp | Away::Ended)),
        "{closed:?}"
    );
    drop(own);
    let nobody = opened("http://127.0.0.1:1/").err();
    assert!(matches!(nobody, Some(Away::Unreachable(_))), "{nobody:?}");
}

#[test]
fn nobody_is_led_into_a_private_network() {
    let own = own();
    let asked = own.asked();
    let address = Address::parse(&own.url("/mp3")).expect("an address");
    let opened = open(&address, &web(Reach::Public));
    assert_eq!(opened.err(), Some(Away::Private));
    assert_eq!(own.asked(), asked, "it was connected to all the same");
}

#[test]
fn whoever_waits_is_woken_when_it_is_over() {
    let own = own();
    let stop = Stop::default();
    let web = web(Reach::Everywhere).until(stop.clone());
    let address = Address::parse(&own.url("/mp3")).expect("an address");
    let mut station = open(&address, &web).expect("a station");
    own.stalls(true);
    let reading = std::thread::spawn(move || {
        std::iter::repeat_with(|| station.piece()).find_map(Result::err)
    });
    stop.now();
    assert_eq!(reading.join().expect("no panic"), Some(Away::Stopped));
}

//! Stations in every form: endless, joined anywhere, damaged.

use std::io::{Cursor, Read};

use loa_audio::{
    DecodeError,
    station::{Kinds, Programme},
};
use loa_station::testing::{AAC, FMP4, INIT, MP3, OPUS, TS, VORBIS};

/// Bytes as a line gives them: a few at a time.
struct Drip(Cursor<Vec<u8>>);

impl Read for Drip {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let much = buffer.len().min(700);
        self.0.read(&mut buffer[..much])
    }
}

fn opened(bytes: Vec<u8>, kinds: Kinds) -> Result<Programme, DecodeError> {
    Programme::open(Box::new(Drip(Cursor::new(bytes))), kinds)
}

/// Seconds of sound, and the last of it.
fn heard(bytes: Vec<u8>) -> Result<(f32, Vec<f32>, Programme), DecodeError> {
    let mut programme = opened(bytes, Kinds::All)?;
    let mut all = Vec::new();
    while let Some(block) = programme.next_block()? {
        all.extend_from_slice(block);
    }
    let seconds = all.len() as f32 / 48_000.0;
    let last = all.split_off(all.len().saturating_sub(48_000));
    Ok((seconds, last, programme))
}

fn forms() -> Vec<(&'static str, Vec<u8>)> {
    let hls: Vec<u8> = [&TS[..], &TS[..], &TS[..]].concat().concat();
    let fmp4: Vec<u8> = [&[INIT], &FMP4[..], &FMP4[..], &FMP4[..]].concat().concat();
    vec![
        ("MP3, 44100 Hz, mono", MP3.repeat(3)),
        ("AAC, 44100 Hz, mono", AAC.repeat(3)),
        ("Vorbis in Ogg, 44100 Hz, mono", VORBIS.repeat(3)),
        ("Opus in Ogg, 48000 Hz, mono", OPUS.repeat(3)),
        ("AAC in TS, 44100 Hz, mono", hls),
        ("AAC in MP4, 44100 Hz, mono", fmp4),
    ]
}

/// How often a sound goes up through zero in a second.
fn pitch(second: &[f32]) -> usize {
    second
        .windows(2)
        .filter(|w| w[0] < 0.0 && w[1] >= 0.0)
        .count()
}

#[test]
fn every_form_is_heard_and_equally_loud() {
    for (form, bytes) in forms() {
        let (seconds, last, programme) = heard(bytes).unwrap_or_else(|e| panic!("{form}: {e}"));
        assert!((8.3..9.3).contains(&seconds), "{form}: {seconds} s");
        assert_eq!(programme.description(), form);
        assert!(
            pitch(&last).abs_diff(440) < 12,
            "{form}: {} Hz",
            pitch(&last)
        );
        let power = last.iter().map(|f| f * f).sum::<f32>() / last.len() as f32;
        let db = 10.0 * power.log10();
        assert!((-19.0..-13.0).contains(&db), "{form}: {db} dB");
    }
}

#[test]
fn a_station_may_be_joined_in_the_middle_of_a_frame() {
    for (form, bytes) in forms()
        .into_iter()
        .filter(|(form, _)| !form.contains("MP4") && !form.contains("Ogg"))
    {
        let (seconds, ..) =
            heard(bytes[1_111..].to_vec()).unwrap_or_else(|e| panic!("{form}: {e}"));
        assert!(seconds > 7.5, "{form}: {seconds} s");
    }
}

#[test]
fn what_is_no_sound_is_refused_soon() {
    for bytes in [
        b"<html>".repeat(50_000),
        Vec::new(),
        vec![0; 200_000],
        vec![0x47; 400_000],
    ] {
        let refused = heard(bytes).err();
        assert!(
            matches!(
                refused,
                Some(
                    DecodeError::NotAudio
                        | DecodeError::Empty
                        | DecodeError::Io(_)
                        | DecodeError::Broken { .. }
                )
            ),
            "{refused:?}"
        );
    }
}

#[test]
fn a_speaker_reads_only_what_cannot_ask_for_much_memory() {
    for (form, bytes) in forms() {
        let taken = opened(bytes, Kinds::Framed).is_ok();
        assert_eq!(taken, !form.contains("MP4"), "{form}");
    }
}

#[test]
fn damaged_bytes_end_in_a_sentence_and_never_in_a_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut chance = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for (_, bytes) in forms() {
        for _ in 0..12 {
            let mut damaged = bytes[..20_000.min(bytes.len())].to_vec();
            for _ in 0..1 + chance() % 60 {
                let at = chance() as usize % damaged.len();
                damaged[at] = chance() as u8;
            }
            let _ = heard(damaged);
        }
    }
}

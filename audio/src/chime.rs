//! The tone before speech: rendered, not recorded, so there is nothing to ship and no licence to ask for.
//!
//! Each is told apart by its shape, not only its pitch, because horns and wind take the pitch away.

use crate::SAMPLE_RATE;

/// Which tone goes before the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Chime {
    /// Straight to the words.
    None,
    /// Three rising notes: ordinary.
    #[default]
    Rise,
    /// Two bell strokes: priority.
    Bell,
    /// A rapid two-tone alarm: emergency.
    Alert,
    /// Two falling notes, slow and soft: an exercise, never to be taken for [`Chime::Alert`].
    Exercise,
}

/// Loudest sample of any chime: as loud as speech at the canonical loudness, with room for the limiter's ceiling.
const PEAK: f32 = 0.5;
/// Attack of every note: no click.
const ATTACK_S: f32 = 0.008;
/// What still rings of a struck note dies away over this long, so that no end is heard as a cut.
const DAMPED_S: f32 = 0.25;
/// Fade of a steady note.
const RELEASE_S: f32 = 0.03;
/// Steady notes of the alarm, which divide its length among them.
const ALERT_BEATS: u8 = 12;

struct Note {
    at_s: f32,
    hz: f32,
    /// Time in which it falls to 1/e; infinite for a steady tone.
    decay_s: f32,
    /// Where it ends, and over how long it fades before that.
    ends_s: f32,
    fade_s: f32,
}

/// Partials of a struck bar with resonator: (multiple of the pitch, strength, faster decay by).
const MARIMBA: [(f32, f32, f32); 3] = [(1.0, 1.0, 1.0), (2.0, 0.25, 1.6), (4.0, 0.12, 3.0)];
/// Partials of a bell: hum, prime, tierce, quint, nominal.
const BELL: [(f32, f32, f32); 5] = [
    (0.5, 0.35, 0.8),
    (1.0, 1.0, 1.0),
    (1.2, 0.5, 1.3),
    (1.5, 0.3, 1.6),
    (2.0, 0.45, 2.2),
];
/// A reed: odd partials, rough enough to be heard over traffic.
const REED: [(f32, f32, f32); 3] = [(1.0, 1.0, 1.0), (3.0, 0.4, 1.0), (5.0, 0.2, 1.0)];

/// Renders a chime that lasts exactly `length_ms` (one second or more), its end included: mono frames at
/// [`SAMPLE_RATE`]; none for [`Chime::None`]. How long each is to last is for those to say who plan with it.
pub fn render(chime: Chime, length_ms: u64) -> Vec<f32> {
    let length_s = length_ms as f32 / 1_000.0;
    let struck = |at_s, hz, decay_s| Note {
        at_s,
        hz,
        decay_s,
        ends_s: length_s,
        fade_s: DAMPED_S,
    };
    let (notes, partials): (Vec<Note>, &[(f32, f32, f32)]) = match chime {
        Chime::None => return Vec::new(),
        Chime::Rise => (
            vec![
                struck(0.0, 523.25, 0.30),
                struck(0.25, 659.26, 0.30),
                struck(0.50, 783.99, 0.40),
            ],
            &MARIMBA,
        ),
        Chime::Bell => (
            vec![struck(0.0, 880.0, 0.35), struck(0.6, 698.46, 0.40)],
            &BELL,
        ),
        Chime::Alert => {
            let beat_s = length_s / f32::from(ALERT_BEATS);
            let beats = (0..ALERT_BEATS).map(|beat| Note {
                at_s: f32::from(beat) * beat_s,
                hz: if beat % 2 == 0 { 960.0 } else { 770.0 },
                decay_s: f32::INFINITY,
                ends_s: f32::from(beat + 1) * beat_s,
                fade_s: RELEASE_S,
            });
            (beats.collect(), &REED)
        }
        Chime::Exercise => (
            vec![struck(0.0, 587.33, 0.35), struck(0.65, 440.0, 0.45)],
            &MARIMBA,
        ),
    };
    let frames = length_ms.saturating_mul(u64::from(SAMPLE_RATE)) / 1_000;
    mix(&notes, partials, usize::try_from(frames).unwrap_or(0))
}

fn mix(notes: &[Note], partials: &[(f32, f32, f32)], frames: usize) -> Vec<f32> {
    let mut out = vec![0.0; frames];
    for note in notes {
        let (start, end) = (frame_at(note.at_s), frame_at(note.ends_s).min(frames));
        for (n, frame) in out[start.min(end)..end].iter_mut().enumerate() {
            let t = n as f32 / SAMPLE_RATE as f32;
            let left = note.ends_s - note.at_s - t;
            let edges = (t / ATTACK_S).min(left / note.fade_s).clamp(0.0, 1.0);
            let tone: f32 = partials
                .iter()
                .map(|&(multiple, strength, faster)| {
                    let phase = std::f32::consts::TAU * note.hz * multiple * t;
                    strength * (-t * faster / note.decay_s).exp() * phase.sin()
                })
                .sum();
            *frame += edges * edges * (3.0 - 2.0 * edges) * tone;
        }
    }
    let loudest = out
        .iter()
        .fold(f32::EPSILON, |max, frame| frame.abs().max(max));
    for frame in &mut out {
        *frame *= PEAK / loudest;
    }
    out
}

fn frame_at(seconds: f32) -> usize {
    (seconds * SAMPLE_RATE as f32).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::correlation;

    const AUDIBLE: [Chime; 4] = [Chime::Rise, Chime::Bell, Chime::Alert, Chime::Exercise];

    #[test]
    fn every_chime_is_as_long_as_it_is_asked_to_be_and_begins_and_ends_without_a_click() {
        for chime in AUDIBLE {
            for length_ms in [1_600, 1_601, 2_000] {
                let sound = render(chime, length_ms);
                assert_eq!(sound.len() as u64, length_ms * 48, "{chime:?}");
                let peak = loudest(&sound);
                assert!((peak - PEAK).abs() < 1e-3, "{chime:?}: peak {peak}");
                let edge = sound[0].abs().max(sound[sound.len() - 1].abs());
                assert!(edge < 0.001, "{chime:?}: edge {edge}");
            }
        }
        assert!(render(Chime::None, 2_000).is_empty());
    }

    #[test]
    fn a_struck_note_has_died_away_before_its_end() {
        let lengths = [
            (Chime::Rise, 1_600),
            (Chime::Bell, 1_600),
            (Chime::Exercise, 2_000),
        ];
        for (chime, length_ms) in lengths {
            let sound = render(chime, length_ms);
            let tenth = SAMPLE_RATE as usize / 10;
            let tail = loudest(&sound[sound.len() - tenth..]);
            assert!(tail < PEAK / 30.0, "{chime:?}: {tail} in the last 0.1 s");
        }
    }

    fn loudest(sound: &[f32]) -> f32 {
        sound.iter().fold(0.0_f32, |max, x| max.max(x.abs()))
    }

    #[test]
    fn no_chime_can_be_taken_for_another() {
        let tone = |chime| render(chime, 2_000);
        for (index, &one) in AUDIBLE.iter().enumerate() {
            for &other in &AUDIBLE[index + 1..] {
                let (_, alike) = correlation(&tone(one), &tone(other), SAMPLE_RATE as usize);
                assert!(alike < 0.7, "{one:?} and {other:?}: {alike}");
            }
        }
    }
}

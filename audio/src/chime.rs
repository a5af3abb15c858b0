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
/// Fade at the very end.
const RELEASE_S: f32 = 0.03;

struct Note {
    at_s: f32,
    hz: f32,
    /// Time in which it falls to 1/e; infinite for a steady tone.
    decay_s: f32,
    length_s: f32,
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

/// Renders a chime: mono frames at [`SAMPLE_RATE`], one to two seconds, none for [`Chime::None`].
pub fn render(chime: Chime) -> Vec<f32> {
    let struck = |at_s, hz, decay_s, length_s| Note {
        at_s,
        hz,
        decay_s,
        length_s,
    };
    match chime {
        Chime::None => Vec::new(),
        Chime::Rise => mix(
            &[
                struck(0.0, 523.25, 0.30, 1.0),
                struck(0.25, 659.26, 0.30, 1.0),
                struck(0.50, 783.99, 0.40, 1.1),
            ],
            &MARIMBA,
        ),
        Chime::Bell => mix(
            &[
                struck(0.0, 880.0, 0.45, 1.0),
                struck(0.7, 698.46, 0.50, 1.2),
            ],
            &BELL,
        ),
        Chime::Alert => {
            let beats: Vec<Note> = (0..12)
                .map(|beat| Note {
                    at_s: beat as f32 * 0.15,
                    hz: if beat % 2 == 0 { 960.0 } else { 770.0 },
                    decay_s: f32::INFINITY,
                    length_s: 0.15,
                })
                .collect();
            mix(&beats, &REED)
        }
        Chime::Exercise => mix(
            &[
                struck(0.0, 587.33, 0.35, 0.9),
                struck(0.65, 440.0, 0.45, 1.1),
            ],
            &MARIMBA,
        ),
    }
}

fn mix(notes: &[Note], partials: &[(f32, f32, f32)]) -> Vec<f32> {
    let length_s = notes
        .iter()
        .map(|note| note.at_s + note.length_s)
        .fold(0.0, f32::max);
    let mut out = vec![0.0; frames(length_s)];
    for note in notes {
        let start = frames(note.at_s).min(out.len());
        for (n, frame) in out[start..]
            .iter_mut()
            .take(frames(note.length_s))
            .enumerate()
        {
            let t = n as f32 / SAMPLE_RATE as f32;
            let left = note.length_s - t;
            let edges = (t / ATTACK_S).min(left / RELEASE_S).min(1.0);
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

fn frames(seconds: f32) -> usize {
    (seconds * SAMPLE_RATE as f32).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::correlation;

    const AUDIBLE: [Chime; 4] = [Chime::Rise, Chime::Bell, Chime::Alert, Chime::Exercise];

    #[test]
    fn every_chime_lasts_one_to_two_seconds_and_begins_and_ends_without_a_click() {
        for chime in AUDIBLE {
            let sound = render(chime);
            let seconds = sound.len() as f32 / SAMPLE_RATE as f32;
            assert!((1.0..=2.0).contains(&seconds), "{chime:?}: {seconds} s");
            let peak = sound.iter().fold(0.0_f32, |max, x| max.max(x.abs()));
            assert!((peak - PEAK).abs() < 1e-3, "{chime:?}: peak {peak}");
            let edge = sound[0].abs().max(sound[sound.len() - 1].abs());
            assert!(edge < 0.01, "{chime:?}: edge {edge}");
        }
        assert!(render(Chime::None).is_empty());
    }

    #[test]
    fn no_chime_can_be_taken_for_another() {
        for (index, &one) in AUDIBLE.iter().enumerate() {
            for &other in &AUDIBLE[index + 1..] {
                let (_, alike) = correlation(&render(one), &render(other), SAMPLE_RATE as usize);
                assert!(alike < 0.7, "{one:?} and {other:?}: {alike}");
            }
        }
    }
}

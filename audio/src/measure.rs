//! Comparing what was sounded with what was sent: where it lies in a recording, how alike it is, where there is sound.

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

/// Finds `reference` in `recording`: (lag, normalised correlation).
///
/// `lag` is the frame of the recording at which the reference starts, searched from `-max_lag` to `max_lag`.
/// The second value is `Σ ref·rec / √(Σ ref² · Σ rec²)` over the length of the reference: 1 when the recording is the
/// reference at any gain, lower for every part that is missing, changed or noise; 0 when either is silent.
/// Memory grows with `max_lag`, not with the recording.
pub fn correlation(reference: &[f32], recording: &[f32], max_lag: usize) -> (isize, f64) {
    let sums = cross_sums(reference, recording, max_lag);
    let energy: f64 = energy_before(reference).last().copied().unwrap_or(0.0);
    let before = energy_before(recording);
    let within = |frame: isize| before[usize::try_from(frame).unwrap_or(0).min(recording.len())];
    let mut best = (0, 0.0);
    for (index, sum) in sums.iter().enumerate() {
        let lag = index as isize - max_lag as isize;
        let heard = within(lag + reference.len() as isize) - within(lag);
        // A sliver of overlap can match by luck; it proves nothing.
        if heard <= energy * 1e-9 {
            continue;
        }
        let alike = sum / (energy * heard).sqrt();
        if alike > best.1 {
            best = (lag, alike);
        }
    }
    best
}

/// As [`correlation`], for what a pole streams: it reads a stream faster or slower by up to half a hundredth to stay at its
/// time ([`live`](crate::live)), which moves the end of a reference by some milliseconds against its beginning. The lag
/// given is where the reference would begin if its middle were where it is and nothing were stretched.
pub fn stretched_correlation(reference: &[f32], recording: &[f32], max_lag: usize) -> (isize, f64) {
    let mut best = correlation(reference, recording, max_lag);
    for thousandths in [1, -1, 2, -2, 3, -3, 4, -4, 5, -5] {
        if best.1 >= SURELY {
            break;
        }
        let stretched = stretched(reference, 1.0 + f64::from(thousandths) / 1_000.0);
        let (lag, alike) = correlation(&stretched, recording, max_lag);
        if alike > best.1 {
            let longer = stretched.len() as isize - reference.len() as isize;
            best = (lag + longer / 2, alike);
        }
    }
    best
}

/// So alike that no other length is tried.
const SURELY: f64 = 0.75;

/// `frames` made longer by this factor near 1, between neighbours in a straight line.
pub fn stretched(frames: &[f32], by: f64) -> Vec<f32> {
    let length = (frames.len() as f64 * by) as usize;
    (0..length)
        .map(|n| {
            let place = n as f64 / by;
            let (left, share) = (place as usize, place.fract() as f32);
            let at = |n: usize| frames.get(n).copied().unwrap_or(0.0);
            at(left) * (1.0 - share) + at(left + 1) * share
        })
        .collect()
}

/// `out[lag + max_lag] = Σ reference[n] · recording[n + lag]`, by FFT over pieces of the reference.
fn cross_sums(reference: &[f32], recording: &[f32], max_lag: usize) -> Vec<f64> {
    let lags = 2 * max_lag + 1;
    let mut sums = vec![0.0_f64; lags];
    let piece = (2 * lags).max(1 << 15);
    let size = (piece + lags).next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let forward = planner.plan_fft_forward(size);
    let inverse = planner.plan_fft_inverse(size);
    let mut time = forward.make_input_vec();
    let mut sent = forward.make_output_vec();
    let mut heard = forward.make_output_vec();
    for (index, part) in reference.chunks(piece).enumerate() {
        time.fill(0.0);
        for (slot, &frame) in time.iter_mut().zip(part) {
            *slot = f64::from(frame);
        }
        // The lengths come from the plan itself, so the transforms cannot refuse them.
        if forward.process(&mut time, &mut sent).is_err() {
            continue;
        }
        time.fill(0.0);
        let start = (index * piece) as isize - max_lag as isize;
        for (n, slot) in time.iter_mut().take(part.len() + lags).enumerate() {
            let frame = usize::try_from(start + n as isize).ok();
            *slot = f64::from(frame.and_then(|f| recording.get(f)).copied().unwrap_or(0.0));
        }
        if forward.process(&mut time, &mut heard).is_err() {
            continue;
        }
        for (product, sent) in heard.iter_mut().zip(&sent) {
            *product *= sent.conj();
        }
        // The transform of a real signal has no imaginary part at either end; rounding leaves some.
        for end in [0, size / 2] {
            heard[end] = Complex::new(heard[end].re, 0.0);
        }
        if inverse.process(&mut heard, &mut time).is_err() {
            continue;
        }
        for (sum, value) in sums.iter_mut().zip(&time) {
            *sum += value / size as f64;
        }
    }
    sums
}

/// `out[n]` = energy of the first `n` frames.
fn energy_before(frames: &[f32]) -> Vec<f64> {
    let mut total = 0.0;
    let mut before = Vec::with_capacity(frames.len() + 1);
    before.push(0.0);
    for &frame in frames {
        total += f64::from(frame).powi(2);
        before.push(total);
    }
    before
}

/// How alike the loudness of two recordings goes up and down: the correlation of their envelopes, in windows of 20 ms at 48 kHz.
/// Where one is longer, its end counts for nothing; 0 when either keeps the same loudness all the time.
pub fn envelopes_alike(one: &[f32], other: &[f32]) -> f64 {
    let windows = one.len().min(other.len()) / 960;
    let envelope = |samples: &[f32]| -> Vec<f64> {
        let loud: Vec<f64> = samples
            .chunks_exact(960)
            .take(windows)
            .map(|window| {
                (window.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / 960.0).sqrt()
            })
            .collect();
        let mean = loud.iter().sum::<f64>() / windows.max(1) as f64;
        loud.iter().map(|loud| loud - mean).collect()
    };
    let (one, other) = (envelope(one), envelope(other));
    let product = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let size = (product(&one, &one) * product(&other, &other)).sqrt();
    if size <= f64::EPSILON {
        return 0.0;
    }
    product(&one, &other) / size
}

/// Where sound is: (start, end) in frames of every stretch louder than `threshold` (absolute, full scale 1.0).
/// Pauses of up to `min_gap` frames inside it belong to it.
pub fn segments(samples: &[f32], threshold: f32, min_gap: usize) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (at, _) in samples
        .iter()
        .enumerate()
        .filter(|(_, sample)| sample.abs() > threshold)
    {
        match found.last_mut() {
            Some((_, end)) if at - *end <= min_gap => *end = at + 1,
            _ => found.push((at, at + 1)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u64, frames: usize) -> Vec<f32> {
        let mut state = seed;
        std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .take(frames)
        .collect()
    }

    #[test]
    fn a_bulletin_is_found_in_a_long_recording_at_any_volume() {
        let sent = noise(1, 100_000);
        let mut heard = vec![0.0; 250_000];
        for (slot, frame) in heard[12_345..].iter_mut().zip(&sent) {
            *slot = 0.1 * frame;
        }
        let (lag, alike) = correlation(&sent, &heard, 20_000);
        assert_eq!(lag, 12_345);
        assert!(alike > 0.999_999, "{alike}");
    }

    #[test]
    fn a_recording_that_began_late_has_a_negative_lag_and_a_lower_likeness() {
        let sent = noise(2, 10_000);
        let (lag, alike) = correlation(&sent, &sent[1_000..], 2_000);
        assert_eq!(lag, -1_000);
        assert!((alike - 0.9_f64.sqrt()).abs() < 0.01, "{alike}");
    }

    #[test]
    fn half_a_bulletin_and_noise_are_not_the_bulletin() {
        let sent = noise(3, 48_000);
        let mut half = sent.clone();
        half[24_000..].fill(0.0);
        assert!(correlation(&sent, &half, 100).1 < 0.75);
        assert!(correlation(&sent, &noise(4, 48_000), 1_000).1 < 0.05);
        assert_eq!(correlation(&sent, &[0.0; 48_000], 100), (0, 0.0));
        assert_eq!(correlation(&[], &sent, 100), (0, 0.0));
    }

    #[test]
    fn what_was_read_faster_or_slower_is_found_where_its_middle_is_and_what_was_not_said_is_not() {
        // Without the highest tones, as speech is.
        let mut smooth = 0.0;
        let mut said = noise(7, 200_000);
        said.iter_mut().for_each(|frame| {
            smooth += 0.2 * (*frame - smooth);
            *frame = smooth;
        });
        let part = &said[100_000..104_800];
        for by in [0.995, 0.9985, 1.0, 1.0024, 1.005] {
            let heard = stretched(&said, by);
            let middle = (102_400.0 * by) as isize;
            let expected = middle as usize - 2_400 - 4_000;
            let heard = &heard[expected..expected + 4_800 + 8_000];
            let (lag, alike) = stretched_correlation(part, heard, 8_000);
            assert!((lag - 4_000).abs() <= 8, "{by}: {lag}");
            assert!(alike > 0.7, "{by}: {alike}");
        }
        let (_, by_luck) = stretched_correlation(part, &said[..12_800], 8_000);
        assert!(by_luck < 0.3, "{by_luck}");
    }

    #[test]
    fn envelopes_follow_loudness_and_nothing_else() {
        let beat: Vec<f32> = (0..96_000).map(|n| (n as f32 / 9_000.0).sin()).collect();
        let (one, other) = (noise(5, 96_000), noise(6, 96_000));
        let with =
            |noise: &[f32]| -> Vec<f32> { noise.iter().zip(&beat).map(|(n, b)| n * b).collect() };
        assert!(envelopes_alike(&with(&one), &with(&other)) > 0.95);
        assert!(envelopes_alike(&with(&one), &other).abs() < 0.3);
        assert_eq!(envelopes_alike(&one, &[]), 0.0);
    }

    #[test]
    fn sound_is_found_between_silences_and_short_pauses_do_not_split_it() {
        let mut recording = vec![0.0; 1_000];
        recording[100..200].fill(0.5);
        recording[210..300].fill(-0.5);
        recording[600..700].fill(0.5);
        assert_eq!(segments(&recording, 0.1, 20), [(100, 300), (600, 700)]);
        assert_eq!(segments(&recording, 0.9, 20), []);
    }
}

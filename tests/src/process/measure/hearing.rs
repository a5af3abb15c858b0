//! Is what sounded heard, and what did not, not? Playouts through an imagined air, judged by the agent's own matcher.

use std::{path::Path, process::Command};

use loa_agent::{
    audio::listener::{LEAST, matcher},
    config::Microphone,
};
use loa_audio::hearing::{
    Found, RATE, Verdict,
    air::{Chance, Noise, arriving, crackle, horn, music, paths, speech},
    decimated,
};

use crate::process::sound;

/// Signal over noise, as the figure wants it.
const LOUDER_DB: f32 = 10.0;
/// 50 ms, as an output and a microphone give them.
const BLOCK: usize = RATE as usize / 20;
const BLOCK_US: u64 = 50_000;
/// How long the noise goes on: until the last comparison is over.
const AFTER: usize = 10 * RATE as usize;

const SENTENCES: [&str; 4] = [
    "Ủy ban nhân dân xã thông báo: sáu giờ sáng mai họp toàn thể nhân dân xóm tại nhà văn hóa, mời bà con đến đông đủ.",
    "Mời bà con đến trạm y tế xã tiêm phòng cho trẻ em dưới năm tuổi vào ngày mười lăm tháng tám, mang theo sổ tiêm chủng.",
    "Tin bão khẩn cấp: dự báo đêm nay có mưa rất to, đề nghị bà con ở ven suối di dời ngay đến nơi an toàn.",
    "Hợp tác xã thông báo lịch lấy nước vụ xuân, bắt đầu từ thứ hai tuần tới, các hộ chủ động làm đất và gieo mạ.",
];

/// What became of one playout.
#[derive(Clone, Debug)]
pub struct Judged {
    pub seed: u64,
    pub verdict: Verdict,
    pub clarity: f64,
}

/// Playouts that a microphone hears at 10 dB of signal to noise, over echoes.
pub fn to_be_heard(rounds: u64) -> Vec<Judged> {
    let voices = voices();
    let round = |seed| {
        let chance = &mut Chance::new(seed);
        let sent = material(seed, &voices, chance);
        let heard = over_the_air(&sent, LOUDER_DB, Noise::ALL[seed as usize % 3], chance);
        judge(seed, &sent, &heard, chance)
    };
    (0..rounds).map(round).collect()
}

/// Playouts of which nothing is to be heard: noise alone, a neighbour who says or plays something else, a wire that
/// crackles.
pub fn not_to_be_heard(rounds: u64) -> Vec<Judged> {
    let voices = voices();
    let round = |seed| {
        let chance = &mut Chance::new(10_000 + seed);
        let sent = material(seed, &voices, chance);
        let frames = sent.len() + AFTER;
        let noise = Noise::ALL[seed as usize % 3];
        let heard = match (seed / 3) % 4 {
            0 => noise.make(frames, RATE, chance),
            // Not the same one: the next voice or the next sentence.
            1 => over_the_air(&material(seed + 1, &voices, chance), 20.0, noise, chance),
            2 => over_the_air(&music(10.0, RATE, chance), 20.0, noise, chance),
            _ => crackle(frames, 0.01, chance),
        };
        judge(seed, &sent, &heard, chance)
    };
    (0..rounds).map(round).collect()
}

/// The sentences as espeak-ng says them; where it is not installed, none.
fn voices() -> Vec<Vec<f32>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let say =
        |(n, sentence): (usize, &&str)| said(sentence, &folder.path().join(format!("{n}.wav")));
    SENTENCES.iter().enumerate().filter_map(say).collect()
}

fn said(sentence: &str, path: &Path) -> Option<Vec<f32>> {
    let done = Command::new("espeak-ng")
        .args(["-v", "vi", "-s", "150", "-w"])
        .args([path.as_os_str(), sentence.as_ref()])
        .status();
    done.is_ok_and(|status| status.success())
        .then(|| decimated(&sound::decoded(path)))
}

/// 3 to 9 s of what poles say.
fn material(seed: u64, voices: &[Vec<f32>], chance: &mut Chance) -> Vec<f32> {
    let seconds = chance.between(3.0, 9.0);
    match (
        seed % 4,
        voices.get((seed + seed / 4) as usize % SENTENCES.len()),
    ) {
        (0, _) => music(seconds, RATE, chance),
        (1, _) | (_, None) => speech(seconds, RATE, chance),
        (_, Some(voice)) => voice[..voice.len().min((seconds * RATE as f32) as usize)].to_vec(),
    }
}

fn over_the_air(sent: &[f32], louder_db: f32, noise: Noise, chance: &mut Chance) -> Vec<f32> {
    let mut heard = arriving(&horn(sent, RATE), &paths(chance), RATE);
    // The noise goes on after the sound: no microphone ever gives nothing.
    let mut noise = noise.make(heard.len() + AFTER, RATE, chance);
    let after = noise.split_off(heard.len());
    let power = |frames: &[f32]| frames.iter().map(|f| f * f).sum::<f32>() / frames.len() as f32;
    let factor = (power(&heard) / power(&noise)).sqrt() * 10.0_f32.powf(-louder_db / 20.0);
    heard
        .iter_mut()
        .zip(noise)
        .for_each(|(h, n)| *h += factor * n);
    heard.extend(after.iter().map(|n| factor * n));
    heard
}

/// As the listener does it: block by block, the microphone's timestamps off by up to 2 ms.
fn judge(seed: u64, sent: &[f32], heard: &[f32], chance: &mut Chance) -> Judged {
    let mut matcher = matcher(&Microphone::default());
    matcher.began((), LEAST);
    let mut found = Found::default();
    let mut now_us = 10_000_000;
    let (mut sent, mut heard) = (sent.chunks(BLOCK), heard.chunks(BLOCK));
    while matcher.is_busy() {
        match sent.next() {
            Some(block) => matcher.sent(block, now_us),
            None => matcher.over(),
        }
        let mut block = heard.next().unwrap_or_default().to_vec();
        block.resize(BLOCK, 0.0);
        let off_us = (chance.sample() * 2_000.0) as i64;
        matcher.heard(&block, now_us.saturating_add_signed(off_us));
        now_us += BLOCK_US;
        for ((), told) in matcher.poll(now_us) {
            found = told;
        }
    }
    Judged {
        seed,
        verdict: found.verdict(),
        clarity: f64::from(found.clarity_centi.unwrap_or(0)) / 100.0,
    }
}

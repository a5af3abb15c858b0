//! The microphone: a cpal stream whose frames go to the listener at the lower rate, with the instants at which they came.
//!
//! It is open only while something sounds or is about to, and the seconds after, in which the last echo comes back. What it
//! gives stays in memory for some seconds and is never written, sent or played: only numbers leave the listener.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cpal::{
    DeviceId, ErrorKind, HostId, InputCallbackInfo, Sample, SampleFormat, SizedSample,
    StreamConfig,
    traits::{DeviceTrait, HostTrait, StreamTrait},
};
use loa_audio::hearing::{Decimator, RATE as LOW_RATE};

use super::{RATE, device::fitting};
use crate::{
    clock,
    config::{self, SoundHost},
};

/// Frames of one callback: 100 ms.
const BUFFER: u32 = RATE / 10;
/// A server that does not answer is not waited for longer.
const OPEN_TIMEOUT: Duration = Duration::from_secs(3);
/// Sound that may wait for the listener; beyond that the newest is lost.
const MOST_FRAMES: usize = 4 * LOW_RATE as usize;
/// Callbacks over which the earliest arrival is believed: some are late, none is early.
const WINDOW: usize = 20;

/// An open microphone. Dropping it closes it.
pub struct Microphone {
    shared: Arc<Mutex<Came>>,
    is_broken: Arc<AtomicBool>,
    _stream: cpal::Stream,
}

/// What came and was not taken yet: blocks with the instant of their first frame, and their frames.
#[derive(Debug, Default)]
struct Came {
    blocks: VecDeque<(u64, usize)>,
    frames: VecDeque<f32>,
}

fn lock(shared: &Mutex<Came>) -> MutexGuard<'_, Came> {
    shared
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Microphone {
    /// # Errors
    /// Why there is none, in words for the status.
    pub fn open(config: &config::Microphone) -> Result<Self, String> {
        // As for the output: libasound would write to stderr by itself.
        let _ = alsa::Output::local_error_handler();
        let hosts = match config.host {
            Some(host) => vec![host],
            None => vec![SoundHost::PulseAudio, SoundHost::Alsa],
        };
        let mut reasons = Vec::new();
        for host in hosts {
            match open_on(host, &config.device) {
                Ok(microphone) => return Ok(microphone),
                Err(why) => reasons.push(why),
            }
        }
        Err(format!(
            "microphone {}: {}",
            config.device,
            reasons.join("; ")
        ))
    }

    /// What came since the last time.
    pub fn take(&self) -> (Vec<(u64, usize)>, Vec<f32>) {
        let mut came = lock(&self.shared);
        (
            came.blocks.drain(..).collect(),
            came.frames.drain(..).collect(),
        )
    }

    pub fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }
}

fn open_on(host: SoundHost, name: &str) -> Result<Microphone, String> {
    let id = match host {
        SoundHost::Alsa => HostId::Alsa,
        SoundHost::PulseAudio => HostId::PulseAudio,
    };
    let server = cpal::host_from_id(id).map_err(|e| e.to_string())?;
    let device = if name == "default" {
        server.default_input_device().ok_or("no default device")?
    } else {
        server
            .device_by_id(&DeviceId::new(id, name))
            .ok_or("no such device")?
    };
    let (config, format) = choose_config(&device)?;
    let shared = Arc::new(Mutex::new(Came::default()));
    let is_broken = Arc::new(AtomicBool::new(false));
    let (into, broken) = (Arc::clone(&shared), Arc::clone(&is_broken));
    let stream = match format {
        SampleFormat::F32 => build::<f32>(&device, config, into, broken),
        _ => build::<i16>(&device, config, into, broken),
    }
    .map_err(|e| e.to_string())?;
    stream.play().map_err(|e| e.to_string())?;
    Ok(Microphone {
        shared,
        is_broken,
        _stream: stream,
    })
}

/// 48 kHz, one channel or else two, float or else 16 bits.
fn choose_config(device: &cpal::Device) -> Result<(StreamConfig, SampleFormat), String> {
    let ranges = device
        .supported_input_configs()
        .map_err(|e| e.to_string())?;
    fitting(ranges, BUFFER).ok_or_else(|| "it does not give 48 kHz".into())
}

fn build<T>(
    device: &cpal::Device,
    config: StreamConfig,
    shared: Arc<Mutex<Came>>,
    is_broken: Arc<AtomicBool>,
) -> Result<cpal::Stream, cpal::Error>
where
    T: SizedSample,
    f32: cpal::FromSample<T>,
{
    let channels = usize::from(config.channels);
    let mut decimator = Decimator::default();
    let mut arrivals = Arrivals::default();
    let mut mono: Vec<f32> = Vec::new();
    let take = move |data: &[T], _: &InputCallbackInfo| {
        let frames = data.chunks_exact(channels);
        mono.clear();
        mono.extend(frames.map(|frame| frame.first().map_or(0.0, |f| f32::from_sample(*f))));
        let first_us = arrivals.block(clock::mono_us(), mono.len());
        let count = decimator.gives(mono.len());
        let mut came = lock(&shared);
        if came.frames.len() + count <= MOST_FRAMES {
            came.blocks.push_back((first_us, count));
            decimator.push(&mono, &mut |frame| came.frames.push_back(frame));
        }
    };
    let failed = move |error: cpal::Error| {
        if matches!(
            error.kind(),
            ErrorKind::DeviceNotAvailable
                | ErrorKind::HostUnavailable
                | ErrorKind::StreamInvalidated
        ) {
            is_broken.store(true, Ordering::Relaxed);
        }
    };
    device.build_input_stream(config, take, failed, Some(OPEN_TIMEOUT))
}

/// When frames were in the air, from when they came: the earliest arrival of the last two seconds is the true one.
#[derive(Debug, Default)]
struct Arrivals {
    frames: u64,
    /// Of each callback: its instant less the time of all frames until then.
    zeros_us: VecDeque<i64>,
}

impl Arrivals {
    /// Frames came at `now_us`; gives when the first of them was in the air.
    fn block(&mut self, now_us: u64, frames: usize) -> u64 {
        let us = |frames: u64| (frames * 1_000_000 / u64::from(RATE)).cast_signed();
        let before_us = us(self.frames);
        self.frames += frames as u64;
        if self.zeros_us.len() == WINDOW {
            self.zeros_us.pop_front();
        }
        self.zeros_us
            .push_back(now_us.cast_signed() - us(self.frames));
        let zero_us = self.zeros_us.iter().min().copied().unwrap_or(0);
        (zero_us + before_us).max(0).cast_unsigned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_callback_moves_nothing_and_a_clock_that_drifts_is_followed() {
        let mut arrivals = Arrivals::default();
        let mut off = Vec::new();
        for n in 0..600_u64 {
            // 100 ms of sound take 100.01 ms; every seventh callback is 30 ms late.
            let late_us = if n % 7 == 3 { 30_000 } else { 0 };
            let came_us = 5_000_000 + (n + 1) * 100_010 + late_us;
            let first_us = arrivals.block(came_us, 4_800);
            off.push(first_us as i64 - (5_000_000 + n * 100_010) as i64);
        }
        assert!(off.iter().all(|us| us.abs() < 300), "{off:?}");
    }
}

//! The sound device: a cpal stream that we open ourselves, so that we know when each frame is heard.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cpal::{
    BufferSize, DeviceId, ErrorKind, FromSample, HostId, OutputCallbackInfo, SampleFormat,
    SizedSample, StreamConfig, SupportedBufferSize, SupportedStreamConfigRange,
    traits::{DeviceTrait, HostTrait, StreamTrait},
};

use super::{
    RATE, hurry,
    output::{Broken, OpenOutput, Output, OutputError},
    tap::Tap,
    timing::Timing,
};
use crate::{clock, config::SoundHost};

/// Frames in one callback: 50 ms, and the host keeps two of them. Asked for because a host's own choice may be two
/// seconds. With 20 ms a busy machine with two cores left holes of some 10 ms in the sound every few seconds.
const BUFFER: u32 = 2400;
const BUFFER_US: u64 = 50_000;
/// How far the device's word about its delay may be wrong, with room: no start is heard before its time.
const GUARD_US: u64 = 8_000;
/// A server that does not answer is not waited for longer.
const OPEN_TIMEOUT: Duration = Duration::from_secs(3);
/// Between two lines in the log about the same device.
const LOG_EVERY_US: u64 = 30_000_000;

#[derive(Debug)]
pub struct DeviceOutput {
    /// As configured: a name or `default`.
    name: String,
    host: Option<SoundHost>,
}

impl DeviceOutput {
    pub fn new(name: String, host: Option<SoundHost>) -> Self {
        Self { name, host }
    }

    /// As [`DeviceOutput::new`], but only if there is such a device now.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find(name: String, host: Option<SoundHost>) -> Result<Self, OutputError> {
        let output = Self::new(name, host);
        let found = output.locate()?;
        Ok(Self {
            host: Some(found.host),
            ..output
        })
    }

    fn failed(&self, why: impl ToString) -> OutputError {
        OutputError::Device {
            name: self.name.clone(),
            why: why.to_string(),
        }
    }

    /// The device and how to open it, on the first host that has it.
    fn locate(&self) -> Result<Found, OutputError> {
        // libasound writes to stderr by itself; on this thread it writes into a buffer instead. Should that fail,
        // there are some lines more in the log.
        let _ = alsa::Output::local_error_handler();
        let hosts = match self.host {
            Some(host) => vec![host],
            None => vec![SoundHost::PulseAudio, SoundHost::Alsa],
        };
        let mut reasons = Vec::new();
        for host in hosts {
            match find_on(host, &self.name) {
                Ok(found) => return Ok(found),
                Err(why) => reasons.push(format!("{}: {why}", host_name(host))),
            }
        }
        Err(self.failed(reasons.join("; ")))
    }
}

impl Output for DeviceOutput {
    fn describe(&self) -> String {
        match self.host {
            Some(host) => format!("device {} ({})", self.name, host_name(host)),
            None => format!("device {}", self.name),
        }
    }

    fn guard_us(&self) -> u64 {
        GUARD_US
    }

    fn open(&mut self, tap: Tap, broken: Broken) -> Result<Box<dyn OpenOutput>, OutputError> {
        let found = self.locate()?;
        let closing = Arc::new(AtomicBool::new(false));
        let stream = match found.format {
            SampleFormat::F32 => build::<f32>(&found, tap, broken, Arc::clone(&closing)),
            _ => build::<i16>(&found, tap, broken, Arc::clone(&closing)),
        }
        .map_err(|e| self.failed(e))?;
        stream.play().map_err(|e| self.failed(e))?;
        Ok(Box::new(OpenDevice {
            closing,
            _stream: stream,
        }))
    }
}

struct OpenDevice {
    /// What the device says from now on is only that it was closed.
    closing: Arc<AtomicBool>,
    /// Closes when dropped, after this.
    _stream: cpal::Stream,
}
impl OpenOutput for OpenDevice {}
impl Drop for OpenDevice {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
    }
}

struct Found {
    host: SoundHost,
    device: cpal::Device,
    config: StreamConfig,
    format: SampleFormat,
}

fn host_name(host: SoundHost) -> &'static str {
    match host {
        SoundHost::Alsa => "alsa",
        SoundHost::PulseAudio => "pulseaudio",
    }
}

fn find_on(host: SoundHost, name: &str) -> Result<Found, String> {
    let id = match host {
        SoundHost::Alsa => HostId::Alsa,
        SoundHost::PulseAudio => HostId::PulseAudio,
    };
    let server = cpal::host_from_id(id).map_err(|e| e.to_string())?;
    let device = if name == "default" {
        server
            .default_output_device()
            .ok_or("there is no default device")?
    } else {
        match server.device_by_id(&DeviceId::new(id, name)) {
            Some(device) => device,
            None => return Err(format!("no such device; there are: {}", names(&server))),
        }
    };
    let (config, format) = choose_config(&device)?;
    Ok(Found {
        host,
        device,
        config,
        format,
    })
}

fn names(server: &cpal::Host) -> String {
    let devices = server.devices().into_iter().flatten();
    let names: Vec<String> = devices
        .filter(|device| device.supports_output())
        .filter_map(|device| Some(device.id().ok()?.id().to_owned()))
        .take(20)
        .collect();
    if names.is_empty() {
        "none".into()
    } else {
        names.join(", ")
    }
}

/// 48 kHz, one channel or else two, float or else 16 bits. Nothing is ever resampled on the way out.
fn choose_config(device: &cpal::Device) -> Result<(StreamConfig, SampleFormat), String> {
    let ranges = device
        .supported_output_configs()
        .map_err(|e| e.to_string())?;
    fitting(ranges, BUFFER)
        .ok_or_else(|| "it does not take 48 kHz in one or two channels of 16 bits or float".into())
}

/// The first of what fits, with about `buffer` frames in a callback.
pub(super) fn fitting(
    ranges: impl Iterator<Item = SupportedStreamConfigRange>,
    buffer: u32,
) -> Option<(StreamConfig, SampleFormat)> {
    let wanted = [
        (1, SampleFormat::F32),
        (1, SampleFormat::I16),
        (2, SampleFormat::F32),
        (2, SampleFormat::I16),
    ];
    let (_, range) = ranges
        .filter(|range| range.contains_rate(RATE))
        .filter_map(|range| {
            let kind = (range.channels(), range.sample_format());
            Some((wanted.iter().position(|w| *w == kind)?, range))
        })
        .min_by_key(|(rank, _)| *rank)?;
    let buffer = match *range.buffer_size() {
        SupportedBufferSize::Range { min, max } => buffer.clamp(min, max.max(min)),
        SupportedBufferSize::Unknown => buffer,
    };
    let config = StreamConfig {
        channels: range.channels(),
        sample_rate: RATE,
        buffer_size: BufferSize::Fixed(buffer),
    };
    Some((config, range.sample_format()))
}

fn build<T>(
    found: &Found,
    mut tap: Tap,
    broken: Broken,
    closing: Arc<AtomicBool>,
) -> Result<cpal::Stream, cpal::Error>
where
    T: SizedSample + FromSample<f32>,
{
    let channels = usize::from(found.config.channels);
    let mut timing = Timing::new(BUFFER_US);
    let mut frames = Vec::new();
    let mut first = true;
    let fill = move |data: &mut [T], info: &OutputCallbackInfo| {
        if std::mem::take(&mut first) {
            hurry();
        }
        let now_us = clock::mono_us();
        let stamp = info.timestamp();
        let delay = stamp.playback.duration_since(stamp.callback);
        frames.resize(data.len() / channels, 0.0);
        let delay_us = u64::try_from(delay.as_micros()).unwrap_or(0);
        let first_us = timing.block(now_us, delay_us, frames.len());
        tap.pull(first_us, &mut frames);
        for (slots, frame) in data.chunks_exact_mut(channels).zip(&frames) {
            slots.fill(T::from_sample(*frame));
        }
    };
    let mut log = ErrorLog::default();
    let failed = move |error: cpal::Error| {
        if closing.load(Ordering::Relaxed) {
            return;
        }
        log.note(&error);
        // Anything else the stream survives; the player notices when it does not.
        if matches!(
            error.kind(),
            ErrorKind::DeviceNotAvailable
                | ErrorKind::HostUnavailable
                | ErrorKind::StreamInvalidated
        ) {
            broken(error.to_string());
        }
    };
    found
        .device
        .build_output_stream(found.config, fill, failed, Some(OPEN_TIMEOUT))
}

/// Some devices tell of thousands of errors while they start: one line, then one each half minute.
#[derive(Default)]
struct ErrorLog {
    told_us: Option<u64>,
    untold: u64,
}

impl ErrorLog {
    fn note(&mut self, error: &cpal::Error) {
        let now_us = clock::mono_us();
        if self
            .told_us
            .is_some_and(|told| now_us < told + LOG_EVERY_US)
        {
            self.untold += 1;
            return;
        }
        tracing::warn!(%error, more = self.untold, "the sound device complains");
        self.told_us = Some(now_us);
        self.untold = 0;
    }
}

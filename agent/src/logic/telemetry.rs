//! What the speaker measures of itself, as it rides in the status: the last reading of the machine, what the logic knows
//! anyway, and nothing that is too old to be true.

use loa_protocol::{
    bulletin::Priority,
    telemetry::{MAX_TEXT_BYTES, Network, Telemetry},
    time::{Moment, WallTime},
};

use super::{Agent, ledger::shortened, port::Machine};

/// A reading older than this is not told any more: whoever measures hangs.
const STALE_US: u64 = 180_000_000;

#[derive(Debug, Default)]
pub struct Measured {
    /// The last reading, and when it came (monotonic).
    machine: Option<(Machine, u64)>,
    pub last_sound: Option<WallTime>,
}

impl Measured {
    /// A playout sounded its last sample then, for all that is known.
    pub fn sounded_until(&mut self, at: WallTime) {
        self.last_sound = self.last_sound.max(Some(at));
    }
}

impl Agent {
    pub(super) fn machine_read(&mut self, machine: Machine) {
        self.watch_machine(&machine);
        if let (Some(network), Some(shown)) = (&machine.network, machine.traffic) {
            let interface = shortened(&network.interface, MAX_TEXT_BYTES);
            self.count_data(&interface, shown);
        }
        // The first one completes the status; the others ride with it.
        if self.measured.machine.is_none() {
            self.report.changed();
        }
        self.measured.machine = Some((machine, self.now.mono_us));
    }

    pub(super) fn telemetry(&self, moment: Moment) -> Telemetry {
        let nothing = Machine::default();
        let (machine, age_us) = match &self.measured.machine {
            Some((machine, at_us)) => (machine, moment.mono_us.saturating_sub(*at_us)),
            None => (&nothing, 0),
        };
        let machine = if age_us > STALE_US { &nothing } else { machine };
        let (content_bytes, content_quota_bytes) = self.contents.bytes();
        Telemetry {
            machine_uptime_s: machine
                .uptime_s
                .map(|s| s.saturating_add(age_us / 1_000_000)),
            machine_boot: self.identity.machine_boot.as_deref().map(text),
            starts_1h: self.runs.starts_1h(moment),
            temperature_mc: machine.temperature_mc,
            load_centi: machine.load_centi,
            processors: machine.processors,
            memory_total_bytes: machine.memory_total_bytes,
            memory_available_bytes: machine.memory_available_bytes,
            disk_total_bytes: machine.disk_total_bytes,
            content_bytes,
            content_quota_bytes,
            network: machine.network.as_ref().map(|network| Network {
                interface: text(&network.interface),
                operator: network.operator.as_deref().map(text),
                cell: network.cell.as_deref().map(text),
                ..network.clone()
            }),
            data: self.data.told(),
            power: machine.power.clone(),
            volume: Some(self.limits().loudness(self.documents.config.volume_at(
                moment.wall,
                Priority::Ordinary,
                100,
            ))),
            last_sound: self.measured.last_sound,
            ear: self.ear(),
        }
    }
}

fn text(text: &str) -> String {
    shortened(text, MAX_TEXT_BYTES)
}

//! What can be measured of the machine, on a thread of its own, every minute or oftener: the kernel's files, and the
//! commands that the operator named. What cannot be read is left out; nothing here can hurt the speaker.
//!
//! Bounds: one reading waits at most; files are read up to 64 KiB, a command's output up to 4 KiB and for a limited
//! time. A sensor that hangs stops the readings, and the logic tells no old ones.

mod board;
pub(crate) mod command;
mod network;
mod power;
#[cfg(test)]
mod tests;
mod tree;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use loa_protocol::telemetry::{Network, Power};
use tokio::sync::mpsc;

use self::{command::Said, tree::Tree};
use crate::{
    clock,
    config::Sensors,
    content,
    logic::port::{Input, Machine},
};

/// Mains that go are noticed within this, where the kernel knows of them.
const LOOK_US: u64 = 5_000_000;

/// Starts the thread. It ends with the program, or once nobody reads any more.
///
/// # Errors
/// When the system gives no thread.
pub fn start(sensors: Sensors, data_dir: &Path) -> io::Result<mpsc::Receiver<Input>> {
    let (readings, inputs) = mpsc::channel(1);
    let worker = Worker {
        tree: Tree::at(&sensors.root),
        sensors,
        data_dir: data_dir.into(),
        complaints: BTreeMap::new(),
    };
    // Not joined at the end: a sensor that hangs must not keep the program from ending.
    std::thread::Builder::new()
        .name("loa-sensors".into())
        .stack_size(256 * 1024)
        .spawn(move || worker.run(&readings))?;
    Ok(inputs)
}

/// The kernel's own name for this run of the machine.
pub fn machine_boot(sensors: &Sensors) -> Option<String> {
    board::boot_id(&Tree::at(&sensors.root))
}

struct Worker {
    tree: Tree,
    sensors: Sensors,
    data_dir: PathBuf,
    /// What was last said in the log about each command.
    complaints: BTreeMap<&'static str, String>,
}

impl Worker {
    fn run(mut self, readings: &mpsc::Sender<Input>) {
        let every_us = u64::from(self.sensors.measure_s) * 1_000_000;
        let mut due_us = 0;
        let mut mains = None;
        loop {
            let now_us = clock::mono_us();
            let now_mains = self.sysfs_power().mains;
            if now_us >= due_us || now_mains != mains {
                due_us = now_us + every_us;
                mains = now_mains;
                let reading = Input::Machine(Box::new(self.measure()));
                if readings.blocking_send(reading).is_err() {
                    return;
                }
            }
            clock::sleep_until_mono_us((now_us + LOOK_US).min(due_us).max(now_us + 1_000_000));
        }
    }

    fn sysfs_power(&self) -> Power {
        let Sensors {
            mains_supply,
            battery_supply,
            ..
        } = &self.sensors;
        power::read(
            &self.tree,
            mains_supply.as_deref(),
            battery_supply.as_deref(),
        )
    }

    fn measure(&mut self) -> Machine {
        let modem = self.ask("sensors.modem_command", &self.sensors.modem_command.clone());
        let power = self.ask("sensors.power_command", &self.sensors.power_command.clone());
        let said = modem.or(power);
        let memory = board::memory(&self.tree);
        let line = network::read(&self.tree, self.sensors.interface.as_deref());
        let sysfs = self.sysfs_power();
        let power = Power {
            mains: said.mains.or(sysfs.mains),
            battery_percent: said.battery_percent.or(sysfs.battery_percent),
            battery_mv: said.battery_mv.or(sysfs.battery_mv),
        };
        Machine {
            uptime_s: board::uptime_s(&self.tree),
            asleep_us: Some(clock::asleep_us()),
            temperature_mc: board::temperature_mc(&self.tree),
            load_centi: board::load_centi(&self.tree),
            processors: board::processors(&self.tree),
            memory_total_bytes: memory.total,
            memory_available_bytes: memory.available,
            disk_total_bytes: content::disk_total_bytes(&self.data_dir).ok(),
            network_up: line.up,
            traffic: line.traffic,
            network: line.interface.map(|(interface, kind)| Network {
                kind: said.kind.unwrap_or(kind),
                interface,
                signal_dbm: said.signal_dbm,
                signal_percent: said.signal_percent,
                operator: said.operator,
                cell: said.cell,
            }),
            power: (power != Power::default()).then_some(power),
        }
    }

    /// Runs a command, when there is one. What is wrong with it is said once, until something else is.
    fn ask(&mut self, key: &'static str, command: &[String]) -> Said {
        let (said, wrong) = match command::run(command, self.sensors.command_timeout_s) {
            Ok(output) => command::parse(&output),
            Err(wrong) => (Said::default(), Some(wrong)),
        };
        match wrong {
            Some(wrong) if self.complaints.get(key) != Some(&wrong) => {
                tracing::warn!(command = key, wrong, "a sensor does not tell all it should");
                self.complaints.insert(key, wrong);
            }
            Some(_) => {}
            None => drop(self.complaints.remove(key)),
        }
        said
    }
}

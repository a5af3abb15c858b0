//! The board itself: how long it runs, how warm and how busy it is, what memory it has left.

use super::tree::Tree;

/// A sensor that shows less or more is broken, in thousandths of a degree.
const PLAUSIBLE_MC: std::ops::RangeInclusive<i32> = -60_000..=200_000;

pub fn boot_id(tree: &Tree) -> Option<String> {
    tree.text("proc/sys/kernel/random/boot_id")
        .filter(|id| !id.is_empty())
}

pub fn uptime_s(tree: &Tree) -> Option<u64> {
    let text = tree.text("proc/uptime")?;
    let (seconds, _) = text.split_once('.')?;
    seconds.parse().ok()
}

/// Of the hottest zone.
pub fn temperature_mc(tree: &Tree) -> Option<i32> {
    let zones = tree.names("sys/class/thermal");
    zones
        .iter()
        .filter(|name| name.starts_with("thermal_zone"))
        .filter_map(|name| tree.number::<i32>(&format!("sys/class/thermal/{name}/temp")))
        .filter(|mc| PLAUSIBLE_MC.contains(mc))
        .max()
}

/// The first of the three averages.
pub fn load_centi(tree: &Tree) -> Option<u32> {
    let text = tree.text("proc/loadavg")?;
    let load: f64 = text.split_whitespace().next()?.parse().ok()?;
    // Saturates, and a load that is no number is 0.
    load.is_finite().then_some((load * 100.0).round() as u32)
}

/// `0-3` or `0,2-3`.
pub fn processors(tree: &Tree) -> Option<u32> {
    let text = tree.text("sys/devices/system/cpu/online")?;
    text.split(',').try_fold(0_u32, |sum, part| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to): (u32, u32) = (from.parse().ok()?, to.parse().ok()?);
        sum.checked_add(to.checked_sub(from)?.checked_add(1)?)
    })
}

#[derive(Debug, Default, PartialEq)]
pub struct Memory {
    pub total: Option<u64>,
    pub available: Option<u64>,
}

pub fn memory(tree: &Tree) -> Memory {
    let text = tree.text("proc/meminfo").unwrap_or_default();
    let bytes = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kib.checked_mul(1024)
    };
    Memory {
        total: bytes("MemTotal:"),
        available: bytes("MemAvailable:"),
    }
}

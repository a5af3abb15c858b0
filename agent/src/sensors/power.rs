//! Mains and battery, as the kernel's power supplies show them.

use loa_protocol::telemetry::Power;

use super::tree::Tree;

const FOLDER: &str = "sys/class/power_supply";

/// The supplies that the operator named, or those that are found. Mains that were only found are told of when there is a
/// battery, too: a board that runs without one is fed by something, whatever an unused socket shows.
pub fn read(tree: &Tree, mains: Option<&str>, battery: Option<&str>) -> Power {
    let names = tree.names(FOLDER);
    let text = |name: &str, what: &str| tree.text(&format!("{FOLDER}/{name}/{what}"));
    // Of a keyboard or the like.
    let is_own = |name: &&String| text(name, "scope").as_deref() != Some("Device");
    let is_battery = |name: &&String| text(name, "type").as_deref() == Some("Battery");
    let is_mains = |name: &&String| {
        text(name, "type").is_some_and(|kind| kind == "Mains" || kind.starts_with("USB"))
    };
    let online = |name: &str| match text(name, "online")?.as_str() {
        "0" => Some(false),
        "1" | "2" => Some(true),
        _ => None,
    };
    let battery = match battery {
        Some(name) => names.iter().find(|found| *found == name),
        None => names
            .iter()
            .filter(is_own)
            .filter(is_battery)
            .find(|name| text(name, "present").as_deref() != Some("0")),
    };
    let mains = match mains {
        Some(name) if names.iter().any(|found| found == name) => online(name),
        Some(_) => None,
        None => {
            let states = names
                .iter()
                .filter(is_own)
                .filter(is_mains)
                .filter_map(|name| online(name));
            states.max().filter(|_| battery.is_some())
        }
    };
    let of_battery = |what: &str| {
        let name = battery?;
        tree.number::<u64>(&format!("{FOLDER}/{name}/{what}"))
    };
    Power {
        mains,
        battery_percent: of_battery("capacity")
            .and_then(|n| u8::try_from(n).ok())
            .filter(|n| *n <= 100),
        battery_mv: of_battery("voltage_now").and_then(|uv| u32::try_from(uv / 1_000).ok()),
    }
}

//! The way out: which interface carries the default route, of what kind it is, what went through it, and whether any
//! interface is up at all.

use loa_protocol::telemetry::NetworkKind;

use super::tree::Tree;
use crate::logic::port::Traffic;

const RTF_UP: u32 = 0x1;
const RTF_REJECT: u32 = 0x200;

#[derive(Debug, Default, PartialEq)]
pub struct Line {
    pub up: Option<bool>,
    pub interface: Option<(String, NetworkKind)>,
    pub traffic: Option<Traffic>,
}

/// A route of an interface that is no loopback.
struct Route {
    interface: String,
    is_default: bool,
    metric: u32,
}

/// `named`: the interface that the operator named; otherwise the one that carries the default route.
pub fn read(tree: &Tree, named: Option<&str>) -> Line {
    let v4 = tree.text("proc/net/route");
    let addresses = tree.text("proc/net/if_inet6");
    let v6 = tree.text("proc/net/ipv6_route");
    let mut routes = parse_v4(v4.as_deref().unwrap_or_default());
    let mut addressed: Vec<String> = routes.iter().map(|r| r.interface.clone()).collect();
    addressed.extend(parse_addresses(addresses.as_deref().unwrap_or_default()));
    routes.extend(parse_v6(v6.as_deref().unwrap_or_default()));
    addressed.retain(|name| is_up(tree, name));
    addressed.sort();
    let up = (v4.is_some() || addresses.is_some()).then_some(!addressed.is_empty());
    let by_route = routes
        .into_iter()
        .filter(|route| route.is_default)
        .min_by_key(|route| (!is_up(tree, &route.interface), route.metric))
        .map(|route| route.interface);
    let interface = match named {
        Some(name) => tree
            .has(&format!("sys/class/net/{name}"))
            .then(|| name.to_owned()),
        None => by_route.or_else(|| addressed.first().cloned()),
    };
    let traffic = interface.as_ref().and_then(|name| {
        let bytes = |what| tree.number(&format!("sys/class/net/{name}/statistics/{what}_bytes"));
        Some(Traffic {
            received_bytes: bytes("rx")?,
            sent_bytes: bytes("tx")?,
        })
    });
    Line {
        up,
        traffic,
        interface: interface.map(|name| {
            let kind = kind(tree, &name);
            (name, kind)
        }),
    }
}

fn is_name(name: &str) -> bool {
    name != "lo" && !name.is_empty() && !name.starts_with('.') && !name.contains('/')
}

/// Destination 0/0 makes a default route. A route of any kind takes an address.
fn parse_v4(text: &str) -> Vec<Route> {
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let flags = u32::from_str_radix(fields.get(3)?, 16).ok()?;
        let interface = (*fields.first()?).to_owned();
        (flags & RTF_UP != 0 && flags & RTF_REJECT == 0 && is_name(&interface)).then_some(Route {
            interface,
            is_default: *fields.get(1)? == "00000000" && *fields.get(7)? == "00000000",
            metric: fields.get(6)?.parse().ok()?,
        })
    };
    text.lines().skip(1).filter_map(route).collect()
}

fn parse_v6(text: &str) -> Vec<Route> {
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let flags = u32::from_str_radix(fields.get(8)?, 16).ok()?;
        let interface = (*fields.get(9)?).to_owned();
        (flags & RTF_UP != 0 && flags & RTF_REJECT == 0 && is_name(&interface)).then_some(Route {
            interface,
            is_default: fields.first()?.bytes().all(|b| b == b'0') && *fields.get(1)? == "00",
            metric: u32::from_str_radix(fields.get(5)?, 16).ok()?,
        })
    };
    text.lines().filter_map(route).collect()
}

/// Interfaces with an IPv6 address that reaches beyond the link.
fn parse_addresses(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let name = *fields.get(5)?;
        (*fields.get(3)? == "00" && is_name(name)).then(|| name.to_owned())
    })
}

fn is_up(tree: &Tree, name: &str) -> bool {
    let has_carrier = tree.text(&format!("sys/class/net/{name}/carrier")) != Some("0".into());
    let state = tree.text(&format!("sys/class/net/{name}/operstate"));
    // Modems and tunnels know no more of themselves than `unknown`.
    has_carrier && matches!(state.as_deref(), Some("up" | "unknown"))
}

fn kind(tree: &Tree, name: &str) -> NetworkKind {
    let folder = format!("sys/class/net/{name}");
    let uevent = tree.text(&format!("{folder}/uevent")).unwrap_or_default();
    let is_dev = |what: &str| uevent.lines().any(|line| line == format!("DEVTYPE={what}"));
    let is_wifi = tree.has(&format!("{folder}/wireless"))
        || tree.has(&format!("{folder}/phy80211"))
        || is_dev("wlan");
    if is_wifi {
        return NetworkKind::Wifi;
    }
    if is_dev("wwan") || name.starts_with("wwan") {
        return NetworkKind::Cellular;
    }
    // Numbers of include/uapi/linux/if_arp.h: Ethernet; PPP, as modems speak it; raw IP.
    match tree.number::<u32>(&format!("{folder}/type")) {
        Some(1) => NetworkKind::Ethernet,
        Some(512 | 519) => NetworkKind::Cellular,
        _ => NetworkKind::Other,
    }
}

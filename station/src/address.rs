//! Where a station is, and whither one may be led: never into a network that whoever named the station could not reach himself.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs},
};

use url::{Host, Url};

use crate::Away;

/// Longest address, in bytes.
pub const MAX_BYTES: usize = 2_000;
/// Most addresses of one name that are tried.
const MAX_TRIED: usize = 4;

/// Which addresses may be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those on the public internet.
    Public,
    /// All of them: the commune's own station stands in its own network.
    Everywhere,
}

/// `http` or `https`, with a host, and without anybody's password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Url);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Address {
    /// # Errors
    /// [`Away::Address`].
    pub fn parse(text: &str) -> Result<Self, Away> {
        if text.len() > MAX_BYTES {
            return Err(Away::Address);
        }
        Self::checked(Url::parse(text.trim()).map_err(|_| Away::Address)?)
    }

    /// Where a link that stands here leads to.
    ///
    /// # Errors
    /// [`Away::Address`].
    pub fn join(&self, link: &str) -> Result<Self, Away> {
        if link.len() > MAX_BYTES {
            return Err(Away::Address);
        }
        Self::checked(self.0.join(link.trim()).map_err(|_| Away::Address)?)
    }

    fn checked(mut url: Url) -> Result<Self, Away> {
        let named = url.host_str().is_some_and(|host| !host.is_empty());
        let bare = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !named || !bare {
            return Err(Away::Address);
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    pub(crate) fn is_safe(&self) -> bool {
        self.0.scheme() == "https"
    }

    pub(crate) fn host(&self) -> String {
        self.0.host_str().unwrap_or_default().to_owned()
    }

    /// As a request names it.
    pub(crate) fn authority(&self) -> String {
        match self.0.port() {
            Some(port) => format!("{}:{port}", self.host()),
            None => self.host(),
        }
    }

    pub(crate) fn path(&self) -> String {
        match self.0.query() {
            Some(query) => format!("{}?{query}", self.0.path()),
            None => self.0.path().to_owned(),
        }
    }

    /// What can be told without asking anybody: an address that is written out, and lies where one may not go, is none.
    pub fn may_be_reached(&self, reach: Reach) -> bool {
        let ip = match self.0.host() {
            Some(Host::Ipv4(ip)) => IpAddr::from(ip),
            Some(Host::Ipv6(ip)) => IpAddr::from(ip),
            _ => return true,
        };
        reach == Reach::Everywhere || is_public(ip)
    }

    /// Where to connect. What is connected to is what was looked at: the name is asked for once.
    ///
    /// # Errors
    /// No such name, or none that may be reached.
    pub(crate) fn resolve(&self, reach: Reach) -> Result<Vec<SocketAddr>, Away> {
        let port = self.0.port_or_known_default().ok_or(Away::Address)?;
        let all: Vec<SocketAddr> = match self.0.host().ok_or(Away::Address)? {
            Host::Ipv4(ip) => vec![(ip, port).into()],
            Host::Ipv6(ip) => vec![(ip, port).into()],
            Host::Domain(name) => (name, port)
                .to_socket_addrs()
                .map_err(|_| Away::UnknownHost)?
                .collect(),
        };
        if all.is_empty() {
            return Err(Away::UnknownHost);
        }
        let allowed = all
            .into_iter()
            .filter(|at| reach == Reach::Everywhere || is_public(at.ip()));
        let allowed: Vec<SocketAddr> = allowed.take(MAX_TRIED).collect();
        if allowed.is_empty() {
            return Err(Away::Private);
        }
        Ok(allowed)
    }
}

/// Is it on the public internet? (IANA's registries of special-purpose addresses.)
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let benches = a == 198 && (18..20).contains(&b);
            let protocols = (a, b, c) == (192, 0, 0);
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_documentation()
                || ip.is_multicast()
                || a == 0
                || a >= 240
                || shared
                || benches
                || protocols)
        }
        IpAddr::V6(ip) => match (ip.to_ipv4(), ip.segments()) {
            (Some(ip), _) => is_public(ip.into()),
            // They carry an IPv4 address: NAT64 and 6to4.
            (_, [0x64, 0xff9b, 0, 0, 0, 0, high, low]) => is_public(carried(high, low).into()),
            (_, [0x2002, high, low, ..]) => is_public(carried(high, low).into()),
            // Teredo leads nobody knows where; the next is for documents.
            (_, [0x2001, 0 | 0xdb8, ..]) => false,
            // 2000::/3 is what is given out.
            (_, [first, ..]) => first & 0xe000 == 0x2000,
        },
    }
}

fn carried(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_station_is_on_the_internet_and_not_in_the_office_s_own_network() {
        for (ip, public) in [
            ("203.162.4.190", true),
            ("2405:4800::1", true),
            ("64:ff9b::203.162.4.190", true),
            ("2002:cba2:04be::1", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("198.18.0.1", false),
            ("192.0.0.8", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("240.0.0.1", false),
            ("0.0.0.0", false),
            ("::", false),
            ("::1", false),
            ("::ffff:10.0.0.1", false),
            ("64:ff9b::10.0.0.1", false),
            ("2002:7f00:0001::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("fd00::1", false),
            ("fe80::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(ip.parse().expect("an address")), public, "{ip}");
        }
    }

    #[test]
    fn however_an_address_is_written_what_is_connected_to_is_looked_at() {
        for text in [
            "http://127.0.0.1/x",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::1]:8000/",
            "http://[::ffff:192.168.0.1]/",
            "http://localhost/",
            "https://169.254.169.254/latest/meta-data",
        ] {
            let address = Address::parse(text).expect("an address");
            assert_eq!(address.resolve(Reach::Public), Err(Away::Private), "{text}");
            assert!(address.resolve(Reach::Everywhere).is_ok(), "{text}");
        }
    }

    #[test]
    fn only_http_and_nobody_s_password() {
        for text in [
            "ftp://radio.vn/a",
            "file:///etc/passwd",
            "radio.vn/live",
            "http://",
            "http://user:word@radio.vn/",
            "gopher://radio.vn",
            "",
        ] {
            assert_eq!(Address::parse(text), Err(Away::Address), "{text}");
        }
        let long = format!("http://radio.vn/{}", "a".repeat(MAX_BYTES));
        assert_eq!(Address::parse(&long), Err(Away::Address));
        let address = Address::parse(" https://radio.vn:8443/vov1?x=1#now ").expect("an address");
        assert_eq!(address.to_string(), "https://radio.vn:8443/vov1?x=1");
        assert_eq!(address.authority(), "radio.vn:8443");
        let there = address.join("../b.m3u8").expect("an address");
        assert_eq!(there.to_string(), "https://radio.vn:8443/b.m3u8");
        assert_eq!(address.join("file:///etc/passwd"), Err(Away::Address));
    }
}

//! Who came through TLS, for the broker behind it: it knows connections by an address, and the front gives each a ticket in
//! the form of one.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{chance, pki::Peer};

/// Whose ticket it is.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub peer: Peer,
    /// Where it really is.
    pub from: SocketAddr,
}

/// The tickets that are out; one for each connection.
#[derive(Clone, Default)]
pub(super) struct Tickets {
    out: Arc<Mutex<HashMap<Ipv6Addr, Arc<Holder>>>>,
}

/// One that is out. It is worth nothing when this is dropped.
pub(super) struct Ticket {
    number: Ipv6Addr,
    tickets: Tickets,
}

impl Tickets {
    pub fn give(&self, holder: Holder) -> Ticket {
        let number = Ipv6Addr::from(chance::bytes::<16>());
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.insert(number, Arc::new(holder));
        Ticket {
            number,
            tickets: self.clone(),
        }
    }

    pub fn holder(&self, shown: SocketAddr) -> Option<Arc<Holder>> {
        let IpAddr::V6(number) = shown.ip() else {
            return None;
        };
        let out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.get(&number).cloned()
    }
}

impl Ticket {
    /// The header of the PROXY protocol, version 2 (haproxy.org, proxy-protocol.txt, 2.2), that shows it.
    pub fn header(&self) -> [u8; 52] {
        let mut header = [0; 52];
        header[..12].copy_from_slice(b"\r\n\r\n\0\r\nQUIT\n");
        // Version 2, on behalf of somebody; TCP over IPv6; 36 bytes follow.
        header[12..16].copy_from_slice(&[0x21, 0x21, 0, 36]);
        header[16..32].copy_from_slice(&self.number.octets());
        header[32..48].copy_from_slice(&Ipv6Addr::LOCALHOST.octets());
        header
    }

    #[cfg(test)]
    fn address(&self) -> SocketAddr {
        (self.number, 0).into()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let out = &self.tickets.out;
        let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
        out.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_worth_something_while_its_connection_stands() {
        let tickets = Tickets::default();
        let peer = Peer {
            speaker: "ban-chuong".into(),
            serial: "40".into(),
        };
        let from = "203.0.113.9:1".parse().unwrap();
        let ticket = tickets.give(Holder { peer, from });
        let shown = ticket.address();
        assert_eq!(tickets.holder(shown).unwrap().peer.speaker, "ban-chuong");
        assert!(tickets.holder("[::1]:0".parse().unwrap()).is_none());
        assert!(tickets.holder(from).is_none());
        drop(ticket);
        assert!(tickets.holder(shown).is_none());
    }
}

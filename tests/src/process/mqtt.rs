//! As little of MQTT 5 as a bench needs: one speaker that publishes and waits for the broker's word. Bytes as the standard
//! (OASIS MQTT 5.0, sections 3.1 to 3.4) has them.

use std::{io, net::Ipv4Addr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
/// Quality of service 1, retained.
const PUBLISH: u8 = 0x33;
const PUBACK: u8 = 0x40;
/// User name, password, and nothing left from an earlier session.
const CONNECT_FLAGS: u8 = 0xc2;
const KEEP_ALIVE_S: u16 = 600;

#[derive(Debug)]
pub struct Publisher {
    stream: TcpStream,
    next_id: u16,
}

impl Publisher {
    /// # Errors
    /// When the broker does not let it in.
    pub async fn connect(port: u16, user: &str, password: &str) -> io::Result<Self> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream.set_nodelay(true)?;
        let mut body = Vec::new();
        put(&mut body, b"MQTT");
        body.extend([5, CONNECT_FLAGS]);
        body.extend(KEEP_ALIVE_S.to_be_bytes());
        // No properties.
        body.push(0);
        for text in [user, user, password] {
            put(&mut body, text.as_bytes());
        }
        stream.write_all(&packet(CONNECT, &body)).await?;
        let (kind, answer) = read(&mut stream).await?;
        if kind & 0xf0 != CONNACK || answer.get(1) != Some(&0) {
            return Err(io::Error::other(format!("not let in: {answer:?}")));
        }
        Ok(Self { stream, next_id: 1 })
    }

    /// Returns when the broker has it.
    ///
    /// # Errors
    /// When the broker does not take it.
    pub async fn publish(&mut self, topic: &str, payload: &[u8]) -> io::Result<()> {
        let mut body = Vec::with_capacity(topic.len() + payload.len() + 8);
        put(&mut body, topic.as_bytes());
        body.extend(self.next_id.to_be_bytes());
        body.push(0);
        body.extend(payload);
        self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        self.stream.write_all(&packet(PUBLISH, &body)).await?;
        loop {
            let (kind, answer) = read(&mut self.stream).await?;
            if kind & 0xf0 == PUBACK {
                // Without a reason it is a success; below 0x80 too.
                return match answer.get(2) {
                    Some(reason @ 0x80..) => {
                        Err(io::Error::other(format!("not taken: {reason:#x}")))
                    }
                    _ => Ok(()),
                };
            }
        }
    }
}

fn put(body: &mut Vec<u8>, text: &[u8]) {
    let length = u16::try_from(text.len()).expect("short texts");
    body.extend(length.to_be_bytes());
    body.extend(text);
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind];
    let mut left = body.len();
    loop {
        let seven = (left % 128) as u8;
        left /= 128;
        packet.push(if left > 0 { seven | 0x80 } else { seven });
        if left == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

async fn read(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let kind = stream.read_u8().await?;
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let byte = stream.read_u8().await?;
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 || shift > 21 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok((kind, body))
}

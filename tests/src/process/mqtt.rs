//! As little of MQTT 5 as tests and benches need: one speaker that publishes, subscribes, and waits for the broker's word.
//! Bytes as the standard (OASIS MQTT 5.0, sections 3.1 to 3.9) has them.

use std::{
    fmt, io,
    net::Ipv4Addr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
/// Quality of service 1, retained.
const PUBLISH: u8 = 0x33;
const PUBACK: u8 = 0x40;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;
/// User name, and nothing left from an earlier session; with a password, too.
const NAMED: u8 = 0x82;
const PASSWORD: u8 = 0x40;
/// Reasons from here on are refusals.
const REFUSED: u8 = 0x80;
const KEEP_ALIVE_S: u16 = 600;
/// No broker takes longer over one packet.
const PATIENCE: Duration = Duration::from_secs(20);

/// What MQTT may go over.
pub trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

pub struct Client {
    line: Box<dyn Line>,
    next_id: u16,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// Who says hello.
#[derive(Clone, Copy, Debug)]
pub struct Hello<'a> {
    pub client_id: &'a str,
    pub user: &'a str,
    pub password: Option<&'a str>,
}

/// To this machine.
///
/// # Errors
/// When nobody answers.
pub async fn dial(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Client {
    /// In clear, with a token.
    ///
    /// # Errors
    /// When the broker does not let it in.
    pub async fn connect(port: u16, user: &str, password: &str) -> io::Result<Self> {
        let hello = Hello {
            client_id: user,
            user,
            password: Some(password),
        };
        Self::open(dial(port).await?, hello).await
    }

    /// Over a line that is there.
    ///
    /// # Errors
    /// When the broker does not let it in.
    pub async fn open(line: impl Line + 'static, hello: Hello<'_>) -> io::Result<Self> {
        let mut client = Self {
            line: Box::new(BufReader::new(line)),
            next_id: 1,
        };
        let mut body = Vec::new();
        put(&mut body, b"MQTT");
        let flags = match hello.password {
            Some(_) => NAMED | PASSWORD,
            None => NAMED,
        };
        body.extend([5, flags]);
        body.extend(KEEP_ALIVE_S.to_be_bytes());
        // No properties.
        body.push(0);
        for text in [hello.client_id, hello.user]
            .into_iter()
            .chain(hello.password)
        {
            put(&mut body, text.as_bytes());
        }
        client.line.write_all(&packet(CONNECT, &body)).await?;
        let (kind, answer) = client.read().await?;
        if kind & 0xf0 != CONNACK || answer.get(1) != Some(&0) {
            return Err(io::Error::other(format!("not let in: {answer:?}")));
        }
        Ok(client)
    }

    /// Returns when the broker has it.
    ///
    /// # Errors
    /// When the broker does not take it.
    pub async fn publish(&mut self, topic: &str, payload: &[u8]) -> io::Result<()> {
        match self.try_publish(topic, payload).await? {
            REFUSED.. => Err(io::Error::other("not taken")),
            _ => Ok(()),
        }
    }

    /// The broker's reason: from 0x80 on it does not take it.
    ///
    /// # Errors
    /// The line's.
    pub async fn try_publish(&mut self, topic: &str, payload: &[u8]) -> io::Result<u8> {
        let mut body = Vec::with_capacity(topic.len() + payload.len() + 8);
        put(&mut body, topic.as_bytes());
        body.extend(self.packet_id().to_be_bytes());
        body.push(0);
        body.extend(payload);
        self.line.write_all(&packet(PUBLISH, &body)).await?;
        let answer = self.answer(PUBACK).await?;
        // Without a reason it is a success.
        Ok(answer.get(2).copied().unwrap_or(0))
    }

    /// The broker's reason: from 0x80 on it does not agree.
    ///
    /// # Errors
    /// The line's.
    pub async fn subscribe(&mut self, filter: &str) -> io::Result<u8> {
        let mut body = self.packet_id().to_be_bytes().to_vec();
        body.push(0);
        put(&mut body, filter.as_bytes());
        body.push(1);
        self.line.write_all(&packet(SUBSCRIBE, &body)).await?;
        let answer = self.answer(SUBACK).await?;
        Ok(answer.last().copied().unwrap_or(REFUSED))
    }

    /// The topic of the next message that is given to it, of those within `patience`.
    ///
    /// # Errors
    /// The line's.
    pub async fn next_topic(&mut self, patience: Duration) -> io::Result<Option<String>> {
        loop {
            let Ok(read) = timeout(patience, read(&mut self.line)).await else {
                return Ok(None);
            };
            let (kind, body) = read?;
            if kind & 0xf0 == 0x30 {
                let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
                let topic = body.get(2..2 + length).unwrap_or_default();
                return Ok(Some(String::from_utf8_lossy(topic).into_owned()));
            }
        }
    }

    /// Counts the messages that are given to it, until the line is cut.
    pub async fn count(&mut self, messages: &AtomicU64) {
        while let Ok((kind, _)) = read(&mut self.line).await {
            if kind & 0xf0 == 0x30 {
                messages.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Returns when the line is cut.
    pub async fn until_cut(&mut self) {
        while read(&mut self.line).await.is_ok() {}
    }

    fn packet_id(&mut self) -> u16 {
        let id = self.next_id;
        self.next_id = id.checked_add(1).unwrap_or(1);
        id
    }

    async fn read(&mut self) -> io::Result<(u8, Vec<u8>)> {
        timeout(PATIENCE, read(&mut self.line)).await?
    }

    async fn answer(&mut self, wanted: u8) -> io::Result<Vec<u8>> {
        loop {
            let (kind, answer) = self.read().await?;
            if kind & 0xf0 == wanted {
                return Ok(answer);
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

async fn read(line: &mut (impl AsyncRead + Unpin + ?Sized)) -> io::Result<(u8, Vec<u8>)> {
    let kind = line.read_u8().await?;
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let byte = line.read_u8().await?;
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 || shift > 21 {
            break;
        }
    }
    let mut body = vec![0; length];
    line.read_exact(&mut body).await?;
    Ok((kind, body))
}

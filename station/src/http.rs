//! Asks one address for what is there. HTTP/1.1, and what Shoutcast calls it (`ICY 200 OK`); redirects are followed.

use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring::default_provider,
    pki_types::ServerName,
};

use crate::{
    Address, Away, Reach, Stop,
    body::{Body, Framing},
    wire::Wire,
};

/// How often a read looks whether it is still wanted.
pub const POLL: Duration = Duration::from_secs(1);
/// Nothing whole came for this long: nothing will.
pub const IDLE: Duration = Duration::from_secs(8);
/// From the connection to the end of the answer's head.
pub const ANSWER: Duration = Duration::from_secs(12);
const CONNECT: Duration = Duration::from_secs(5);
const MAX_REDIRECTS: usize = 5;
/// Largest head of an answer, in bytes.
const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;

/// How stations are asked. Cheap to clone.
#[derive(Clone)]
pub struct Web {
    tls: Arc<ClientConfig>,
    reach: Reach,
    agent: &'static str,
    stop: Stop,
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web")
            .field("reach", &self.reach)
            .finish_non_exhaustive()
    }
}

impl Web {
    /// Believes whom this machine believes. `agent`: what it calls itself.
    ///
    /// # Errors
    /// When TLS cannot be set up at all.
    pub fn new(reach: Reach, agent: &'static str) -> Result<Self, Away> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Away::NotSafe(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            tls: Arc::new(tls),
            reach,
            agent,
            stop: Stop::default(),
        })
    }

    /// The same, for as long as this is not stopped.
    #[must_use]
    pub fn until(&self, stop: Stop) -> Self {
        Self {
            stop,
            ..self.clone()
        }
    }

    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// What is there, behind at most five redirects.
    ///
    /// # Errors
    /// Why there is nothing.
    pub fn get(&self, address: &Address) -> Result<Answer, Away> {
        let mut address = address.clone();
        for _ in 0..=MAX_REDIRECTS {
            match self.ask(&address)? {
                Asked::There(answer) => return Ok(*answer),
                Asked::Elsewhere(there) => address = there,
            }
        }
        Err(Away::Redirects)
    }

    fn ask(&self, address: &Address) -> Result<Asked, Away> {
        let mut line = self.connect(address)?;
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\nAccept: */*\r\n\
             Accept-Encoding: identity\r\nConnection: close\r\n\r\n",
            address.path(),
            address.authority(),
            self.agent
        );
        line.write_all(request.as_bytes()).map_err(|e| gone(&e))?;
        let (head, early) = line.head()?;
        let head = Head::parse(&head)?;
        match (head.status, &head.location) {
            (301 | 302 | 303 | 307 | 308, Some(to)) => {
                return Ok(Asked::Elsewhere(address.join(to)?));
            }
            (200..=299, _) => {}
            (status, _) => return Err(Away::Refused(status)),
        }
        Ok(Asked::There(Box::new(Answer {
            address: address.clone(),
            content_type: head.content_type,
            name: head.name,
            bitrate_kbps: head.bitrate_kbps,
            body: Body::new(line, early, head.framing),
        })))
    }

    fn connect(&self, address: &Address) -> Result<Line, Away> {
        let mut why = Away::UnknownHost;
        for at in address.resolve(self.reach)? {
            if self.stop.is_set() {
                return Err(Away::Stopped);
            }
            match TcpStream::connect_timeout(&at, CONNECT) {
                Ok(tcp) => return self.over(tcp, address),
                Err(error) => why = Away::Unreachable(error.kind().to_string()),
            }
        }
        Err(why)
    }

    fn over(&self, tcp: TcpStream, address: &Address) -> Result<Line, Away> {
        let wire = Wire::new(tcp, self.stop.clone(), ANSWER).map_err(|e| gone(&e))?;
        let way = if address.is_safe() {
            let host = address.host();
            let host = host.trim_matches(['[', ']']).to_owned();
            let name = ServerName::try_from(host).map_err(|_| Away::Address)?;
            let session = ClientConnection::new(self.tls.clone(), name)
                .map_err(|error| Away::NotSafe(error.to_string()))?;
            Way::Safe(Box::new(StreamOwned::new(session, wire)))
        } else {
            Way::Plain(wire)
        };
        Ok(Line { way })
    }
}

enum Asked {
    There(Box<Answer>),
    Elsewhere(Address),
}

/// What an address answered. Its body is read as long as one likes.
#[derive(Debug)]
pub struct Answer {
    /// Where it really is.
    pub address: Address,
    pub content_type: String,
    /// The station's own name for itself, where it says it.
    pub name: Option<String>,
    pub bitrate_kbps: Option<u32>,
    pub body: Body<Line>,
}

impl Answer {
    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// Why there are none.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Away> {
        self.body.source().wait(IDLE);
        self.body.read(buffer).map_err(|error| gone(&error))
    }

    /// All of it behind `begun`, up to a bound.
    ///
    /// # Errors
    /// Also when there is more.
    pub fn rest(&mut self, begun: Vec<u8>, most: usize) -> Result<Vec<u8>, Away> {
        let mut all = begun;
        let mut buffer = [0; 8 * 1024];
        while all.len() <= most {
            match self.read(&mut buffer)? {
                0 => return Ok(all),
                read => all.extend_from_slice(&buffer[..read]),
            }
        }
        Err(Away::TooLarge)
    }
}

fn gone(error: &io::Error) -> Away {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match (tls, error.kind()) {
        (Some(tls), _) => Away::NotSafe(tls.to_string()),
        (_, ErrorKind::TimedOut | ErrorKind::WouldBlock) => Away::Stalled,
        (_, ErrorKind::ConnectionAborted) => Away::Stopped,
        (_, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
            Away::Ended
        }
        (_, ErrorKind::InvalidData) => Away::NotHttp,
        (_, kind) => Away::Unreachable(kind.to_string()),
    }
}

#[derive(Debug)]
enum Way {
    Plain(Wire),
    Safe(Box<StreamOwned<ClientConnection, Wire>>),
}

/// A connection that is given up when it says nothing, or nobody needs it.
#[derive(Debug)]
pub struct Line {
    way: Way,
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.way {
            Way::Plain(wire) => wire.read(buffer),
            Way::Safe(stream) => match stream.read(buffer) {
                // Many servers hang up without a word of goodbye (RFC 8446 section 6.1).
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
                done => done,
            },
        }
    }
}

impl Line {
    fn wait(&mut self, patience: Duration) {
        match &mut self.way {
            Way::Plain(wire) => wire.wait(patience),
            Way::Safe(stream) => stream.sock.wait(patience),
        }
    }

    /// The handshake, too, where there is one.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.way {
            Way::Plain(wire) => wire.write_all(bytes),
            Way::Safe(stream) => {
                stream.write_all(bytes)?;
                stream.flush()
            }
        }
    }

    /// The head with its empty line, and what came behind it.
    fn head(&mut self) -> Result<(Vec<u8>, Vec<u8>), Away> {
        let mut head = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let read = self.read(&mut buffer).map_err(|error| gone(&error))?;
            if read == 0 {
                return Err(Away::NotHttp);
            }
            head.extend_from_slice(&buffer[..read]);
            let end = head.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end.filter(|end| *end <= MAX_HEAD) {
                let early = head.split_off(end + 4);
                return Ok((head, early));
            }
            if head.len() > MAX_HEAD {
                return Err(Away::NotHttp);
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    location: Option<String>,
    content_type: String,
    name: Option<String>,
    bitrate_kbps: Option<u32>,
    framing: Framing,
}

impl Head {
    fn parse(bytes: &[u8]) -> Result<Self, Away> {
        // As Shoutcast greets.
        let icy = bytes.strip_prefix(b"ICY ");
        let bytes = match icy {
            Some(rest) => [b"HTTP/1.0 ", rest].concat(),
            None => bytes.to_vec(),
        };
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut answer = httparse::Response::new(&mut headers);
        let whole = answer.parse(&bytes).map_err(|_| Away::NotHttp)?;
        let status = answer.code.filter(|_| whole.is_complete());
        let text = |name: &str| {
            let header = answer
                .headers
                .iter()
                .find(|h| h.name.eq_ignore_ascii_case(name))?;
            let value = String::from_utf8_lossy(header.value).trim().to_owned();
            Some(value).filter(|value| !value.is_empty())
        };
        let is_chunked = text("transfer-encoding")
            .is_some_and(|how| how.to_ascii_lowercase().ends_with("chunked"));
        let framing = match text("content-length").and_then(|length| length.parse().ok()) {
            _ if is_chunked => Framing::Chunked,
            Some(length) => Framing::Length(length),
            None => Framing::ToTheEnd,
        };
        let rate = text("icy-br").and_then(|br| br.split(',').next()?.trim().parse().ok());
        Ok(Self {
            status: status.ok_or(Away::NotHttp)?,
            location: text("location"),
            content_type: text("content-type").unwrap_or_default(),
            name: text("icy-name").map(|name| name.chars().take(200).collect()),
            bitrate_kbps: rate.filter(|kbps| (1..=10_000).contains(kbps)),
            framing,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{iter, net::TcpListener, sync::mpsc, thread};

    use super::*;

    fn web() -> Web {
        Web::new(Reach::Everywhere, "test").expect("the web")
    }

    /// Says a TLS record of 16 KiB, a byte at a time, to the first who calls; and tells of each.
    fn dripping() -> (Address, mpsc::Receiver<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("an address");
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let (mut line, _) = listener.accept().expect("a caller");
            let head = [22, 3, 3, 0x40, 0];
            for byte in head.into_iter().chain(iter::repeat_n(0, 0x4000)) {
                if line.write_all(&[byte]).is_err() {
                    return;
                }
                // Not everybody counts them.
                let _ = tell.send(());
                thread::sleep(Duration::from_millis(1));
            }
        });
        let address = Address::parse(&format!("https://{at}/")).expect("an address");
        (address, told)
    }

    #[test]
    fn who_says_a_byte_at_a_time_is_hung_up_on_when_nobody_listens() {
        let (address, told) = dripping();
        let stop = Stop::default();
        let web = web().until(stop.clone());
        let opening = thread::spawn(move || crate::open(&address, &web).err());
        for _ in 0..10 {
            told.recv().expect("a byte");
        }
        stop.now();
        assert_eq!(opening.join().expect("no panic"), Some(Away::Stopped));
    }

    #[test]
    fn who_says_a_byte_at_a_time_is_waited_for_no_longer_than_who_says_nothing() {
        let (address, _told) = dripping();
        let mut line = web().connect(&address).expect("a line");
        line.wait(Duration::from_millis(50));
        let written = line.write_all(b"GET").map_err(|error| error.kind());
        assert_eq!(written, Err(ErrorKind::TimedOut));
    }

    #[test]
    fn an_old_station_s_greeting_is_understood() {
        let head = b"ICY 200 OK\r\nicy-name: VOV1\r\nicy-br:96\r\ncontent-type:audio/mpeg\r\n\r\n";
        let head = Head::parse(head).expect("a head");
        assert_eq!(head.status, 200);
        assert_eq!(head.name.as_deref(), Some("VOV1"));
        assert_eq!(head.bitrate_kbps, Some(96));
        assert_eq!(head.framing, Framing::ToTheEnd);
    }

    #[test]
    fn what_is_no_http_is_refused() {
        for bytes in [
            &b"SSH-2.0-OpenSSH\r\n\r\n"[..],
            b"\r\n\r\n",
            b"HTTP/1.1 abc\r\n\r\n",
        ] {
            assert_eq!(Head::parse(bytes), Err(Away::NotHttp));
        }
    }
}

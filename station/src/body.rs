//! What follows the head of an answer: as long as it says, in chunks (RFC 9112 section 7.1), or until the end.

use std::io::{self, ErrorKind, Read};

/// Longest line before a chunk, in bytes.
const MAX_LINE: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Length(u64),
    Chunked,
    ToTheEnd,
}

#[derive(Debug)]
pub struct Body<R> {
    from: R,
    /// Came with the head.
    early: Vec<u8>,
    early_at: usize,
    framing: Framing,
    /// Of the present chunk; `None`: its line comes next.
    chunk: Option<u64>,
    is_over: bool,
}

impl<R: Read> Body<R> {
    pub fn new(from: R, early: Vec<u8>, framing: Framing) -> Self {
        Self {
            from,
            early,
            early_at: 0,
            framing,
            chunk: None,
            is_over: false,
        }
    }

    /// Where it comes from.
    pub fn source(&mut self) -> &mut R {
        &mut self.from
    }

    fn raw(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let early = &self.early[self.early_at..];
        if early.is_empty() {
            return self.from.read(buffer);
        }
        let much = early.len().min(buffer.len());
        buffer[..much].copy_from_slice(&early[..much]);
        self.early_at += much;
        Ok(much)
    }

    /// Up to the end of a line, without it.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        let mut byte = [0];
        while line.len() < MAX_LINE {
            if self.raw(&mut byte)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            match byte[0] {
                b'\n' => return Ok(line),
                b'\r' => {}
                other => line.push(other),
            }
        }
        Err(ErrorKind::InvalidData.into())
    }

    fn next_chunk(&mut self) -> io::Result<u64> {
        let line = self.line()?;
        let size = line.split(|&b| b == b';').next().unwrap_or_default();
        let size = std::str::from_utf8(size).map_err(|_| ErrorKind::InvalidData)?;
        let size = u64::from_str_radix(size.trim(), 16).map_err(|_| ErrorKind::InvalidData)?;
        Ok(size)
    }
}

impl<R: Read> Read for Body<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_over || buffer.is_empty() {
            return Ok(0);
        }
        let left = match self.framing {
            Framing::ToTheEnd => u64::MAX,
            Framing::Length(left) => left,
            Framing::Chunked => match self.chunk {
                Some(left) => left,
                None => self.next_chunk()?,
            },
        };
        if left == 0 {
            self.is_over = true;
            return Ok(0);
        }
        let much = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self.raw(&mut buffer[..much])?;
        if read == 0 {
            self.is_over = true;
            return match self.framing {
                Framing::ToTheEnd => Ok(0),
                _ => Err(ErrorKind::UnexpectedEof.into()),
            };
        }
        let left = left - read as u64;
        match &mut self.framing {
            Framing::ToTheEnd => {}
            Framing::Length(length) => *length = left,
            Framing::Chunked if left > 0 => self.chunk = Some(left),
            Framing::Chunked => {
                // The end of its line.
                self.line()?;
                self.chunk = None;
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(early: &[u8], rest: &[u8], framing: Framing) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Body::new(rest, early.to_vec(), framing).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn each_way_of_saying_how_long_it_is_is_understood() {
        assert_eq!(all(b"ab", b"cd", Framing::ToTheEnd).expect("read"), b"abcd");
        assert_eq!(
            all(b"ab", b"cde", Framing::Length(4)).expect("read"),
            b"abcd"
        );
        let chunks = b"3\r\nabc\r\n2;name=x\r\nde\r\n0\r\n\r\n";
        assert_eq!(all(b"", chunks, Framing::Chunked).expect("read"), b"abcde");
        assert_eq!(
            all(&chunks[..6], &chunks[6..], Framing::Chunked).expect("read"),
            b"abcde"
        );
    }

    #[test]
    fn what_breaks_off_is_not_taken_for_an_end() {
        assert!(all(b"ab", b"c", Framing::Length(4)).is_err());
        for broken in [&b"3\r\nab"[..], b"zz\r\nab", b"ffffffffffffffffff\r\n", b""] {
            assert!(all(b"", broken, Framing::Chunked).is_err());
        }
        assert!(all(b"", &[b'1'; 1000], Framing::Chunked).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(bytes: Vec<u8>, early: Vec<u8>) {
            for framing in [Framing::Chunked, Framing::Length(9), Framing::ToTheEnd] {
                let _ = all(&early, &bytes, framing);
            }
        }
    }
}

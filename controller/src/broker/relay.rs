//! Carries bytes between a speaker's TLS connection and the broker behind it, until both sides have ended.
//!
//! An idle connection holds no buffer: bytes are read into the stack of the thread that carries them, and only what the
//! other side does not take at once is kept, [`PIECE`] at most for each direction. While something is kept nothing more is
//! read, so a slow reader slows the writer and nothing else.

use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is read at a time, in bytes: a block of content with its envelope takes two.
const PIECE: usize = 16 * 1024;
/// How long the other side may take to end when one has.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// One direction.
#[derive(Default)]
struct Way {
    /// Read, but not taken by the other side yet.
    kept: Vec<u8>,
    taken: usize,
    /// Something was written since the last flush.
    unflushed: bool,
    ended: bool,
    closed: bool,
}

impl Way {
    /// Goes on as far as it can. Ready: this direction is closed.
    fn poll<R, W>(
        &mut self,
        context: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            while self.taken < self.kept.len() {
                let rest = &self.kept[self.taken..];
                let taken = ready!(Pin::new(&mut *to).poll_write(context, rest))?;
                if taken == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.taken += taken;
                self.unflushed = true;
            }
            // An idle connection keeps nothing.
            self.kept = Vec::new();
            self.taken = 0;
            if self.closed {
                return Poll::Ready(Ok(()));
            }
            if self.ended {
                ready!(Pin::new(&mut *to).poll_shutdown(context))?;
                self.closed = true;
                continue;
            }
            let mut space = [MaybeUninit::<u8>::uninit(); PIECE];
            let mut space = ReadBuf::uninit(&mut space);
            match Pin::new(&mut *from).poll_read(context, &mut space) {
                Poll::Ready(read) => read?,
                Poll::Pending => {
                    // A pause: what was written goes out now.
                    if self.unflushed {
                        ready!(Pin::new(&mut *to).poll_flush(context))?;
                        self.unflushed = false;
                    }
                    return Poll::Pending;
                }
            }
            let read = space.filled();
            if read.is_empty() {
                self.ended = true;
                continue;
            }
            let mut taken = 0;
            while taken < read.len() {
                match Pin::new(&mut *to).poll_write(context, &read[taken..])? {
                    Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(more) => {
                        taken += more;
                        self.unflushed = true;
                    }
                    Poll::Pending => {
                        self.kept = read[taken..].to_vec();
                        break;
                    }
                }
            }
        }
    }
}

/// Until both sides have ended, or one broke. When one side ends, what it said still reaches the other, which then has
/// some seconds to end too.
pub(super) async fn relay<A, B>(mut outside: A, mut inside: B) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (mut inward, mut outward) = (Way::default(), Way::default());
    let mut both = |context: &mut Context<'_>| -> Poll<io::Result<bool>> {
        let one = inward.poll(context, &mut outside, &mut inside)?;
        let other = outward.poll(context, &mut inside, &mut outside)?;
        match (one, other) {
            (Poll::Ready(()), Poll::Ready(())) => Poll::Ready(Ok(true)),
            // One has ended: the rest has a limit.
            _ if inward.ended || outward.ended => Poll::Ready(Ok(false)),
            _ => Poll::Pending,
        }
    };
    if poll_fn(&mut both).await? {
        return Ok(());
    }
    let rest = poll_fn(|context| match both(context) {
        Poll::Ready(Ok(false)) => Poll::Pending,
        done => done,
    });
    match tokio::time::timeout(LAST_WORDS, rest).await {
        Ok(done) => done.map(drop),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn what_is_said_before_the_end_reaches_the_other_side_whole() {
        let (mut pole, outside) = duplex(1_000);
        let (inside, mut broker) = duplex(700);
        let relayed = tokio::spawn(relay(outside, inside));
        let said: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
        let speaking = async {
            pole.write_all(&said).await.unwrap();
            pole.shutdown().await.unwrap();
            let mut answer = Vec::new();
            pole.read_to_end(&mut answer).await.unwrap();
            answer
        };
        let listening = async {
            let mut heard = Vec::new();
            broker.read_to_end(&mut heard).await.unwrap();
            broker.write_all(&heard[..50_000]).await.unwrap();
            broker.shutdown().await.unwrap();
            heard
        };
        let (answer, heard) = tokio::join!(speaking, listening);
        assert_eq!(heard, said);
        assert_eq!(answer, said[..50_000]);
        relayed.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_side_that_goes_away_takes_the_other_with_it() {
        let (pole, outside) = duplex(1_000);
        let (inside, mut broker) = duplex(1_000);
        let relayed = tokio::spawn(relay(outside, inside));
        drop(pole);
        let mut heard = Vec::new();
        broker.read_to_end(&mut heard).await.unwrap();
        drop(broker);
        let _ = relayed.await.unwrap();
    }
}

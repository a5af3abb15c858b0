//! SIGTERM and SIGINT: the first asks for an orderly end, the second ends at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
pub struct Signals {
    term: Signal,
    int: Signal,
}

impl Signals {
    /// From now on the signals come here.
    pub fn catch() -> std::io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
        })
    }

    /// The token is cancelled by the first signal; the second ends the program, with 130 as shells expect.
    pub fn into_token(mut self) -> CancellationToken {
        let token = CancellationToken::new();
        let soft = token.clone();
        tokio::spawn(async move {
            self.any().await;
            soft.cancel();
            self.any().await;
            std::process::exit(130);
        });
        token
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}

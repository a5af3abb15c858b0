//! Audio on disk: blocks come in any order into `content/partial/SHA`, a whole and checked file is `content/SHA`.
//!
//! One thread does all of it, so that a slow card never holds up the loop. A block is told as stored only when its
//! bytes are on disk (fdatasync) and the row that says so is too. A file under its own name was checked whole.

mod files;

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    thread::JoinHandle,
};

use loa_protocol::content::{Bitmap, ContentId};
use tokio::sync::mpsc;

use crate::{
    logic::port::{HeldContent, Input},
    store::{Progress, Request as StoreRequest, Store},
};

pub use files::{ContentDir, disk_total_bytes};

/// Requests that may wait: 64 blocks are a megabyte. A block beyond this is answered as failed, and asked for again.
const QUEUE: usize = 64;
/// Most blocks written before one sync.
const GROUP: usize = 32;

/// What the logic may ask of the disk.
#[derive(Debug)]
pub enum Request {
    Store {
        content: ContentId,
        index: u32,
        offset: u64,
        length: u64,
        bytes: Vec<u8>,
    },
    Finish {
        content: ContentId,
    },
    Evict {
        content: ContentId,
    },
    /// A file did not decode: is it still what its name says?
    Suspect {
        content: ContentId,
    },
    /// How much of the disk is free?
    Measure,
}

/// The sending end of the content thread.
#[derive(Clone, Debug)]
pub struct Contents {
    requests: mpsc::Sender<Request>,
}

impl Contents {
    /// Never waits. What does not fit and must be answered is answered here.
    pub fn send(&self, request: Request) -> Option<Input> {
        let request = match self.requests.try_send(request) {
            Ok(()) => return None,
            Err(
                mpsc::error::TrySendError::Full(request)
                | mpsc::error::TrySendError::Closed(request),
            ) => request,
        };
        let detail = "the disk has stalled: too many blocks wait".to_owned();
        match request {
            Request::Store { content, index, .. } => Some(Input::BlockFailed {
                content,
                index,
                detail,
            }),
            // Told as bad though it may be whole: it is fetched again rather than forgotten.
            Request::Finish { content } => Some(Input::ContentBad { content, detail }),
            Request::Evict { content } => {
                tracing::warn!(%content, "not evicted, the disk has stalled; done when the program next starts");
                None
            }
            Request::Suspect { .. } | Request::Measure => None,
        }
    }
}

/// What of `progress` is really there, by name and length; the rest is cleared away.
///
/// # Errors
/// When the folder cannot be made or read.
pub fn load(
    folder: &Path,
    progress: Vec<Progress>,
) -> std::io::Result<(ContentDir, Vec<(ContentId, HeldContent)>)> {
    let dir = ContentDir::open(folder, progress)?;
    let held = dir.held();
    Ok((dir, held))
}

/// Starts the thread. It ends when every [`Contents`] is dropped. The receiver must be read: the thread waits for room.
///
/// # Errors
/// When the system gives no thread.
pub fn start(
    dir: ContentDir,
    store: Store,
) -> std::io::Result<(Contents, mpsc::Receiver<Input>, JoinHandle<()>)> {
    let (requests, inbox) = mpsc::channel(QUEUE);
    let (answers, inputs) = mpsc::channel(QUEUE);
    let worker = Worker {
        dir,
        store,
        answers,
    };
    let thread = std::thread::Builder::new()
        .name("loa-content".into())
        .stack_size(256 * 1024)
        .spawn(move || worker.run(inbox))?;
    Ok((Contents { requests }, inputs, thread))
}

struct Worker {
    dir: ContentDir,
    store: Store,
    answers: mpsc::Sender<Input>,
}

impl Worker {
    fn run(mut self, mut inbox: mpsc::Receiver<Request>) {
        let mut waiting = Vec::with_capacity(GROUP);
        while inbox.blocking_recv_many(&mut waiting, GROUP) > 0 {
            let mut blocks = Vec::new();
            for request in waiting.drain(..) {
                match request {
                    Request::Store {
                        content,
                        index,
                        offset,
                        length,
                        bytes,
                    } => blocks.push((content, index, offset, length, bytes)),
                    other => {
                        // What was asked before is done before.
                        self.store_blocks(std::mem::take(&mut blocks));
                        self.perform(other);
                    }
                }
            }
            self.store_blocks(blocks);
        }
    }

    fn perform(&mut self, request: Request) {
        match request {
            Request::Store { .. } => {}
            Request::Finish { content } => match self.dir.finish(content) {
                Ok(()) => self.tell(Input::ContentReady { content }),
                Err(error) => self.bad(content, error.to_string()),
            },
            Request::Evict { content } => {
                self.dir.remove(content);
                self.forget(content);
            }
            Request::Suspect { content } => {
                if let Err(error) = self.dir.verify(content) {
                    self.bad(content, error.to_string());
                }
            }
            Request::Measure => match self.dir.free_bytes() {
                Ok(bytes) => self.tell(Input::DiskFree { bytes }),
                Err(error) => tracing::warn!(%error, "the free disk cannot be measured"),
            },
        }
    }

    /// Writes all, syncs each file once, then has the store say so.
    fn store_blocks(&mut self, blocks: Vec<(ContentId, u32, u64, u64, Vec<u8>)>) {
        let mut open: BTreeMap<ContentId, (File, Vec<u32>)> = BTreeMap::new();
        for (content, index, offset, length, bytes) in blocks {
            let written = match open.get(&content) {
                Some((file, _)) => ContentDir::write_block(file, offset, &bytes),
                None => self.dir.partial(content, length).and_then(|file| {
                    let written = ContentDir::write_block(&file, offset, &bytes);
                    open.insert(content, (file, Vec::new()));
                    written
                }),
            };
            match (written, open.get_mut(&content)) {
                (Ok(()), Some((_, indexes))) => indexes.push(index),
                (Err(error), _) => self.block_failed(content, index, &error),
                (Ok(()), None) => {}
            }
        }
        for (content, (file, indexes)) in open {
            if let Err(error) = file.sync_data() {
                for index in indexes {
                    self.block_failed(content, index, &error);
                }
                continue;
            }
            let (length, held) = self.dir.hold(content, &indexes);
            self.store.send_blocking(StoreRequest::Progress {
                content,
                length,
                held,
                indexes,
            });
        }
    }

    fn block_failed(&self, content: ContentId, index: u32, error: &std::io::Error) {
        self.tell(Input::BlockFailed {
            content,
            index,
            detail: error.to_string(),
        });
    }

    fn bad(&mut self, content: ContentId, detail: String) {
        self.dir.remove(content);
        self.forget(content);
        self.tell(Input::ContentBad { content, detail });
    }

    fn forget(&self, content: ContentId) {
        self.store.send_blocking(StoreRequest::Forget { content });
    }

    fn tell(&self, input: Input) {
        // Nobody listens only when the program ends.
        let _ = self.answers.blocking_send(input);
    }
}

/// Where a whole content lies.
pub fn path_of(folder: &Path, content: ContentId) -> PathBuf {
    folder.join("content").join(content.to_string())
}

/// No blocks at all.
fn nothing() -> Bitmap {
    Bitmap::default()
}

#[cfg(test)]
mod tests;

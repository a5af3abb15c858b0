//! Reads blocks from the disk, on a thread of its own, and hands them to the line: a slow disk holds nobody up.
//!
//! Bound: [`WAITING`] blocks wait to be read; a further one is dropped, and whoever misses it asks again.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
};

use bytes::Bytes;
use loa_protocol::{
    content::{BLOCK_BYTES, ContentId},
    topic::Topic,
};
use tokio::sync::mpsc;

use crate::{link::BlockSender, logic::Input, store::Store};

const WAITING: usize = 256;
/// Files kept open.
const OPEN: usize = 8;

#[derive(Debug)]
pub(super) struct BlockReader {
    asked: SyncSender<(ContentId, u32)>,
}

impl BlockReader {
    /// The thread ends when the reader is dropped.
    pub(super) fn start(store: Store, line: BlockSender, inputs: mpsc::Sender<Input>) -> Self {
        let (asked, to_read) = sync_channel(WAITING);
        let started = std::thread::Builder::new()
            .name("loa-blocks".into())
            .spawn(move || read_all(&to_read, &store, &line, &inputs));
        if let Err(error) = started {
            tracing::error!(%error, "no thread for reading audio: no speaker will get any");
        }
        Self { asked }
    }

    pub(super) fn send(&self, content: ContentId, index: u32) {
        if self.asked.try_send((content, index)).is_err() {
            tracing::debug!(%content, index, "block dropped: the disk is behind");
        }
    }
}

fn read_all(
    to_read: &Receiver<(ContentId, u32)>,
    store: &Store,
    line: &BlockSender,
    inputs: &mpsc::Sender<Input>,
) {
    let mut open: Vec<(ContentId, File)> = Vec::new();
    while let Ok((content, index)) = to_read.recv() {
        match read(&mut open, store, content, index) {
            Ok(bytes) => {
                if !line.send(Topic::Block { content, index }, bytes) {
                    tracing::debug!(%content, index, "block dropped: the line is behind");
                }
            }
            Err(error) => {
                open.retain(|(id, _)| *id != content);
                let detail = error.to_string();
                // The engine is busy or gone: the next block tells it again.
                let _ = inputs.try_send(Input::ContentUnreadable { content, detail });
            }
        }
    }
}

fn read(
    open: &mut Vec<(ContentId, File)>,
    store: &Store,
    content: ContentId,
    index: u32,
) -> std::io::Result<Bytes> {
    let place = match open.iter().position(|(id, _)| *id == content) {
        Some(place) => place,
        None => {
            let file = File::open(store.content_path(&content))?;
            if open.len() >= OPEN {
                open.remove(0);
            }
            open.push((content, file));
            open.len() - 1
        }
    };
    let file = &open[place].1;
    let mut bytes = vec![0; BLOCK_BYTES as usize];
    let offset = u64::from(index) * u64::from(BLOCK_BYTES);
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], offset + filled as u64)? {
            0 => break,
            n => filled += n,
        }
    }
    if filled == 0 {
        return Err(std::io::Error::new(
            std::io::ErrorKind::UnexpectedEof,
            "the file is shorter than its manifest says",
        ));
    }
    bytes.truncate(filled);
    Ok(bytes.into())
}

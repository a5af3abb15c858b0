//! Content through power cuts: the folder and the store are closed in the middle and opened again.

use loa_protocol::content::{Manifest, Sha};

use super::*;
use crate::store;

struct Pole {
    contents: Contents,
    inputs: mpsc::Receiver<Input>,
    stored: mpsc::Receiver<Input>,
}

async fn pole(folder: &Path) -> (Pole, Vec<(ContentId, HeldContent)>) {
    let (connection, loaded) = store::open(folder).await.expect("opens");
    let (dir, held) = load(folder, loaded.progress).expect("loads");
    let (store, stored, _) = store::start(connection);
    let (contents, inputs, _) = start(dir, store).expect("starts");
    (
        Pole {
            contents,
            inputs,
            stored,
        },
        held,
    )
}

fn audio() -> (Vec<u8>, Manifest) {
    let bytes: Vec<u8> = (0..40_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let manifest = Manifest::of(&bytes, 1_000);
    (bytes, manifest)
}

impl Pole {
    async fn give(&mut self, bytes: &[u8], manifest: &Manifest, index: u32) {
        let content = manifest.content;
        let (offset, span) = manifest.block_span(index).expect("a block");
        let bytes = bytes[offset as usize..offset as usize + span as usize].to_vec();
        let length = manifest.length;
        let refused = self.contents.send(Request::Store {
            content,
            index,
            offset,
            length,
            bytes,
        });
        assert_eq!(refused, None);
        assert_eq!(
            self.stored.recv().await,
            Some(Input::BlockStored { content, index })
        );
    }
    async fn ask(&mut self, request: Request) -> Option<Input> {
        assert_eq!(self.contents.send(request), None);
        self.inputs.recv().await
    }
}

#[tokio::test]
async fn a_power_cut_costs_no_block_that_was_told_as_stored() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bytes, manifest) = audio();
    let content = manifest.content;
    let (mut before, held) = pole(folder.path()).await;
    assert_eq!(held, []);
    before.give(&bytes, &manifest, 2).await;
    before.give(&bytes, &manifest, 0).await;
    drop(before);

    let (mut after, held) = pole(folder.path()).await;
    let [(id, HeldContent::Partial { held })] = held.as_slice() else {
        panic!("{held:?}")
    };
    assert_eq!(
        (*id, held.iter().collect::<Vec<_>>()),
        (content, vec![0, 2])
    );
    after.give(&bytes, &manifest, 1).await;
    assert_eq!(
        after.ask(Request::Finish { content }).await,
        Some(Input::ContentReady { content })
    );
    assert_eq!(
        std::fs::read(path_of(folder.path(), content)).expect("whole"),
        bytes
    );
    drop(after);

    let (_, held) = pole(folder.path()).await;
    assert_eq!(held, [(content, HeldContent::Complete { bytes: 40_000 })]);
}

#[tokio::test]
async fn a_whole_that_is_not_what_its_name_says_is_fetched_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut bytes, manifest) = audio();
    let content = manifest.content;
    bytes[20_000] ^= 1;
    let (mut pole, _) = pole(folder.path()).await;
    for index in 0..3 {
        pole.give(&bytes, &manifest, index).await;
    }
    let answer = pole.ask(Request::Finish { content }).await;
    assert!(
        matches!(answer, Some(Input::ContentBad { .. })),
        "{answer:?}"
    );
    assert!(!path_of(folder.path(), content).exists());
}

#[tokio::test]
async fn a_file_that_changed_on_the_disk_is_found_out_when_it_is_suspected() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bytes, manifest) = audio();
    let content = manifest.content;
    let (mut pole, _) = pole(folder.path()).await;
    for index in 0..3 {
        pole.give(&bytes, &manifest, index).await;
    }
    pole.ask(Request::Finish { content }).await;
    std::fs::write(path_of(folder.path(), content), b"worn out card").expect("writes");
    let answer = pole.ask(Request::Suspect { content }).await;
    assert!(
        matches!(answer, Some(Input::ContentBad { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_lost_ledger_does_not_lose_whole_audio_but_a_false_file_is_not_believed() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("content");
    std::fs::create_dir_all(whole.join("partial")).expect("a folder");
    let (bytes, manifest) = audio();
    let content = manifest.content;
    std::fs::write(path_of(folder.path(), content), &bytes).expect("writes");
    std::fs::write(path_of(folder.path(), Sha::of(b"other")), b"false").expect("writes");
    std::fs::write(
        whole.join("partial").join(Sha::of(b"rest").to_string()),
        b"half",
    )
    .expect("writes");
    let (_, held) = pole(folder.path()).await;
    assert_eq!(held, [(content, HeldContent::Complete { bytes: 40_000 })]);
    assert!(!path_of(folder.path(), Sha::of(b"other")).exists());
}

#[tokio::test]
async fn evicted_audio_is_gone_and_stays_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bytes, manifest) = audio();
    let (mut pole_before, _) = pole(folder.path()).await;
    pole_before.give(&bytes, &manifest, 0).await;
    let evict = Request::Evict {
        content: manifest.content,
    };
    assert_eq!(pole_before.contents.send(evict), None);
    let answer = pole_before.ask(Request::Measure).await;
    assert!(
        matches!(answer, Some(Input::DiskFree { bytes }) if bytes > 0),
        "{answer:?}"
    );
    drop(pole_before);
    let (_, held) = pole(folder.path()).await;
    assert_eq!(held, []);
}

#[tokio::test]
async fn blocks_that_do_not_fit_in_the_queue_are_told_as_failed() {
    let (requests, _inbox) = mpsc::channel(1);
    let contents = Contents { requests };
    let content = Sha::of(b"x");
    let block = |index| Request::Store {
        content,
        index,
        offset: 0,
        length: 1,
        bytes: vec![0],
    };
    assert_eq!(contents.send(block(0)), None);
    assert!(matches!(
        contents.send(block(1)),
        Some(Input::BlockFailed { index: 1, .. })
    ));
    assert!(matches!(
        contents.send(Request::Finish { content }),
        Some(Input::ContentBad { .. })
    ));
}

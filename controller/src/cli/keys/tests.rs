//! One person with one memory stick, from the first day on.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use clap::Parser;

use super::*;
use crate::cli::{Cli, run as run_command};

/// An office's folder, and a stick.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("stick")).expect("a stick");
        let text = "data_dir = \"office\"\n[server]\npublic_url = \"https://loa.example.vn\"\n";
        fs::write(folder.path().join("controller.toml"), text).expect("written");
        Self { folder }
    }
    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
    /// Words with a slash are files of the desk.
    async fn keys(&self, words: &str) -> anyhow::Result<()> {
        let mut line = vec!["loa-controller".to_owned(), "keys".to_owned()];
        for word in words.split_whitespace() {
            line.push(match word.contains('/') {
                true => self.path(word),
                false => word.to_owned(),
            });
        }
        if !words.starts_with("sign") && !words.starts_with("new-root-key") {
            line.extend(["--config".to_owned(), self.path("controller.toml")]);
        }
        let cli = Cli::try_parse_from(line)?;
        run_command(cli.command).await.map(drop)
    }
    async fn root(&self) -> (Root, String) {
        let clock = Arc::new(SystemClock);
        let store = Store::open(&self.folder.path().join("office"), clock).await;
        let store = store.expect("opened");
        let root = store.standing().root().expect("a root").clone();
        let key = store.office().public_key();
        store.close().await;
        (root, key)
    }
}

fn mode(path: &str) -> u32 {
    let file = fs::metadata(Path::new(path)).expect("a file");
    file.permissions().mode() & 0o777
}

#[tokio::test]
async fn the_root_key_leaves_and_signs_where_it_is() {
    let desk = Desk::new();
    desk.keys("show").await.expect("told");
    desk.keys("take-root office/")
        .await
        .expect_err("that is no other place");
    desk.keys("take-root stick/").await.expect("taken");
    let key = desk.path("stick/root.key");
    assert_eq!(mode(&key), 0o600);
    assert!(!Path::new(&desk.path("office/root.key")).exists());
    desk.keys("take-root stick/")
        .await
        .expect_err("it is gone from here");

    // Without the key a draft is written, and never over another one.
    desk.keys("rotate-office -o stick/root-2.json")
        .await
        .expect("drafted");
    desk.keys("draft -o stick/root-2.json")
        .await
        .expect_err("it is there");
    assert_eq!(desk.root().await.0.version, 1);
    let install = desk.keys("install stick/root-2.json").await;
    install.expect_err("nobody has signed it");
    desk.keys("sign stick/root-2.json --root-key stick/root.key -o stick/root-2.signed")
        .await
        .expect("signed");
    let before = desk.root().await.1;
    desk.keys("install stick/root-2.signed")
        .await
        .expect("installed");
    let (root, key) = desk.root().await;
    assert_eq!((root.version, root.office.len()), (2, 2));
    assert_ne!(key, before);
    assert_eq!(mode(&desk.path("office/office-2.key")), 0o600);
    desk.keys("install stick/root-2.signed")
        .await
        .expect("known");
}

#[tokio::test]
async fn with_the_stick_at_hand_all_is_done_at_once() {
    let desk = Desk::new();
    desk.keys("take-root stick/").await.expect("taken");
    let strict = desk
        .keys("approve-by passkey --root-key stick/root.key")
        .await;
    strict.expect_err("nobody has a passkey");
    desk.keys("rotate-office --now --root-key stick/root.key")
        .await
        .expect("done");
    let (root, key) = desk.root().await;
    assert_eq!(root.office.len(), 1, "the stolen key is believed no more");
    assert_eq!(root.office[0].key.to_string(), key);

    desk.keys("new-root-key stick/next.key")
        .await
        .expect("made");
    desk.keys("new-root-key stick/next.key")
        .await
        .expect_err("it is there");
    desk.keys("rotate-root --new-root-key stick/next.key --root-key stick/root.key")
        .await
        .expect("done");
    let old = desk
        .keys("approve-by office --root-key stick/root.key")
        .await;
    old.expect_err("the former key signs nothing");
    desk.keys("approve-by office --root-key stick/next.key")
        .await
        .expect("done");
    assert_eq!(desk.root().await.0.version, 4);
    desk.keys("show").await.expect("told");
}

#[tokio::test]
async fn a_root_key_that_is_here_is_replaced_here() {
    let desk = Desk::new();
    let first = desk.root().await.0.roots[0];
    desk.keys("rotate-root").await.expect("done");
    let (root, _) = desk.root().await;
    assert_eq!(root.version, 2);
    assert_ne!(root.roots[0], first);
    assert!(!Path::new(&desk.path("office/root-next.key")).exists());
    desk.keys("take-root stick/").await.expect("taken");
    let key = keyfile::read(Path::new(&desk.path("stick/root.key"))).expect("read");
    assert_eq!(public(&key.expect("a key")), root.roots[0].to_string());
}

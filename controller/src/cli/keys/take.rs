//! `keys take-root`: the root key leaves the office. It is gone from here only when it can be read there.

use std::{fs, path::PathBuf};

use anyhow::{Context, bail};

use super::{super::ConfigFile, named, open, read_key};
use crate::keyfile;

#[derive(Debug, clap::Args)]
pub struct TakeRoot {
    /// A folder on a memory stick
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    #[command(flatten)]
    file: ConfigFile,
}

pub async fn take_root(take: &TakeRoot) -> anyhow::Result<()> {
    let store = open(&take.file).await?;
    let Some((from, key, _)) = store.root_key_here().await? else {
        bail!("the root key is not on this machine any more");
    };
    let folder = fs::canonicalize(&take.folder).with_context(|| named(&take.folder))?;
    let own = fs::canonicalize(store.data_dir()).with_context(|| named(store.data_dir()))?;
    if folder.starts_with(&own) {
        bail!(
            "{} belongs to the office: the key is to leave this machine",
            folder.display()
        );
    }
    let to = folder.join("root.key");
    keyfile::write_new(&to, &key).with_context(|| named(&to))?;
    if read_key(&to)?.to_bytes() != key.to_bytes() {
        bail!(
            "{} reads otherwise than it was written: take another memory stick. The key is still here.",
            to.display()
        );
    }
    fs::remove_file(&from).with_context(|| named(&from))?;
    keyfile::sync_folder_of(&from).with_context(|| named(&from))?;
    store.close().await;
    println!(
        "The root key is in {} and not on this machine any more.",
        to.display()
    );
    println!("Copy it to a second stick, and keep the two in two places under lock.");
    println!(
        "Who has it decides whom the speakers believe; when all copies are lost, every speaker must be enrolled anew."
    );
    Ok(())
}

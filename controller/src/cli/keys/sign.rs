//! `keys sign`: from a draft to a signed document, with nothing but files.

use std::path::PathBuf;

use anyhow::{Context, bail};
use ed25519_dalek::SigningKey;
use loa_protocol::{
    envelope::{Document, countersign, open_unsigned, seal},
    root::{Approvers, PublicKey, Root},
};

use super::{named, read_key, show, write_file};
use crate::{
    binary,
    logic::trust::{ApproversDraft, RootDraft},
};

#[derive(Debug, clap::Args)]
pub struct Sign {
    /// A draft, or a document that needs further signatures
    #[arg(value_name = "DRAFT")]
    draft: PathBuf,
    /// A key to sign with; may be said several times
    #[arg(long, value_name = "FILE", required = true)]
    root_key: Vec<PathBuf>,
    /// When the root key changes: the former one
    #[arg(long, value_name = "FILE")]
    old_root_key: Vec<PathBuf>,
    /// Where the signed document goes; a file that is not there yet
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub fn sign(sign: &Sign) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(&sign.draft).with_context(|| named(&sign.draft))?;
    let paths = sign.root_key.iter().chain(&sign.old_root_key);
    let keys: Vec<SigningKey> = paths.map(|path| read_key(path)).collect::<Result<_, _>>()?;
    let bytes = if text.trim_start().starts_with('{') {
        sign_draft(&text, &keys).with_context(|| named(&sign.draft))?
    } else {
        let Some(bytes) = binary::bytes(&text) else {
            bail!(
                "{} is neither a draft nor a signed document",
                sign.draft.display()
            );
        };
        match open_unsigned::<Root>(&bytes) {
            Ok(root) => {
                show::tell_root(&root);
                add::<Root>(bytes, &keys)?
            }
            Err(_) => {
                show::tell_approvers(&open_unsigned(&bytes)?);
                add::<Approvers>(bytes, &keys)?
            }
        }
    };
    write_file(&sign.output, &(binary::text(&bytes) + "\n"))?;
    for key in &keys {
        println!(
            "Signed with the key {}.",
            PublicKey::new(key.verifying_key()).id()
        );
    }
    println!("{} is the signed document.", sign.output.display());
    Ok(())
}

fn sign_draft(text: &str, keys: &[SigningKey]) -> anyhow::Result<Vec<u8>> {
    let fields: serde_json::Value = serde_json::from_str(text)?;
    if fields.get("area").is_some() {
        let draft: ApproversDraft = serde_json::from_value(fields)?;
        let approvers = Approvers::try_from(draft)?;
        show::tell_approvers(&approvers);
        return seal_with(&approvers, keys);
    }
    let draft: RootDraft = serde_json::from_value(fields)?;
    let root = Root::try_from(draft)?;
    show::tell_root(&root);
    seal_with(&root, keys)
}

fn seal_with<D: Document>(document: &D, keys: &[SigningKey]) -> anyhow::Result<Vec<u8>> {
    let (first, further) = keys.split_first().context("a key to sign with")?;
    add::<D>(seal(document, first), further)
}

fn add<D: Document>(mut bytes: Vec<u8>, keys: &[SigningKey]) -> anyhow::Result<Vec<u8>> {
    for key in keys {
        bytes = countersign::<D>(&bytes, key)?;
    }
    Ok(bytes)
}

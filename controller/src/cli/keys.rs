//! `keys`: whom the speakers believe. For one person with one memory stick; `sign` needs nothing but this program and the files.

mod show;
mod sign;
mod take;

use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};
use ed25519_dalek::SigningKey;
use loa_protocol::{
    envelope::{KeyId, countersign, open_unsigned, seal},
    root::{EmergencyBy, Root},
};

use super::ConfigFile;
use crate::{
    binary,
    clock::SystemClock,
    keyfile,
    logic::trust::{Former, OVERLAP_S, RootDraft, rotate_office, rotate_root},
    store::{NEXT_ROOT_KEY, ROOT_KEY, Store},
};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Tell which keys are where, what they are for, and when they expire
    Show(ConfigFile),
    /// Write the next root as JSON, to be looked at, changed and signed
    Draft(Draft),
    /// Sign a draft, or add a signature to a signed document; works on a machine without office and network
    Sign(sign::Sign),
    /// Give the office a signed document: a root, or the approvers of an area
    Install(Install),
    /// Write the root key into a folder (of a memory stick), and remove it from this machine
    TakeRoot(take::TakeRoot),
    /// Make a new root key in a file
    NewRootKey(NewRootKey),
    /// Give the office a new signing key
    RotateOffice(RotateOffice),
    /// Put a new root key in the place of the present one
    RotateRoot(RotateRoot),
    /// Say whose word an emergency takes: the office's key alone, or approvers' passkeys
    ApproveBy(ApproveBy),
}

#[derive(Debug, clap::Args)]
pub struct Draft {
    /// Write it here instead of printing it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Debug, clap::Args)]
pub struct Install {
    /// What `keys sign` wrote
    #[arg(value_name = "FILE")]
    document: PathBuf,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Debug, clap::Args)]
pub struct NewRootKey {
    /// A file that is not there yet, best on a memory stick
    #[arg(value_name = "FILE")]
    key: PathBuf,
}

/// What is done at once where the root key is, and otherwise drafted.
#[derive(Debug, clap::Args)]
struct AtOnce {
    /// The root key, when it is not on this machine but, say, on a memory stick
    #[arg(long, value_name = "FILE")]
    root_key: Option<PathBuf>,
    /// Where the draft goes when there is no root key; root-NUMBER.json when not told
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Debug, clap::Args)]
pub struct RotateOffice {
    /// The present key was stolen: no speaker believes it any more
    #[arg(long)]
    now: bool,
    /// So many days speakers believe the present key, too
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=365), conflicts_with = "now")]
    overlap_days: u16,
    #[command(flatten)]
    at_once: AtOnce,
}

#[derive(Debug, clap::Args)]
pub struct RotateRoot {
    /// A key that `keys new-root-key` made; when not told, one is made where the present one is
    #[arg(long, value_name = "FILE")]
    new_root_key: Option<PathBuf>,
    #[command(flatten)]
    at_once: AtOnce,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum By {
    Passkey,
    Office,
}

#[derive(Debug, clap::Args)]
pub struct ApproveBy {
    by: By,
    /// How many approvers must have signed
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=8))]
    needed: u8,
    #[command(flatten)]
    at_once: AtOnce,
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Show(file) => show::show(&file).await?,
        Command::Draft(draft) => write_draft(draft).await?,
        Command::Sign(sign) => sign::sign(&sign)?,
        Command::Install(install) => install_file(&install).await?,
        Command::TakeRoot(take) => take::take_root(&take).await?,
        Command::NewRootKey(new) => {
            let key = keyfile::make();
            keyfile::write_new(&new.key, &key).with_context(|| named(&new.key))?;
            println!("{} holds a new root key.", new.key.display());
            println!("Its public key: {}", public(&key));
        }
        Command::RotateOffice(rotate) => rotate_the_office(rotate).await?,
        Command::RotateRoot(rotate) => rotate_the_root(rotate).await?,
        Command::ApproveBy(approve) => approve_by(approve).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn open(file: &ConfigFile) -> anyhow::Result<Store> {
    let config = file.load()?;
    Ok(Store::open(&config.data_dir, Arc::new(SystemClock)).await?)
}

fn named(path: &Path) -> String {
    path.display().to_string()
}

fn public(key: &SigningKey) -> String {
    hex::encode(key.verifying_key().as_bytes())
}

fn read_key(path: &Path) -> anyhow::Result<SigningKey> {
    let key = keyfile::read(path).with_context(|| named(path))?;
    key.with_context(|| format!("{}: there is no such file", path.display()))
}

/// What is there already is not written over.
fn write_file(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().with_context(|| named(path))
}

fn json(root: &Root) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&RootDraft::from(root))? + "\n")
}

async fn write_draft(draft: Draft) -> anyhow::Result<()> {
    let config = draft.file.load()?;
    let store = open(&draft.file).await?;
    let next = store
        .proposed_root(None, None, &config.relying_party())
        .await?;
    let text = json(&next)?;
    match draft.output {
        None => print!("{text}"),
        Some(path) => {
            write_file(&path, &text)?;
            tell_next_steps(&path);
        }
    }
    store.close().await;
    Ok(())
}

fn tell_next_steps(draft: &Path) {
    let draft = draft.display();
    println!(
        "{draft} is the next root, not signed yet. Look at it: every key and every name in it."
    );
    println!("Where the root key is:");
    println!("  loa-controller keys sign {draft} --root-key ROOT_KEY -o {draft}.signed");
    println!("Here again:");
    println!("  loa-controller keys install {draft}.signed");
}

async fn install_file(install: &Install) -> anyhow::Result<()> {
    let path = &install.document;
    let text = std::fs::read_to_string(path).with_context(|| named(path))?;
    let Some(bytes) = binary::bytes(&text) else {
        bail!(
            "{} is not signed: sign it first (loa-controller keys sign)",
            path.display()
        );
    };
    let store = open(&install.file).await?;
    if open_unsigned::<Root>(&bytes).is_ok() {
        put_root(&store, &bytes).await?;
    } else {
        let installed = store.install_approvers(&bytes).await?;
        println!(
            "The approvers of {} are installed (version {}).",
            installed.document.area, installed.document.version
        );
    }
    store.close().await;
    Ok(())
}

async fn put_root(store: &Store, bytes: &[u8]) -> anyhow::Result<()> {
    let installed = store.install_root(bytes).await?;
    let version = installed.document.version;
    if !installed.is_new {
        println!("Root {version} is in force already.");
        return Ok(());
    }
    println!("Root {version} is in force. A running office tells the speakers within seconds.");
    if installed.other_key {
        println!("The office signs with its new key from now on.");
    }
    if !installed.changed.is_empty() {
        println!("Emergencies that were planned wait for approvers' signatures: open the app.");
    }
    Ok(())
}

/// The root key that may sign what follows `root`.
async fn find_root_key(store: &Store, asked: Option<&Path>) -> anyhow::Result<Option<SigningKey>> {
    match asked {
        Some(path) => Ok(Some(read_key(path)?)),
        None => Ok(store.root_key_here().await?.map(|(_, key, _)| key)),
    }
}

/// `further`: keys that have to sign besides the present root key. Says whether it is in force.
async fn do_or_draft(
    store: &Store,
    next: &Root,
    further: &[SigningKey],
    at_once: &AtOnce,
) -> anyhow::Result<bool> {
    let Some(key) = find_root_key(store, at_once.root_key.as_deref()).await? else {
        let path = at_once
            .output
            .clone()
            .unwrap_or_else(|| format!("root-{}.json", next.version).into());
        write_file(&path, &json(next)?)?;
        println!("The root key is not on this machine.");
        tell_next_steps(&path);
        return Ok(false);
    };
    let mut bytes = seal(next, &key);
    for key in further {
        bytes = countersign::<Root>(&bytes, key)?;
    }
    put_root(store, &bytes).await?;
    Ok(true)
}

async fn rotate_the_office(rotate: RotateOffice) -> anyhow::Result<()> {
    let store = open(&rotate.at_once.file).await?;
    let standing = store.standing();
    let key = keyfile::make();
    let free = (2..).map(|n| store.data_dir().join(format!("office-{n}.key")));
    let path = { free }
        .find(|path| !path.exists())
        .context("a free name for the key")?;
    keyfile::write_new(&path, &key).with_context(|| named(&path))?;
    println!("{} is the office's new key.", path.display());
    let former = match rotate.now {
        true => Former::Gone,
        false => Former::For(i64::from(rotate.overlap_days) * OVERLAP_S / 30),
    };
    let next = rotate_office(standing.root()?, key.verifying_key(), former, store.now());
    do_or_draft(&store, &next, &[], &rotate.at_once).await?;
    store.close().await;
    Ok(())
}

async fn rotate_the_root(rotate: RotateRoot) -> anyhow::Result<()> {
    let store = open(&rotate.at_once.file).await?;
    let standing = store.standing();
    let old = standing.root()?;
    let here = store.root_key_here().await?;
    let waiting = store.data_dir().join(NEXT_ROOT_KEY);
    let (new, made_here) = match (&rotate.new_root_key, &here) {
        (Some(path), _) => (read_key(path)?, false),
        (None, Some(_)) => (
            keyfile::read_or_make(&waiting).with_context(|| named(&waiting))?,
            true,
        ),
        (None, None) => bail!(
            "the root key is not on this machine: make a new one where it is \
             (loa-controller keys new-root-key FILE), and say --new-root-key FILE"
        ),
    };
    let present = find_root_key(&store, rotate.at_once.root_key.as_deref()).await?;
    let present = match &present {
        Some(key) => KeyId::of(&key.verifying_key()),
        None => old.roots.first().context("the root has no key")?.id(),
    };
    let next = rotate_root(old, &present, new.verifying_key(), store.now());
    let done = do_or_draft(&store, &next, &[new], &rotate.at_once).await?;
    if done && made_here {
        // The former key signs nothing that anybody believes any more.
        let path = store.data_dir().join(ROOT_KEY);
        std::fs::rename(&waiting, &path).with_context(|| named(&path))?;
        keyfile::sync_folder_of(&path).with_context(|| named(&path))?;
        println!(
            "{} is the new root key: take it away (loa-controller keys take-root FOLDER).",
            path.display()
        );
    } else if done && let Some((path, _, _)) = here {
        println!(
            "The former root key is still here: remove {}.",
            path.display()
        );
    } else if !done {
        println!("It has to be signed with both: --root-key NEW --old-root-key FORMER.");
    }
    store.close().await;
    Ok(())
}

async fn approve_by(approve: ApproveBy) -> anyhow::Result<()> {
    let config = approve.at_once.file.load()?;
    let store = open(&approve.at_once.file).await?;
    let by = match approve.by {
        By::Passkey => EmergencyBy::Passkey,
        By::Office => EmergencyBy::Office,
    };
    let next = store
        .proposed_root(Some(by), Some(approve.needed), &config.relying_party())
        .await?;
    show::tell_rule(&next);
    do_or_draft(&store, &next, &[], &approve.at_once).await?;
    store.close().await;
    Ok(())
}

#[cfg(test)]
mod tests;

//! `audit verify` and `audit export`: for whoever wants to know whether the log was touched, and for whoever takes it along.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use serde_json::json;

use super::ConfigFile;
use crate::{clock::SystemClock, logic::audit::Kept, store::Store};

/// Entries read at a time.
const PAGE: u32 = 5_000;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Say whether the log is what was written; ends with 1 when it is not
    Verify(Verify),
    /// Write the whole log as lines of JSON, as docs/audit.md describes them
    Export(Export),
}

#[derive(Debug, clap::Args)]
pub struct Verify {
    /// Begin at this entry, and believe those before it
    #[arg(long, value_name = "N", default_value_t = 1)]
    from: u64,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Debug, clap::Args)]
pub struct Export {
    /// Where to; there must be no such file yet
    to: PathBuf,
    #[command(flatten)]
    file: ConfigFile,
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Verify(asked) => verify(asked).await,
        Command::Export(asked) => export(asked).await,
    }
}

async fn verify(asked: Verify) -> anyhow::Result<ExitCode> {
    let store = open(&asked.file).await?;
    let verified = store.verify_audit(asked.from).await?;
    store.close().await;
    let last = verified.last;
    if let Some((number, why)) = verified.broken {
        println!("Entry {number} is not in order: {why}.");
        println!("Up to entry {} the log is whole.", last.entries);
    } else {
        println!("{} entries, whole; the last hash is", last.entries);
        println!("  {}", last.hash);
    }
    let agree = verified.witnesses.iter().filter(|w| w.agrees).count();
    println!(
        "{agree} of {} speakers saw the same.",
        verified.witnesses.len()
    );
    for witness in verified.witnesses.iter().filter(|w| !w.agrees) {
        println!(
            "  {} saw {} entries, the last of them {}: the log has been changed since",
            witness.speaker, witness.saw.entries, witness.saw.hash
        );
    }
    Ok(if verified.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn export(asked: Export) -> anyhow::Result<ExitCode> {
    let to = asked.to.display().to_string();
    let store = open(&asked.file).await?;
    let file = File::create_new(&asked.to).with_context(|| format!("writing {to}"))?;
    let mut out = BufWriter::new(file);
    let end = store.checkpoint().await?.map_or(0, |last| last.entries);
    let mut next = 1;
    while next <= end {
        let page = store.audit_page(next, PAGE).await?;
        let Some(last) = page.last() else {
            break;
        };
        next = last.entry.number + 1;
        for kept in &page {
            writeln!(out, "{}", line(kept)).with_context(|| format!("writing {to}"))?;
        }
    }
    let file = out.into_inner().map_err(|error| error.into_error())?;
    file.sync_all().with_context(|| format!("writing {to}"))?;
    store.close().await;
    println!("{} entries are in {to}.", next - 1);
    Ok(ExitCode::SUCCESS)
}

/// One line of an export: every field that is hashed, as text.
fn line(kept: &Kept) -> serde_json::Value {
    let Kept {
        entry,
        previous,
        hash,
    } = kept;
    json!({
        "number": entry.number,
        "at": entry.at.as_micros(),
        "user": entry.user,
        "session": entry.session,
        "address": entry.address,
        "action": entry.action,
        "subject": entry.subject,
        "details": entry.details,
        "previous": previous.to_string(),
        "hash": hash.to_string(),
    })
}

async fn open(file: &ConfigFile) -> anyhow::Result<Store> {
    let config = file.load()?;
    Ok(Store::open(&config.data_dir, Arc::new(SystemClock)).await?)
}

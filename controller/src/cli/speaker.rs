//! `speaker`: a new pole and the code by which its board is enrolled, a new code for one that there is, and its end.

use std::{collections::HashMap, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context, bail};
use loa_protocol::id::{AreaId, SpeakerId};

use super::ConfigFile;
use crate::{
    agent_config::AgentConfig,
    chance,
    clock::{Clock, SystemClock},
    config::Config,
    http::area_names,
    pki::{Authority, Enrolment, Identity, refresh_revocations, write_private},
    sticker,
    store::{NewArea, NewSpeaker, Speaker, Store},
};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add a speaker; prints a one-time code by which its board is enrolled
    Add(Add),
    /// A new one-time code for a speaker; the board that uses it takes the place of any before
    Enrol(Enrol),
    /// Take a speaker away for good: its certificates are revoked and it is disconnected; its history stays
    Retire(Retire),
}

#[derive(Debug, clap::Args)]
pub struct Add {
    /// The speaker's id: a-z, 0-9 and '-'
    id: SpeakerId,
    /// Its name for people, for instance "Cụm loa xóm Bản Chương"
    #[arg(long)]
    name: String,
    /// The area's id, or names from the top such as "Võ Nhai/Sảng Mộc/Bản Chương", made where there are none
    #[arg(long)]
    area: String,
    /// Write a sticker to print (HTML) here
    #[arg(long, value_name = "FILE")]
    sticker: Option<PathBuf>,
    /// Only with mqtt.tls = false: write the agent's configuration, with its token, here instead of printing it
    #[arg(long, value_name = "FILE")]
    agent_config: Option<PathBuf>,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Debug, clap::Args)]
pub struct Enrol {
    /// The speaker's id
    id: SpeakerId,
    /// Write a sticker to print (HTML) here
    #[arg(long, value_name = "FILE")]
    sticker: Option<PathBuf>,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Debug, clap::Args)]
pub struct Retire {
    /// The speaker's id
    id: SpeakerId,
    #[command(flatten)]
    file: ConfigFile,
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Add(command) => add(command).await,
        Command::Enrol(command) => {
            let config = command.file.load()?;
            let store = Store::open(&config.data_dir, Arc::new(SystemClock)).await?;
            let speaker = store.speaker(&command.id).await?;
            enrol(&config, &store, &speaker, command.sticker).await?;
            store.close().await;
            Ok(ExitCode::SUCCESS)
        }
        Command::Retire(command) => {
            let config = command.file.load()?;
            let store = Store::open(&config.data_dir, Arc::new(SystemClock)).await?;
            store.remove_speaker(&command.id).await?;
            let now = SystemClock.now();
            let authority = Authority::open(store.data_dir(), now)?;
            refresh_revocations(&store, &authority, now).await?;
            store.close().await;
            println!(
                "{} is retired: its certificates are revoked, and a running office disconnects it within seconds.",
                command.id
            );
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn add(add: Add) -> anyhow::Result<ExitCode> {
    let config = add.file.load()?;
    if config.mqtt.tls && add.agent_config.is_some() {
        bail!(
            "--agent-config is for a line without TLS (mqtt.tls = false): here the board gets all that it needs by `loa-agent enrol`"
        );
    }
    let store = Store::open(&config.data_dir, Arc::new(SystemClock)).await?;
    let area = find_area(&store, &add.area).await?;
    let token = chance::token();
    let new = NewSpeaker {
        id: Some(add.id),
        zone: config.defaults.zone.clone(),
        quiet_hours: config.defaults.quiet_hours.clone(),
        self_test_at: config.defaults.self_test_at(),
        ..NewSpeaker::named(add.name, area)
    };
    let speaker = store.add_speaker(new, &token, None).await?;
    if config.mqtt.tls {
        enrol(&config, &store, &speaker, add.sticker).await?;
        store.close().await;
        return Ok(ExitCode::SUCCESS);
    }
    let agent = AgentConfig {
        speaker: speaker.id.clone(),
        name: speaker.name,
        address: config.broker_address(),
        key: store.office().public_key(),
        token,
        data_dir: None,
        output: None,
        at_any_hour: false,
    };
    store.close().await;
    match add.agent_config {
        None => print!("{agent}"),
        Some(path) => {
            agent
                .write(&path)
                .with_context(|| format!("writing {}", path.display()))?;
            println!(
                "{} was added; its configuration, with its secret, is {}",
                speaker.id,
                path.display()
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what the person at the board needs.
async fn enrol(
    config: &Config,
    store: &Store,
    speaker: &Speaker,
    file: Option<PathBuf>,
) -> anyhow::Result<()> {
    let listen = config.server.listen;
    let identity = Identity::open(config, store.data_dir(), listen, SystemClock.now())?;
    let office = config.base_url(listen);
    let enrolment = Enrolment::open(store, &identity, office, &speaker.id).await?;
    println!(
        "{} ({}) may be enrolled once, until {}.",
        speaker.id,
        speaker.name,
        enrolment.expires.timestamp()
    );
    println!("Code: {}", enrolment.code);
    println!("On the board:");
    println!("  loa-agent enrol '{}'", enrolment.text());
    match file {
        Some(path) => {
            let areas = area_names(store, speaker).await?;
            let page = sticker::page(speaker, &areas, &enrolment)
                .context("server.public_url is too long for a QR code")?;
            // Whoever reads the code can take the speaker's place.
            write_private(&path, &page)?;
            println!("The sticker to print is {}", path.display());
        }
        None => println!(
            "A sticker to print, with a new code: {}/api/v1/speakers/{}/sticker, or --sticker FILE",
            enrolment.office, speaker.id
        ),
    }
    Ok(())
}

/// By id, or by names from the top down; what is missing of the names is made.
async fn find_area(store: &Store, given: &str) -> anyhow::Result<AreaId> {
    let areas = store.areas(None).await?;
    if let Some(area) = areas.iter().find(|a| a.id.as_str() == given) {
        return Ok(area.id.clone());
    }
    let names: Vec<&str> = given.split('/').map(str::trim).collect();
    if names.len() < 2 {
        let known: Vec<&str> = areas.iter().map(|a| a.id.as_str()).collect();
        bail!(
            "there is no area {given:?}; there are {known:?}. To make one, name it from the top: \"Võ Nhai/Sảng Mộc/Bản Chương\""
        );
    }
    if names.iter().any(|name| name.is_empty()) {
        bail!("{given:?} has an empty name in it");
    }
    let by_place: HashMap<(Option<&AreaId>, &str), &AreaId> = areas
        .iter()
        .map(|area| ((area.parent.as_ref(), area.name.as_str()), &area.id))
        .collect();
    let mut parent: Option<AreaId> = None;
    for name in names {
        let id = match by_place.get(&(parent.as_ref(), name)) {
            Some(id) => (*id).clone(),
            None => {
                let new = NewArea {
                    name: name.to_owned(),
                    parent: parent.take(),
                    ..NewArea::default()
                };
                let area = store.add_area(new, None).await?;
                println!("# made the area {} ({})", area.id, area.name);
                area.id
            }
        };
        parent = Some(id);
    }
    parent.context("the area has at least two names")
}

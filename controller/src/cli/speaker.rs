//! `speaker add`: a new pole, and the configuration for its agent.

use std::{collections::HashMap, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context, bail};
use loa_protocol::id::{AreaId, SpeakerId};

use super::ConfigFile;
use crate::{
    agent_config::AgentConfig,
    chance,
    clock::SystemClock,
    store::{NewArea, NewSpeaker, Store},
};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add a speaker; prints its agent.toml, whose token is shown this once
    Add(Add),
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
    /// Write the agent's configuration here instead of printing it
    #[arg(long, value_name = "FILE")]
    agent_config: Option<PathBuf>,
    #[command(flatten)]
    file: ConfigFile,
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Add(add) = command;
    let config = add.file.load()?;
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

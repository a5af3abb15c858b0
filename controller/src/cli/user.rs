//! `user`: somebody who may sign in, and help for who lost phone and paper.

use std::{io::BufRead, process::ExitCode, sync::Arc};

use anyhow::Context;
use loa_protocol::id::AreaId;

use super::ConfigFile;
use crate::{
    auth,
    clock::SystemClock,
    logic::permissions::Role,
    store::{NewUser, Store},
};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add a user; prints a link to set the password unless it comes on standard input
    Add(Add),
    /// Take away somebody's passkeys, codes and recovery codes, and sign that person out: the password alone is enough again
    ResetFactors(ResetFactors),
}

#[derive(Debug, clap::Args)]
pub struct ResetFactors {
    /// The name to sign in with
    username: String,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Debug, clap::Args)]
pub struct Add {
    /// The name to sign in with
    username: String,
    /// administrator, officer, approver, hamlet_head or monitor
    #[arg(long, value_parser = role)]
    role: Role,
    /// The person's name; the username when not given
    #[arg(long)]
    name: Option<String>,
    /// Rights hold in this area and below; everywhere when not given
    #[arg(long, value_name = "ID")]
    area: Option<AreaId>,
    /// Read the password from standard input, one line
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    file: ConfigFile,
}

/// One spelling of the roles: the API's.
fn role(text: &str) -> Result<Role, String> {
    let word = serde_json::Value::String(text.replace('-', "_"));
    serde_json::from_value(word)
        .map_err(|_| "write administrator, officer, approver, hamlet_head or monitor".to_owned())
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Add(add) => self::add(add).await,
        Command::ResetFactors(reset) => reset_factors(reset).await,
    }
}

async fn reset_factors(reset: ResetFactors) -> anyhow::Result<ExitCode> {
    let config = reset.file.load()?;
    let store = Store::open(&config.data_dir, Arc::new(SystemClock)).await?;
    let found = store.user_by_name(&reset.username).await?;
    let (user, _) = found.with_context(|| format!("there is no user {:?}", reset.username))?;
    store.reset_factors(&user.id).await?;
    store.close().await;
    println!(
        "{} signs in with the password alone now, and is signed out everywhere.",
        user.username
    );
    Ok(ExitCode::SUCCESS)
}

async fn add(add: Add) -> anyhow::Result<ExitCode> {
    let config = add.file.load()?;
    let password = if add.password_stdin {
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .context("reading the password")?;
        Some(line.trim_end_matches(['\r', '\n']).to_owned())
    } else {
        None
    };
    let store = Store::open(&config.data_dir, Arc::new(SystemClock)).await?;
    let new = NewUser {
        name: add.name.unwrap_or_else(|| add.username.clone()),
        username: add.username,
        role: add.role,
        area: add.area,
        password_hash: None,
    };
    let (user, link_token) = auth::add_user(&store, new, password, None).await?;
    store.close().await;
    println!("{} may sign in.", user.username);
    if let Some(token) = link_token {
        println!("Open this link once within 7 days to set the password:");
        println!(
            "  {}/setup?token={token}",
            config.base_url(config.server.listen)
        );
    }
    Ok(ExitCode::SUCCESS)
}

//! `broker export`: what a Mosquitto needs in place of the embedded broker.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context;

use super::ConfigFile;
use crate::{
    clock::{Clock, SystemClock},
    pki::{Identity, server_names, write_private, write_public},
    store::Store,
};

const CONF: &str = include_str!("../../../config/mosquitto.conf");
const ACL: &str = include_str!("../../../config/mosquitto.acl");
/// Where the shipped configuration looks.
const SHIPPED: &str = "/etc/mosquitto/loa";

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Write configuration, certificates and keys for Mosquitto into a folder
    Export(Export),
}

#[derive(Debug, clap::Args)]
pub struct Export {
    /// The folder; made where there is none
    folder: PathBuf,
    /// Further names or addresses by which speakers know the broker's machine
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    file: ConfigFile,
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Export(export) = command;
    let config = export.file.load()?;
    let store = Store::open(&config.data_dir, Arc::new(SystemClock)).await?;
    let now = SystemClock.now();
    let listen = config.server.listen;
    let identity = Identity::open(&config, store.data_dir(), listen, now)?;
    let authority = identity.authority();
    let folder = &export.folder;
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let at = folder
        .canonicalize()
        .with_context(|| format!("finding {}", folder.display()))?;

    let conf = CONF.replace(SHIPPED, &at.display().to_string());
    write_public(&folder.join("mosquitto.conf"), &conf)?;
    write_public(&folder.join("mosquitto.acl"), ACL)?;
    write_public(&folder.join("ca.pem"), authority.pem())?;
    let mut names = server_names(&config, listen);
    names.extend(export.names);
    let server = authority.server(&names, now)?;
    write_public(&folder.join("server.pem"), &server.chain)?;
    write_private(&folder.join("server.key"), &server.key)?;
    let controller = authority.controller(now)?;
    write_public(&folder.join("controller.pem"), &controller.chain)?;
    write_private(&folder.join("controller.key"), &controller.key)?;
    let revoked = store.certificates_revoked().await?;
    let number = u64::try_from(now.as_micros()).unwrap_or(0);
    write_public(
        &folder.join("crl.pem"),
        &authority.revocations(&revoked, number, now)?,
    )?;
    store.close().await;
    println!(
        "{} holds what Mosquitto needs; server.key and controller.key are secrets.",
        at.display()
    );
    println!("The list of revocations grows: see docs/operations.md, Another broker.");
    Ok(ExitCode::SUCCESS)
}

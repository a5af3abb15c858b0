//! `check-config`: says what is wrong, or what the configuration amounts to.

use std::{path::Path, process::ExitCode};

use crate::config::Config;

pub fn check_config(file: &Path) -> anyhow::Result<ExitCode> {
    let config = Config::load(file)?;
    println!("{} is in order.", file.display());
    println!("  data      {}", config.data_dir.display());
    println!("  API       {}", config.base_url(config.server.listen));
    match &config.mqtt.external {
        None => {
            let how = if config.mqtt.tls { "TLS" } else { "no TLS" };
            println!("  broker    embedded, on {}, {how}", config.mqtt.listen);
        }
        Some(external) => {
            println!("  broker    {} as {}", external.address, external.username);
            if let Some(file) = &external.password_file
                && let Err(error) = std::fs::metadata(file)
            {
                println!("  warning   {}: {error}", file.display());
            }
        }
    }
    println!("  speech    {}", config.speech.command.join(" "));
    Ok(ExitCode::SUCCESS)
}

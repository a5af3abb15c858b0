//! The command line: what can be asked of `loa-controller`, and how it ends.

mod audit;
mod check;
mod keys;
mod openapi;
mod serve;
mod signals;
mod speaker;
mod user;

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Mutex,
};

use clap::{Parser, Subcommand};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::{
    act::Act,
    audio::child,
    broker::LOG_DIRECTIVES,
    config::{Config, ConfigError, DEFAULT_PATH, LogConfig, LogFormat},
    demo,
};

pub use signals::Signals;

/// sysexits.h: the configuration is wrong, so that systemd does not try again.
const EX_CONFIG: u8 = 78;

#[derive(Debug, Parser)]
#[command(
    name = "loa-controller",
    version,
    about = "Loa's office: plans bulletins and brings them to the speakers"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the controller: broker, database, HTTP API
    Serve(ConfigFile),
    /// A small village on this machine, with sound, that shows the main job
    Demo(demo::Options),
    /// Say whether the configuration is in order
    CheckConfig(ConfigFile),
    /// Print the description of the HTTP API (OpenAPI, JSON)
    Openapi,
    /// The people who may sign in
    #[command(subcommand)]
    User(user::Command),
    /// The speakers
    #[command(subcommand)]
    Speaker(speaker::Command),
    /// Whom the speakers believe: root key, office keys, approvers
    #[command(subcommand)]
    Keys(keys::Command),
    /// Reads one recording within fences; the controller starts it by itself
    #[command(hide = true)]
    Decode(child::Options),
    /// The log of who changed what
    #[command(subcommand)]
    Audit(audit::Command),
}

#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    config: PathBuf,
}

impl ConfigFile {
    fn load(&self) -> Result<Config, ConfigError> {
        Config::load(&self.config)
    }
}

/// Reads the command line, does what it says.
pub fn main() -> ExitCode {
    let command = match Cli::parse().command {
        // Without threads, and with nothing open.
        Command::Decode(options) => return child::run(options),
        command => command,
    };
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| {
            let done = runtime.block_on(run(command));
            // A hashing or reading thread that hangs must not keep the program.
            runtime.shutdown_timeout(std::time::Duration::from_secs(2));
            done
        });
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("loa-controller: {}", told(&error));
            match error.downcast_ref::<ConfigError>() {
                Some(_) => ExitCode::from(EX_CONFIG),
                None => ExitCode::FAILURE,
            }
        }
    }
}

/// The error and its causes in one line; a cause that stands in what was said already is not said twice.
fn told(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(file) => serve::serve(file.load()?).await,
        Command::Demo(options) => demo::run(options).await,
        Command::CheckConfig(file) => check::check_config(&file.config),
        Command::Openapi => openapi::print(),
        Command::User(command) => by_hand(user::run(command)).await,
        Command::Speaker(command) => by_hand(speaker::run(command)).await,
        Command::Keys(command) => by_hand(keys::run(command)).await,
        Command::Audit(command) => audit::run(command).await,
        Command::Decode(options) => Ok(child::run(options)),
    }
}

/// A command that may change something: the audit log tells of it under its name, such as `user add`.
async fn by_hand<T>(work: impl Future<Output = T>) -> T {
    let words: Vec<String> = std::env::args().skip(1).take(2).collect();
    Act::at_the_machine(words.join(" ")).doing(work).await
}

/// Log lines go to standard error; `RUST_LOG` wins over the configuration.
fn start_log(log: &LogConfig) {
    let coloured = std::io::IsTerminal::is_terminal(&std::io::stderr());
    start_log_to(&log.level, log.format, coloured, std::io::stderr);
}

/// Log lines go into this file, so that they do not stand between the lines for people.
pub(crate) fn start_log_file(file: &Path) -> std::io::Result<()> {
    let file = Mutex::new(File::create(file)?);
    start_log_to("info", LogFormat::Text, false, file);
    Ok(())
}

fn start_log_to<W>(level: &str, format: LogFormat, coloured: bool, to: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter =
        std::env::var("RUST_LOG").unwrap_or_else(|_| format!("{level},{LOG_DIRECTIVES},sqlx=warn"));
    let filter = EnvFilter::try_new(&filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(to);
    let started = match format {
        LogFormat::Text => log.with_target(false).with_ansi(coloured).try_init(),
        // What collects them sorts by target, and by fields that stand beside the message.
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    // Only a test could have set one before.
    drop(started);
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let missing = || std::io::Error::other("no such disk");
        let wrapped: anyhow::Error = ConfigError::Read {
            file: "/etc/loa/controller.toml".into(),
            source: missing(),
        }
        .into();
        assert_eq!(told(&wrapped).matches("no such disk").count(), 1);
        let context = Err::<(), _>(missing())
            .context("opening the store")
            .expect_err("an error");
        assert_eq!(told(&context), "opening the store: no such disk");
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}

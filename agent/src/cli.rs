//! The command line, and what its exit codes mean (sysexits.h).

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand, error::ErrorKind};
use tracing_subscriber::filter::LevelFilter;

use crate::{
    audio::{output, test_sound},
    clock,
    config::{Config, ConfigError, Log, LogFormat, LogLevel},
    health,
    runtime::{self, RunError},
};

const USAGE: u8 = 64;
const UNAVAILABLE: u8 = 69;
const SOFTWARE: u8 = 70;
const IO: u8 = 74;
const TEMPORARY: u8 = 75;
const CONFIG: u8 = 78;

/// The speaker's program of Loa.
#[derive(Debug, Parser)]
#[command(name = "loa-agent", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Be the speaker, until SIGTERM or SIGINT.
    Run(Common),
    /// Say whether the configuration is right, and if not, what is wrong.
    CheckConfig(Common),
    /// Show what the speaker is doing.
    Status {
        #[command(flatten)]
        common: Common,
        /// The whole status as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Play a chime now, through the configured output.
    TestSound(Common),
}

#[derive(Debug, clap::Args)]
struct Common {
    /// The configuration file.
    #[arg(long, value_name = "PATH", default_value = "/etc/loa-agent/agent.toml")]
    config: PathBuf,
}

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Should stdout be closed, there is nobody to tell.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                _ => ExitCode::from(USAGE),
            };
        }
    };
    let done = match cli.command {
        Command::Run(common) => run(&common.config),
        Command::CheckConfig(common) => check_config(&common.config),
        Command::Status { common, json } => status(&common.config, json),
        Command::TestSound(common) => sound(&common.config),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, sentence)) => {
            eprintln!("loa-agent: {sentence}");
            ExitCode::from(code)
        }
    }
}

type Done = Result<(), (u8, String)>;

fn load(path: &Path) -> Result<Config, (u8, String)> {
    Config::load(path).map_err(|error: ConfigError| (CONFIG, error.to_string()))
}

fn run(path: &Path) -> Done {
    let config = load(path)?;
    start_log(&config.log);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .thread_stack_size(256 * 1024)
        .build()
        .map_err(|e| (SOFTWARE, format!("the system gives no event loop: {e}")))?;
    runtime.block_on(runtime::run(&config)).map_err(|error| {
        let code = match &error {
            RunError::InUse(_) => TEMPORARY,
            RunError::Folder { .. } | RunError::Store(_) => IO,
            RunError::System(_) => SOFTWARE,
        };
        (code, error.to_string())
    })
}

fn check_config(path: &Path) -> Done {
    let config = load(path)?;
    println!(
        "{}: right. Speaker {}, office {}:{}, data in {}.",
        path.display(),
        config.speaker,
        config.office.host,
        config.office.port,
        config.data_dir.display()
    );
    Ok(())
}

fn status(path: &Path, json: bool) -> Done {
    let config = load(path)?;
    let file = health::read(&config.data_dir).map_err(|e| {
        let where_from = config.data_dir.display();
        (
            UNAVAILABLE,
            format!(
                "no status in {where_from} ({e}): has the agent ever run with this configuration?"
            ),
        )
    })?;
    let runs = health::runs(&config.data_dir);
    if json {
        let value = serde_json::json!({ "running": runs, "file": file });
        println!("{value:#}");
    } else {
        for line in health::lines(&file, clock::system(), runs) {
            println!("{line}");
        }
    }
    if runs {
        Ok(())
    } else {
        Err((UNAVAILABLE, "the agent is not running".into()))
    }
}

fn sound(path: &Path) -> Done {
    let config = load(path)?;
    start_log(&Log::default());
    let mut output = output::choose(&config.output, &config.speaker);
    println!("Playing on {} ...", output.describe());
    match test_sound::test_sound(output.as_mut()) {
        Ok(what) => {
            println!("Played {what}.");
            Ok(())
        }
        Err(error) => Err((UNAVAILABLE, error.to_string())),
    }
}

/// To stderr, one line each; under systemd that is the journal.
fn start_log(log: &Log) {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr);
    match log.format {
        LogFormat::Text => lines
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .init(),
        // What collects them sorts by target, and by fields that stand beside the message.
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}

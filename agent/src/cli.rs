//! The command line, and what its exit codes mean (sysexits.h).

use std::{
    io::{BufRead, IsTerminal, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand, error::ErrorKind};
use loa_audio::hearing::Verdict;
use tracing_subscriber::filter::LevelFilter;

use crate::{
    audio::{output, self_test, test_sound},
    clock,
    config::{Config, ConfigError, Log, LogFormat, LogLevel},
    enrol::{self, EnrolError, Sticker},
    health,
    identity::{self, Identity},
    office_http::HttpError,
    runtime::{self, Ended, RunError},
};

const USAGE: u8 = 64;
const UNAVAILABLE: u8 = 69;
const SOFTWARE: u8 = 70;
const IO: u8 = 74;
const TEMPORARY: u8 = 75;
const NO_PERMISSION: u8 = 77;
const CONFIG: u8 = 78;
/// A sticker's text has some 150.
const MAX_SCANNED_BYTES: u64 = 4_096;

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
    /// Make a key here and get a certificate for it from the office whose sticker this is.
    Enrol {
        #[command(flatten)]
        common: Common,
        /// The text of the sticker's QR code; its code alone, with --office and --fingerprint; or - to read the text from a
        /// scanner on standard input.
        #[arg(value_name = "TEXT|CODE|-")]
        text: String,
        /// The office's address, as on the sticker.
        #[arg(long, value_name = "URL")]
        office: Option<String>,
        /// The fingerprint of the office's certificate, as on the sticker.
        #[arg(long, value_name = "HEX")]
        fingerprint: Option<String>,
    },
    /// Show who this pole is: its speaker, its certificate, and whom it believes.
    Identity(Common),
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
    /// Sound the self-test now, and say whether the configured microphone or command heard it.
    SelfTest(Common),
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
        Command::Enrol {
            common,
            text,
            office,
            fingerprint,
        } => enrol_pole(
            &common.config,
            &text,
            office.as_deref(),
            fingerprint.as_deref(),
        ),
        Command::Identity(common) => identity(&common.config),
        Command::Status { common, json } => status(&common.config, json),
        Command::TestSound(common) => sound(&common.config),
        Command::SelfTest(common) => hear(&common.config),
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
    match event_loop()?.block_on(runtime::run(&config)) {
        Ok(Ended::Asked) => Ok(()),
        // No success: what starts programs again only when they fail starts this one again, too.
        Ok(Ended::Ordered) => Err((TEMPORARY, "ended to be started again, as ordered".into())),
        Err(error) => {
            let code = match &error {
                RunError::InUse(_) => TEMPORARY,
                RunError::Folder { .. } | RunError::Store(_) => IO,
                RunError::System(_) => SOFTWARE,
            };
            Err((code, error.to_string()))
        }
    }
}

fn event_loop() -> Result<tokio::runtime::Runtime, (u8, String)> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .thread_stack_size(256 * 1024)
        .build()
        .map_err(|e| (SOFTWARE, format!("the system gives no event loop: {e}")))
}

/// Where it is when the configuration says so; a pole that is being enrolled may have none yet.
fn data_dir(path: &Path) -> Result<PathBuf, (u8, String)> {
    match Config::data_dir(path) {
        Ok(data_dir) => Ok(data_dir),
        Err(ConfigError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(Config::default_data_dir())
        }
        Err(error) => Err((CONFIG, error.to_string())),
    }
}

fn enrol_pole(path: &Path, text: &str, office: Option<&str>, fingerprint: Option<&str>) -> Done {
    let data_dir = data_dir(path)?;
    let mut scanned = String::new();
    if text == "-" {
        // A scanner ends the text with a newline, as a keyboard does.
        std::io::BufReader::new(std::io::stdin())
            .take(MAX_SCANNED_BYTES)
            .read_line(&mut scanned)
            .map_err(|e| (IO, format!("nothing can be read from the scanner: {e}")))?;
    }
    let text = if text == "-" { &scanned } else { text };
    let sticker = Sticker::read(text, office, fingerprint).map_err(|e| (USAGE, e.to_string()))?;
    let enrolled = event_loop()?.block_on(enrol::enrol(&sticker, &data_dir));
    let (identity, name) = enrolled.map_err(|error| {
        let code = match &error {
            EnrolError::Http(HttpError::AnotherOffice) | EnrolError::WrongCode => NO_PERMISSION,
            EnrolError::Http(_) | EnrolError::TooManyGuesses => TEMPORARY,
            EnrolError::Disk { .. } => IO,
            _ => UNAVAILABLE,
        };
        (code, error.to_string())
    })?;
    let runs = health::runs(&data_dir);
    for line in enrol::lines(&identity, &name, &data_dir, clock::system(), runs) {
        println!("{line}");
    }
    Ok(())
}

fn identity(path: &Path) -> Done {
    let data_dir = data_dir(path)?;
    match Identity::load(&data_dir) {
        Ok(Some(identity)) => {
            for line in identity::lines(&identity) {
                println!("{line}");
            }
            Ok(())
        }
        Ok(None) => Err((UNAVAILABLE, "this pole is not enrolled".into())),
        Err(error) => Err((IO, error.to_string())),
    }
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

fn hear(path: &Path) -> Done {
    let config = load(path)?;
    start_log(&Log::default());
    let output = output::choose(&config.output, &config.speaker);
    println!("Playing a chirp on {} ...", output.describe());
    let found = self_test::self_test(output, &config)
        .map_err(|why| (UNAVAILABLE, format!("nothing can be said: {why}")))?;
    println!("{}", self_test::words(&found));
    match found.verdict() {
        Verdict::Heard => Ok(()),
        _ => Err((UNAVAILABLE, "the horn was not heard".into())),
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

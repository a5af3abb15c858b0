//! The three agents: processes of their own, which end with the demo whatever happens to it.

use std::{
    fs::File,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};
use tokio::process::{Child, Command};

use super::{
    api::Api,
    village::{Pole, Village},
};

/// How long an agent may take to end by itself.
const GOODBYE: Duration = Duration::from_secs(5);

pub struct Agents {
    running: Vec<Running>,
}

struct Running {
    pole: Pole,
    child: Child,
    log: PathBuf,
}

/// The agent's program: as given, or beside our own.
pub fn find_program(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    let program = match given {
        Some(path) => path.to_path_buf(),
        None => std::env::current_exe()
            .context("finding our own program")?
            .with_file_name("loa-agent"),
    };
    if !program.is_file() {
        bail!(
            "there is no agent at {}; build it (cargo build --release --bin loa-agent) or name it with --agent",
            program.display()
        );
    }
    Ok(program)
}

impl Agents {
    /// Each is enrolled as a real one is, by the text of its sticker, and then switched on.
    pub async fn start(
        program: &Path,
        dir: &Path,
        api: &Api,
        village: &Village,
        output: &str,
    ) -> anyhow::Result<Self> {
        let mut agents = Self {
            running: Vec::new(),
        };
        for pole in &village.poles {
            let home = dir.join(pole.id.as_str());
            std::fs::create_dir_all(&home)?;
            let file = home.join("agent.toml");
            let folder = recordings(dir).join(pole.id.as_str());
            std::fs::write(&file, configuration(&home.join("data"), output, &folder))
                .with_context(|| format!("writing {}", file.display()))?;
            let sticker = api.sticker(pole.id.as_str()).await?;
            enrol(program, &file, &sticker)
                .await
                .with_context(|| format!("enrolling the pole of {}", pole.name))?;
            let log = home.join("agent.log");
            let child = spawn(program, &file, &log)
                .with_context(|| format!("starting {}", program.display()))?;
            agents.running.push(Running {
                pole: pole.clone(),
                child,
                log,
            });
        }
        Ok(agents)
    }

    /// An error when one has ended, which none should.
    pub fn check(&mut self) -> anyhow::Result<()> {
        for agent in &mut self.running {
            if let Some(status) = agent.child.try_wait()? {
                let log = std::fs::read_to_string(&agent.log).unwrap_or_default();
                let last: Vec<&str> = log.lines().rev().take(5).collect();
                bail!(
                    "the agent of {} ended by itself ({status}). The end of {}:\n{}",
                    agent.pole.name,
                    agent.log.display(),
                    last.into_iter().rev().collect::<Vec<_>>().join("\n")
                );
            }
        }
        Ok(())
    }

    /// Asks all to end, and makes those who do not.
    pub async fn stop(mut self) {
        for agent in &self.running {
            if let Some(pid) = agent
                .child
                .id()
                .and_then(|id| Pid::from_raw(id.cast_signed()))
            {
                // It may have ended this moment.
                let _ = kill_process(pid, Signal::TERM);
            }
        }
        for agent in &mut self.running {
            if tokio::time::timeout(GOODBYE, agent.child.wait())
                .await
                .is_err()
            {
                let _ = agent.child.kill().await;
            }
        }
    }
}

/// Where WAV files go, a folder for each pole.
pub fn recordings(dir: &Path) -> PathBuf {
    dir.join("wav")
}

fn configuration(data_dir: &Path, output: &str, directory: &Path) -> String {
    let quoted = |path: &Path| toml::Value::String(path.display().to_string());
    format!(
        "data_dir = {}\n[output]\nkind = \"{output}\"\ndirectory = {}\n[governor]\nquiet_hours = []\n",
        quoted(data_dir),
        quoted(directory)
    )
}

async fn enrol(program: &Path, config: &Path, sticker: &str) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    command
        .arg("enrol")
        .arg("--config")
        .arg(config)
        .arg(sticker);
    let done = command.kill_on_drop(true).output().await?;
    if !done.status.success() {
        bail!("{}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(())
}

fn spawn(program: &Path, config: &Path, log: &Path) -> std::io::Result<Child> {
    let out = File::create(log)?;
    let mut command = std::process::Command::new(program);
    command
        .arg("run")
        .arg("--config")
        .arg(config)
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        // Ctrl-C is for the demo, which then ends its agents in order.
        .process_group(0);
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; this is one prctl(2), without allocation.
    unsafe {
        command.pre_exec(|| {
            // Should the demo be killed outright, its agents must not sound on without it.
            set_parent_process_death_signal(Some(Signal::TERM)).map_err(Into::into)
        });
    }
    Command::from(command).kill_on_drop(true).spawn()
}

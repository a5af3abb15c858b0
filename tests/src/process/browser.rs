//! A real browser with the phone app in it, driven by a script of `controller/web/e2e`.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use super::{clock::wait_for, commune::PASSWORD, figures, program::Program, village::Village};

/// A script that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(400);

/// Where pictures of every screen go.
pub fn screenshots() -> PathBuf {
    figures::folder().with_file_name("screenshots")
}

/// Runs `controller/web/e2e/{script}.mjs` against the village's office. Gives what the script told at its end.
///
/// The script finds its task in `LOA_TASK`, a JSON object: `url`, `password`, `screenshots`, and all that `more` holds;
/// it writes its answer to the file named in `answer`.
///
/// # Panics
/// When the script fails; with all that it printed.
#[track_caller]
pub fn run(village: &Village, script: &str, more: &Value) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../controller/web");
    let answer = village.folder().join(format!("{script}.answer.json"));
    let log = village.folder().join(format!("{script}.log"));
    let shots = screenshots();
    std::fs::create_dir_all(&shots).expect("target/screenshots can be made");
    let mut task = serde_json::json!({
        "url": village.office.url(), "password": PASSWORD, "screenshots": shots, "answer": answer,
        "scratch": village.folder(),
    });
    let (Some(all), Some(more)) = (task.as_object_mut(), more.as_object()) else {
        panic!("a task is an object");
    };
    all.extend(more.clone());
    let mut node = Command::new("node");
    node.arg(folder.join("e2e").join(format!("{script}.mjs")))
        .current_dir(&folder)
        .env("LOA_TASK", task.to_string())
        .stdin(Stdio::null());
    if let Some(pulse) = &village.pulse {
        pulse.give_to(&mut node);
    }
    let mut program = Program::start(script, &mut node, &log);
    wait_for(&format!("{script} ends"), PATIENCE, || {
        !program.is_running()
    });
    let told = std::fs::read(&answer).ok();
    let Some(told) = told else {
        let _ = writeln!(std::io::stderr(), "{}", program.log());
        panic!("{script} failed; what it printed stands above");
    };
    let _ = std::fs::remove_file(&answer);
    serde_json::from_slice(&told).expect("the script's answer is JSON")
}

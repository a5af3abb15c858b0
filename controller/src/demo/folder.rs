//! The demo's folder: made, or emptied when an earlier demo made it. Nobody else's folder is ever touched.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

const MARK: &str = ".loa-demo";

/// An empty folder of the demo's own; returns its absolute path.
pub fn fresh(dir: &Path) -> anyhow::Result<PathBuf> {
    let at = || format!("the demo's folder {}", dir.display());
    if dir.exists() {
        let ours = dir.join(MARK).exists();
        let empty = fs::read_dir(dir).with_context(at)?.next().is_none();
        if !ours && !empty {
            bail!(
                "{} holds something that no demo made; give another folder with --dir",
                dir.display()
            );
        }
        // One that still runs would lose its database under its feet.
        if ours && another_runs(dir) {
            bail!(
                "a demo runs in {} already; give another folder with --dir",
                dir.display()
            );
        }
        fs::remove_dir_all(dir).with_context(at)?;
    }
    fs::create_dir_all(dir).with_context(at)?;
    fs::write(dir.join(MARK), std::process::id().to_string()).with_context(at)?;
    dir.canonicalize().with_context(at)
}

fn another_runs(dir: &Path) -> bool {
    let Ok(pid) = fs::read_to_string(dir.join(MARK)) else {
        return false;
    };
    // A number may have gone to another program since; its command line says whose it is.
    fs::read_to_string(format!("/proc/{}/cmdline", pid.trim())).is_ok_and(|line| {
        pid.trim() != std::process::id().to_string() && line.contains("loa-controller")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_demo_is_cleared_away_and_somebody_s_folder_is_not() {
        let outer = tempfile::tempdir().expect("a folder");
        let dir = outer.path().join("demo");
        let made = fresh(&dir).expect("nothing there");
        fs::write(made.join("left-over"), "x").expect("written");
        let made = fresh(&dir).expect("ours");
        assert!(!made.join("left-over").exists());
        let theirs = outer.path().join("theirs");
        fs::create_dir(&theirs).expect("made");
        fs::write(theirs.join("thesis.odt"), "x").expect("written");
        assert!(fresh(&theirs).is_err());
        assert!(theirs.join("thesis.odt").exists());
    }
}

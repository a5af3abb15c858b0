//! `keys show`, and what is told of a root before it is signed.

use loa_protocol::{
    envelope::KeyId,
    root::{Approver, Approvers, EmergencyBy, Root},
    time::WallTime,
};
use sha2::{Digest, Sha256};

use super::{super::ConfigFile, open};
use crate::{authority, store::key_files};

/// The first ten characters of a time: its date.
fn date(at: WallTime) -> String {
    at.to_string().chars().take(10).collect()
}

pub async fn show(file: &ConfigFile) -> anyhow::Result<()> {
    let store = open(file).await?;
    let standing = store.standing();
    let root = standing.root()?;
    tell_root(root);
    println!("On this machine ({}):", store.data_dir().display());
    match store.root_key_here().await? {
        Some((path, _, since)) => println!(
            "  {}  the root key, since {}: take it away (loa-controller keys take-root FOLDER)",
            path.display(),
            date(since)
        ),
        None => println!("  no root key: it is where you took it"),
    }
    let signing = KeyId::of(&standing.office.key.verifying_key());
    for (path, key) in key_files(store.data_dir())? {
        let id = KeyId::of(&key.verifying_key());
        let named = root.office.iter().any(|named| named.key.id() == id);
        let what = match (id == signing, named) {
            (true, true) => "signs now",
            (true, false) => "signs now, but no speaker believes it",
            (false, true) => "still believed",
            (false, false) => "not believed: it may be deleted",
        };
        println!("  {}  office key {id}: {what}", path.display());
    }
    if let Some(authority) = authority::read(store.data_dir()).await? {
        println!(
            "  ca.pem  certificate authority {}, until {}",
            authority.fingerprint,
            date(authority.expires)
        );
    }
    for unnamed in store.unnamed_passkeys().await? {
        println!("Not an approver yet: {}", told(&unnamed.approver));
    }
    for warning in store.trust_warnings().await? {
        println!("Warning: {}.", warning.text());
    }
    store.close().await;
    Ok(())
}

pub fn tell_root(root: &Root) {
    println!(
        "Root {}, made {}, until {}.",
        root.version,
        date(root.made),
        date(root.expires)
    );
    println!("  It takes {} of these to sign the next one:", root.needed);
    for key in &root.roots {
        println!("    root key {} ({key})", key.id());
    }
    for key in &root.office {
        println!("  office key {} until {}", key.key.id(), date(key.expires));
    }
    for key in &root.areas {
        println!(
            "  key {} names approvers for {} until {}",
            key.key.id(),
            key.area,
            date(key.expires)
        );
    }
    tell_rule(root);
    for approver in &root.approvers {
        println!("  approver {}", told(approver));
    }
}

pub fn tell_rule(root: &Root) {
    match root.emergency.by {
        EmergencyBy::Office => {
            println!("  An emergency needs the office's key only: the weaker rule.");
        }
        EmergencyBy::Passkey => println!(
            "  An emergency needs the passkeys of {} approvers, made at {}.",
            root.emergency.needed, root.emergency.relying_party
        ),
    }
}

pub fn tell_approvers(document: &Approvers) {
    println!(
        "Approvers of {}, version {}, until {}:",
        document.area,
        document.version,
        date(document.expires)
    );
    for approver in &document.approvers {
        println!("  {}", told(approver));
    }
}

/// The fingerprint is of the passkey's public key: compare it with what the approver's phone shows.
fn told(approver: &Approver) -> String {
    let places = match approver.channels.as_slice() {
        [] => "everywhere".to_owned(),
        [one] => one.to_string(),
        [one, more @ ..] => format!("{one} and {} more", more.len()),
    };
    let fingerprint = hex::encode(&Sha256::digest(&approver.key)[..8]);
    format!(
        "{} (passkey {fingerprint}), {places}, until {}",
        approver.name,
        date(approver.expires)
    )
}

//! From the death of a pole until the office shows it.

use std::{collections::HashMap, time::Duration};

use crate::process::{
    clock::{mono_us, wait_for, wait_until},
    village::Village,
};

/// How a pole dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Its power goes: it is gone, and its line says nothing of that.
    PowerCut,
    /// Its line goes: it lives on and reaches nobody.
    CableCut,
    /// Its program is killed; the machine closes its connections.
    Killed,
    /// Its program hangs; its connections stay open.
    Frozen,
}

impl Death {
    pub const ALL: [Self; 4] = [Self::PowerCut, Self::CableCut, Self::Killed, Self::Frozen];
}

/// Every pole of a village with lines dies, in turn of [`Death::ALL`], all within a second. How each died, and seconds
/// until the office showed it.
#[track_caller]
pub fn deaths(village: &mut Village, patience: Duration) -> Vec<(Death, f64)> {
    wait_for("the office sees all", Duration::from_secs(60), || {
        gone(village).is_empty()
    });
    let mut died = HashMap::new();
    for (index, death) in (0..village.poles.len()).zip(Death::ALL.into_iter().cycle()) {
        let pole = &mut village.poles[index];
        match death {
            Death::PowerCut => {
                village.lines[index].cut();
                pole.kill();
            }
            Death::CableCut => village.lines[index].cut(),
            Death::Killed => pole.kill(),
            Death::Frozen => pole.freeze(),
        }
        died.insert(pole.id.clone(), (death, mono_us()));
    }
    let mut shown: HashMap<String, f64> = HashMap::new();
    wait_until("the office shows every death", patience, || {
        let now_us = mono_us();
        for pole in gone(village) {
            let (_, at_us) = died[&pole];
            let after_s = now_us.saturating_sub(at_us) as f64 / 1e6;
            shown.entry(pole).or_insert(after_s);
        }
        (shown.len() == died.len()).then_some(())
    });
    let all = died.into_iter();
    all.map(|(pole, (death, _))| (death, shown[&pole]))
        .collect()
}

/// The poles that the app shows as silent or offline.
fn gone(village: &Village) -> Vec<String> {
    let now = village.office.api.get("/now");
    let speakers = now["speakers"].as_array().expect("a list of speakers");
    let word = |speaker: &serde_json::Value, key: &str| {
        speaker[key].as_str().unwrap_or_default().to_owned()
    };
    speakers
        .iter()
        .filter(|speaker| word(speaker, "presence") != "online")
        .map(|speaker| word(speaker, "speaker"))
        .collect()
}

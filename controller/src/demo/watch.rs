//! Watches the village and tells in plain lines what happens.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::bail;
use loa_protocol::{
    content::ContentId,
    id::{BulletinId, SpeakerId},
    time::WallTime,
};

use super::{
    agents::{self, Agents},
    api::Audio,
    village::Village,
};
use crate::{
    app::App,
    clock::Clock,
    engine::EngineHandle,
    logic::Presence,
    store::{PlayoutFilter, Store},
};

/// How often it looks.
const LOOK: Duration = Duration::from_millis(100);

/// A bulletin that everybody should hear.
pub struct Expected {
    pub bulletin: BulletinId,
    pub title: String,
    pub at: WallTime,
    duration_ms: i64,
    content: ContentId,
    /// Its time came before the end of the demo.
    pub is_due: bool,
    /// How many poles were last said to be ready.
    ready: usize,
}

impl Expected {
    fn new(bulletin: BulletinId, title: &str, at: WallTime, audio: &Audio) -> Self {
        Self {
            bulletin,
            title: title.to_owned(),
            at,
            duration_ms: audio.duration_ms,
            content: audio.content,
            is_due: true,
            ready: 0,
        }
    }
}

pub struct Watch {
    engine: EngineHandle,
    store: Store,
    clock: Arc<dyn Clock>,
    began: WallTime,
    village: Village,
    online: HashMap<SpeakerId, Presence>,
    expected: Vec<Expected>,
    /// Comes only when the demo lasts until then.
    perhaps: Option<Expected>,
    /// What was told of each playout: begun, and its end.
    told: HashSet<(SpeakerId, String, &'static str)>,
}

impl Watch {
    pub fn new(app: &App, clock: Arc<dyn Clock>, began: WallTime, village: Village) -> Self {
        Self {
            engine: app.engine(),
            store: app.store().clone(),
            clock,
            began,
            village,
            online: HashMap::new(),
            expected: Vec::new(),
            perhaps: None,
            told: HashSet::new(),
        }
    }

    /// One line, with the seconds since the beginning.
    pub fn say(&self, line: &str) {
        let seconds = self.clock.now().since_ms(self.began) as f64 / 1_000.0;
        println!("{seconds:6.1} s  {line}");
    }

    pub fn expect(&mut self, bulletin: BulletinId, title: &str, at: WallTime, audio: &Audio) {
        self.expected
            .push(Expected::new(bulletin, title, at, audio));
    }

    pub fn expected(&self) -> &[Expected] {
        &self.expected
    }

    pub async fn until_online(
        &mut self,
        agents: &mut Agents,
        within: Duration,
    ) -> anyhow::Result<()> {
        let deadline = self.clock.mono_us() + u64::try_from(within.as_micros()).unwrap_or(u64::MAX);
        loop {
            agents.check()?;
            self.look_at_presence();
            let there = |p: &Presence| *p == Presence::Online;
            if self.online.values().filter(|p| there(p)).count() == self.village.poles.len() {
                return Ok(());
            }
            if self.clock.mono_us() > deadline {
                let missing = self
                    .village
                    .poles
                    .iter()
                    .filter(|p| !self.online.get(&p.id).is_some_and(there));
                let missing: Vec<&str> = missing.map(|p| p.name).collect();
                bail!(
                    "{} did not come online within {} s; see agent.log in the demo's folder",
                    missing.join(", "),
                    within.as_secs()
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Until all is over and the seconds have passed; without a number of seconds for ever.
    pub async fn until_over(
        &mut self,
        agents: &mut Agents,
        seconds: Option<u32>,
        grace_s: i64,
    ) -> anyhow::Result<()> {
        let end = seconds.map(|s| self.began.plus_s(i64::from(s)));
        let mut resting = false;
        loop {
            agents.check()?;
            self.look_at_presence();
            self.look_at_content();
            let over = self.look_at_playouts().await?;
            let now = self.clock.now();
            if let Some(end) = end.filter(|end| *end <= now) {
                // What has begun is heard to its end; what was planned for later is not waited for.
                self.expected
                    .iter_mut()
                    .for_each(|e| e.is_due = e.at <= end);
                let due = self.expected.iter().filter(|e| e.is_due);
                let last = due
                    .clone()
                    .map(|e| e.at.plus_ms(e.duration_ms).plus_s(grace_s))
                    .max();
                if due.map(|e| &e.bulletin).all(|b| over.contains(b))
                    || last.is_none_or(|last| last <= now)
                {
                    return Ok(());
                }
            }
            if !resting && self.expected.iter().all(|e| over.contains(&e.bulletin)) {
                resting = true;
                self.say(match end {
                    Some(_) => "all is over; the demo ends soon",
                    None => "all is over; the village stays up, try the API. Ctrl-C ends it",
                });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What comes every morning. It is expected only when its time comes before the demo's end: one that ends by itself
    /// waits for it like for everything else, one that stays up learns at Ctrl-C whether it came.
    pub fn expect_if_in_time(
        &mut self,
        bulletin: BulletinId,
        title: &str,
        at: WallTime,
        audio: &Audio,
        seconds: Option<u32>,
    ) {
        let expected = Expected::new(bulletin, title, at, audio);
        match seconds {
            Some(s) if at <= self.began.plus_s(i64::from(s)) => self.expected.push(expected),
            Some(_) => {}
            None => self.perhaps = Some(expected),
        }
    }

    /// What did not have the time to be heard to its end is not missed.
    pub fn stopped_now(&mut self) {
        let now = self.clock.now();
        let came = self.perhaps.take_if(|e| e.at <= now);
        self.expected.extend(came);
        self.expected
            .iter_mut()
            .for_each(|e| e.is_due = e.at.plus_ms(e.duration_ms) <= now);
    }

    /// Waits a moment for the last words of the agents to be stored.
    pub async fn settle(&mut self) {
        for _ in 0..10 {
            let all = match self.look_at_playouts().await {
                Ok(over) => self
                    .expected
                    .iter()
                    .filter(|e| e.is_due)
                    .all(|e| over.contains(&e.bulletin)),
                Err(_) => true,
            };
            if all {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Where the sound went, when it went into files.
    pub fn recordings(&self, dir: &Path) -> Option<(&'static str, PathBuf)> {
        let folder = agents::recordings(dir);
        folder.is_dir().then_some((
            "The recordings, one for each playout, its exact start beside it",
            folder,
        ))
    }

    fn look_at_presence(&mut self) {
        for pole in &self.village.poles {
            let presence = self.engine.presence(&pole.id).presence;
            let status = self.engine.status(&pole.id);
            // Online is told with the output, which comes with the first status.
            if presence == Presence::Online && status.is_none() {
                continue;
            }
            let before = self.online.insert(pole.id.clone(), presence);
            if before == Some(presence) || (before.is_none() && presence != Presence::Online) {
                continue;
            }
            let output = status.filter(|_| presence == Presence::Online);
            let output = output
                .map(|s| format!(", sound goes to {}", s.output))
                .unwrap_or_default();
            self.say(&format!("{} is {presence}{output}", pole.name));
        }
    }

    fn look_at_content(&mut self) {
        let poles = self.village.poles.len();
        let mut lines = Vec::new();
        for expected in &mut self.expected {
            let holds = |id: &SpeakerId| {
                self.engine
                    .status(id)
                    .is_some_and(|s| s.held.contains(&expected.content))
            };
            let ready = self.village.poles.iter().filter(|p| holds(&p.id)).count();
            if ready > expected.ready {
                expected.ready = ready;
                lines.push(format!(
                    "“{}” is ready on {ready} of {poles}",
                    expected.title
                ));
            }
        }
        lines.iter().for_each(|line| self.say(line));
    }

    /// Tells what is new; returns the bulletins that are over everywhere.
    async fn look_at_playouts(&mut self) -> anyhow::Result<HashSet<BulletinId>> {
        let filter = PlayoutFilter {
            limit: 1_000,
            ..PlayoutFilter::default()
        };
        let mut playouts = self.store.playouts(&filter).await?;
        playouts.sort_by_key(|p| p.started);
        let mut ended: HashMap<BulletinId, usize> = HashMap::new();
        for playout in playouts {
            let name = self.village.name(&playout.speaker);
            let key = playout.occurrence.to_string();
            if let Some(error_us) = playout.error_us
                && self
                    .told
                    .insert((playout.speaker.clone(), key.clone(), "begun"))
            {
                let late = lateness_words(error_us);
                self.say(&format!("{name} sounds “{}”, {late}", playout.title));
            }
            if let Some(outcome) = &playout.outcome {
                *ended
                    .entry(playout.occurrence.bulletin.clone())
                    .or_default() += 1;
                if self.told.insert((playout.speaker.clone(), key, "ended")) {
                    let sounded = playout.sounded_ms as f64 / 1_000.0;
                    let reason = playout
                        .reason
                        .as_ref()
                        .map(|r| format!(" ({r})"))
                        .unwrap_or_default();
                    self.say(&format!(
                        "{name}: “{}” {outcome}{reason} after {sounded:.1} s of sound",
                        playout.title
                    ));
                }
            }
        }
        let all = self.village.poles.len();
        Ok(ended
            .into_iter()
            .filter(|(_, n)| *n >= all)
            .map(|(b, _)| b)
            .collect())
    }
}

fn lateness_words(error_us: i64) -> String {
    let ms = error_us as f64 / 1_000.0;
    if error_us.abs() < 100 {
        "on time to a tenth of a millisecond".to_owned()
    } else if error_us > 0 {
        format!("{ms:.1} ms after its planned start")
    } else {
        format!("{:.1} ms before its planned start", -ms)
    }
}

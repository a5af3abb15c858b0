//! What a screen over many speakers needs, read together and not one by one.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::civil::Date;
use loa_protocol::{
    channel::Channel,
    id::{AreaId, GroupId, SpeakerId},
    speaker_config::SpeakerConfig,
    status::SpeakerStatus,
    time::WallTime,
};
use sqlx::{QueryBuilder, Row, Sqlite};

use super::{
    ChannelState, Result, Speaker, Store,
    areas::MAX_DEPTH,
    convert::{from_json, number, parse, wall},
    speakers,
};
use crate::logic::board::Share;

/// Names in one statement; SQLite takes 32,766.
const NAMES: usize = 500;

impl Store {
    /// What each of these is told about itself, in their order.
    pub async fn speaker_configs(&self, of: &[Speaker]) -> Result<Vec<SpeakerConfig>> {
        let mut tx = self.readers().begin().await?;
        let parents: Vec<(String, Option<String>)> = sqlx::query_as("SELECT id, parent FROM areas")
            .fetch_all(&mut *tx)
            .await?;
        let parents: HashMap<String, Option<String>> = parents.into_iter().collect();
        let mut groups: HashMap<String, Vec<Channel>> = HashMap::new();
        for names in of.chunks(NAMES) {
            let mut sql = QueryBuilder::<Sqlite>::new(
                "SELECT speaker, group_id FROM group_members WHERE speaker IN (",
            );
            push_names(&mut sql, names.iter().map(|s| &s.id));
            sql.push(" ORDER BY group_id");
            let rows: Vec<(String, String)> = sql.build_query_as().fetch_all(&mut *tx).await?;
            for (speaker, group) in rows {
                let group = Channel::Group(parse::<GroupId>("group", &group)?);
                groups.entry(speaker).or_default().push(group);
            }
        }
        let mut configs = Vec::with_capacity(of.len());
        for speaker in of {
            let mut channels = vec![Channel::Speaker(speaker.id.clone())];
            let mut area = Some(speaker.area.as_str());
            while let Some(id) = area.filter(|_| channels.len() <= MAX_DEPTH) {
                channels.push(Channel::Area(parse::<AreaId>("area", id)?));
                area = parents.get(id).and_then(Option::as_deref);
            }
            channels.extend(groups.remove(speaker.id.as_str()).unwrap_or_default());
            let epoch = self.standing().office.epoch;
            configs.push(speakers::config(speaker.clone(), channels, epoch));
        }
        Ok(configs)
    }

    /// The programmes that these follow; a channel that never had one is not in it.
    pub async fn channels_of(
        &self,
        configs: &[SpeakerConfig],
    ) -> Result<HashMap<Channel, ChannelState>> {
        let known: HashSet<Channel> = self.channels().await?.into_iter().collect();
        let mut states = HashMap::new();
        for channel in configs.iter().flat_map(|config| &config.channels) {
            if known.contains(channel) && !states.contains_key(channel) {
                states.insert(channel.clone(), self.channel(channel).await?);
            }
        }
        Ok(states)
    }

    /// Of each speaker, how many bulletins of this civil day were due, and how many of them were heard or could not be listened to.
    pub async fn audible_on(&self, day: Date) -> Result<HashMap<SpeakerId, Share>> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT speaker, due, heard + unverified FROM speaker_figures WHERE period = $1",
        )
        .bind(day.to_string())
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|(speaker, of, good)| {
                let share = Share {
                    of: number("due", *of)?,
                    good: number("good", *good)?,
                };
                Ok((parse("speaker", speaker)?, share))
            })
            .collect()
    }

    /// How many bulletins were due on this civil day, once for each speaker, by what came of them.
    pub async fn playouts_today(&self, day: &str) -> Result<BTreeMap<&'static str, i64>> {
        const OUTCOMES: [&str; 9] = [
            "heard",
            "not_heard",
            "unverified",
            "missed",
            "skipped",
            "interrupted",
            "pre_empted",
            "failed",
            "unreported",
        ];
        let row = sqlx::query(
            "SELECT COALESCE(SUM(heard), 0), COALESCE(SUM(not_heard), 0), COALESCE(SUM(unverified), 0), \
             COALESCE(SUM(missed), 0), COALESCE(SUM(skipped), 0), COALESCE(SUM(interrupted), 0), \
             COALESCE(SUM(pre_empted), 0), COALESCE(SUM(failed), 0), COALESCE(SUM(unreported), 0) FROM speaker_figures WHERE period = $1",
        )
        .bind(day)
        .fetch_one(self.readers())
        .await?;
        let each = OUTCOMES.into_iter().enumerate();
        each.map(|(i, outcome)| Ok((outcome, row.try_get(i)?)))
            .collect()
    }

    /// The last word of each that ever said one, and when it came.
    pub async fn last_statuses(
        &self,
        of: &[SpeakerId],
    ) -> Result<HashMap<SpeakerId, (SpeakerStatus, WallTime)>> {
        let mut found = HashMap::new();
        for names in of.chunks(NAMES) {
            let mut sql = QueryBuilder::<Sqlite>::new(
                "SELECT speaker, status, received FROM speaker_status WHERE speaker IN (",
            );
            push_names(&mut sql, names.iter());
            let rows: Vec<(String, String, i64)> =
                sql.build_query_as().fetch_all(self.readers()).await?;
            for (speaker, status, received) in rows {
                let status = from_json("status", &status)?;
                found.insert(parse("speaker", &speaker)?, (status, wall(received)));
            }
        }
        Ok(found)
    }
}

/// The names and the bracket behind them.
fn push_names<'a>(sql: &mut QueryBuilder<Sqlite>, names: impl Iterator<Item = &'a SpeakerId>) {
    let mut list = sql.separated(", ");
    for name in names {
        list.push_bind(name.as_str().to_owned());
    }
    sql.push(")");
}

//! The month's report of a province: ten thousand speakers, four bulletins a day, some outages.

use std::{path::Path, sync::Arc, time::Duration};

use jiff::civil::{Date, date};
use loa_controller::{
    clock::{Clock, SystemClock},
    reports::{
        Span, gather,
        view::{Heading, Monthly},
    },
    store::{NewArea, Store},
};
use loa_protocol::{id::AreaId, time::WallTime};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

const ZONE: &str = "Asia/Ho_Chi_Minh";
const MONTH: Date = date(2026, 10, 1);
const DAYS: i64 = 31;
const HOURS: [i64; 4] = [5, 11, 17, 20];
const HAMLETS_PER_COMMUNE: usize = 10;
const SPEAKERS_PER_HAMLET: usize = 5;

/// What was measured.
#[derive(Debug)]
pub struct Report {
    /// Each time: from the question to the answer's bytes.
    pub took: Vec<Duration>,
    pub database_bytes: u64,
    pub answer_bytes: usize,
    pub playouts: u64,
    pub outages: u64,
}

/// Makes the month in `folder` and asks for its report `times` times.
///
/// # Panics
/// When something of it fails.
pub fn report(folder: &Path, speakers: usize, times: usize) -> Report {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(measure(folder, speakers, times))
}

async fn measure(folder: &Path, speakers: usize, times: usize) -> Report {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = Store::open(folder, clock.clone()).await.expect("a store");
    let hamlets = areas(&store, speakers.div_ceil(SPEAKERS_PER_HAMLET)).await;
    store.close().await;
    let (playouts, outages) = fill(folder, speakers, &hamlets).await;
    // Opening it counts the days as they are counted when events come.
    let store = Store::open(folder, clock.clone()).await.expect("a store");
    let span = Span {
        first: MONTH,
        last: MONTH.last_of_month(),
    };
    let mut took = Vec::with_capacity(times);
    let mut answer_bytes = 0;
    for _ in 0..times {
        let began = clock.mono_us();
        let gathered = gather(&store, None, span, false, ZONE, clock.now())
            .await
            .expect("a report");
        assert_eq!(gathered.total.counts.due, playouts);
        assert_eq!(gathered.total.speakers, speakers as u64);
        let heading = Heading {
            month: MONTH.strftime("%Y-%m").to_string(),
            area: None,
            zone: ZONE.into(),
            made: clock.now(),
            complete: true,
        };
        let answer = serde_json::to_vec(&Monthly::new(heading, &gathered)).expect("JSON");
        took.push(Duration::from_micros(clock.mono_us() - began));
        answer_bytes = answer.len();
    }
    store.close().await;
    let database_bytes = std::fs::metadata(folder.join("loa.db")).map_or(0, |file| file.len());
    Report {
        took,
        database_bytes,
        answer_bytes,
        playouts,
        outages,
    }
}

/// One province, its communes, their hamlets.
async fn areas(store: &Store, hamlets: usize) -> Vec<AreaId> {
    let add = async |name: String, parent: Option<AreaId>| {
        let new = NewArea {
            name,
            parent,
            ..NewArea::default()
        };
        store.add_area(new, None).await.expect("an area").id
    };
    let province = add("Tỉnh".into(), None).await;
    let mut all = Vec::with_capacity(hamlets);
    let mut commune = province.clone();
    for n in 0..hamlets {
        if n % HAMLETS_PER_COMMUNE == 0 {
            commune = add(format!("Xã {n}"), Some(province.clone())).await;
        }
        all.push(add(format!("Xóm {n}"), Some(commune.clone())).await);
    }
    all
}

/// Straight into the tables, a village's month at a time. Returns how many playouts and outages.
async fn fill(folder: &Path, speakers: usize, hamlets: &[AreaId]) -> (u64, u64) {
    let options = SqliteConnectOptions::new().filename(folder.join("loa.db"));
    let mut db = SqliteConnection::connect_with(&options)
        .await
        .expect("the database");
    let zone = jiff::tz::TimeZone::get(ZONE).expect("a zone");
    let begins: WallTime = zone
        .to_timestamp(MONTH.at(0, 0, 0, 0))
        .expect("an instant")
        .into();
    let at = |day: i64, s: i64| begins.plus_s(day * 86_400 + s).as_micros();
    let mut tx = db.begin().await.expect("a transaction");
    sqlx::query("INSERT INTO office_runs (began, alive) VALUES ($1, $2), ($3, $4)")
        .bind(at(-1, 0))
        .bind(at(12, 3_600))
        .bind(at(12, 7_200))
        .bind(at(DAYS, 86_400))
        .execute(&mut *tx)
        .await
        .expect("runs");
    let (mut playouts, mut outages, mut seed) = (0, 0, 88_172_645_463_325_252_u64);
    let mut chance = |n: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % n
    };
    for n in 0..speakers {
        let id = format!("loa-{n}");
        sqlx::query(
            "INSERT INTO speakers (id, name, area, zone, quiet_hours, volume, muted, delay_trim_ms, token_hash, \
             generation, since, made, changed, first_heard) \
             VALUES ($1, $2, $3, $4, '[]', $5, 0, 0, $6, 1, $7, $7, $7, $7)",
        )
        .bind(&id)
        .bind(format!("Loa {n}"))
        .bind(hamlets[n / SPEAKERS_PER_HAMLET].as_str())
        .bind(ZONE)
        .bind(r#"{"base":80,"windows":[]}"#)
        .bind(format!("{n:064x}"))
        .bind(at(-30, 0))
        .execute(&mut *tx)
        .await
        .expect("a speaker");
        for day in 0..DAYS {
            let date = MONTH.saturating_add(jiff::Span::new().days(day));
            for (index, hour) in HOURS.into_iter().enumerate() {
                let planned = at(day, hour * 3_600);
                let (outcome, reason, heard) = match chance(100) {
                    0 => ("missed", Some("off"), None),
                    1 => ("unreported", None, None),
                    2 => ("interrupted", Some("power_cut"), None),
                    3..=30 => ("completed", None, Some("heard")),
                    31 => ("completed", None, Some("not_heard")),
                    _ => ("completed", None, Some("no_microphone")),
                };
                let started = matches!(outcome, "completed" | "interrupted");
                let most_us = match chance(200) {
                    0 => 9_000_000,
                    _ => 20_000,
                };
                let error_us = started.then(|| chance(most_us) as i64);
                sqlx::query(
                    "INSERT INTO playouts (speaker, occurrence, attempt, bulletin, revision, title, priority, status, \
                     planned, started, ended, error_us, sounded_ms, cuts, trust, outcome, reason, store, number, heard, \
                     due_ms) VALUES ($1, $2, 0, $3, 1, 'Bản tin', 'ordinary', 'actual', $4, $5, $6, $7, $8, 0, 'synced', \
                     $9, $10, 's1', $11, $12, 300000)",
                )
                .bind(&id)
                .bind(format!("b{index}/{date}/0/0"))
                .bind(format!("b{index}"))
                .bind(planned)
                .bind(error_us.map(|us| planned + us))
                .bind(started.then_some(planned + 300_000_000))
                .bind(error_us)
                .bind(if started { 300_000_i64 } else { 0 })
                .bind(outcome)
                .bind(reason)
                .bind(day * 4 + index as i64 + 1)
                .bind(heard)
                .execute(&mut *tx)
                .await
                .expect("a playout");
                playouts += 1;
            }
        }
        let mut from = 0;
        for _ in 0..chance(7) {
            from += 3_600 + chance(5 * 86_400) as i64;
            let lasts = 120 + chance(6 * 3_600) as i64;
            let causes = ["unknown", "power", "network", "route", "agent"];
            sqlx::query(
                "INSERT INTO outages (speaker, began, ended, cause, told, cell) VALUES ($1, $2, $3, $4, 1, $5)",
            )
            .bind(&id)
            .bind(at(0, from))
            .bind(at(0, from + lasts))
            .bind(causes[chance(5) as usize])
            .bind(format!("cell-{}", n / 40))
            .execute(&mut *tx)
            .await
            .expect("an outage");
            from += lasts;
            outages += 1;
        }
    }
    sqlx::query("DELETE FROM office WHERE name = 'figures_counted'")
        .execute(&mut *tx)
        .await
        .expect("not counted yet");
    tx.commit().await.expect("committed");
    db.close().await.expect("closed");
    (playouts, outages)
}

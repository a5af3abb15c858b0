//! `demo`: a small village on this machine that shows the main job with real sound.
//!
//! The whole controller in a fresh folder, three agents as processes of their own, a spoken bulletin said at once and
//! music by schedule, all through the API; plain lines tell what happens, and a table at the end what was heard when.

mod agents;
mod api;
mod folder;
mod people;
mod table;
mod village;
mod watch;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use loa_protocol::time::WallTime;
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    cli::{Signals, start_log_file},
    clock::{Clock, SystemClock},
    config::{Config, DefaultsConfig, DeliveryConfig, MqttConfig, ServerConfig},
};

use agents::Agents;
use api::Api;
use village::Village;
use watch::Watch;

/// Where the API is looked for first.
const PORT: u16 = 8080;
/// How long the poles may take to come online.
const ONLINE_WITHIN: Duration = Duration::from_secs(40);
/// How long after its planned end a playout may still be reported.
const GRACE_S: i64 = 20;
/// The music comes so long after the start of the demo, and not sooner than this after it was planned; seconds.
const MUSIC_AFTER_S: i64 = 60;
const MUSIC_NOT_BEFORE_S: i64 = 20;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// End after so many seconds; without it the village stays until Ctrl-C
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: Option<u32>,
    /// The agent's program; beside this one when not given
    #[arg(long, value_name = "PATH")]
    agent: Option<PathBuf>,
    /// Folder for everything; emptied first when it is an earlier demo's
    #[arg(long, default_value = "target/demo")]
    dir: PathBuf,
    /// Where the poles sound: auto is the sound device when there is one, else WAV files
    #[arg(long, default_value = "auto", value_parser = ["auto", "wav", "device"])]
    output: String,
}

pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let began = clock.now();
    let stop = Signals::catch()?.into_token();
    let program = agents::find_program(options.agent.as_deref())?;
    let dir = folder::fresh(&options.dir)?;
    start_log_file(&dir.join("controller.log"))?;

    let app = start_app(&dir, clock.clone()).await?;
    let played = play(&options, &app, &dir, &program, clock, began, &stop).await;
    app.stop().await;
    played
}

/// On 8080 when it is free, for that is where people look.
async fn start_app(dir: &std::path::Path, clock: Arc<dyn Clock>) -> anyhow::Result<App> {
    // Stickers name both addresses, so both ports are known before anything listens.
    let broker_port = free_port()?;
    let config = |port| Config {
        data_dir: dir.join("controller"),
        server: ServerConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], port)),
            ..ServerConfig::default()
        },
        mqtt: MqttConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], broker_port)),
            ..MqttConfig::default()
        },
        delivery: DeliveryConfig {
            reconnect_jitter_s: 0,
            ..DeliveryConfig::default()
        },
        // Whoever tries it at night wants to hear it.
        defaults: DefaultsConfig {
            quiet_hours: Vec::new(),
            ..DefaultsConfig::default()
        },
        ..Config::default()
    };
    match App::start(config(PORT), clock.clone()).await {
        Err(crate::app::AppError::Listen { .. }) => {
            Ok(App::start(config(free_port()?), clock).await?)
        }
        started => Ok(started?),
    }
}

/// One that nobody has at this moment.
fn free_port() -> std::io::Result<u16> {
    let found = std::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    Ok(found.local_addr()?.port())
}

async fn play(
    options: &Options,
    app: &App,
    dir: &std::path::Path,
    program: &std::path::Path,
    clock: Arc<dyn Clock>,
    began: WallTime,
    stop: &CancellationToken,
) -> anyhow::Result<ExitCode> {
    let api = Api::sign_in(app).await?;
    welcome(app, &api, dir);

    let village = Village::build(&api).await?;
    app.engine()
        .changed(crate::engine::Change::Everything)
        .await;
    let mut watch = Watch::new(app, clock.clone(), began, village.clone());
    let mut agents = Agents::start(program, dir, &api, &village, &options.output).await?;
    let done = async {
        watch.until_online(&mut agents, ONLINE_WITHIN).await?;
        perform(&api, &mut watch, clock.as_ref(), began).await?;
        plan_mornings(&api, &mut watch, clock.as_ref(), options.seconds).await?;
        watch
            .until_over(&mut agents, options.seconds, GRACE_S)
            .await
    };
    let done = tokio::select! {
        done = done => done,
        () = stop.cancelled() => {
            watch.stopped_now();
            match options.seconds {
                Some(_) => Err(anyhow::anyhow!("stopped before the end")),
                // Without a number of seconds Ctrl-C is the regular end.
                None => Ok(()),
            }
        }
    };
    agents.stop().await;
    // What the agents said last is in the database before the table is drawn.
    watch.settle().await;
    println!();
    let failed = table::print(app.store(), &village, watch.expected()).await?;
    println!(
        "What is said now is planned for the moment it was said; its audio had to reach the poles first."
    );
    if let Some((kind, folder)) = watch.recordings(dir) {
        println!("{kind}: {}", folder.display());
    }
    done?;
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("loa-controller: not everything that was planned was heard:");
    failed.iter().for_each(|line| eprintln!("  {line}"));
    eprintln!("  the programs' logs are in {}", dir.display());
    Ok(ExitCode::FAILURE)
}

/// Where to look, and as whom.
fn welcome(app: &App, api: &Api, dir: &std::path::Path) {
    let url = app.base_url();
    println!("open {url} and sign in, password {}, as", api.password());
    for line in people::lines(api::USERNAME) {
        println!("  {line}");
    }
    if crate::http::HAS_APP {
        println!("The app is in this program.");
    } else {
        println!(
            "The app is NOT in this program, only the API is: run `make build`, then the demo again."
        );
    }
    println!(
        "A phone on the network needs HTTPS for its microphone: see docs/operations.md, “HTTPS for the phones”."
    );
    println!(
        "The API is described in {url}/api/v1/openapi.json; the broker is at {}.",
        app.broker_address()
    );
    println!("Everything of this village is in {}.", dir.display());
    println!();
}

/// What comes every day, so that there is something ahead.
async fn plan_mornings(
    api: &Api,
    watch: &mut Watch,
    clock: &dyn Clock,
    seconds: Option<u32>,
) -> anyhow::Result<()> {
    let spoken = api
        .speak(village::MORNING_TEXT)
        .await
        .context("speaking the morning bulletin")?;
    let next = village::next_morning(clock.now())?;
    let bulletin = api
        .plan_daily(
            village::MORNING_TITLE,
            &spoken,
            village::commune_channel(),
            &village::civil(next),
        )
        .await?;
    watch.expect_if_in_time(bulletin, village::MORNING_TITLE, next, &spoken, seconds);
    watch.say(&format!(
        "“{}” is planned for every day at {}",
        village::MORNING_TITLE,
        village::clock_time(next)
    ));
    Ok(())
}

/// The two bulletins.
async fn perform(
    api: &Api,
    watch: &mut Watch,
    clock: &dyn Clock,
    began: WallTime,
) -> anyhow::Result<()> {
    let spoken = api
        .speak(village::BULLETIN_TEXT)
        .await
        .context("making speech; is espeak-ng installed? (apt-get install espeak-ng)")?;
    watch.say(&format!("spoke the bulletin of demo/ban-tin.txt: {spoken}"));
    let music = api
        .upload("nhac.mp3", village::MUSIC)
        .await
        .context("uploading the music")?;
    watch.say(&format!("took in demo/nhac.mp3: {music}"));

    let now = api
        .say_now(
            "Thông báo tiêm phòng gia súc",
            &spoken,
            village::commune_channel(),
        )
        .await?;
    watch.expect(now, "Thông báo tiêm phòng gia súc", clock.now(), &spoken);
    watch.say("“Thông báo tiêm phòng gia súc” goes to the commune Sảng Mộc, now");

    let earliest = clock.now().plus_s(MUSIC_NOT_BEFORE_S);
    // Whole seconds: a civil time has no others.
    let at = began.plus_s(MUSIC_AFTER_S).max(earliest);
    let at = WallTime::from_micros(at.as_micros().div_euclid(1_000_000) * 1_000_000);
    let civil = village::civil(at);
    let planned = api
        .plan_at(
            "Nhạc: Sáng ở Bản Chương",
            &music,
            village::commune_channel(),
            &civil,
        )
        .await?;
    watch.expect(planned, "Nhạc: Sáng ở Bản Chương", at, &music);
    watch.say(&format!(
        "“Nhạc: Sáng ở Bản Chương” is planned for {}",
        village::clock_time(at)
    ));
    Ok(())
}

//! `serve`: the whole controller, until a signal.

use std::{process::ExitCode, sync::Arc};

use super::{Signals, start_log};
use crate::{app::App, clock::SystemClock, config::Config};

pub async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    start_log(&config.log);
    let stop = Signals::catch()?.into_token();
    let app = App::start(config, Arc::new(SystemClock)).await?;
    println!("Loa's API listens on {}", app.base_url());
    println!("The broker is {}", app.broker_address());
    if let Some(link) = app.first_link().await? {
        println!("Nobody can sign in yet. Open this link once and choose a name and a password:");
        println!("  {link}");
    }
    for warning in app.store().trust_warnings().await? {
        tracing::warn!("{}", warning.text());
    }
    tokio::select! {
        () = stop.cancelled() => {
            tracing::info!("ending; a second signal ends at once");
            app.stop().await;
            Ok(ExitCode::SUCCESS)
        }
        ended = app.ended() => {
            ended?;
            anyhow::bail!("the HTTP server ended by itself");
        }
    }
}

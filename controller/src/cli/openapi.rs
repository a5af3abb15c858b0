//! `openapi`: the description of the API as text, for whoever generates code from it.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use crate::http;

pub fn print() -> anyhow::Result<ExitCode> {
    io::stdout()
        .lock()
        .write_all(http::openapi_text()?.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

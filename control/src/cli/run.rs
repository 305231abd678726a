//! `baleen run`: a sensor on this host, in the foreground.

use std::path::PathBuf;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use super::{FAILED, UNUSABLE, fail};
use crate::config;

/// Arguments of `baleen run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Configuration file
    #[arg(short, long, value_name = "FILE", default_value = config::DEFAULT_FILE)]
    config: PathBuf,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let filter = EnvFilter::try_from_env("BALEEN_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let config = match config::load(&arguments.config) {
        Ok(config) => config,
        Err(error) => return fail(UNUSABLE, &error),
    };
    match crate::run::run(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(if error.is_unusable() { UNUSABLE } else { FAILED }, &error),
    }
}

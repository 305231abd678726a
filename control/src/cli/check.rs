//! `baleen check`: whether a configuration can be used, without using it.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{UNUSABLE, fail};
use crate::config;

/// Arguments of `baleen check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Configuration file
    #[arg(short, long, value_name = "FILE", default_value = config::DEFAULT_FILE)]
    config: PathBuf,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let checked = config::load(&arguments.config);
    let config = match checked {
        Ok(config) => config,
        Err(error) => return fail(UNUSABLE, &error),
    };
    if let Err(error) = config.dataplane_settings().validate() {
        return fail(UNUSABLE, &format_args!("{}: {error}", arguments.config.display()));
    }
    super::print(&format!("{}: ok\n", arguments.config.display()))
}

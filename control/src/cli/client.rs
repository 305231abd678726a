//! What the verbs that ask a running sensor have in common.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use control_socket::{Client, ClientError};
use thiserror::Error;

use super::FAILED;
use crate::config::{self, ConfigError};

/// For each request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where the sensor is, for every verb that asks it.
#[derive(Debug, clap::Args)]
pub(crate) struct Sensor {
    /// Configuration file of the sensor
    #[arg(short, long, value_name = "FILE", default_value = config::DEFAULT_FILE)]
    config: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Why a sensor cannot be asked.
#[derive(Debug, Error)]
pub(crate) enum SensorError {
    /// Its configuration cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It does not listen.
    #[error("no sensor runs with {}: {source}", config.display())]
    NotRunning { config: PathBuf, source: ClientError },
    /// It refused or did not answer.
    #[error(transparent)]
    Request(#[from] ClientError),
}

impl Sensor {
    /// A connection to the control process.
    pub(crate) fn connect(&self) -> Result<Client, SensorError> {
        let config = config::load(&self.config)?;
        connect(&self.config, &config.control_socket())
    }
}

fn connect(config: &Path, socket: &Path) -> Result<Client, SensorError> {
    Client::connect(socket, TIMEOUT)
        .map_err(|source| SensorError::NotRunning { config: config.to_owned(), source })
}

/// Prints an answer, as JSON or as `text` writes it, or the error; gives the exit status.
pub(crate) fn print<T: serde::Serialize>(
    sensor: &Sensor,
    answer: Result<T, SensorError>,
    text: impl FnOnce(&T) -> String,
) -> ExitCode {
    match answer {
        Ok(answer) if sensor.json => match serde_json::to_string_pretty(&answer) {
            Ok(json) => super::print(&format!("{json}\n")),
            Err(error) => super::fail(FAILED, &error),
        },
        Ok(answer) => super::print(&text(&answer)),
        Err(error) => super::fail(FAILED, &error),
    }
}

/// A span of whole seconds for people.
pub(crate) fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{}s", seconds % 60),
        (0, _, _) => format!("{hours}h{minutes}m"),
        _ => format!("{days}d{hours}h"),
    }
}

/// A table for a terminal: left-aligned first column, others to the right.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    use comfy_table::{CellAlignment, Table, TableStyle};
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_header(header.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{table}\n")
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_have_two_units_at_most() {
        assert_eq!(span(7), "7s");
        assert_eq!(span(67), "1m7s");
        assert_eq!(span(3_700), "1h1m");
        assert_eq!(span(90_000), "1d1h");
    }
}

//! Reads and validates a configuration file; every error says what, where and what to do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use record::Log;
use thiserror::Error;

use super::Config;

/// A configuration file above this size is refused, in octets.
const MAX_SIZE: u64 = 1 << 20;

/// Shorter times between measurements of the balance tell nothing.
const LEAST_INTERVAL: Duration = Duration::from_millis(10);

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// The file is larger than any configuration.
    #[error("{}: larger than {MAX_SIZE} bytes: not a configuration file", path.display())]
    TooLarge { path: PathBuf },
    /// It is no TOML, or has a key or value that is not known.
    #[error("{}: {error}", path.display())]
    Syntax { path: PathBuf, error: Box<toml::de::Error> },
    /// A value does not fit.
    #[error("{}:{line}: {key}: {problem}", path.display())]
    Value { path: PathBuf, line: usize, key: String, problem: String },
}

/// Loads and validates the file.
pub(crate) fn load(path: &Path) -> Result<Config, ConfigError> {
    let read_error = |source| ConfigError::Read { path: path.to_owned(), source };
    let size = std::fs::metadata(path).map_err(read_error)?.len();
    if size > MAX_SIZE {
        return Err(ConfigError::TooLarge { path: path.to_owned() });
    }
    let text = std::fs::read_to_string(path).map_err(read_error)?;
    parse(path, &text)
}

/// Parses and validates `text`; `path` is for messages.
pub(super) fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
    let config: Config = toml::from_str(text)
        .map_err(|error| ConfigError::Syntax { path: path.to_owned(), error: Box::new(error) })?;
    match problem(&config) {
        None => Ok(config),
        Some(Problem { table, key, text: problem }) => Err(ConfigError::Value {
            path: path.to_owned(),
            line: line_of(text, table, key),
            key: if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") },
            problem,
        }),
    }
}

/// A value that TOML accepts and the sensor does not.
struct Problem {
    table: &'static str,
    key: &'static str,
    text: String,
}

fn problem(config: &Config) -> Option<Problem> {
    let problem = |table, key, text: String| Some(Problem { table, key, text });
    if config.ports.is_empty() {
        return problem(
            "",
            "port",
            "no port: add a [[port]] with a name such as \"af_packet:eth1\"".to_owned(),
        );
    }
    for port in &config.ports {
        if !port.name.contains(':') {
            let name = &port.name;
            return problem(
                "port",
                "name",
                format!(
                    "{name:?} names no kind of port: write \"af_packet:{name}\", \"pci:...\" or another kind"
                ),
            );
        }
        if port.queues == Some(0) {
            return problem("port", "queues", "a port needs at least one queue".to_owned());
        }
    }
    if config.dataplane.workers == 0 {
        return problem("dataplane", "workers", "at least one worker is needed".to_owned());
    }
    let balance = &config.balance;
    if !balance.target.is_finite() || balance.target < 1.0 {
        return problem("balance", "target", "it must be a number from 1 on: the mean is 1".to_owned());
    }
    if !balance.start.is_finite() || balance.start < balance.target {
        return problem("balance", "start", "it must not be below the target".to_owned());
    }
    if balance.interval < LEAST_INTERVAL {
        return problem("balance", "interval", "it must be 10 ms or more".to_owned());
    }
    if config.limits.flows == 0 {
        return problem("limits", "flows", "at least one connection has to be tracked".to_owned());
    }
    if config.shunting.offload.is_some() && !config.shunting.enabled {
        return problem("shunting", "offload", "only what is shunted is offloaded: enable it".to_owned());
    }
    for name in &config.logs.exclude {
        if Log::from_name(name).is_none() {
            let known: Vec<&str> = Log::ALL.iter().map(|log| log.name()).collect();
            return problem(
                "logs",
                "exclude",
                format!("there is no log {name:?}; there are {}", known.join(", ")),
            );
        }
    }
    None
}

/// The line of a key's first mention in its table, from 1; the first line when it is not there.
fn line_of(text: &str, table: &str, key: &str) -> usize {
    let mut current = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            current = header.trim_matches(['[', ']', ' ']);
        } else if current == table && line.split('=').next().is_some_and(|name| name.trim() == key) {
            return index + 1;
        }
    }
    1
}

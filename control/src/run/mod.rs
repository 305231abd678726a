//! A sensor on one host: looks after the dataplane, drains the spool into log files, answers requests.

mod drain;
mod supervisor;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use control_socket::{Failure, Request, Response, Server, ServerError, Supervision};
use thiserror::Error;

use crate::config::Config;
use crate::sink::SinkError;
use drain::Drain;
use supervisor::{Supervisor, SupervisorError};

/// How long a round waits for requests; also how often the spool is looked at.
const ROUND: Duration = Duration::from_millis(50);
/// How long the dataplane may take to write the records of all its flows.
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// Why a sensor does not run.
#[derive(Debug, Error)]
pub(crate) enum RunError {
    /// The runtime directory cannot be made.
    #[error("cannot make {}: {source}", path.display())]
    Directory { path: PathBuf, source: std::io::Error },
    /// The control socket cannot be used.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The dataplane cannot be run.
    #[error(transparent)]
    Supervisor(#[from] SupervisorError),
    /// The spool cannot be read.
    #[error(transparent)]
    Spool(#[from] spool::SpoolError),
    /// Logs cannot be written.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// Signals cannot be caught.
    #[error("cannot catch signals: {0}")]
    Signals(std::io::Error),
}

impl RunError {
    /// Whether it lies in the configuration or the host, so that trying again does not help.
    pub(crate) const fn is_unusable(&self) -> bool {
        matches!(self, Self::Supervisor(_) | Self::Directory { .. } | Self::Server(_))
    }
}

/// Runs until asked to stop.
pub(crate) fn run(config: &Config) -> Result<(), RunError> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(RunError::Signals)?;
    }
    make_private(&config.runtime.directory)?;
    let started = Instant::now();
    let mut server = Server::bind(config.control_socket())?;
    let mut drain = Drain::open(config)?;
    let program = config.dataplane_program();
    let mut supervisor =
        Supervisor::start(&program, &config.dataplane_socket(), config.dataplane_settings())?;
    while !stop.load(Ordering::Relaxed) {
        server.serve(ROUND, |request| answer(&request, &supervisor, &drain, started, &stop))?;
        supervisor.poll()?;
        drain.round()?;
    }
    tracing::info!("stopping");
    let mut failure = None;
    supervisor.stop(STOP_PATIENCE, || failure = drain.round().err());
    drain.finish()?;
    server.finish(Duration::from_secs(1))?;
    match failure {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Makes a directory that only its owner may enter.
fn make_private(path: &std::path::Path) -> Result<(), RunError> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| RunError::Directory { path: path.to_owned(), source })
}

fn answer(
    request: &Request,
    supervisor: &Supervisor,
    drain: &Drain,
    started: Instant,
    stop: &AtomicBool,
) -> Response {
    match request {
        Request::Supervision => Response::Supervision(Box::new(Supervision {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime: started.elapsed().as_secs(),
            dataplane_pid: supervisor.pid(),
            restarts: supervisor.restarts(),
            last_exit: supervisor.last_exit().map(str::to_owned),
            delivered: drain.delivered(),
            refused: drain.refused(),
            skipped_bytes: drain.skipped_bytes(),
            backlog_bytes: drain.backlog_bytes(),
        })),
        Request::Stop => {
            stop.store(true, Ordering::Relaxed);
            Response::Done
        }
        other => match supervisor.client().map(|mut client| client.request(other)) {
            Some(Ok(response)) => response,
            Some(Err(error)) => Response::Failed { failure: Failure::Other, message: error.to_string() },
            None => Response::Failed {
                failure: Failure::Other,
                message: "the dataplane is not running".to_owned(),
            },
        },
    }
}

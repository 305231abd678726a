//! `baleen-dataplane`: the poll-mode process. Started by `baleen`, which writes the settings
//! to its standard input and talks to it over the control socket.

use std::fmt::Display;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use baleen_dataplane::configuration::{self, Configuration};
use baleen_dataplane::sensor::{self, Sensor};
use baleen_dataplane::statistics;
use baleen_dataplane::store::Store;
use clap::Parser;
use control_socket::{Failure, Request, Response, Server, Settings, State, Status};
use dpdk::{Eal, lcore};
use spool::SpoolWriter;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The process can not run with its settings on this host; to start it again is of no use.
const UNUSABLE: u8 = 2;

/// Longest that records wait for the housekeeping thread, and that it sleeps.
const ROUND: Duration = Duration::from_millis(20);

/// Longest that records wait in a block that is not full.
const FLUSH: Duration = Duration::from_millis(200);

/// The poll-mode process of the Baleen network sensor.
///
/// Reads its settings, as JSON, from standard input. Usually started by `baleen run`.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen for requests.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")))
        .init();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::from(UNUSABLE)
        }
    }
}

/// An error of the start, as text: it goes to the log only.
fn text(error: impl Display) -> String {
    error.to_string()
}

fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let started = Instant::now();
    let mut input = Vec::new();
    io::stdin().lock().read_to_end(&mut input).map_err(text)?;
    let settings: Settings =
        serde_json::from_slice(&input).map_err(|error| format!("the settings on standard input: {error}"))?;
    let configuration = Configuration::new(&settings, &lcore::affinity().map_err(text)?).map_err(text)?;
    // The socket and the spool come first: each is held by one process, so a second one ends
    // here and does not disturb the first.
    let server = Server::bind(&arguments.socket).map_err(text)?;
    let store = Store::new(SpoolWriter::open(configuration.spool.clone()).map_err(text)?);
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(text)?;
    }
    let eal = Eal::init(&configuration.eal).map_err(text)?;
    let sensor = Sensor::start(eal, &configuration.sensor).map_err(text)?;
    tracing::info!(
        layout = ?sensor.layout(),
        placement = ?sensor.placement(),
        huge_pages = eal.has_huge_pages(),
        "receiving"
    );
    let process = Process {
        started,
        settings,
        running: configuration.sensor,
        spool_limit: configuration.spool.limit,
        sensor,
        store,
        stop,
        state: State::Running,
    };
    Ok(process.run(server))
}

/// The running process, seen from its housekeeping thread.
struct Process {
    started: Instant,
    settings: Settings,
    running: sensor::Settings,
    spool_limit: u64,
    sensor: Sensor,
    store: Store,
    stop: Arc<AtomicBool>,
    state: State,
}

impl Process {
    /// Moves records and answers requests until it is to end.
    fn run(mut self, mut server: Server) -> ExitCode {
        let mut flushed = Instant::now();
        let mut healthy = true;
        while healthy && !self.stop.load(Ordering::Acquire) {
            self.sensor.take_records(|records| self.store.take(records));
            self.sensor.offload();
            self.sensor.balance();
            if flushed.elapsed() >= FLUSH {
                self.store.flush();
                flushed = Instant::now();
            }
            if let Err(error) = server.serve(ROUND, |request| self.answer(request)) {
                tracing::error!(%error, "requests can not be answered");
                std::thread::sleep(ROUND);
            }
            healthy = self.sensor.is_healthy();
        }
        self.end(healthy)
    }

    /// Ends the threads, writes what they leave.
    fn end(mut self, healthy: bool) -> ExitCode {
        let stopped = self.sensor.stop(|records| self.store.take(records));
        let closed = self.store.close();
        let statistics = self.statistics();
        for imbalance in statistics.imbalances() {
            tracing::error!("the books do not balance: {imbalance}");
        }
        let books = self.sensor.books();
        tracing::info!(
            received = books.received,
            analyzed = books.analyzed,
            shunted = books.shunted,
            dropped = ?books.dropped().collect::<Vec<_>>(),
            under_way = books.under_way(),
            "stopped"
        );
        if let Err(error) = &stopped {
            tracing::error!(%error, "a thread did not end well");
        }
        if let Err(error) = &closed {
            tracing::error!(%error, "the spool could not be closed");
        }
        if healthy && stopped.is_ok() && closed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn uptime(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    fn statistics(&self) -> control_socket::Statistics {
        statistics::collect(&self.sensor, &self.store, self.uptime(), self.spool_limit)
    }

    fn answer(&mut self, request: Request) -> Response {
        match request {
            Request::Status => Response::Status(Status {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                pid: std::process::id(),
                uptime: self.uptime(),
                state: self.state,
                ports: self.running.ports.iter().map(|port| port.label.clone()).collect(),
                workers: u32::from(self.running.workers),
                imbalance: statistics::thousandths(self.sensor.balance_report().imbalance),
            }),
            Request::Netstats => Response::Netstats(Box::new(self.statistics())),
            Request::Settings => Response::Settings(Box::new(self.settings.clone())),
            Request::Apply { settings } => self.apply(*settings),
            Request::Stop => {
                self.state = State::Stopping;
                self.stop.store(true, Ordering::Release);
                Response::Done
            }
            Request::Supervision => Response::Failed {
                failure: Failure::BadRequest,
                message: "the control process answers this, on its own socket".to_owned(),
            },
        }
    }

    fn apply(&mut self, settings: Settings) -> Response {
        if let Err(error) = settings.validate() {
            return Response::Failed { failure: Failure::InvalidSettings, message: error.to_string() };
        }
        if !configuration::is_live_change(&self.settings, &settings) {
            return Response::Failed {
                failure: Failure::NeedsRestart,
                message:
                    "only name, ignore_checksums, hash_files, local_networks, balance and shunting without \
                          offloading change \
                          while running"
                        .to_owned(),
            };
        }
        let analysis = configuration::changed_analysis(&settings, &self.running);
        self.sensor.apply(&analysis);
        self.running.analysis = analysis;
        self.running.balance = configuration::balance(&settings.balance);
        self.sensor.set_balance(self.running.balance);
        self.settings = settings;
        Response::Done
    }
}

//! Keeps one dataplane process running.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use control_socket::{Client, Settings};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use thiserror::Error;

/// Exit status of a dataplane that cannot run with its settings on this host: starting it again does not help.
const UNUSABLE: i32 = 2;
/// Pause before the first restart; it doubles with each that follows.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause before a restart.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A dataplane that ran for so long is sound: the next pause is the first again.
const SOUND_AFTER: Duration = Duration::from_secs(60);
/// For each request to the dataplane.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the dataplane is not run.
#[derive(Debug, Error)]
pub(crate) enum SupervisorError {
    /// The program cannot be started.
    #[error("cannot start {}: {source}", program.display())]
    Start { program: PathBuf, source: std::io::Error },
    /// The dataplane says that it cannot run like this; it has told why.
    #[error("the dataplane cannot run with this configuration; see its message above")]
    Unusable,
}

/// The process that is run now.
#[derive(Debug)]
enum Process {
    /// None; the next is started then.
    Pause(Instant),
    /// Our child.
    Child(Child, Instant),
    /// One that an earlier control process started and that went on without it.
    Adopted(Pid),
}

/// Keeps a dataplane running.
#[derive(Debug)]
pub(crate) struct Supervisor {
    program: PathBuf,
    socket: PathBuf,
    settings: Settings,
    process: Process,
    pause: Duration,
    restarts: u64,
    last_exit: Option<String>,
}

impl Supervisor {
    /// Starts the dataplane, or takes over one that listens at `socket` already.
    pub(crate) fn start(program: &Path, socket: &Path, settings: Settings) -> Result<Self, SupervisorError> {
        let mut supervisor = Self {
            program: program.to_owned(),
            socket: socket.to_owned(),
            settings,
            process: Process::Pause(Instant::now()),
            pause: FIRST_PAUSE,
            restarts: 0,
            last_exit: None,
        };
        match supervisor.client().and_then(|mut client| client.status().ok()) {
            Some(status) => {
                tracing::info!(pid = status.pid, "taking over the dataplane that is running");
                supervisor.process = Process::Adopted(Pid::from_raw(status.pid as i32));
            }
            None => supervisor.spawn()?,
        }
        Ok(supervisor)
    }

    /// A connection to the dataplane, when it listens.
    pub(crate) fn client(&self) -> Option<Client> {
        Client::connect(&self.socket, REQUEST_TIMEOUT).ok()
    }

    /// Process id of the dataplane, while one runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        match &self.process {
            Process::Pause(_) => None,
            Process::Child(child, _) => Some(child.id()),
            Process::Adopted(pid) => Some(pid.as_raw().unsigned_abs()),
        }
    }

    /// Times that it was started again.
    pub(crate) const fn restarts(&self) -> u64 {
        self.restarts
    }

    /// How it ended last, if it did.
    pub(crate) fn last_exit(&self) -> Option<&str> {
        self.last_exit.as_deref()
    }

    /// Looks after the process: starts it again when it has ended and the pause is over.
    pub(crate) fn poll(&mut self) -> Result<(), SupervisorError> {
        match &mut self.process {
            Process::Pause(until) if Instant::now() >= *until => {
                self.restarts += 1;
                self.spawn()
            }
            Process::Pause(_) => Ok(()),
            Process::Child(child, since) => match child.try_wait() {
                Ok(Some(status)) => {
                    let ran = since.elapsed();
                    self.ended(status, ran)
                }
                Ok(None) => Ok(()),
                Err(source) => Err(SupervisorError::Start { program: self.program.clone(), source }),
            },
            Process::Adopted(pid) => {
                if kill(*pid, None).is_err() {
                    self.rest("it ended".to_owned(), Duration::ZERO);
                }
                Ok(())
            }
        }
    }

    fn ended(&mut self, status: ExitStatus, ran: Duration) -> Result<(), SupervisorError> {
        if status.code() == Some(UNUSABLE) {
            return Err(SupervisorError::Unusable);
        }
        self.rest(status.to_string(), ran);
        Ok(())
    }

    fn rest(&mut self, how: String, ran: Duration) {
        if ran >= SOUND_AFTER {
            self.pause = FIRST_PAUSE;
        }
        tracing::error!(
            how,
            pause_ms = self.pause.as_millis() as u64,
            "the dataplane ended; starting it again"
        );
        self.process = Process::Pause(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.last_exit = Some(how);
    }

    fn spawn(&mut self) -> Result<(), SupervisorError> {
        let failed = |source| SupervisorError::Start { program: self.program.clone(), source };
        let mut child = Command::new(&self.program)
            .arg("--socket")
            .arg(&self.socket)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(failed)?;
        if let Some(mut input) = child.stdin.take() {
            let settings = serde_json::to_vec(&self.settings).map_err(|error| failed(error.into()))?;
            // One that ends before it has read them tells why by its exit status.
            let _ = input.write_all(&settings);
        }
        tracing::info!(pid = child.id(), "dataplane started");
        self.process = Process::Child(child, Instant::now());
        Ok(())
    }

    /// Ends the dataplane: asks it, and kills it when it has not ended after `patience`. `meanwhile` is called while
    /// waiting.
    pub(crate) fn stop(&mut self, patience: Duration, mut meanwhile: impl FnMut()) {
        if let Some(mut client) = self.client()
            && let Err(error) = client.stop()
        {
            tracing::warn!(%error, "the dataplane does not answer");
        }
        let deadline = Instant::now() + patience;
        while self.is_running() {
            if Instant::now() >= deadline {
                tracing::error!("the dataplane does not end; killing it");
                if let Some(pid) = self.pid() {
                    let _ = kill(Pid::from_raw(pid as i32), Signal::SIGKILL);
                }
                // A killed process ends at once, or hangs in the kernel where nothing helps.
                if Instant::now() >= deadline + REQUEST_TIMEOUT {
                    return;
                }
            }
            meanwhile();
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_running(&mut self) -> bool {
        match &mut self.process {
            Process::Pause(_) => false,
            Process::Child(child, _) => matches!(child.try_wait(), Ok(None)),
            Process::Adopted(pid) => kill(*pid, None).is_ok(),
        }
    }
}

//! CPU time of programs and threads, by the operating system's accounting.

use std::io;
use std::process::Command;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use nix::time::{ClockId, clock_gettime};
use thiserror::Error;

/// A program that cannot be measured.
#[derive(Debug, Error)]
pub enum RunError {
    /// It does not run.
    #[error("cannot run {program}: {source}")]
    Start {
        /// Its name.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It failed.
    #[error("{program} ended with {status}: {stderr}")]
    Failed {
        /// Its name.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it said.
        stderr: String,
    },
    /// The system does not tell.
    #[error("no accounting of CPU time: {0}")]
    Accounting(#[from] nix::Error),
}

/// User and system time that a program and its threads take, from start to end; what it writes is kept in memory
/// unless the command says otherwise. No other child may end meanwhile.
pub fn time(command: &mut Command) -> Result<Duration, RunError> {
    let before = children()?;
    let output = command.output().map_err(|source| RunError::Start { program: name(command), source })?;
    let after = children()?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(RunError::Failed { program: name(command), status: output.status, stderr });
    }
    Ok(after.saturating_sub(before))
}

/// User and system time that the calling thread has taken so far.
pub fn thread() -> Result<Duration, RunError> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

/// Nanoseconds of each of `count` things that took so long together.
pub fn nanoseconds_each(time: Duration, count: u64) -> f64 {
    time.as_secs_f64() * 1e9 / count.max(1) as f64
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn children() -> Result<Duration, nix::Error> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(duration(usage.user_time()) + duration(usage.system_time()))
}

fn duration(time: TimeVal) -> Duration {
    let seconds = Duration::from_secs(time.tv_sec().try_into().unwrap_or(0));
    seconds + Duration::from_micros(time.tv_usec().try_into().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time_and_failure_is_told() {
        // One test: both halves look at the children of the whole process.
        let busy = time(Command::new("sh").args(["-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"]));
        assert!(busy.unwrap() > Duration::from_millis(5));
        let failed = time(Command::new("sh").args(["-c", "echo why >&2; exit 3"])).unwrap_err();
        assert_eq!(failed.to_string(), "sh ended with exit status: 3: why");
        assert!(time(&mut Command::new("/nonexistent")).is_err());
    }
}

//! The command line: one file a verb.

mod check;
mod client;
mod netstats;
mod process;
mod reference;
mod run;
mod status;
mod stop;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Exit status of a command that was understood but could not be done in full.
const FAILED: u8 = 1;
/// Exit status of a command that could not start: wrong arguments, configuration or environment.
const UNUSABLE: u8 = 2;

/// Network security sensor: sees traffic, understands protocols, writes Zeek-compatible logs.
#[derive(Debug, Parser)]
#[command(name = "baleen", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Analyze capture files and write their logs
    Process(process::Arguments),
    /// Run a sensor on this host, in the foreground
    Run(run::Arguments),
    /// Check a configuration file
    Check(check::Arguments),
    /// Show what runs, and how it stands
    Status(client::Sensor),
    /// Show packets and records: received, analyzed, dropped by reason
    Netstats(netstats::Arguments),
    /// Stop the sensor
    Stop(client::Sensor),
    /// Print a generated reference page
    #[command(hide = true)]
    Reference(reference::Arguments),
}

/// Runs the command line of this process.
pub(crate) fn main() -> ExitCode {
    match Arguments::parse().verb {
        Verb::Process(arguments) => process::run(&arguments),
        Verb::Run(arguments) => run::run(&arguments),
        Verb::Check(arguments) => check::run(&arguments),
        Verb::Status(sensor) => status::run(&sensor),
        Verb::Netstats(arguments) => netstats::run(&arguments),
        Verb::Stop(sensor) => stop::run(&sensor),
        Verb::Reference(arguments) => reference::run(&arguments),
    }
}

/// Prints an error for the operator and gives the exit status.
fn fail(status: u8, error: &dyn std::fmt::Display) -> ExitCode {
    // Without a place for the message the status still tells.
    let _ = writeln!(std::io::stderr(), "baleen: {error}");
    ExitCode::from(status)
}

/// Prints what was asked for and gives the exit status. A reader that goes away has seen enough: no failure.
fn print(text: &str) -> ExitCode {
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            fail(FAILED, &format_args!("cannot write to standard output: {error}"))
        }
        _ => ExitCode::SUCCESS,
    }
}

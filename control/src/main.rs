//! `baleen`: the control process and the command line of the sensor.
//!
//! Each verb is a file in `cli/`.

mod analysis;
mod cli;
mod config;
mod log_files;
mod run;
mod sink;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}

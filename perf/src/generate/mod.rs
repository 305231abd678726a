//! Traffic that nobody recorded: captures of any size whose every flow is known.
//!
//! Flows begin at random, as a Poisson process; each is of an application model or of a template, has ends of its own,
//! and says something of its own. [`Generator`] gives the frames in time order, in memory; [`write_capture`] writes them
//! to a file with the ground truth beside it. The same options and seed give the same octets on every machine.
//!
//! Where what is:
//!
//! | file | what |
//! | --- | --- |
//! | `mix` | the mixes by name |
//! | `application` | models of applications: what is said |
//! | `template` | flows recorded from captures |
//! | `catalogue` | draws the next flow |
//! | `conversation`, `cursor` | what is said in a flow, and how it is cut into packets |
//! | `addresses`, `names` | who talks to whom |
//! | `flow`, `frame`, `filler` | packets |
//! | `conditions` | capture loss and reordering |
//! | `generator` | flows merged in time order |
//! | `capture`, `ground_truth` | the files |
//!
//! # Limits
//!
//! TCP here loses nothing and retransmits nothing: what a capture lacks, the capture lost. There are no fragments, no
//! tunnels and no ICMP. Payload that a real connection encrypts is noise, so that decryption of it fails.

mod addresses;
mod application;
mod arguments;
mod capture;
mod catalogue;
mod conditions;
mod conversation;
mod cursor;
mod filler;
mod flow;
mod frame;
mod generator;
mod ground_truth;
mod mix;
mod names;
mod random;
mod template;
#[cfg(test)]
mod tests;

pub use arguments::{Arguments, run};
pub use capture::{CaptureError, Summary, truth_file, write_capture};
pub use generator::{Amount, Generator, Options};
pub use ground_truth::Totals;
pub use mix::{MIXES, Mix, Pace};
pub use template::ProfileError;

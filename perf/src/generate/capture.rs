//! Writes a capture file and its ground truth.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use packet::Frame;
use pcap::{Precision, WriteError, Writer};
use thiserror::Error;

use super::generator::{Generator, Options};
use super::ground_truth::{GroundTruth, Totals};
use super::template::ProfileError;

/// Link type of Ethernet.
const ETHERNET: u16 = 1;
/// Octets that are written at once.
const BUFFER: usize = 1 << 18;

/// A capture that cannot be made.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// The templates cannot be used.
    #[error(transparent)]
    Templates(#[from] ProfileError),
    /// A file cannot be created or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The capture cannot be written.
    #[error("{}: {source}", path.display())]
    Capture {
        /// Which.
        path: PathBuf,
        /// Why.
        source: WriteError,
    },
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Summary {
    /// Flows and packets.
    pub totals: Totals,
    /// Octets of frames in the capture.
    pub octets: u64,
    /// Time from the first to the last frame in seconds.
    pub seconds: f64,
}

/// The file of the ground truth of a capture: `FILE.flows.tsv`.
pub fn truth_file(capture: &Path) -> PathBuf {
    let mut name = capture.as_os_str().to_owned();
    name.push(".flows.tsv");
    PathBuf::from(name)
}

/// Writes the capture, and the ground truth beside it.
pub fn write_capture(options: &Options, file: &Path, precision: Precision) -> Result<Summary, CaptureError> {
    let mut generator = Generator::new(options)?;
    let truth_path = truth_file(file);
    let failed = |source| CaptureError::File { path: truth_path.clone(), source };
    let unwritten = |source| CaptureError::Capture { path: file.to_owned(), source };
    let create = |path: &Path| {
        let created =
            File::create(path).map_err(|source| CaptureError::File { path: path.to_owned(), source });
        created.map(|file| BufWriter::with_capacity(BUFFER, file))
    };
    let mut writer = Writer::new(create(file)?, ETHERNET, precision).map_err(unwritten)?;
    let mut truth = GroundTruth::new(create(&truth_path)?).map_err(failed)?;
    let mut summary = Summary::default();
    let mut first = None;
    let mut number = 0;
    loop {
        let written = match generator.next_frame() {
            Some((time, data)) => {
                let frame = Frame { time, clock: time, number, data, wire_len: data.len() as u32 };
                writer.write(&frame).map_err(unwritten)?;
                summary.octets += data.len() as u64;
                let first = *first.get_or_insert(time.0);
                summary.seconds = (time.0 - first) as f64 / 1e9;
                number += 1;
                true
            }
            None => false,
        };
        for flow in generator.ended() {
            truth.flow(flow).map_err(failed)?;
        }
        if !written {
            break;
        }
    }
    writer.finish().map_err(unwritten)?;
    summary.totals = truth.finish().map_err(failed)?;
    Ok(summary)
}

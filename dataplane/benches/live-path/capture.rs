//! The frames of a capture file, in memory.

use std::path::{Path, PathBuf};

use dpdk::PreloadedPool;
use pcap::{Burst, Damage, OpenError, Reader};

/// Ethernet, as a number in capture files.
const ETHERNET: u16 = 1;

/// Frames to be replayed.
#[derive(Debug)]
pub(crate) struct Capture {
    /// The name of their file, without directory and extension.
    pub(crate) name: String,
    /// Captured octets of each.
    pub(crate) frames: Vec<Vec<u8>>,
    /// Capture time of each, in nanoseconds since the earliest.
    pub(crate) times: Vec<u64>,
}

/// A capture that can not be replayed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CaptureError {
    /// Not at all.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Up to a point.
    #[error("{}: {damage}", file.display())]
    Damage { file: PathBuf, damage: Damage },
    /// Of another link type: ports give Ethernet frames.
    #[error("{}: frames of link type {link_type}; only Ethernet frames come from ports", file.display())]
    LinkType { file: PathBuf, link_type: u16 },
    /// There is nothing in it.
    #[error("{}: no frames", .0.display())]
    Empty(PathBuf),
}

impl Capture {
    /// Reads up to `most` frames.
    pub(crate) fn read(file: &Path, most: usize) -> Result<Self, CaptureError> {
        let mut reader = Reader::open(file)?;
        let (mut frames, mut times) = (Vec::new(), Vec::new());
        while frames.len() < most {
            let mut burst = Burst::new();
            match reader.next_burst(&mut burst) {
                Ok(0) => break,
                Ok(_) if burst.link_type() != ETHERNET => {
                    return Err(CaptureError::LinkType { file: file.into(), link_type: burst.link_type() });
                }
                Ok(_) => {
                    for frame in burst.frames().iter().take(most - frames.len()) {
                        frames.push(frame.data.to_vec());
                        times.push(frame.time.0);
                    }
                }
                Err(damage) => return Err(CaptureError::Damage { file: file.into(), damage }),
            }
        }
        let first = times.iter().copied().min().ok_or_else(|| CaptureError::Empty(file.into()))?;
        for time in &mut times {
            *time -= first;
        }
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, frames, times })
    }

    /// Octets of DPDK's memory that it takes.
    pub(crate) fn memory(&self) -> usize {
        let largest = self.frames.iter().map(Vec::len).max().unwrap_or(0);
        PreloadedPool::memory(self.frames.len(), largest)
    }

    /// Octets of all frames.
    pub(crate) fn octets(&self) -> u64 {
        self.frames.iter().map(|frame| frame.len() as u64).sum()
    }

    /// From the first to the last packet, in nanoseconds.
    pub(crate) fn span(&self) -> u64 {
        self.times.iter().copied().max().unwrap_or(0)
    }
}

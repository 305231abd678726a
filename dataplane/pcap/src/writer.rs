//! Writes pcap files.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use packet::Frame;

use crate::{MAX_SNAPLEN, WriteError};

/// Unit of time in a pcap file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Microseconds, which every reader knows; nanoseconds are cut off.
    Micro,
    /// Nanoseconds.
    Nano,
}

/// Writes a pcap file, version 2.4, little endian, snapshot length [`MAX_SNAPLEN`].
#[derive(Debug)]
pub struct Writer<W: Write> {
    output: W,
    precision: Precision,
}

impl Writer<BufWriter<File>> {
    /// Creates the file, or empties it.
    pub fn create(path: impl AsRef<Path>, link_type: u16, precision: Precision) -> Result<Self, WriteError> {
        Self::new(BufWriter::new(File::create(path)?), link_type, precision)
    }
}

impl<W: Write> Writer<W> {
    /// Writes the file header. Every record is written in two pieces: `output` should be buffered.
    pub fn new(mut output: W, link_type: u16, precision: Precision) -> Result<Self, WriteError> {
        let magic: u32 = match precision {
            Precision::Micro => 0xa1b2_c3d4,
            Precision::Nano => 0xa1b2_3c4d,
        };
        output.write_all(&magic.to_le_bytes())?;
        output.write_all(&2_u16.to_le_bytes())?;
        output.write_all(&4_u16.to_le_bytes())?;
        // Time zone and accuracy, which nobody fills.
        output.write_all(&[0; 8])?;
        output.write_all(&MAX_SNAPLEN.to_le_bytes())?;
        output.write_all(&u32::from(link_type).to_le_bytes())?;
        Ok(Self { output, precision })
    }

    /// Appends a frame.
    pub fn write(&mut self, frame: &Frame<'_>) -> Result<(), WriteError> {
        let seconds = frame.time.0 / 1_000_000_000;
        let nanoseconds = frame.time.0 % 1_000_000_000;
        let fraction = match self.precision {
            Precision::Micro => nanoseconds / 1000,
            Precision::Nano => nanoseconds,
        };
        let seconds = u32::try_from(seconds).map_err(|_| WriteError::Time { seconds })?;
        let captured = u32::try_from(frame.data.len())
            .ok()
            .filter(|length| *length <= MAX_SNAPLEN)
            .ok_or(WriteError::Oversized { length: frame.data.len() })?;
        let mut header = [0; 16];
        let fields = [seconds, fraction as u32, captured, frame.wire_len];
        for (to, field) in header.as_chunks_mut::<4>().0.iter_mut().zip(fields) {
            *to = field.to_le_bytes();
        }
        self.output.write_all(&header)?;
        self.output.write_all(frame.data)?;
        Ok(())
    }

    /// Passes on what is buffered.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        Ok(self.output.flush()?)
    }

    /// Flushes and gives back the output.
    pub fn finish(mut self) -> Result<W, WriteError> {
        self.output.flush()?;
        Ok(self.output)
    }
}

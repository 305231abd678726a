//! Link frames (IEEE 1815, clause 9): a header of ten octets, then blocks of up to sixteen, each with a checksum.

/// What a frame starts with.
pub(super) const START: [u8; 2] = [0x05, 0x64];
/// Start, length, control, two addresses.
const HEADER_LEN: usize = 8;
/// Octets of a checksum.
const CHECKSUM_LEN: usize = 2;
/// Octets of a block of user data.
const BLOCK_LEN: usize = 16;
/// Control, and the two addresses: what the length of a frame without user data is.
const EMPTY_LENGTH: u8 = 5;

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    NoStart,
    HeaderChecksum,
    Length,
    DataChecksum,
}

impl Damage {
    /// Zeek's name for it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::NoStart => "dnp3_header_lacks_magic",
            Self::HeaderChecksum => "dnp3_corrupt_header_checksum",
            Self::Length => "dnp3_negative_or_zero_length_link_layer",
            Self::DataChecksum => "dnp3_corrupt_app_chunk_checksum",
        }
    }
}

/// Header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The DIR bit.
    pub(super) is_from_master: bool,
    /// User data follows.
    pub(super) has_data: bool,
}

/// Takes the frames out of one direction. Holds at most one block.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    kept: Vec<u8>,
    /// Octets of user data of the current frame that are still to come, without checksums.
    data_left: usize,
}

impl Assembler {
    /// Collects `length` octets; returns them when they are all there.
    fn collect(&mut self, length: usize, rest: &mut &[u8]) -> Option<Vec<u8>> {
        let wanted = length.saturating_sub(self.kept.len()).min(rest.len());
        let (now, later) = rest.split_at(wanted);
        self.kept.extend_from_slice(now);
        *rest = later;
        (self.kept.len() >= length).then(|| std::mem::take(&mut self.kept))
    }

    /// Reads a header, between frames.
    pub(super) fn header(&mut self, rest: &mut &[u8]) -> Result<Option<Header>, Damage> {
        if self.data_left > 0 {
            return Ok(None);
        }
        let Some(octets) = self.collect(HEADER_LEN + CHECKSUM_LEN, rest) else { return Ok(None) };
        let [s0, s1, length, control, ..] = *octets.as_slice() else { return Ok(None) };
        if [s0, s1] != START {
            return Err(Damage::NoStart);
        }
        if !is_sound(&octets) {
            return Err(Damage::HeaderChecksum);
        }
        let data = length.checked_sub(EMPTY_LENGTH).ok_or(Damage::Length)?;
        self.data_left = usize::from(data);
        Ok(Some(Header { is_from_master: control & 0x80 != 0, has_data: data > 0 }))
    }

    /// Reads the blocks of user data after a header.
    pub(super) fn data(&mut self, rest: &mut &[u8]) -> Result<(), Damage> {
        while self.data_left > 0 {
            let length = self.data_left.min(BLOCK_LEN);
            let Some(block) = self.collect(length + CHECKSUM_LEN, rest) else { return Ok(()) };
            self.data_left = self.data_left.saturating_sub(length);
            if !is_sound(&block) {
                return Err(Damage::DataChecksum);
            }
        }
        Ok(())
    }
}

/// Whether `octets` end with the checksum of what is before it.
fn is_sound(octets: &[u8]) -> bool {
    octets
        .split_last_chunk()
        .is_some_and(|(data, checksum)| checksum_of(data) == u16::from_le_bytes(*checksum))
}

/// CRC-16/DNP: polynomial 0x3d65, bits reflected, inverted at the end.
pub(super) fn checksum_of(data: &[u8]) -> u16 {
    let crc = data.iter().fold(0_u16, |crc, octet| {
        (0..8).fold(crc ^ u16::from(*octet), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xa6bc } else { crc >> 1 })
    });
    !crc
}

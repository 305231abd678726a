//! The stream of CRYPTO frames of one direction, as far as the first handshake message goes: the hello.

/// Longest hello: that of a TLS record (RFC 8446, section 5.1), as Zeek bounds it.
pub(super) const MAX_MESSAGE: usize = (1 << 14) + 256;

/// Octets of the header of a handshake message.
pub(super) const HEADER_LEN: usize = 4;

/// Pieces with holes between them beyond these are refused.
const MAX_PIECES: usize = 64;

/// The stream of one direction.
#[derive(Debug, Default)]
pub(super) struct Stream {
    octets: Vec<u8>,
    /// What has come: from and to, in order, apart from each other.
    pieces: Vec<(usize, usize)>,
    finished: bool,
}

impl Stream {
    /// Whether the message was handed out.
    pub(super) const fn is_finished(&self) -> bool {
        self.finished
    }

    /// Adds a piece; what came first stays where pieces overlap. Returns the message once, when it is complete.
    pub(super) fn add(&mut self, offset: u64, data: &[u8]) -> Result<Option<&[u8]>, &'static str> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(MAX_MESSAGE + 1);
        let data = data.get(..data.len().min(MAX_MESSAGE + 1 - from)).unwrap_or_default();
        let to = from + data.len();
        if from < to {
            self.insert(from, to, data)?;
        }
        let received = match self.pieces.first() {
            Some((0, end)) => *end,
            _ => 0,
        };
        let Some([_, a, b, c]) = self.octets.first_chunk::<HEADER_LEN>().filter(|_| received >= HEADER_LEN)
        else {
            return Ok(None);
        };
        let length = HEADER_LEN.saturating_add(u32::from_be_bytes([0, *a, *b, *c]) as usize);
        if length > MAX_MESSAGE {
            return Err("hello too long");
        }
        if received > length {
            return Err("more than a hello");
        }
        if received < length || self.finished {
            return Ok(None);
        }
        self.finished = true;
        Ok(self.octets.get(..length))
    }

    fn insert(&mut self, from: usize, to: usize, data: &[u8]) -> Result<(), &'static str> {
        if self.octets.len() < to {
            self.octets.resize(to, 0);
        }
        // The parts of the piece that no earlier one covers.
        let mut start = from;
        for &(piece_from, piece_to) in self.pieces.iter().chain(&[(usize::MAX, usize::MAX)]) {
            let end = to.min(piece_from);
            if start < end
                && let Some(target) = self.octets.get_mut(start..end)
                && let Some(source) = data.get(start - from..end - from)
            {
                target.copy_from_slice(source);
            }
            start = start.max(piece_to);
            if start >= to {
                break;
            }
        }
        let mut joined = (from, to);
        self.pieces.retain(|&(piece_from, piece_to)| {
            let touches = piece_from <= joined.1 && joined.0 <= piece_to;
            if touches {
                joined = (joined.0.min(piece_from), joined.1.max(piece_to));
            }
            !touches
        });
        if self.pieces.len() >= MAX_PIECES {
            return Err("too many pieces of a hello");
        }
        let place = self.pieces.partition_point(|piece| *piece < joined);
        self.pieces.insert(place, joined);
        Ok(())
    }
}

//! Packets and frames of QUIC (RFC 9000, sections 12, 16, 17 and 19), with the packet types of QUIC 2 (RFC 9369).

/// The packet has a long header.
pub(super) const LONG_HEADER: u8 = 0x80;
/// Set in every packet of the versions known; what has it not is something else on the same port (RFC 7983).
pub(super) const FIXED_BIT: u8 = 0x40;

/// QUIC 1.
pub(super) const VERSION_1: u32 = 1;
/// QUIC 2.
pub(super) const VERSION_2: u32 = 0x6b33_43cf;
/// First of the drafts whose packets look like those of QUIC 1: 22.
pub(super) const DRAFT_FIRST: u32 = 0xff00_0016;
/// Last of them: 34.
pub(super) const DRAFT_LAST: u32 = 0xff00_0022;
/// Versions of Facebook's mvfst, likewise.
pub(super) const MVFST: [u32; 6] =
    [0xface_b001, 0xface_b002, 0xface_b00e, 0xface_b011, 0xface_b012, 0xface_b013];

/// Least value of an Initial packet's length field that leaves room for a packet number and a sample of the
/// ciphertext (RFC 9001, section 5.4.2).
const MIN_INITIAL_LENGTH: u64 = 20;

/// Octets of a Retry packet's integrity tag.
const RETRY_TAG_LEN: usize = 16;

/// A packet or frame is cut short or contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// What a packet with a long header is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'p> {
    /// Initial.
    Initial(Initial<'p>),
    /// 0-RTT.
    ZeroRtt,
    /// Handshake.
    Handshake,
    /// Retry: the rest of the datagram.
    Retry,
    /// Of a version that is not known (0: version negotiation): the rest of the datagram.
    UnknownVersion,
}

/// A protected Initial packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Initial<'p> {
    /// The whole packet.
    pub(super) packet: &'p [u8],
    /// Where the packet number begins.
    pub(super) number_offset: usize,
}

/// A packet with a long header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Long<'p> {
    /// Version.
    pub(super) version: u32,
    /// Destination connection id.
    pub(super) destination: &'p [u8],
    /// Source connection id.
    pub(super) source: &'p [u8],
    /// The packet's type.
    pub(super) kind: Kind<'p>,
}

/// Takes a vector with a length of one octet.
fn connection_id(octets: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let (length, rest) = octets.split_first().ok_or(Malformed)?;
    rest.split_at_checked(usize::from(*length)).ok_or(Malformed)
}

/// Takes a variable-length integer (RFC 9000, section 16).
pub(super) fn variable(octets: &[u8]) -> Result<(u64, &[u8]), Malformed> {
    let first = *octets.first().ok_or(Malformed)?;
    let (bytes, rest) = octets.split_at_checked(1 << (first >> 6)).ok_or(Malformed)?;
    let value =
        bytes.iter().skip(1).fold(u64::from(first & 0x3f), |value, byte| value << 8 | u64::from(*byte));
    Ok((value, rest))
}

/// Takes as many octets as a variable-length integer says.
fn sized(octets: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let (length, rest) = variable(octets)?;
    rest.split_at_checked(usize::try_from(length).map_err(|_| Malformed)?).ok_or(Malformed)
}

/// Takes a packet with a long header from the beginning of a datagram; also returns what follows it.
pub(super) fn long(datagram: &[u8]) -> Result<(Long<'_>, &[u8]), Malformed> {
    let (first, rest) = datagram.split_first().ok_or(Malformed)?;
    let (version, rest) = rest.split_first_chunk::<4>().ok_or(Malformed)?;
    let version = u32::from_be_bytes(*version);
    let (destination, rest) = connection_id(rest)?;
    let (source, rest) = connection_id(rest)?;
    let kind = first >> 4 & 3;
    let kind = match version {
        VERSION_1 | DRAFT_FIRST..=DRAFT_LAST => kind,
        VERSION_2 => kind.wrapping_sub(1) & 3,
        _ if MVFST.contains(&version) => kind,
        _ => return Ok((Long { version, destination, source, kind: Kind::UnknownVersion }, &[])),
    };
    let (kind, rest) = match kind {
        0 => initial(datagram, rest)?,
        1 => (Kind::ZeroRtt, sized(rest)?.1),
        2 => (Kind::Handshake, sized(rest)?.1),
        _ if rest.len() < RETRY_TAG_LEN => return Err(Malformed),
        _ => (Kind::Retry, &[][..]),
    };
    Ok((Long { version, destination, source, kind }, rest))
}

fn initial<'p>(datagram: &'p [u8], rest: &'p [u8]) -> Result<(Kind<'p>, &'p [u8]), Malformed> {
    let (_token, rest) = sized(rest)?;
    if variable(rest)?.0 < MIN_INITIAL_LENGTH {
        return Err(Malformed);
    }
    let (payload, rest) = sized(rest)?;
    let end = datagram.len().checked_sub(rest.len()).ok_or(Malformed)?;
    let number_offset = end.checked_sub(payload.len()).ok_or(Malformed)?;
    let packet = datagram.get(..end).ok_or(Malformed)?;
    Ok((Kind::Initial(Initial { packet, number_offset }), rest))
}

/// A frame of an Initial packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame<'p> {
    /// A piece of the handshake.
    Crypto {
        /// Where it belongs in the stream.
        offset: u64,
        /// Its octets.
        data: &'p [u8],
    },
    /// The connection ends.
    ConnectionClose,
    /// Padding, a ping or an acknowledgment.
    Other,
}

/// Takes a frame; also returns what follows it. A run of padding counts as one.
pub(super) fn frame(octets: &[u8]) -> Result<(Frame<'_>, &[u8]), Malformed> {
    let (kind, rest) = octets.split_first().ok_or(Malformed)?;
    match kind {
        0x00 => {
            let end = rest.iter().position(|octet| *octet != 0).unwrap_or(rest.len());
            Ok((Frame::Other, rest.get(end..).unwrap_or_default()))
        }
        0x01 => Ok((Frame::Other, rest)),
        0x02 | 0x03 => {
            let (_largest, rest) = variable(rest)?;
            let (_delay, rest) = variable(rest)?;
            let (ranges, rest) = variable(rest)?;
            let (_first, mut rest) = variable(rest)?;
            // Each range has two integers; three counters of congestion marks end the second form.
            for _ in 0..ranges {
                rest = variable(rest)?.1;
                rest = variable(rest)?.1;
            }
            if *kind == 0x03 {
                for _ in 0..3 {
                    rest = variable(rest)?.1;
                }
            }
            Ok((Frame::Other, rest))
        }
        0x06 => {
            let (offset, rest) = variable(rest)?;
            let (data, rest) = sized(rest)?;
            Ok((Frame::Crypto { offset, data }, rest))
        }
        0x1c => {
            let (_error, rest) = variable(rest)?;
            let (_frame_type, rest) = variable(rest)?;
            let (_reason, rest) = sized(rest)?;
            Ok((Frame::ConnectionClose, rest))
        }
        _ => Err(Malformed),
    }
}

//! The first messages of RDP: TPKT (RFC 2126, section 4.3), X.224 (section 13), MCS and GCC (T.125, T.124) as MS-RDPBCGR
//! uses them, section 2.2.1.

use crate::ssl::reader::Reader;

/// Octets of a TPKT header.
const TPKT_LEN: u64 = 4;
/// Octets until the type of an X.224 message, with it.
pub(super) const MIN_CONFIRM: usize = 6;
/// Kind of a settings block: core data of the client (section 2.2.1.3.2).
pub(super) const CLIENT_CORE: u16 = 0xc001;
/// Kind of a settings block: security data of the server (section 2.2.1.4.3).
pub(super) const SERVER_SECURITY: u16 = 0x0c02;
/// Octets of the core data of a client up to its product id, without the block's header.
pub(super) const CLIENT_CORE_LEN: usize = 206;
/// Octets of a settings block's header.
const BLOCK_HEADER_LEN: usize = 4;
/// Marks the settings of a client in its GCC request.
const CLIENT_KEY: &[u8] = b"Duca";
/// Marks the settings of a server in its GCC response.
const SERVER_KEY: &[u8] = b"McDn";

/// What a message says.
#[derive(Debug, Clone, Copy)]
pub(super) enum Connection<'p> {
    /// The server takes the connection; 0 is RDP's own encryption, anything else TLS.
    Confirm {
        /// Bits as in section 2.2.1.2.1.
        selected_protocol: u32,
    },
    /// Settings of the client.
    Client(Blocks<'p>),
    /// Settings of the server.
    Server(Blocks<'p>),
    /// Anything else.
    Other,
}

/// Length of a TPKT message.
pub(super) fn measure(octets: &[u8]) -> Result<Option<u64>, &'static str> {
    match octets {
        [_, _, high, low, ..] => match u64::from(u16::from_be_bytes([*high, *low])) {
            length @ TPKT_LEN.. => Ok(Some(length)),
            _ => Err("length of a message too small"),
        },
        _ => Ok(None),
    }
}

/// Reads a TPKT message.
pub(super) fn connection(message: &[u8]) -> Result<Connection<'_>, &'static str> {
    let mut reader = Reader::new(message);
    let header = reader.take(TPKT_LEN as usize).and_then(|_| Some((reader.u8()?, reader.u8()?)));
    let Some((_length, kind)) = header else { return Err("short message") };
    match kind {
        0xd0 => {
            reader.take(5).ok_or("short confirmation")?;
            let selected_protocol = if reader.u8() == Some(2) {
                let response = reader.take(3).and_then(|_| reader.array());
                u32::from_le_bytes(response.ok_or("short negotiation response")?)
            } else {
                0
            };
            Ok(Connection::Confirm { selected_protocol })
        }
        0xf0 => {
            reader.u8();
            match (reader.u8(), reader.u8()) {
                (Some(0x7f), Some(0x65)) => blocks(reader.rest(), CLIENT_KEY).map(Connection::Client),
                (Some(0x7f), Some(0x66)) => blocks(reader.rest(), SERVER_KEY).map(Connection::Server),
                _ => Ok(Connection::Other),
            }
        }
        _ => Ok(Connection::Other),
    }
}

/// The settings behind their key and a length.
fn blocks<'p>(body: &'p [u8], key: &[u8]) -> Result<Blocks<'p>, &'static str> {
    let at = memchr::memmem::find(body, key).ok_or("no settings in a connect message")?;
    let mut reader = Reader::new(body.get(at + key.len()..).unwrap_or_default());
    // A length of PER: two octets when the first has its highest bit.
    match reader.u8() {
        Some(0x80..) => reader.u8().map(drop),
        other => other.map(drop),
    }
    .ok_or("short settings")?;
    Ok(Blocks(reader))
}

/// A block of settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block<'p> {
    /// What it sets.
    pub(super) kind: u16,
    /// The block without its header.
    pub(super) octets: &'p [u8],
}

/// Blocks of settings (section 2.2.1.3.1).
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks<'p>(Reader<'p>);

impl<'p> IntoIterator for Blocks<'p> {
    type Item = Result<Block<'p>, &'static str>;
    type IntoIter = BlockIter<'p>;

    fn into_iter(self) -> BlockIter<'p> {
        BlockIter(self.0)
    }
}

/// Goes through blocks; the first that is damaged is the last.
#[derive(Debug)]
pub(super) struct BlockIter<'p>(Reader<'p>);

impl<'p> Iterator for BlockIter<'p> {
    type Item = Result<Block<'p>, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let block = block(&mut self.0);
        if block.is_none() {
            self.0 = Reader::new(&[]);
        }
        Some(block.ok_or("damaged settings"))
    }
}

fn block<'p>(reader: &mut Reader<'p>) -> Option<Block<'p>> {
    let kind = u16::from_le_bytes(reader.array()?);
    let length = usize::from(u16::from_le_bytes(reader.array()?));
    Some(Block { kind, octets: reader.take(length.checked_sub(BLOCK_HEADER_LEN)?)? })
}

/// Whether security data of a server say that RDP encrypts; `None` when they are damaged.
pub(super) fn server_security(block: &[u8]) -> Option<bool> {
    let mut reader = Reader::new(block);
    let method = u32::from_le_bytes(reader.array()?);
    let level = u32::from_le_bytes(reader.array()?);
    Some(method > 0 && level > 0)
}

/// Whether a client shows its cookie, or its settings with a channel.
pub(super) fn is_client(stream: &[u8]) -> bool {
    let line = first_line(stream);
    memchr::memmem::find(line, b"Cookie: mstshash=").is_some()
        || memchr::memmem::find(line, CLIENT_KEY).and_then(|at| line.get(at..)).is_some_and(|settings| {
            [b"rdpdr".as_slice(), b"rdpsnd", b"drdynvc", b"cliprdr"]
                .iter()
                .any(|channel| memchr::memmem::find(settings, channel).is_some())
        })
}

/// Whether the beginning of a client is a connection request, or may become one.
pub(super) fn may_be_client(stream: &[u8]) -> bool {
    match stream {
        [3, 0, _, _, _, 0xe0, ..] => true,
        [first, ..] => *first == 3 && stream.len() < MIN_CONFIRM,
        [] => false,
    }
}

/// Whether a server takes a connection, or shows its settings.
pub(super) fn is_server(stream: &[u8]) -> bool {
    let line = first_line(stream);
    line.get(MIN_CONFIRM - 1) == Some(&0xd0) || memchr::memmem::find(line, SERVER_KEY).is_some()
}

fn first_line(stream: &[u8]) -> &[u8] {
    memchr::memchr(b'\n', stream).and_then(|end| stream.get(..end)).unwrap_or(stream)
}

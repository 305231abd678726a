//! Handshake messages (RFC 8446, section 4; RFC 5246, section 7.4; RFC 6347, section 4.2.1): octets to typed messages.
//!
//! Written for this analyzer and not on `tls-parser`: that crate allocates a list for every vector of a hello message,
//! gives up a whole extension block for one malformed extension, and knows neither hellos of the drafts of TLS 1.3 nor
//! DTLS handshakes split from their records. Here extensions are an iterator over the message, so a handshake is read
//! without allocation and what came before damage still counts.

use super::names;
use super::reader::Reader;

/// Kind of a handshake message (TLS HandshakeType registry).
pub(crate) mod kind {
    pub(crate) const HELLO_REQUEST: u8 = 0;
    pub(crate) const CLIENT_HELLO: u8 = 1;
    pub(crate) const SERVER_HELLO: u8 = 2;
    pub(crate) const HELLO_VERIFY_REQUEST: u8 = 3;
    pub(crate) const SESSION_TICKET: u8 = 4;
    pub(crate) const CERTIFICATE: u8 = 11;
    pub(crate) const SERVER_KEY_EXCHANGE: u8 = 12;
    pub(crate) const CERTIFICATE_REQUEST: u8 = 13;
    pub(crate) const SERVER_HELLO_DONE: u8 = 14;
    pub(crate) const CERTIFICATE_VERIFY: u8 = 15;
    pub(crate) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(crate) const FINISHED: u8 = 20;
    pub(crate) const CERTIFICATE_URL: u8 = 21;
    pub(crate) const CERTIFICATE_STATUS: u8 = 22;
}

/// Type of a certificate status that is an OCSP response (TLS Certificate Status Types registry).
pub(super) const STATUS_OCSP: u8 = 1;

/// Kind of an extension (TLS ExtensionType registry).
pub(crate) mod extension {
    pub(crate) const SERVER_NAME: u16 = 0;
    pub(crate) const ALPN: u16 = 16;
    pub(crate) const SESSION_TICKET: u16 = 35;
    /// Key share in drafts of TLS 1.3.
    pub(crate) const KEY_SHARE_OLD: u16 = 40;
    pub(crate) const PRE_SHARED_KEY: u16 = 41;
    pub(crate) const SUPPORTED_VERSIONS: u16 = 43;
    pub(crate) const KEY_SHARE: u16 = 51;
}

/// Random of a ServerHello that is a HelloRetryRequest (RFC 8446, section 4.1.3).
pub(crate) const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2,
    0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// A ClientHello, as far as it is logged.
#[derive(Debug, Clone)]
pub(crate) struct ClientHello<'a> {
    /// Version field, not the extension.
    pub(crate) version: u16,
    /// Session id, 0 to 255 octets.
    pub(crate) session_id: &'a [u8],
    /// What follows the compression methods.
    pub(crate) extensions: Extensions<'a>,
}

/// A ServerHello or HelloRetryRequest, as far as it is logged.
#[derive(Debug, Clone)]
pub(crate) struct ServerHello<'a> {
    /// Version field, not the extension.
    pub(crate) version: u16,
    /// Random.
    pub(crate) random: [u8; 32],
    /// Session id, 0 to 255 octets.
    pub(crate) session_id: &'a [u8],
    /// Cipher suite.
    pub(crate) cipher: u16,
    /// What follows the compression method.
    pub(crate) extensions: Extensions<'a>,
}

/// Reads a ClientHello.
pub(crate) fn client_hello(body: &[u8]) -> Option<ClientHello<'_>> {
    let mut reader = Reader::new(body);
    let version = reader.u16()?;
    reader.take(32)?;
    let session_id = reader.vector8()?;
    if matches!(version, names::DTLS_1_0 | names::DTLS_1_2) {
        let _cookie = reader.vector8()?;
    }
    // An odd octet at the end of the cipher suites is not part of them.
    let ciphers = reader.u16()?;
    reader.take(usize::from(ciphers / 2) * 2)?;
    let _compression = reader.vector8()?;
    Some(ClientHello { version, session_id, extensions: Extensions::new(reader)? })
}

/// Reads a ServerHello. Drafts of TLS 1.3 before 22 have neither session id nor compression method.
pub(crate) fn server_hello(body: &[u8]) -> Option<ServerHello<'_>> {
    let mut reader = Reader::new(body);
    let version = reader.u16()?;
    let random = reader.array()?;
    let is_short = version == names::TLS_1_3 || version >> 8 == 0x7F;
    let session_id = if is_short { &[] } else { reader.vector8()? };
    let cipher = reader.u16()?;
    if !is_short {
        let _compression = reader.u8()?;
    }
    Some(ServerHello { version, random, session_id, cipher, extensions: Extensions::new(reader)? })
}

/// The extensions of a hello message, in order; `Err` once where one is cut short.
#[derive(Debug, Clone)]
pub(crate) struct Extensions<'a>(Reader<'a>);

/// An extension does not fit its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

impl<'a> Extensions<'a> {
    /// The extension block; hello messages of old end before it. Its length field is not believed: it always ends
    /// with the message.
    fn new(mut reader: Reader<'a>) -> Option<Self> {
        if !reader.is_empty() {
            let _length = reader.u16()?;
        }
        Some(Self(reader))
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Result<(u16, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let next = self.0.u16().and_then(|kind| Some((kind, self.0.vector16()?)));
        if next.is_none() {
            self.0 = Reader::new(&[]);
        }
        Some(next.ok_or(Malformed))
    }
}

/// One entry of a server name extension (RFC 6066, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerName<'a> {
    /// A host name.
    Host(&'a [u8]),
    /// A name of another type; nothing can be read after it.
    Other(u8),
}

/// The entries of a server name extension; `Err` once where one is cut short.
#[derive(Debug, Clone)]
pub(crate) struct ServerNames<'a>(Reader<'a>);

/// Reads a server name extension; servers send it empty.
pub(crate) fn server_names(value: &[u8]) -> Option<ServerNames<'_>> {
    let mut reader = Reader::new(value);
    let list = if reader.is_empty() { &[] } else { reader.vector16()? };
    Some(ServerNames(Reader::new(list)))
}

impl<'a> Iterator for ServerNames<'a> {
    type Item = Result<ServerName<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let name = match self.0.u8()? {
            0 => self.0.vector16().map(ServerName::Host),
            other => {
                self.0 = Reader::new(&[]);
                Some(ServerName::Other(other))
            }
        };
        if name.is_none() {
            self.0 = Reader::new(&[]);
        }
        Some(name.ok_or(Malformed))
    }
}

/// The first protocol of an ALPN extension (RFC 7301); `Ok(None)` when it lists none.
pub(crate) fn first_protocol(value: &[u8]) -> Result<Option<&[u8]>, Malformed> {
    let mut reader = Reader::new(value);
    if reader.is_empty() {
        return Ok(None);
    }
    let mut list = Reader::new(reader.vector16().ok_or(Malformed)?);
    let mut first = None;
    while !list.is_empty() {
        let protocol = list.vector8().ok_or(Malformed)?;
        first.get_or_insert(protocol);
    }
    Ok(first)
}

/// The group of a server's key share: one entry, or in a HelloRetryRequest the group alone.
pub(crate) fn server_key_share(value: &[u8]) -> Result<Option<u16>, Malformed> {
    let mut reader = Reader::new(value);
    if reader.is_empty() {
        return Ok(None);
    }
    let group = reader.u16().ok_or(Malformed)?;
    if value.len() != 2 {
        reader.vector16().ok_or(Malformed)?;
    }
    Ok(Some(group))
}

/// The named curve of a ServerKeyExchange with ephemeral elliptic-curve parameters (RFC 8422, section 5.4);
/// `Ok(None)` for explicit parameters. `signature` says what follows the parameters.
pub(crate) fn server_curve(body: &[u8], signature: Signature) -> Result<Option<u16>, Malformed> {
    const NAMED_CURVE: u8 = 3;
    let mut reader = Reader::new(body);
    if reader.u8().ok_or(Malformed)? != NAMED_CURVE {
        return Ok(None);
    }
    let curve = reader.u16().ok_or(Malformed)?;
    let _point = reader.vector8().ok_or(Malformed)?;
    match signature {
        Signature::None => {}
        Signature::Plain => drop(reader.vector16().ok_or(Malformed)?),
        Signature::WithAlgorithm => {
            reader.u16().and_then(|_| reader.vector16()).ok_or(Malformed)?;
        }
    }
    Ok(Some(curve))
}

/// How the parameters of a ServerKeyExchange are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signature {
    /// Anonymous: not at all.
    None,
    /// Before TLS 1.2.
    Plain,
    /// From TLS 1.2 on the algorithm stands before the signature.
    WithAlgorithm,
}

/// The certificates of a Certificate message before TLS 1.3; `Err` once where one is cut short.
#[derive(Debug, Clone)]
pub(crate) struct Certificates<'a>(Reader<'a>);

/// Reads a Certificate message.
pub(crate) fn certificates(body: &[u8]) -> Option<Certificates<'_>> {
    Some(Certificates(Reader::new(Reader::new(body).vector24()?)))
}

impl<'a> Iterator for Certificates<'a> {
    type Item = Result<&'a [u8], Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let certificate = self.0.vector24();
        if certificate.is_none() {
            self.0 = Reader::new(&[]);
        }
        Some(certificate.ok_or(Malformed))
    }
}

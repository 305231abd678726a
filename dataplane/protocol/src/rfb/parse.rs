//! RFB messages of the handshake (RFC 6143, section 7): what each side sends next, and how long it is.

use crate::ssl::reader::Reader;

/// Octets of a version: `RFB 003.008` and a line feed.
const VERSION_LEN: u64 = 12;
/// Octets of the challenge of VNC authentication, and of its response.
const CHALLENGE_LEN: u64 = 16;
/// Longer texts are not believed.
const MAX_TEXT: u32 = 65_536;

/// What the client sends next.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// Its version.
    #[default]
    Version,
    /// The security type that it chose.
    SecurityType,
    /// The encrypted challenge.
    Response,
    /// Apple's: a key and credentials, each of so many octets.
    AppleResponse(u16),
    /// Whether it shares the screen.
    Initialization,
    /// Nothing, before the server has sent something.
    Wait,
    /// Keys and movements of the pointer.
    Controls,
}

impl Client {
    /// Length of the next message.
    pub(super) fn measure(self, _octets: &[u8]) -> Result<Option<u64>, &'static str> {
        match self {
            Self::Version => Ok(Some(VERSION_LEN)),
            Self::SecurityType | Self::Initialization | Self::Controls => Ok(Some(1)),
            Self::Response => Ok(Some(CHALLENGE_LEN)),
            Self::AppleResponse(key_length) => Ok(Some(2 * u64::from(key_length))),
            Self::Wait => Err("the client speaks out of turn"),
        }
    }
}

/// What the server sends next.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    /// Its version.
    #[default]
    Version,
    /// The security type, which it decides before version 3.7.
    SecurityType,
    /// The security types to choose from.
    SecurityTypes,
    /// What the client is to encrypt.
    Challenge,
    /// Apple's: a key exchange.
    AppleChallenge,
    /// Whether the client may go on.
    SecurityResult,
    /// Why it may not.
    Failure,
    /// Size, pixel format and name of the screen.
    Initialization,
    /// Nothing, before the client has sent something.
    Wait,
}

impl Server {
    /// Length of the next message, which begins with `octets`.
    pub(super) fn measure(self, octets: &[u8]) -> Result<Option<u64>, &'static str> {
        let mut reader = Reader::new(octets);
        match self {
            Self::Version => Ok(Some(VERSION_LEN)),
            Self::SecurityType | Self::SecurityResult => Ok(Some(4)),
            Self::SecurityTypes => Ok(reader.u8().map(|count| u64::from(count) + 1)),
            Self::Challenge => Ok(Some(CHALLENGE_LEN)),
            Self::AppleChallenge if octets.len() < 4 => Ok(None),
            Self::AppleChallenge => Ok(Some(4 + 2 * u64::from(apple_key_length(octets)))),
            Self::Failure => text(reader.u32()).map(|length| length.map(|length| length + 4)),
            Self::Initialization => {
                let length = reader.take(20).and_then(|_| reader.u32());
                text(length).map(|length| length.map(|length| length + 24))
            }
            Self::Wait => Err("the server speaks out of turn"),
        }
    }
}

fn text(length: Option<u32>) -> Result<Option<u64>, &'static str> {
    match length {
        Some(MAX_TEXT..) => Err("text too long"),
        other => Ok(other.map(u64::from)),
    }
}

/// The number that a message consists of.
pub(super) fn number(message: &[u8]) -> u32 {
    Reader::new(message).u32().unwrap_or_default()
}

/// Minor version in a message with a version; what is no number counts as 0.
pub(super) fn minor_version(message: &[u8]) -> Result<u32, &'static str> {
    let [b'R', b'F', b'B', b' ', _, _, _, b'.', minor @ .., _] = message else { return Err("no version") };
    Ok(minor.iter().take_while(|octet| octet.is_ascii_digit()).fold(0_u32, |number, octet| {
        number.saturating_mul(10).saturating_add(u32::from(octet.wrapping_sub(b'0')))
    }))
}

/// Length of the keys in Apple's challenge.
pub(super) fn apple_key_length(message: &[u8]) -> u16 {
    match message {
        [_, _, high, low, ..] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    }
}

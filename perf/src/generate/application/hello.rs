//! The hellos of TLS 1.2 (RFC 5246), of TLS 1.3 (RFC 8446) and of the latter in QUIC (RFC 9001), varied as those of
//! different clients are.

use super::super::random::Random;

/// Content type of records that hold handshake messages.
pub(super) const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// Cipher suites of TLS 1.2 that are offered and chosen.
pub(super) const SUITES_12: [u16; 4] = [0xc02f, 0xc030, 0xcca8, 0xc013];
/// Those of TLS 1.3.
pub(super) const SUITES_13: [u16; 3] = [0x1301, 0x1302, 0x1303];
/// Those of TLS 1.2 that are only offered.
const OLD_SUITES: [u16; 4] = [0xc014, 0x009c, 0x009d, 0x002f];
/// Reserved values that clients strew in (RFC 8701).
const GREASE: [u16; 4] = [0x0a0a, 0x1a1a, 0x5a5a, 0xcaca];
/// Extensions that every client sends.
const EXTENSIONS: usize = 8;

/// Numbers of extensions (IANA "TLS ExtensionType Values").
mod extensions {
    pub(super) const SERVER_NAME: u16 = 0;
    pub(super) const STATUS_REQUEST: u16 = 5;
    pub(super) const SUPPORTED_GROUPS: u16 = 10;
    pub(super) const EC_POINT_FORMATS: u16 = 11;
    pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(super) const ALPN: u16 = 16;
    pub(super) const EXTENDED_MASTER_SECRET: u16 = 23;
    pub(super) const SESSION_TICKET: u16 = 35;
    pub(super) const PRE_SHARED_KEY: u16 = 41;
    pub(super) const SUPPORTED_VERSIONS: u16 = 43;
    pub(super) const PSK_KEY_EXCHANGE_MODES: u16 = 45;
    pub(super) const KEY_SHARE: u16 = 51;
    pub(super) const QUIC_TRANSPORT_PARAMETERS: u16 = 57;
    pub(super) const RENEGOTIATION_INFO: u16 = 0xff01;
}

/// Version and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    /// TLS 1.2, with HTTP/2 or not.
    Tls12 {
        /// The client offers HTTP/2 and the server takes it.
        http2: bool,
    },
    /// TLS 1.3, with HTTP/2 or not.
    Tls13 {
        /// The client offers HTTP/2.
        http2: bool,
    },
    /// TLS 1.3 in QUIC, with HTTP/3.
    Quic,
}

impl Variant {
    const fn is_13(self) -> bool {
        !matches!(self, Self::Tls12 { .. })
    }

    /// Application protocols, each behind its length (RFC 7301).
    const fn offered(self) -> &'static [u8] {
        match self {
            Self::Tls12 { http2: true } | Self::Tls13 { http2: true } => b"\x02h2\x08http/1.1",
            Self::Tls12 { http2: false } | Self::Tls13 { http2: false } => b"\x08http/1.1",
            Self::Quic => b"\x02h3",
        }
    }

    const fn chosen(self) -> &'static [u8] {
        match self {
            Self::Tls12 { http2: true } | Self::Tls13 { http2: true } => b"\x02h2",
            Self::Tls12 { http2: false } | Self::Tls13 { http2: false } => b"\x08http/1.1",
            Self::Quic => b"\x02h3",
        }
    }
}

/// What both hellos of a connection say.
#[derive(Debug)]
pub(super) struct Hello<'n> {
    /// The server's name.
    pub(super) name: &'n [u8],
    /// Version and place.
    pub(super) variant: Variant,
    /// The client's session identifier; not sent in QUIC (RFC 9001, section 8.4).
    pub(super) session: [u8; 32],
}

fn put(to: &mut Vec<u8>, value: u16) {
    to.extend_from_slice(&value.to_be_bytes());
}

/// Writes what `write` appends behind its length of 16 bits.
fn length16(to: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = to.len();
    to.extend_from_slice(&[0; 2]);
    write(to);
    let length = (to.len() - at - 2) as u16;
    if let Some(field) = to.get_mut(at..at + 2) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}

/// The same with 24 bits.
pub(super) fn length24(to: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = to.len();
    to.extend_from_slice(&[0; 3]);
    write(to);
    let [_, high, middle, low] = ((to.len() - at - 3) as u32).to_be_bytes();
    if let Some(field) = to.get_mut(at..at + 3) {
        field.copy_from_slice(&[high, middle, low]);
    }
}

/// Writes a record of what is appended, of handshake messages.
pub(super) fn record(to: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    to.extend_from_slice(&[HANDSHAKE, 3, 3]);
    length16(to, write);
}

/// Writes a handshake message in a record of its own.
pub(super) fn handshake(to: &mut Vec<u8>, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
    record(to, |to| message(to, kind, write));
}

fn message(to: &mut Vec<u8>, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
    to.push(kind);
    length24(to, write);
}

fn extension(to: &mut Vec<u8>, kind: u16, write: impl FnOnce(&mut Vec<u8>)) {
    put(to, kind);
    length16(to, write);
}

fn list(to: &mut Vec<u8>, values: &[u16]) {
    length16(to, |to| {
        for value in values {
            put(to, *value);
        }
    });
}

/// Writes a client's hello.
pub(super) fn client_hello(to: &mut Vec<u8>, random: &mut Random, hello: &Hello<'_>) {
    message(to, CLIENT_HELLO, |to| client_hello_body(to, random, hello));
}

fn client_hello_body(to: &mut Vec<u8>, random: &mut Random, hello: &Hello<'_>) {
    let Hello { variant, session, .. } = hello;
    // Clients differ: with or without reserved values, one order of extensions or another.
    let grease = random.chance(0.5).then(|| random.pick(&GREASE));
    let turn = random.below(EXTENSIONS as u64) as usize;
    to.extend_from_slice(&[3, 3]);
    to.extend_from_slice(&random.octets::<32>());
    session_id(to, *variant, session);
    length16(to, |to| {
        if let Some(grease) = grease {
            put(to, grease);
        }
        let none: &[u16] = &[];
        let modern = if variant.is_13() { SUITES_13.as_slice() } else { none };
        let (older, oldest) = if *variant == Variant::Quic {
            (none, none)
        } else {
            (SUITES_12.as_slice(), OLD_SUITES.as_slice())
        };
        for suite in modern.iter().chain(older).chain(oldest) {
            put(to, *suite);
        }
    });
    to.extend_from_slice(&[1, 0]);
    length16(to, |to| {
        if let Some(grease) = grease {
            extension(to, grease, |_| {});
        }
        for index in 0..EXTENSIONS {
            client_extension(to, random, hello, (index + turn) % EXTENSIONS);
        }
        if !variant.is_13() {
            return;
        }
        let versions: &[u8] = if *variant == Variant::Quic { &[2, 3, 4] } else { &[4, 3, 4, 3, 3] };
        extension(to, extensions::SUPPORTED_VERSIONS, |to| to.extend_from_slice(versions));
        extension(to, extensions::PSK_KEY_EXCHANGE_MODES, |to| to.extend_from_slice(&[1, 1]));
        extension(to, extensions::KEY_SHARE, |to| length16(to, |to| key_share(to, random)));
        if *variant == Variant::Quic {
            // max_idle_timeout, max_udp_payload_size and initial_max_data (RFC 9000, section 18.2).
            let parameters = [1, 4, 0x80, 0, 0x75, 0x30, 3, 2, 0x45, 0xc0, 4, 4, 0x80, 0x10, 0, 0];
            extension(to, extensions::QUIC_TRANSPORT_PARAMETERS, |to| to.extend_from_slice(&parameters));
        }
    });
}

fn session_id(to: &mut Vec<u8>, variant: Variant, session: &[u8; 32]) {
    if variant == Variant::Quic {
        to.push(0);
    } else {
        to.push(32);
        to.extend_from_slice(session);
    }
}

/// A public key of x25519.
fn key_share(to: &mut Vec<u8>, random: &mut Random) {
    put(to, 0x001d);
    length16(to, |to| to.extend_from_slice(&random.octets::<32>()));
}

/// One of the extensions that every client sends.
fn client_extension(to: &mut Vec<u8>, random: &mut Random, hello: &Hello<'_>, number: usize) {
    match number {
        0 => extension(to, extensions::SERVER_NAME, |to| {
            length16(to, |to| {
                to.push(0);
                length16(to, |to| to.extend_from_slice(hello.name));
            });
        }),
        1 => extension(to, extensions::EXTENDED_MASTER_SECRET, |_| {}),
        2 => extension(to, extensions::SUPPORTED_GROUPS, |to| list(to, &[0x001d, 0x0017, 0x0018])),
        3 => extension(to, extensions::EC_POINT_FORMATS, |to| to.extend_from_slice(&[1, 0])),
        4 => extension(to, extensions::SESSION_TICKET, |_| {}),
        5 => extension(to, extensions::ALPN, |to| {
            length16(to, |to| to.extend_from_slice(hello.variant.offered()));
        }),
        6 => extension(to, extensions::STATUS_REQUEST, |to| to.extend_from_slice(&[1, 0, 0, 0, 0])),
        _ => {
            let all = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806];
            let count = random.between(4, all.len() as u64) as usize;
            let some = all.get(..count).unwrap_or_default();
            extension(to, extensions::SIGNATURE_ALGORITHMS, |to| list(to, some));
        }
    }
}

/// Writes a server's hello with the suite that it chooses.
pub(super) fn server_hello(
    to: &mut Vec<u8>,
    random: &mut Random,
    hello: &Hello<'_>,
    suite: u16,
    resumed: bool,
) {
    message(to, SERVER_HELLO, |to| {
        let Hello { variant, .. } = *hello;
        to.extend_from_slice(&[3, 3]);
        to.extend_from_slice(&random.octets::<32>());
        // The client's identifier comes back with TLS 1.3 and with a resumed session.
        let session = if variant.is_13() || resumed { hello.session } else { random.octets() };
        session_id(to, variant, &session);
        put(to, suite);
        to.push(0);
        length16(to, |to| {
            if variant.is_13() {
                extension(to, extensions::SUPPORTED_VERSIONS, |to| put(to, 0x0304));
                extension(to, extensions::KEY_SHARE, |to| key_share(to, random));
                if resumed {
                    extension(to, extensions::PRE_SHARED_KEY, |to| put(to, 0));
                }
                return;
            }
            extension(to, extensions::EXTENDED_MASTER_SECRET, |_| {});
            extension(to, extensions::RENEGOTIATION_INFO, |to| to.push(0));
            extension(to, extensions::EC_POINT_FORMATS, |to| to.extend_from_slice(&[1, 0]));
            extension(to, extensions::ALPN, |to| {
                length16(to, |to| to.extend_from_slice(variant.chosen()));
            });
        });
    });
}

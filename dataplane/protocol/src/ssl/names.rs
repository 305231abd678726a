//! Names of versions, groups and alerts, as people know them from Zeek's logs.

use std::borrow::Cow;

use super::ciphers;

/// A name, or `unknown-` and the number.
type Name = Cow<'static, str>;

/// SSL 2.0.
pub(crate) const SSL_2: u16 = 0x0002;
/// SSL 3.0.
pub(crate) const SSL_3: u16 = 0x0300;
/// TLS 1.0.
pub(crate) const TLS_1_0: u16 = 0x0301;
/// TLS 1.1.
pub(crate) const TLS_1_1: u16 = 0x0302;
/// TLS 1.2.
pub(crate) const TLS_1_2: u16 = 0x0303;
/// TLS 1.3.
pub(crate) const TLS_1_3: u16 = 0x0304;
/// DTLS 1.0.
pub(crate) const DTLS_1_0: u16 = 0xFEFF;
/// DTLS 1.2.
pub(crate) const DTLS_1_2: u16 = 0xFEFD;
/// DTLS 1.3.
pub(crate) const DTLS_1_3: u16 = 0xFEFC;

/// Whether a version number belongs to a draft of TLS 1.3 (0x7F and the number of the draft).
pub(super) const fn is_draft(version: u16) -> bool {
    version / 0xFF == 0x7F
}

/// Whether a hello message may carry this version in its version field.
pub(super) const fn is_hello_version(version: u16) -> bool {
    matches!(version, SSL_2 | SSL_3 | TLS_1_0 | TLS_1_1 | TLS_1_2 | TLS_1_3 | DTLS_1_0 | DTLS_1_2 | DTLS_1_3)
        || version >> 8 == 0x7F
        || is_draft(version)
}

/// Whether a record may carry this version (TLS over TCP).
pub(super) const fn is_record_version(version: u16) -> bool {
    matches!(version, SSL_3 | TLS_1_0 | TLS_1_1 | TLS_1_2)
}

/// The name of a protocol version.
pub(super) fn version(version: u16) -> Name {
    Cow::Borrowed(match version {
        SSL_2 => "SSLv2",
        SSL_3 => "SSLv3",
        TLS_1_0 => "TLSv10",
        TLS_1_1 => "TLSv11",
        TLS_1_2 => "TLSv12",
        TLS_1_3 => "TLSv13",
        DTLS_1_0 => "DTLSv10",
        DTLS_1_2 => "DTLSv12",
        DTLS_1_3 => "DTLSv13",
        _ if is_draft(version) => return Cow::Owned(format!("TLSv13-draft{}", version % 0x7F)),
        _ => return unknown(version.into()),
    })
}

/// The name of a cipher suite.
pub(super) fn cipher(suite: u32) -> Name {
    ciphers::name(suite).map_or_else(|| unknown(suite), Cow::Borrowed)
}

/// The name of an alert (TLS Alerts registry).
pub(super) fn alert(description: u16) -> Name {
    Cow::Borrowed(match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        117 => "general_error",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => return unknown(description.into()),
    })
}

/// The name of a group (TLS Supported Groups registry).
pub(super) fn group(group: u16) -> Name {
    const NAMED: [&str; 41] = [
        "sect163k1",
        "sect163r1",
        "sect163r2",
        "sect193r1",
        "sect193r2",
        "sect233k1",
        "sect233r1",
        "sect239k1",
        "sect283k1",
        "sect283r1",
        "sect409k1",
        "sect409r1",
        "sect571k1",
        "sect571r1",
        "secp160k1",
        "secp160r1",
        "secp160r2",
        "secp192k1",
        "secp192r1",
        "secp224k1",
        "secp224r1",
        "secp256k1",
        "secp256r1",
        "secp384r1",
        "secp521r1",
        "brainpoolP256r1",
        "brainpoolP384r1",
        "brainpoolP512r1",
        "x25519",
        "x448",
        "brainpoolP256r1tls13",
        "brainpoolP384r1tls13",
        "brainpoolP512r1tls13",
        "GC256A",
        "GC256B",
        "GC256C",
        "GC256D",
        "GC512A",
        "GC512B",
        "GC512C",
        "curveSM2",
    ];
    Cow::Borrowed(match group {
        1..=41 => NAMED.get(usize::from(group) - 1).copied().unwrap_or_default(),
        256 => "ffdhe2048",
        257 => "ffdhe3072",
        258 => "ffdhe4096",
        259 => "ffdhe6144",
        260 => "ffdhe8192",
        512 => "MLKEM512",
        513 => "MLKEM768",
        514 => "MLKEM1024",
        4587 => "SecP256r1MLKEM768",
        4588 => "X25519MLKEM768",
        4589 => "SecP384r1MLKEM1024",
        4590 => "curveSM2MLKEM768",
        16696 => "CECPQ2",
        25497 => "X25519Kyber768Draft00",
        25498 => "SecP256r1Kyber768Draft00",
        0xFF01 => "arbitrary_explicit_prime_curves",
        0xFF02 => "arbitrary_explicit_char2_curves",
        // RFC 8701.
        _ if group & 0x0F0F == 0x0A0A && group >> 8 == group & 0xFF => {
            return Cow::Owned(format!("grease_0x{group:04X}"));
        }
        _ => return unknown(group.into()),
    })
}

fn unknown(number: u32) -> Name {
    Cow::Owned(format!("unknown-{number}"))
}

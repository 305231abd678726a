//! The `ssl` log.

use crate::{Endpoints, List, Time, Uid};

log! {
    /// One record per TLS or DTLS handshake.
    Ssl<'a> {
        /// Time of the first record.
        ts: Time,
        /// Unique id of the connection.
        uid: Uid,
        /// The two ends.
        id: Endpoints,
        /// Version that the server chose.
        version: Option<&'a str>,
        /// Cipher suite that the server chose.
        cipher: Option<&'a str>,
        /// Elliptic curve or group of the key exchange.
        curve: Option<&'a str>,
        /// Server name indication of the client.
        server_name: Option<&'a [u8]>,
        /// The session was resumed.
        resumed: bool,
        /// Last alert seen.
        last_alert: Option<&'a str>,
        /// Application protocol that the server chose (ALPN).
        next_protocol: Option<&'a [u8]>,
        /// The handshake ended well.
        established: bool,
        /// Messages seen, a letter each: upper case by the client, lower case by the server.
        ssl_history: Option<&'a str>,
        /// SHA-256 fingerprints of the server's certificates.
        cert_chain_fps: Option<List<'a, Box<str>>>,
        /// SHA-256 fingerprints of the client's certificates.
        client_cert_chain_fps: Option<List<'a, Box<str>>>,
        /// Whether the server's certificate is valid for the name asked for.
        sni_matches_cert: Option<bool>,
        /// Result of the validation of the server's certificate chain.
        validation_status: Option<&'a str>,
    }
}

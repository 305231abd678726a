//! The `ssh` log.

use crate::{Endpoints, Enum, Time, Uid};

log! {
    /// One record per SSH connection.
    Ssh<'a> {
        /// Time of the first banner.
        ts: Time,
        /// Unique id of the connection.
        uid: Uid,
        /// The two ends.
        id: Endpoints,
        /// Major version of the protocol.
        version: Option<u64>,
        /// Whether the login succeeded, as far as packet sizes tell.
        auth_success: Option<bool>,
        /// Logins tried, as far as packet sizes tell.
        auth_attempts: u64,
        /// INBOUND or OUTBOUND, from the local networks' view.
        direction: Option<Enum>,
        /// Banner of the client.
        client: Option<&'a [u8]>,
        /// Banner of the server.
        server: Option<&'a [u8]>,
        /// Encryption algorithm.
        cipher_alg: Option<&'a [u8]>,
        /// Message authentication algorithm.
        mac_alg: Option<&'a [u8]>,
        /// Compression algorithm.
        compression_alg: Option<&'a [u8]>,
        /// Key exchange algorithm.
        kex_alg: Option<&'a [u8]>,
        /// Algorithm of the server's host key.
        host_key_alg: Option<&'a [u8]>,
        /// SHA-256 fingerprint of the server's host key.
        host_key_fingerprint: Option<&'a str>,
    }
}

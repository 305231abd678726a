//! The `quic` log.

use crate::{Endpoints, Time, Uid};

log! {
    /// One record per QUIC connection.
    Quic<'a> {
        /// Time of the first initial packet.
        ts: Time,
        /// Unique id of the connection.
        uid: Uid,
        /// The two ends.
        id: Endpoints,
        /// Version.
        version: &'a str,
        /// First destination connection id of the client, hexadecimal.
        client_initial_dcid: Option<&'a str>,
        /// Source connection id of the client, hexadecimal.
        client_scid: Option<&'a str>,
        /// Source connection id of the server, hexadecimal.
        server_scid: Option<&'a str>,
        /// Server name in the client's hello.
        server_name: Option<&'a [u8]>,
        /// First application protocol that the client offers.
        client_protocol: Option<&'a [u8]>,
        /// Packets seen, a letter each: upper case by the client, lower case by the server.
        history: &'a str,
    }
}

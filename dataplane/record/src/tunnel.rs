//! The `tunnel` log.

use crate::{Endpoints, Enum, Time, Uid};

log! {
    /// Discovery, close and expiry of tunnels.
    Tunnel {
        /// When it happened.
        ts: Time,
        /// Unique id of the tunnel's connection.
        uid: Option<Uid>,
        /// The two ends of the tunnel.
        id: Endpoints,
        /// Kind of the tunnel.
        tunnel_type: Enum,
        /// What happened.
        action: Enum,
    }
}

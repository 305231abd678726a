//! The `weird` log.

use crate::{Endpoints, Limit, Time, Uid};

log! {
    /// Protocol anomalies.
    Weird<'a> {
        /// When it was seen.
        ts: Time,
        /// Unique id of the connection.
        uid: Option<Uid>,
        /// The two ends of the connection.
        id: Option<Endpoints>,
        /// Name of the anomaly.
        name: &'a str,
        /// More about it.
        addl: Option<&'a [u8]>,
        /// Whether a notice was raised too.
        notice: bool,
        /// The node that saw it.
        peer: &'a str,
        /// Part of the sensor that reports it.
        source: Option<&'a str>,
        /// How often it is written again. Not a column.
        limit: Limit,
    }
    limited by |record| record.limit
}

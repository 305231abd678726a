//! What the table counts. One writer; read between bursts.

/// Counters of a [`FlowTable`](crate::FlowTable), since its start unless told otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections created.
    pub created: u64,
    /// Connections removed, for whatever reason.
    pub removed: u64,
    /// Of those, removed because the table was full.
    pub evicted: u64,
    /// Connections that came from another table.
    pub moved_in: u64,
    /// Connections that went to another table.
    pub moved_out: u64,
    /// Packets taken.
    pub packets: u64,
    /// Packets with a wrong checksum, not analyzed.
    pub bad_checksums: u64,
    /// Octets of TCP payload delivered in order, both directions, all connections.
    pub delivered_bytes: u64,
    /// Segments that reassembly buffered, because they came before their turn.
    pub buffered_segments: u64,
    /// Streams whose reassembly was given up for a bound of memory of the stream.
    pub stream_limit_hits: u64,
    /// Streams whose reassembly was given up because the table's reassembly memory was used up.
    pub total_limit_hits: u64,
    /// History letters not kept, see [`MAX_HISTORY`](crate::MAX_HISTORY).
    pub history_limit_hits: u64,
    /// Acknowledgments of new data of established connections: the base of a capture loss estimate.
    pub acks: u64,
    /// Of those, acknowledgments of data that was never seen.
    pub acks_of_gaps: u64,
    /// Octets held by reassembly now.
    pub buffered_bytes: u64,
}

impl Counters {
    /// Connections in the table now.
    pub const fn current(&self) -> u64 {
        let came = self.created.wrapping_add(self.moved_in);
        came.wrapping_sub(self.removed.wrapping_add(self.moved_out))
    }

    /// Adds another table's counters.
    pub fn add(&mut self, other: &Self) {
        self.created += other.created;
        self.removed += other.removed;
        self.evicted += other.evicted;
        self.moved_in += other.moved_in;
        self.moved_out += other.moved_out;
        self.packets += other.packets;
        self.bad_checksums += other.bad_checksums;
        self.delivered_bytes += other.delivered_bytes;
        self.buffered_segments += other.buffered_segments;
        self.stream_limit_hits += other.stream_limit_hits;
        self.total_limit_hits += other.total_limit_hits;
        self.history_limit_hits += other.history_limit_hits;
        self.acks += other.acks;
        self.acks_of_gaps += other.acks_of_gaps;
        self.buffered_bytes += other.buffered_bytes;
    }
}

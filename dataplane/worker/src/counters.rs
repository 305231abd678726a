//! What a worker counts. One writer; others read copies.

/// Why a frame was not analyzed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Drop {
    /// Well-formed, but nothing that is analyzed: ARP, unknown protocols, encrypted links.
    NotIp,
    /// Headers cut short or contradicting themselves.
    Damaged,
}

impl Drop {
    /// Every reason.
    pub const ALL: [Self; 2] = [Self::NotIp, Self::Damaged];

    /// The reason in metrics and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotIp => "not_ip",
            Self::Damaged => "damaged",
        }
    }
}

/// Counters of one worker since its start.
///
/// The books balance: `received` is the sum of `analyzed`, `shunted` and of all dropped by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames given to the worker.
    pub received: u64,
    /// Octets of these frames on the wire.
    pub octets: u64,
    /// Frames that reached a connection or wait as a fragment of one.
    pub analyzed: u64,
    /// Frames with payload of a connection that wants none of it: counted, and not looked at beyond their headers.
    pub shunted: u64,
    /// Octets of these frames on the wire.
    pub shunted_octets: u64,
    dropped: [u64; Drop::ALL.len()],
    /// Records made.
    pub records: u64,
    /// Oddities that found no place in a frame's list.
    pub weirds_lost: u64,
    /// Layers beyond the deepest tunnel that is followed.
    pub tunnels_too_deep: u64,
    /// IP tunnels forgotten for want of room, those first that are not in use.
    pub tunnels_lost: u64,
    /// Of the connection table.
    pub flows: flow::Counters,
}

impl Counters {
    pub(crate) fn drop(&mut self, reason: Drop) {
        self.dropped[reason as usize] += 1;
    }

    /// Frames not analyzed, by reason.
    pub fn dropped(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Drop::ALL.into_iter().zip(self.dropped).map(|(reason, count)| (reason.name(), count))
    }

    /// Adds another worker's counters.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.octets += other.octets;
        self.analyzed += other.analyzed;
        self.shunted += other.shunted;
        self.shunted_octets += other.shunted_octets;
        for (count, more) in self.dropped.iter_mut().zip(other.dropped) {
            *count += more;
        }
        self.records += other.records;
        self.weirds_lost += other.weirds_lost;
        self.tunnels_too_deep += other.tunnels_too_deep;
        self.tunnels_lost += other.tunnels_lost;
        self.flows.add(&other.flows);
    }
}

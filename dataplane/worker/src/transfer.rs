//! A bucket of the indirection table on its way from one worker to another.
//!
//! The old worker takes the bucket's state out in parcels of bounded size, once it has analyzed all packets of the bucket
//! that it was sent; the new one takes the parcels in before it analyzes any packet of the bucket. So every connection
//! has its whole state at one worker at any time, and its records are those of a connection that never moved.

use flow::{DetachedFlow, Extraction};
use packet::fragment::DetachedDatagram;
use protocol::DetachedShared;
use record::{RecordBuffer, Time};

use crate::connections::State;
use crate::tunnels::DetachedTunnel;
use crate::worker::{NO_FRAME, Place, Worker};

/// Connections in one parcel at most: some ten microseconds' work.
const PARCEL: usize = 256;

/// A bucket that leaves a worker.
#[derive(Debug)]
pub struct Departure {
    bucket: u16,
    progress: Extraction,
}

impl Departure {
    /// Of that bucket, before anything has been taken out.
    pub fn of(bucket: u16) -> Self {
        Self { bucket, progress: Extraction::default() }
    }

    /// The bucket.
    pub const fn bucket(&self) -> u16 {
        self.bucket
    }
}

/// Part of the state of a bucket.
pub struct Parcel {
    bucket: u16,
    is_last: bool,
    /// Time of the source where it comes from.
    clock: Time,
    flows: Vec<DetachedFlow<State>>,
    fragments: Vec<DetachedDatagram>,
    tunnels: Vec<DetachedTunnel>,
    shared: DetachedShared,
}

impl std::fmt::Debug for Parcel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { bucket, is_last, flows, .. } = self;
        f.debug_struct("Parcel")
            .field("bucket", bucket)
            .field("is_last", is_last)
            .field("flows", &flows.len())
            .finish_non_exhaustive()
    }
}

impl Parcel {
    /// The bucket.
    pub const fn bucket(&self) -> u16 {
        self.bucket
    }

    /// Whether the bucket's state is complete with this parcel.
    pub const fn is_last(&self) -> bool {
        self.is_last
    }

    /// Connections in it.
    pub fn flows(&self) -> usize {
        self.flows.len()
    }
}

impl Worker {
    /// Takes the next part of a bucket's state out. Bounded work. To be called until a parcel is the
    /// [last](Parcel::is_last); no frame of the bucket may come from the first call on. `None`: nothing was found this
    /// time, but there is more to look through.
    pub fn extract(&mut self, departure: &mut Departure) -> Option<Parcel> {
        let bucket = departure.bucket;
        let mut flows = Vec::new();
        let is_last = self.table.extract(bucket, &mut departure.progress, PARCEL, &mut flows);
        if !is_last && flows.is_empty() {
            return None;
        }
        let tunnels = &mut self.shared.tunnels;
        let carriers = flows.iter().filter(|flow| flow.state().carries_tunnel);
        let mut parcel = Parcel {
            bucket,
            is_last,
            clock: self.shared.clock,
            tunnels: carriers.filter_map(|flow| tunnels.extract_connection(flow.info().uid)).collect(),
            flows,
            fragments: Vec::new(),
            shared: DetachedShared::default(),
        };
        if is_last {
            parcel.tunnels.extend(tunnels.extract(bucket));
            parcel.fragments = self.fragments.extract(bucket);
            parcel.shared = self.shared.analyzers.extract(bucket);
        }
        self.update_flow_counters();
        Some(parcel)
    }

    /// Takes in what another worker took out. Records come of it only when a limit of memory is hit.
    pub fn insert(&mut self, parcel: Parcel, out: &mut RecordBuffer) {
        let before = out.len();
        self.shared.clock = self.shared.clock.max(parcel.clock);
        self.shared.now = self.shared.clock;
        let now = self.shared.now;
        out.at(NO_FRAME, now);
        for tunnel in parcel.tunnels {
            self.shared.tunnels.insert(tunnel, now, out);
        }
        let mut call = self.shared.call(Place::nowhere(), None, out);
        for flow in parcel.flows {
            self.table.insert(now, flow, &mut call);
        }
        for datagram in parcel.fragments {
            self.fragments.insert(datagram);
        }
        let settings = &self.shared.settings;
        self.shared.analyzers.insert(parcel.shared, &settings.analysis, out);
        self.counted(before, out);
    }
}

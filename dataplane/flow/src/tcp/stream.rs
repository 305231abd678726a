//! What is known of one direction of a connection once it has sent payload, or something out of the ordinary.
//!
//! Apart from the [endpoint](super::endpoint): attempts, scans and connections that are only kept open never have it.

use super::reassembly::Reassembly;
use crate::info::Side;

/// One direction.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) reassembly: Reassembly,
    /// Relative sequence number after its FIN.
    pub(crate) fin_seq: u64,
    /// Relative sequence numbers of the last SYN, FIN and RST, cut to 32 bits: to tell repetitions from others.
    pub(crate) last_syn: u32,
    pub(crate) last_fin: u32,
    pub(crate) last_rst: u32,
    pub(crate) gaps: u32,
    pub(crate) retransmissions: u32,
    pub(crate) zero_windows: u32,
}

impl Stream {
    /// As though a SYN had been sent at its place, and a RST right behind it: what most SYNs and RSTs do that come
    /// without payload. The first of a kind is not compared with what stands here.
    pub(crate) const fn new() -> Self {
        Self {
            reassembly: Reassembly::new(),
            fin_seq: 0,
            last_syn: 0,
            last_fin: 0,
            last_rst: 1,
            gaps: 0,
            retransmissions: 0,
            zero_windows: 0,
        }
    }
}

/// Both directions, made when there is something to know.
#[derive(Debug, Default)]
pub(crate) struct Streams(Option<Box<[Stream; 2]>>);

impl Streams {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    /// Whether there is nothing to know of either direction.
    pub(crate) const fn are_unused(&self) -> bool {
        self.0.is_none()
    }

    /// The direction of a side.
    #[inline]
    pub(crate) fn get(&self, side: Side) -> &Stream {
        static UNUSED: Stream = Stream::new();
        self.0.as_ref().and_then(|streams| streams.get(side.index())).unwrap_or(&UNUSED)
    }

    /// The direction of a side, to change it.
    #[inline]
    pub(crate) fn get_mut(&mut self, side: Side) -> &mut Stream {
        let streams = self.0.get_or_insert_with(|| Box::new([Stream::new(), Stream::new()]));
        &mut streams[side.index()]
    }

    /// Both directions, if there is something to know.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.0.iter_mut().flat_map(|streams| streams.iter_mut())
    }
}

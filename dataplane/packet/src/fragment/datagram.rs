//! One datagram: the pieces that came so far, and the whole.

use super::{Fragment, MAX_ACCEPTABLE, MAX_DATAGRAM, MIN_ACCEPTABLE, report};
use crate::Layer2;
use crate::ip::{self, IPV4_FRAGMENT, IPV4_TOTAL_LEN, IPV6_PAYLOAD_LEN};
use crate::tunnel::TunnelKind;
use crate::weird::{Source, Weird, WeirdList};

/// A datagram that was put together from fragments, from its IP header on.
#[derive(Debug, Default)]
pub struct Datagram {
    data: Vec<u8>,
    layer2: Layer2,
    in_tunnel: Option<TunnelKind>,
}

impl Datagram {
    /// The octets, IP header first.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Link-layer facts of the fragment that came first.
    pub const fn layer2(&self) -> Layer2 {
        self.layer2
    }

    /// The tunnel that the fragments came out of.
    pub const fn in_tunnel(&self) -> Option<TunnelKind> {
        self.in_tunnel
    }

    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.data
    }
}

/// Octets `start..end` of the payload, at `at` in the buffer.
#[derive(Debug, Clone, Copy)]
struct Piece {
    start: u32,
    end: u32,
    at: u32,
}

/// What has come of a datagram. Memory is in proportion to the octets received, wherever they claim to belong.
#[derive(Debug, Default)]
pub(super) struct Partial {
    /// The header of the fragment that came first, then the pieces as they came.
    buffer: Vec<u8>,
    header_len: usize,
    /// In the order of their places; they do not overlap.
    pieces: Vec<Piece>,
    layer2: Layer2,
    in_tunnel: Option<TunnelKind>,
    is_v6: bool,
    /// What the first to come says is the protocol.
    protocol: u8,
    /// What the fragment at offset 0 says, once it is there.
    next_protocol: u8,
    /// Length of the payload; 0 while not known.
    payload_len: u32,
}

impl Partial {
    pub(super) fn new(fragment: &Fragment<'_>, mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.extend_from_slice(fragment.header);
        Self {
            buffer,
            header_len: fragment.header.len(),
            pieces: Vec::new(),
            layer2: fragment.layer2,
            in_tunnel: fragment.in_tunnel,
            is_v6: fragment.header.first().is_some_and(|octet| octet >> 4 == 6),
            protocol: fragment.ip.protocol,
            next_protocol: fragment.ip.protocol,
            payload_len: 0,
        }
    }

    /// Octets of memory held.
    pub(super) fn size(&self) -> usize {
        self.buffer.len() + self.pieces.len() * size_of::<Piece>()
    }

    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// Takes in a fragment, reporting what is odd about it; false if it was dropped for too many pieces.
    pub(super) fn add(&mut self, fragment: &Fragment<'_>, max_pieces: usize, weirds: &mut WeirdList) -> bool {
        let mut odd = |weird| report(weirds, weird, Source::None, &fragment.ip);
        if fragment.ip.protocol != self.protocol || fragment.header.len() != self.header_len {
            odd(Weird::FragmentProtocolInconsistency);
        }
        if fragment.fragment.dont_fragment {
            odd(Weird::FragmentWithDf);
        }
        let start = fragment.fragment.offset;
        let end = start.saturating_add(fragment.payload.len() as u32);
        if start == 0 {
            self.next_protocol = fragment.ip.protocol;
        }
        if !fragment.fragment.more {
            if self.payload_len != 0 && end != self.payload_len {
                odd(Weird::FragmentSizeInconsistency);
            }
            self.payload_len = self.payload_len.max(end);
        } else if fragment.ip.total_len < MIN_ACCEPTABLE {
            odd(Weird::ExcessivelySmallFragment);
        }
        if end > MAX_ACCEPTABLE {
            odd(Weird::ExcessivelyLargeFragment);
        }
        if self.payload_len != 0 && end > self.payload_len {
            odd(Weird::FragmentSizeInconsistency);
            self.payload_len = end;
        }
        self.store(start, end, fragment, max_pieces, weirds)
    }

    /// Keeps those octets that no earlier fragment had.
    fn store(
        &mut self,
        mut start: u32,
        end: u32,
        fragment: &Fragment<'_>,
        max_pieces: usize,
        weirds: &mut WeirdList,
    ) -> bool {
        let offset = fragment.fragment.offset;
        let new = |from: u32, to: u32| {
            fragment.payload.get((from - offset) as usize..(to - offset) as usize).unwrap_or_default()
        };
        let mut index = self.pieces.partition_point(|piece| piece.end <= start);
        while start < end {
            let next = self.pieces.get(index).copied();
            match next {
                Some(piece) if piece.start <= start => {
                    let stop = end.min(piece.end);
                    let at = (piece.at + (start - piece.start)) as usize;
                    let old = self.buffer.get(at..at + (stop - start) as usize).unwrap_or_default();
                    let weird = if old == new(start, stop) {
                        Weird::FragmentOverlap
                    } else {
                        Weird::FragmentInconsistency
                    };
                    report(weirds, weird, Source::None, &fragment.ip);
                    start = stop;
                }
                _ => {
                    if self.pieces.len() >= max_pieces {
                        return false;
                    }
                    let stop = next.map_or(end, |piece| piece.start.min(end));
                    let piece = Piece { start, end: stop, at: self.buffer.len() as u32 };
                    self.buffer.extend_from_slice(new(start, stop));
                    self.pieces.insert(index, piece);
                    start = stop;
                }
            }
            index += 1;
        }
        true
    }

    /// Whether the payload is there from its start to its end. When fragments of different datagrams got mixed, what
    /// is contiguous beyond the known end counts as the datagram.
    pub(super) fn is_complete(&mut self, fragment: &Fragment<'_>, weirds: &mut WeirdList) -> bool {
        if self.payload_len == 0 {
            return false;
        }
        let mut contiguous = 0;
        for piece in &self.pieces {
            if piece.start != contiguous {
                break;
            }
            contiguous = piece.end;
        }
        if contiguous == 0 || contiguous < self.payload_len {
            return false;
        }
        let beyond = self.pieces.last().is_some_and(|last| last.end > contiguous);
        if beyond || contiguous > self.payload_len {
            report(weirds, Weird::FragmentSizeInconsistency, Source::None, &fragment.ip);
            self.payload_len = contiguous;
        }
        true
    }

    /// The whole datagram in `data`; `None` if it is longer than an IP header can say.
    pub(super) fn join(&self, mut data: Vec<u8>) -> Option<Datagram> {
        let total_len = self.header_len + self.payload_len as usize;
        if total_len > MAX_DATAGRAM {
            return None;
        }
        data.clear();
        data.reserve_exact(total_len);
        data.extend_from_slice(self.buffer.get(..self.header_len)?);
        if self.is_v6 {
            ip::set_last_next_header(&mut data, self.next_protocol);
            set16(&mut data, IPV6_PAYLOAD_LEN, ip::payload_len(total_len));
        } else {
            set16(&mut data, IPV4_TOTAL_LEN, total_len as u16);
            set16(&mut data, IPV4_FRAGMENT, 0);
        }
        for piece in &self.pieces {
            if piece.start >= self.payload_len {
                break;
            }
            let at = piece.at as usize;
            data.extend_from_slice(self.buffer.get(at..at + (piece.end - piece.start) as usize)?);
        }
        Some(Datagram { data, layer2: self.layer2, in_tunnel: self.in_tunnel })
    }
}

fn set16(data: &mut [u8], at: usize, value: u16) {
    if let Some(field) = data.get_mut(at..at + 2) {
        field.copy_from_slice(&value.to_be_bytes());
    }
}

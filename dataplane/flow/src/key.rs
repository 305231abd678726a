//! Which packets belong together: the 5-tuple, the same for both directions.

use packet::{Ends, Packet, Transport, ip_proto};
use record::{Addr, Endpoints, Proto};

/// The canonical 5-tuple of a connection: the same value for both directions.
///
/// ICMP messages have the type and the type of the answer (or, where there is none, the code) for ports, as Zeek has
/// it, so that request and reply meet; messages without an answer keep their direction. Other IP protocols have the
/// port 0; the protocol number is part of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlowKey {
    low: End,
    high: End,
    protocol: u8,
}

/// One end, in a form that is compared in registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct End {
    /// The octets of the address as numbers of this machine: which end is the low one is nobody else's business.
    address: [u64; 2],
    port: u16,
}

impl End {
    #[inline]
    fn of((address, port): (Addr, u16)) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = address.0;
        let upper = u64::from_ne_bytes([a, b, c, d, e, f, g, h]);
        let lower = u64::from_ne_bytes([i, j, k, l, m, n, o, p]);
        Self { address: [upper, lower], port }
    }

    /// As one number, to be compared without a branch.
    #[inline]
    fn number(self) -> u128 {
        let [upper, lower] = self.address;
        u128::from(upper) << 64 | u128::from(lower)
    }

    #[inline]
    fn is_not_after(self, other: Self) -> bool {
        (self.number(), self.port) <= (other.number(), other.port)
    }
}

/// A packet's ends, as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tuple {
    /// Sender first.
    pub(crate) ends: Endpoints,
    pub(crate) proto: Proto,
    pub(crate) ip_proto: u8,
    /// There is no such thing as the other direction.
    pub(crate) one_way: bool,
}

/// The port of the answer to an ICMP message: the answer's type, or the message's code when it has no answer.
/// The second value is whether it has none.
///
/// RFC 792, RFC 950, RFC 1256; ICMPv6: RFC 4443, RFC 4861, RFC 2710, RFC 4620, RFC 6275.
pub const fn icmp_counterpart(protocol: u8, kind: u8, code: u8) -> (u16, bool) {
    let answer = match (protocol, kind) {
        (ip_proto::ICMP, 8) => 0,
        (ip_proto::ICMP, 0) => 8,
        (ip_proto::ICMP, 13) => 14,
        (ip_proto::ICMP, 14) => 13,
        (ip_proto::ICMP, 15) => 16,
        (ip_proto::ICMP, 16) => 15,
        (ip_proto::ICMP, 10) => 9,
        (ip_proto::ICMP, 9) => 10,
        (ip_proto::ICMP, 17) => 18,
        (ip_proto::ICMP, 18) => 17,
        (ip_proto::ICMPV6, 128) => 129,
        (ip_proto::ICMPV6, 129) => 128,
        (ip_proto::ICMPV6, 133) => 134,
        (ip_proto::ICMPV6, 134) => 133,
        (ip_proto::ICMPV6, 135) => 136,
        (ip_proto::ICMPV6, 136) => 135,
        (ip_proto::ICMPV6, 130) => 131,
        (ip_proto::ICMPV6, 131) => 130,
        (ip_proto::ICMPV6, 139) => 140,
        (ip_proto::ICMPV6, 140) => 139,
        (ip_proto::ICMPV6, 144) => 145,
        (ip_proto::ICMPV6, 145) => 144,
        _ => return (code as u16, true),
    };
    (answer, false)
}

impl Tuple {
    #[inline]
    pub(crate) fn of(packet: &Packet<'_>) -> Self {
        let (proto, orig_p, resp_p, one_way) = match packet.transport {
            Transport::Tcp(header) => (Proto::Tcp, header.source_port, header.destination_port, false),
            Transport::Udp { source_port, destination_port, .. } => {
                (Proto::Udp, source_port, destination_port, false)
            }
            Transport::Icmp { kind, code, .. } => {
                let (counterpart, one_way) = icmp_counterpart(packet.ip.protocol, kind, code);
                (Proto::Icmp, u16::from(kind), counterpart, one_way)
            }
            Transport::Other => (Proto::Unknown, 0, 0, false),
        };
        Self {
            ends: Endpoints { orig_h: packet.ip.source, orig_p, resp_h: packet.ip.destination, resp_p },
            proto,
            ip_proto: packet.ip.protocol,
            one_way,
        }
    }

    /// The key, and whether the sender is its low end.
    #[inline]
    pub(crate) fn key(&self) -> (FlowKey, bool) {
        let source = End::of((self.ends.orig_h, self.ends.orig_p));
        let destination = End::of((self.ends.resp_h, self.ends.resp_p));
        FlowKey::of_ends(source, destination, self.ip_proto, self.one_way)
    }
}

impl FlowKey {
    /// The key of a packet.
    pub fn of(packet: &Packet<'_>) -> Self {
        Tuple::of(packet).key().0
    }

    /// The key of a packet between these ends, and whether the sender is the low one.
    #[inline]
    fn of_ends(source: End, destination: End, protocol: u8, one_way: bool) -> (Self, bool) {
        let from_low = one_way || source.is_not_after(destination);
        let (low, high) = if from_low { (source, destination) } else { (destination, source) };
        (Self { low, high, protocol }, from_low)
    }

    /// The key of a TCP segment or UDP datagram between these ends, and whether the sender is the low one.
    #[inline]
    pub(crate) fn between(ends: &Ends) -> (Self, bool) {
        let source = End::of((ends.source, ends.source_port));
        let destination = End::of((ends.destination, ends.destination_port));
        Self::of_ends(source, destination, ends.protocol, false)
    }

    /// Of these ends, the low one first.
    pub(crate) fn from_ends(low: (Addr, u16), high: (Addr, u16), protocol: u8) -> Self {
        Self { low: End::of(low), high: End::of(high), protocol }
    }

    /// Whether it is made of these ends, the low one first.
    #[inline]
    pub(crate) fn is_of(&self, ends: ((Addr, u16), (Addr, u16)), protocol: u8) -> bool {
        let (low, high) = ends;
        self.low == End::of(low) && self.high == End::of(high) && self.protocol == protocol
    }

    /// Both ends are the same address and port.
    #[inline]
    pub(crate) fn is_loop(&self) -> bool {
        self.low == self.high
    }
}

/// The secret of a hash: without it nobody can make keys that collide on purpose.
#[derive(Clone, Copy)]
pub struct HashKey([u64; 6]);

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(..)")
    }
}

impl HashKey {
    /// From a random seed. A fixed seed is for tests.
    pub fn new(seed: u64) -> Self {
        // SplitMix64 (Steele, Lea, Flood 2014): spreads the seed over all words.
        let mut state = seed;
        Self(std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }))
    }

    /// The hash of a key: products of 64-bit halves, each masked with a secret word, folded to 64 bits.
    #[inline]
    pub fn hash(&self, key: &FlowKey) -> u64 {
        let [k0, k1, k2, k3, k4, k5] = self.0;
        let ([a, b], [c, d]) = (key.low.address, key.high.address);
        let ports = u64::from(key.low.port) << 32 | u64::from(key.high.port) << 16 | u64::from(key.protocol);
        let sum = fold(a ^ k0, b ^ k1).wrapping_add(fold(c ^ k2, d ^ k3).rotate_left(29));
        fold(sum ^ k4, ports ^ k5)
    }
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(source: u8, source_port: u16, destination: u8, destination_port: u16, one_way: bool) -> Tuple {
        Tuple {
            ends: Endpoints {
                orig_h: Addr::v4([10, 0, 0, source]),
                orig_p: source_port,
                resp_h: Addr::v4([10, 0, 0, destination]),
                resp_p: destination_port,
            },
            proto: Proto::Udp,
            ip_proto: 17,
            one_way,
        }
    }

    #[test]
    fn both_directions_have_one_key_and_know_their_side() {
        let (there, from_low) = tuple(1, 5, 2, 9, false).key();
        let (back, back_from_low) = tuple(2, 9, 1, 5, false).key();
        assert_eq!(there, back);
        assert_ne!(from_low, back_from_low);
    }

    #[test]
    fn one_way_messages_keep_their_direction() {
        assert_ne!(tuple(1, 3, 2, 1, true).key().0, tuple(2, 3, 1, 1, true).key().0);
    }

    #[test]
    fn echo_request_and_reply_meet() {
        assert_eq!(icmp_counterpart(ip_proto::ICMP, 8, 0), (0, false));
        assert_eq!(icmp_counterpart(ip_proto::ICMPV6, 129, 0), (128, false));
        assert_eq!(icmp_counterpart(ip_proto::ICMP, 3, 1), (1, true));
        // The numbers of the other version mean other things.
        assert_eq!(icmp_counterpart(ip_proto::ICMPV6, 8, 4), (4, true));
    }

    #[test]
    fn the_hash_depends_on_every_part_and_on_the_secret() {
        let secret = HashKey::new(1);
        let base = tuple(1, 5, 2, 9, false);
        let hash = |tuple: &Tuple| secret.hash(&tuple.key().0);
        let mut seen = vec![hash(&base)];
        seen.push(hash(&tuple(3, 5, 2, 9, false)));
        seen.push(hash(&tuple(1, 6, 2, 9, false)));
        seen.push(hash(&tuple(1, 5, 4, 9, false)));
        seen.push(hash(&tuple(1, 5, 2, 10, false)));
        seen.push(hash(&Tuple { ip_proto: 6, ..base }));
        seen.push(HashKey::new(2).hash(&base.key().0));
        let distinct: std::collections::HashSet<u64> = seen.iter().copied().collect();
        assert_eq!(distinct.len(), seen.len());
    }
}

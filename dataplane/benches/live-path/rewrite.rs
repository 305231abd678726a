//! Other addresses for the packets of a lap, with checksums as valid as they were.
//!
//! Both addresses of a packet are combined with the same 16 bits, so the two directions of a connection and the
//! fragments of a datagram stay together, and networks stay what they are: of an IPv4 address the second and third
//! octet change, of an IPv6 address the fourth group. Group addresses stay as they are, since they have a meaning.
//!
//! Limits: addresses inside of tunnels, in ICMP errors and in payload are those of the capture on every lap.

/// Where one frame has what changes. Offsets beyond the frame change nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Rewrite {
    /// Of the 16-bit words that the bits go into. An IPv4 address has two, see [`Layout`].
    addresses: [Option<u16>; 2],
    layout: Layout,
    /// Of the IPv4 header's checksum.
    header_checksum: Option<u16>,
    /// Of the checksum over the pseudo header.
    checksum: Option<u16>,
    /// It is that of UDP, in which zero stands for none (RFC 768).
    is_udp: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Layout {
    /// Nothing to change.
    #[default]
    None,
    /// The bits lie across two words.
    V4,
    /// The bits are one word.
    V6,
}

const ETHERNET: usize = 14;
const VLAN_TAG: usize = 4;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

impl Rewrite {
    /// Looks at a frame.
    pub(crate) fn of(frame: &[u8]) -> Self {
        let mut network = ETHERNET;
        let mut ethertype = word(frame, 12);
        while let Some(0x8100 | 0x88a8) = ethertype {
            ethertype = word(frame, network + 2);
            network += VLAN_TAG;
        }
        match ethertype {
            Some(0x0800) => Self::v4(frame, network),
            Some(0x86dd) => Self::v6(frame, network),
            _ => None,
        }
        .unwrap_or_default()
    }

    fn v4(frame: &[u8], network: usize) -> Option<Self> {
        let header = usize::from(frame.get(network)? & 0x0f) * 4;
        let protocol = *frame.get(network + 9)?;
        let is_later_fragment = word(frame, network + 6)? & 0x1fff != 0;
        let address = |at: usize| {
            let is_group = *frame.get(at)? >= 224;
            (!is_group).then_some(at as u16)
        };
        let (checksum, is_udp) = match protocol {
            _ if is_later_fragment => (None, false),
            _ => checksum(frame, protocol, network + header),
        };
        Some(Self {
            addresses: [address(network + 12), address(network + 16)],
            layout: Layout::V4,
            header_checksum: Some(network as u16 + 10),
            // ICMP's has no pseudo header (RFC 792).
            checksum: checksum.filter(|_| protocol != ICMPV6),
            is_udp,
        })
    }

    fn v6(frame: &[u8], network: usize) -> Option<Self> {
        // The fourth group of eight.
        let address = |at: usize| {
            let is_group = *frame.get(at)? == 0xff;
            (!is_group).then_some(at as u16 + 6)
        };
        let mut next = *frame.get(network + 6)?;
        let mut at = network + 40;
        let mut is_later_fragment = false;
        // Extension headers (RFC 8200, section 4).
        loop {
            match next {
                0 | 43 | 60 => {
                    (next, at) = (*frame.get(at)?, at + 8 + usize::from(*frame.get(at + 1)?) * 8);
                }
                44 => {
                    is_later_fragment |= word(frame, at + 2)? & 0xfff8 != 0;
                    (next, at) = (*frame.get(at)?, at + 8);
                }
                _ => break,
            }
        }
        let (checksum, is_udp) = if is_later_fragment { (None, false) } else { checksum(frame, next, at) };
        Some(Self {
            addresses: [address(network + 8), address(network + 24)],
            layout: Layout::V6,
            header_checksum: None,
            checksum,
            is_udp,
        })
    }

    /// Combines the frame's addresses with `bits`; the same bits again undo it.
    pub(crate) fn apply(self, frame: &mut [u8], bits: u16) {
        if bits == 0 {
            return;
        }
        let mut change = Change::default();
        for at in self.addresses.into_iter().flatten().map(usize::from) {
            match self.layout {
                Layout::None => {}
                Layout::V4 => {
                    change.combine(frame, at, bits >> 8);
                    change.combine(frame, at + 2, bits << 8);
                }
                Layout::V6 => change.combine(frame, at, bits),
            }
        }
        if let Some(at) = self.header_checksum {
            change.repair(frame, at.into(), false);
        }
        if let Some(at) = self.checksum {
            change.repair(frame, at.into(), self.is_udp);
        }
    }
}

/// Where a transport's checksum is, if it has one over the addresses.
fn checksum(frame: &[u8], protocol: u8, transport: usize) -> (Option<u16>, bool) {
    let offset = match protocol {
        TCP => 16,
        UDP => 6,
        ICMPV6 => 2,
        _ => return (None, false),
    };
    let at = transport + offset;
    let is_udp = protocol == UDP;
    match word(frame, at) {
        Some(0) if is_udp => (None, true),
        Some(_) => (Some(at as u16), is_udp),
        None => (None, is_udp),
    }
}

fn word(frame: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*frame.get(at..)?.first_chunk()?))
}

fn set_word(frame: &mut [u8], at: usize, value: u16) {
    if let Some(place) = frame.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *place = value.to_be_bytes();
    }
}

/// What words that changed do to a checksum: the sum of `~m + m'` of RFC 1624, section 3.
#[derive(Debug, Default)]
struct Change(u32);

impl Change {
    fn combine(&mut self, frame: &mut [u8], at: usize, bits: u16) {
        if let Some(old) = word(frame, at) {
            set_word(frame, at, old ^ bits);
            self.0 += u32::from(!old) + u32::from(old ^ bits);
        }
    }

    fn repair(&self, frame: &mut [u8], at: usize, is_udp: bool) {
        let Some(old) = word(frame, at) else { return };
        let mut sum = u32::from(!old) + self.0;
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        let checksum = !(sum as u16);
        set_word(frame, at, if is_udp && checksum == 0 { 0xffff } else { checksum });
    }
}

// A path, since this file is a module of the benchmark as well as of `tests/live_path.rs`.
#[cfg(test)]
#[path = "rewrite_tests.rs"]
mod tests;

//! A glance at a frame: who talks to whom, in the commonest case, without decoding it.
//!
//! For hints only, such as what memory to fetch: nothing is verified, and what is not plain is left out.

use record::Addr;

use crate::header::ip_proto;
use crate::link::{self, LinkType};
use crate::{Frame, ip};

/// Both ends of a TCP segment or UDP datagram, as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Sender's address.
    pub source: Addr,
    /// Sender's port.
    pub source_port: u16,
    /// Receiver's address.
    pub destination: Addr,
    /// Receiver's port.
    pub destination_port: u16,
    /// IP protocol number.
    pub protocol: u8,
}

impl Ends {
    /// The ends of a frame of Ethernet with at most one VLAN tag, IPv4 or IPv6 without options or extension headers, and
    /// TCP or UDP, which is no fragment; `None` for others.
    #[inline]
    pub fn glance(link: LinkType, frame: &Frame<'_>) -> Option<Self> {
        if link != LinkType::Ethernet {
            return None;
        }
        let (header_len, _) = link::plain_ethernet(frame.data)?;
        let header = frame.data.get(header_len..)?;
        let start = header.first_chunk::<{ ip::IPV4_HEADER }>()?;
        let (source, destination, protocol, payload) = if start[0] == 0x45 {
            let [_, _, _, _, _, _, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *start;
            if u16::from_be_bytes([f0, f1]) & 0x3fff != 0 {
                return None;
            }
            let (source, destination) = (Addr::v4([s0, s1, s2, s3]), Addr::v4([d0, d1, d2, d3]));
            (source, destination, protocol, header.get(ip::IPV4_HEADER..)?)
        } else {
            let fixed = header.first_chunk::<{ ip::IPV6_HEADER }>()?;
            let addresses = fixed.last_chunk::<32>()?;
            let (source, destination) = (addresses.first_chunk()?, addresses.last_chunk()?);
            (Addr::v6(*source), Addr::v6(*destination), start[6], header.get(ip::IPV6_HEADER..)?)
        };
        let [s0, s1, d0, d1] = *payload.first_chunk()?;
        matches!(protocol, ip_proto::TCP | ip_proto::UDP).then(|| Self {
            source,
            source_port: u16::from_be_bytes([s0, s1]),
            destination,
            destination_port: u16::from_be_bytes([d0, d1]),
            protocol,
        })
    }
}

#[cfg(test)]
mod tests {
    use record::Time;

    use super::*;
    use crate::{DecodeOptions, Decoded, Transport, WeirdList};

    fn frame(octets: &[u8]) -> Frame<'_> {
        Frame { time: Time(0), clock: Time(0), number: 0, data: octets, wire_len: octets.len() as u32 }
    }

    /// What the glance says is what decoding says, for every cut of a frame and every value of an octet.
    #[test]
    fn a_glance_and_decoding_agree() {
        let mut v4 = vec![0; 12];
        v4.extend([8, 0, 0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        v4.extend([0, 53, 200, 7, 0, 12, 0, 0, 1, 2, 3, 4]);
        let mut v6 = vec![0; 12];
        v6.extend([0x81, 0, 0, 5, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 20, 6, 64]);
        v6.extend([0x20; 16]);
        v6.extend([0x21; 16]);
        v6.extend([0, 80, 200, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0, 9, 0, 0, 0, 0]);
        let mut glances = 0;
        for whole in [v4, v6] {
            for changed in 12..whole.len() {
                for value in 0..=255 {
                    let mut octets = whole.clone();
                    octets[changed] = value;
                    let Some(ends) = Ends::glance(LinkType::Ethernet, &frame(&octets)) else { continue };
                    let options = DecodeOptions { verify_checksums: false, ..DecodeOptions::default() };
                    let decoded =
                        crate::decode(LinkType::Ethernet, &frame(&octets), &options, &mut WeirdList::new());
                    let Decoded::Flow(packet) = decoded else { continue };
                    let ports = match packet.transport {
                        Transport::Tcp(header) => (header.source_port, header.destination_port),
                        Transport::Udp { source_port, destination_port, .. } => {
                            (source_port, destination_port)
                        }
                        _ => panic!("{packet:?}"),
                    };
                    assert_eq!((ends.source_port, ends.destination_port), ports);
                    assert_eq!((ends.source, ends.destination), (packet.ip.source, packet.ip.destination));
                    assert_eq!(ends.protocol, packet.ip.protocol);
                    glances += 1;
                }
            }
            for cut in 0..whole.len() {
                let _ = Ends::glance(LinkType::Ethernet, &frame(&whole[..cut]));
            }
        }
        assert!(glances > 10_000, "{glances}");
    }
}

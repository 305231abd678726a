//! Joining of fragments, each six octets: which datagram, kind, offset (two octets, in units of eight), length (two
//! octets).
//!
//! The payload is made up from its place, so that what comes out can be told to be right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use packet::fragment::{FragmentHeader, FragmentLimits, Reassembler};
use packet::{DecodeOptions, Fragment, IpHeader, Layer2, WeirdList, decode_datagram, ip_proto};
use record::{Addr, Interval, Time};

const LIMITS: FragmentLimits =
    FragmentLimits { timeout: Interval::from_secs(30), max_bytes: 100_000, max_datagrams: 4, max_pieces: 16 };

const MORE: u8 = 1;
const IPV6: u8 = 2;
const DONT_FRAGMENT: u8 = 4;
const LATER: u8 = 8;
/// The payload differs from that of other fragments at the same place.
const OTHER_PAYLOAD: u8 = 16;

fuzz_target!(|input: &[u8]| {
    let mut reassembler = Reassembler::new(LIMITS);
    let mut now = Time::new(1_700_000_000, 0);
    let mut is_consistent = true;
    let mut weirds = WeirdList::new();
    for &[datagram, kind, offset_high, offset_low, length_high, length_low] in input.as_chunks::<6>().0 {
        let has = |flag| kind & flag != 0;
        is_consistent &= !has(OTHER_PAYLOAD);
        let offset = u32::from(u16::from_be_bytes([offset_high & 0x1f, offset_low])) * 8;
        let length = u32::from(u16::from_be_bytes([length_high, length_low]));
        let header: &[u8] = if has(IPV6) { &IPV6_HEADER } else { &IPV4_HEADER };
        let payload: Vec<u8> =
            (offset..offset + length).map(|place| pattern(place) ^ (kind & OTHER_PAYLOAD)).collect();
        let fragment = Fragment {
            layer2: Layer2::default(),
            ip: IpHeader {
                source: Addr::v4([10, 0, 0, 1]),
                destination: Addr::v4([10, 0, 0, u8::from(has(IPV6))]),
                protocol: ip_proto::UDP,
                ttl: 64,
                total_len: header.len() as u32 + length,
                header_len: header.len() as u32,
            },
            fragment: FragmentHeader {
                identification: u32::from(datagram),
                offset,
                more: has(MORE),
                dont_fragment: has(DONT_FRAGMENT),
            },
            header,
            payload: &payload,
            in_tunnel: None,
        };
        if has(LATER) {
            now = now.after(Interval::from_secs(20));
        }
        weirds.clear();
        if let Some(datagram) = reassembler.add(now, &fragment, &mut weirds) {
            let joined = datagram.data().get(header.len()..).expect("a header");
            assert!(datagram.data().len() <= usize::from(u16::MAX));
            assert!(!is_consistent || joined.iter().zip(0..).all(|(octet, place)| *octet == pattern(place)));
            let _ = decode_datagram(
                &datagram,
                &DecodeOptions { verify_checksums: true, ..DecodeOptions::default() },
                &mut weirds,
            );
            reassembler.recycle(datagram);
        }
        assert!(reassembler.len() <= LIMITS.max_datagrams && reassembler.bytes() <= LIMITS.max_bytes);
    }
    reassembler.expire(now.after(Interval::from_secs(31)));
    assert!(reassembler.is_empty() && reassembler.bytes() == 0);
});

fn pattern(place: u32) -> u8 {
    ((place / 8) ^ place) as u8 & !OTHER_PAYLOAD
}

const IPV4_HEADER: [u8; 20] =
    [0x45, 0, 0, 0, 0, 1, 0x20, 0, 64, ip_proto::UDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
const IPV6_HEADER: [u8; 40] = {
    let mut header = [0; 40];
    (header[0], header[6], header[7]) = (0x60, ip_proto::UDP, 64);
    header
};

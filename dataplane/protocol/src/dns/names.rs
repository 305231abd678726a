//! Names of the numbers in messages, as Zeek writes them.

use std::borrow::Cow;

use super::parse::Opcode;

/// The name that `table` has for `number`, or `fallback` with the number.
fn name_of(table: &[(u16, &'static str)], number: u16, fallback: &str) -> Cow<'static, str> {
    match table.binary_search_by_key(&number, |(key, _)| *key).ok().and_then(|index| table.get(index)) {
        Some((_, name)) => Cow::Borrowed(name),
        None => Cow::Owned(format!("{fallback}-{number}")),
    }
}

/// Name of a record type.
pub(super) fn record_type(number: u16) -> Cow<'static, str> {
    name_of(TYPES, number, "query")
}

/// Name of a class.
pub(super) fn class(number: u16) -> Cow<'static, str> {
    name_of(CLASSES, number, "qclass")
}

/// Name of a response code.
pub(super) fn rcode(number: u8) -> &'static str {
    RCODES.get(usize::from(number)).copied().unwrap_or_default()
}

/// Name of an operation.
pub(super) fn opcode(opcode: Opcode, is_netbios: bool) -> Cow<'static, str> {
    let number = u16::from(opcode.0);
    if is_netbios {
        name_of(NETBIOS_OPCODES, number, "netbios-opcode")
    } else {
        name_of(OPCODES, number, "opcode")
    }
}

/// Response codes of four bits (RFC 6895, section 2.3); the others need EDNS.
const RCODES: [&str; 16] = [
    "NOERROR",
    "FORMERR",
    "SERVFAIL",
    "NXDOMAIN",
    "NOTIMP",
    "REFUSED",
    "YXDOMAIN",
    "YXRRSET",
    "NXRRSet",
    "NOTAUTH",
    "NOTZONE",
    "unassigned-11",
    "unassigned-12",
    "unassigned-13",
    "unassigned-14",
    "unassigned-15",
];

const CLASSES: &[(u16, &str)] =
    &[(1, "C_INTERNET"), (2, "C_CSNET"), (3, "C_CHAOS"), (4, "C_HESIOD"), (254, "C_NONE"), (255, "C_ANY")];

const OPCODES: &[(u16, &str)] =
    &[(0, "query"), (1, "iquery"), (2, "server-status"), (4, "notify"), (5, "dynamic-update"), (6, "dso")];

/// Operations of the NetBIOS name service (RFC 1002, section 4.2.1.1).
const NETBIOS_OPCODES: &[(u16, &str)] = &[
    (0, "netbios-query"),
    (5, "netbios-registration"),
    (6, "netbios-release"),
    (7, "netbios-wack"),
    (8, "netbios-refresh"),
];

/// Record types, in order of their numbers.
const TYPES: &[(u16, &str)] = &[
    (1, "A"),
    (2, "NS"),
    (3, "MD"),
    (4, "MF"),
    (5, "CNAME"),
    (6, "SOA"),
    (7, "MB"),
    (8, "MG"),
    (9, "MR"),
    (10, "NULL"),
    (11, "WKS"),
    (12, "PTR"),
    (13, "HINFO"),
    (14, "MINFO"),
    (15, "MX"),
    (16, "TXT"),
    (17, "RP"),
    (18, "AFSDB"),
    (19, "X25"),
    (20, "ISDN"),
    (21, "RT"),
    (22, "NSAP"),
    (23, "NSAP-PTR"),
    (24, "SIG"),
    (25, "KEY"),
    (26, "PX"),
    (27, "GPOS"),
    (28, "AAAA"),
    (29, "LOC"),
    (30, "NXT"),
    (31, "EID"),
    (32, "NIMLOC"),
    (33, "SRV"),
    (34, "ATMA"),
    (35, "NAPTR"),
    (36, "KX"),
    (37, "CERT"),
    (38, "A6"),
    (39, "DNAME"),
    (40, "SINK"),
    (41, "OPT"),
    (42, "APL"),
    (43, "DS"),
    (44, "SSHFP"),
    (45, "IPSECKEY"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (48, "DNSKEY"),
    (49, "DHCID"),
    (50, "NSEC3"),
    (51, "NSEC3PARAM"),
    (52, "TLSA"),
    (53, "SMIMEA"),
    (55, "HIP"),
    (56, "NINFO"),
    (57, "RKEY"),
    (58, "TALINK"),
    (59, "CDS"),
    (60, "CDNSKEY"),
    (61, "OPENPGPKEY"),
    (62, "CSYNC"),
    (63, "ZONEMD"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (99, "SPF"),
    (100, "UINFO"),
    (101, "UID"),
    (102, "GID"),
    (103, "UNSPEC"),
    (104, "NID"),
    (105, "L32"),
    (106, "L64"),
    (107, "LP"),
    (108, "EUI48"),
    (109, "EUI64"),
    (249, "TKEY"),
    (250, "TSIG"),
    (251, "IXFR"),
    (252, "AXFR"),
    (253, "MAILB"),
    (254, "MAILA"),
    (255, "*"),
    (256, "URI"),
    (257, "CAA"),
    (32768, "TA"),
    (32769, "DLV"),
    (65281, "WINS"),
    (65282, "WINS-R"),
    (65422, "XPF"),
    (65521, "INTEGRITY"),
];

/// The name that a NetBIOS name of 32 letters stands for (RFC 1001, section 14.1), without its type in the sixteenth
/// octet and without padding; `None` when `encoded` is no such name.
pub(super) fn netbios(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(15);
    for pair in encoded.get(..32)?.chunks_exact(2).take(15) {
        let [high, low] = pair else { return None };
        let octet = nibble(*high)? << 4 | nibble(*low)?;
        // 1 and 2 belong to the name of the browse service.
        if !octet.is_ascii_graphic() && !matches!(octet, 1 | 2) {
            break;
        }
        name.push(octet);
    }
    (!name.is_empty()).then_some(name)
}

fn nibble(letter: u8) -> Option<u8> {
    letter.to_ascii_uppercase().checked_sub(b'A').filter(|nibble| *nibble < 16)
}

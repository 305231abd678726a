//! Resource record data as the text of the `answers` column.
//!
//! The data of a record must begin inside the message, but only some types are held to its length: as in Zeek, names
//! may run over it, which is reported.

use std::io::Write;

use record::Proto;

use super::message::Stop;
use super::parse::{Damaged, NameStyle, Oddity, Reader};

/// Type codes (IANA "Resource Record (RR) TYPEs") of records whose data is read.
mod code {
    pub(super) const A: u16 = 1;
    pub(super) const NS: u16 = 2;
    pub(super) const CNAME: u16 = 5;
    pub(super) const SOA: u16 = 6;
    pub(super) const WKS: u16 = 11;
    pub(super) const PTR: u16 = 12;
    pub(super) const HINFO: u16 = 13;
    pub(super) const MX: u16 = 15;
    pub(super) const TXT: u16 = 16;
    pub(super) const AAAA: u16 = 28;
    pub(super) const LOC: u16 = 29;
    /// NetBIOS general name service; NIMLOC in DNS.
    pub(super) const NB: u16 = 32;
    /// Node status in NetBIOS.
    pub(super) const SRV: u16 = 33;
    pub(super) const NAPTR: u16 = 35;
    pub(super) const A6: u16 = 38;
    pub(super) const OPT: u16 = 41;
    pub(super) const DS: u16 = 43;
    pub(super) const SSHFP: u16 = 44;
    pub(super) const RRSIG: u16 = 46;
    pub(super) const NSEC: u16 = 47;
    pub(super) const DNSKEY: u16 = 48;
    pub(super) const NSEC3: u16 = 50;
    pub(super) const NSEC3PARAM: u16 = 51;
    pub(super) const SVCB: u16 = 64;
    pub(super) const HTTPS: u16 = 65;
    pub(super) const SPF: u16 = 99;
    pub(super) const TKEY: u16 = 249;
    pub(super) const TSIG: u16 = 250;
    pub(super) const CAA: u16 = 257;
    /// Private use: BIND's signing state.
    pub(super) const BIND_SIGNING: u16 = 65534;
}

/// Option of an OPT record: client subnet (RFC 7871).
const OPTION_CLIENT_SUBNET: u16 = 8;
/// Option of an OPT record: TCP keepalive (RFC 7828).
const OPTION_TCP_KEEPALIVE: u16 = 11;

/// A record, up to its data.
#[derive(Debug)]
pub(super) struct RecordHeader<'o> {
    /// Name that it belongs to.
    pub(super) owner: &'o [u8],
    /// Type.
    pub(super) rtype: u16,
    /// Time to live, in seconds.
    pub(super) ttl: u32,
    /// Where its data ends, from the start of the message.
    pub(super) end: usize,
    /// It belongs to a dynamic update: addresses are written with their name.
    pub(super) is_update: bool,
}

/// What was read of a record's data.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Text of the answer; empty for a type that is known but not shown; `None` for a type that is passed over.
    pub(super) text: Option<Vec<u8>>,
    /// Why the message is not read on.
    pub(super) stop: Option<Stop>,
}

impl Read {
    const PASSED: Self = Self { text: None, stop: None };

    fn text(text: impl Into<Vec<u8>>) -> Self {
        Self { text: Some(text.into()), stop: None }
    }

    const fn stop(stop: Stop) -> Self {
        Self { text: None, stop: Some(stop) }
    }
}

impl From<Damaged> for Read {
    fn from(_: Damaged) -> Self {
        Self::stop(Stop::Damaged)
    }
}

/// Reads a record's data.
pub(super) fn read(
    record: &RecordHeader<'_>,
    names: NameStyle,
    to_netbios: bool,
    proto: Proto,
    reader: &mut Reader<'_>,
    oddities: &mut Vec<Oddity>,
) -> Read {
    let mut data = Data { record, names, reader, oddities };
    let read = match record.rtype {
        code::A => data.a(),
        code::AAAA | code::A6 => Ok(data.aaaa()),
        code::NS | code::CNAME | code::PTR => data.name(0),
        code::SOA => data.soa(),
        code::MX => data.name(2),
        code::SRV if !to_netbios => data.name(6),
        code::TXT => Ok(data.character_strings("TXT")),
        code::SPF => Ok(data.character_strings("SPF")),
        code::NAPTR => Ok(data.naptr()),
        code::LOC => data.loc(),
        code::RRSIG => data.rrsig(),
        code::DNSKEY => data.dnskey(),
        code::NSEC => data.nsec(),
        code::NSEC3 => data.nsec3(),
        code::NSEC3PARAM => data.nsec3param(),
        code::DS => data.ds(),
        code::SSHFP => data.sshfp(),
        code::BIND_SIGNING => data.bind_signing(),
        code::OPT => data.opt(proto),
        code::TSIG => data.tsig(),
        code::SVCB | code::HTTPS => data.svcb(),
        code::WKS => Ok(data.rest(Vec::new())),
        code::HINFO | code::NB | code::SRV | code::TKEY | code::CAA => Ok(data.pass()),
        unknown => {
            data.oddities.push(Oddity::number("DNS_RR_unknown_type", unknown));
            Ok(data.rest(format!("<unknown type={unknown}>")))
        }
    };
    read.unwrap_or_else(Read::from)
}

/// The data of one record.
struct Data<'d, 'm> {
    record: &'d RecordHeader<'d>,
    names: NameStyle,
    reader: &'d mut Reader<'m>,
    oddities: &'d mut Vec<Oddity>,
}

type Outcome = Result<Read, Damaged>;

impl Data<'_, '_> {
    /// Octets of data left.
    fn left(&self) -> usize {
        self.record.end.saturating_sub(self.reader.position())
    }

    fn odd(&mut self, name: &'static str) {
        self.oddities.push(Oddity::plain(name));
    }

    /// The whole message must have `count` octets left.
    fn need(&self, count: usize) -> Result<(), Damaged> {
        if self.reader.len() < count { Err(Damaged) } else { Ok(()) }
    }

    /// Goes to the end of the data, with `text` for an answer.
    fn rest(&mut self, text: impl Into<Vec<u8>>) -> Read {
        self.reader.advance_to(self.record.end);
        Read::text(text)
    }

    /// Goes to the end of the data, without an answer.
    fn pass(&mut self) -> Read {
        self.reader.advance_to(self.record.end);
        Read::PASSED
    }

    fn read_name(&mut self) -> Result<Vec<u8>, Damaged> {
        let mut name = Vec::new();
        self.reader.name(self.names, &mut name, self.oddities)?;
        Ok(name)
    }

    /// Reports data that was not of the length given.
    fn check_end(&mut self) {
        if self.reader.position() != self.record.end {
            self.odd("DNS_RR_length_mismatch");
        }
    }

    fn a(&mut self) -> Outcome {
        if self.left() != 4 {
            self.odd("DNS_RR_bad_length");
            return Err(Damaged);
        }
        let address = self.reader.v4();
        Ok(self.address("A", address))
    }

    fn aaaa(&mut self) -> Read {
        let address = self.reader.v6();
        self.address(if self.record.rtype == code::A6 { "A6" } else { "AAAA" }, address)
    }

    fn address(&self, kind: &str, address: record::Addr) -> Read {
        let mut text = Vec::new();
        if self.record.is_update {
            text.extend_from_slice(kind.as_bytes());
            text.push(b' ');
            text.extend_from_slice(self.record.owner);
            text.push(b' ');
        }
        put(&mut text, format_args!("{address}"));
        Read::text(text)
    }

    /// A name after `before` octets of numbers.
    fn name(&mut self, before: usize) -> Outcome {
        self.numbers(before);
        let name = self.read_name()?;
        self.check_end();
        Ok(Read::text(name))
    }

    /// Numbers of 16 bits that are not shown.
    fn numbers(&mut self, octets: usize) {
        for _ in 0..octets / 2 {
            self.reader.u16();
        }
    }

    fn soa(&mut self) -> Outcome {
        let primary = self.read_name()?;
        self.read_name()?;
        self.need(20)?;
        self.numbers(20);
        self.check_end();
        Ok(Read::text(primary))
    }

    fn character_strings(&mut self, kind: &str) -> Read {
        let end = self.record.end;
        let mut text = Vec::new();
        while let Some(string) = self.reader.character_string(end, self.oddities) {
            if !text.is_empty() {
                text.push(b' ');
            }
            put(&mut text, format_args!("{kind} {} ", string.len()));
            text.extend_from_slice(string);
        }
        let stop = (self.left() > 0).then_some(Stop::Damaged);
        Read { text: Some(text), stop }
    }

    /// RFC 3403, section 4.1.
    fn naptr(&mut self) -> Read {
        let order = self.reader.u16();
        let preference = self.reader.u16();
        if self.left() == 0 {
            return Read::stop(Stop::Violation("DNS_NAPTR_too_short"));
        }
        let end = self.record.end;
        let flags = self.reader.character_string(end, self.oddities);
        let service = self.reader.character_string(end, self.oddities);
        let expression = self.reader.character_string(end, self.oddities);
        let mut replacement = Vec::new();
        let style = NameStyle { lower_case: false, ..self.names };
        let named = self.reader.name(style, &mut replacement, self.oddities);
        let (Some(flags), Some(service), Some(expression), Ok(())) = (flags, service, expression, named)
        else {
            return Read::stop(Stop::Violation("DNS_NAPTR_RR_too_short"));
        };
        let mut text = Vec::new();
        put(&mut text, format_args!("NAPTR {order} {preference} "));
        text.extend_from_slice(flags);
        text.push(b' ');
        text.extend_from_slice(service);
        text.push(b' ');
        text.extend_from_slice(expression);
        if !expression.is_empty() && !replacement.is_empty() {
            text.push(b' ');
        }
        text.extend_from_slice(&replacement);
        Read::text(text)
    }

    /// RFC 1876, section 2.
    fn loc(&mut self) -> Outcome {
        if self.left() != 16 {
            self.odd("dns_invalid_loc_length");
            return Err(Damaged);
        }
        let version = self.reader.u8();
        let size = self.reader.u8();
        let horizontal = self.reader.u8();
        let vertical = self.reader.u8();
        if version != 0 {
            self.oddities.push(Oddity::number("DNS_LOC_version_unrecognized", version));
        }
        Ok(self.rest(format!("LOC:  {size} {horizontal} {vertical}")))
    }

    /// RFC 4034, section 3.1.
    fn rrsig(&mut self) -> Outcome {
        self.need(18)?;
        let covered = self.reader.u16();
        let algorithm = self.reader.u8();
        self.reader.u8();
        self.numbers(14);
        let signer = self.read_name()?;
        self.algorithm(
            algorithm,
            &[
                "DNSSEC_RRSIG_NotRecommended_ZoneSignAlgo",
                "DNSSEC_RRSIG_Indirect_ZoneSignAlgo",
                "DNSSEC_RRSIG_PrivateDNS_ZoneSignAlgo",
                "DNSSEC_RRSIG_PrivateOID_ZoneSignAlgo",
                "DNSSEC_RRSIG_unknown_ZoneSignAlgo",
            ],
        );
        let mut text = Vec::new();
        put(&mut text, format_args!("RRSIG {covered} "));
        text.extend_from_slice(if signer.is_empty() { b"<Root>" } else { &signer });
        Ok(self.rest(text))
    }

    /// RFC 4034, section 2.1.
    fn dnskey(&mut self) -> Outcome {
        self.need(4)?;
        let flags = self.reader.u16();
        let protocol = self.reader.u8();
        let algorithm = self.reader.u8();
        if flags & 0xfe7e != 0 {
            self.oddities.push(Oddity::number("DNSSEC_DNSKEY_Invalid_Flag", flags));
        }
        if flags & 0x0181 == 0x0181 {
            self.oddities.push(Oddity::number("DNSSEC_DNSKEY_Revoked_KSK", flags));
        }
        if protocol != 3 {
            self.oddities.push(Oddity::number("DNSSEC_DNSKEY_Invalid_Protocol", protocol));
        }
        self.algorithm(
            algorithm,
            &[
                "DNSSEC_DNSKEY_NotRecommended_ZoneSignAlgo",
                "DNSSEC_DNSKEY_Indirect_ZoneSignAlgo",
                "DNSSEC_DNSKEY_PrivateDNS_ZoneSignAlgo",
                "DNSSEC_DNSKEY_PrivateOID_ZoneSignAlgo",
                "DNSSEC_DNSKEY_unknown_ZoneSignAlgo",
            ],
        );
        Ok(self.rest(format!("DNSKEY {algorithm}")))
    }

    /// Reports a signature algorithm that is weak, private or unknown; `reports` for RSA/MD5, indirect, private by
    /// name, private by object identifier, and unknown.
    fn algorithm(&mut self, algorithm: u8, reports: &[&'static str; 5]) {
        let [weak, indirect, by_name, by_oid, unknown] = *reports;
        let name = match algorithm {
            2..=8 | 10 | 12..=16 => return,
            1 => weak,
            252 => indirect,
            253 => by_name,
            254 => by_oid,
            _ => unknown,
        };
        self.oddities.push(Oddity::number(name, algorithm));
    }

    /// RFC 4034, section 4.1.
    fn nsec(&mut self) -> Outcome {
        let next = self.read_name()?;
        self.type_bitmaps("DNSSEC_NSEC_bitmapLen0");
        let mut text = Vec::from(*b"NSEC ");
        text.extend_from_slice(self.record.owner);
        text.push(b' ');
        text.extend_from_slice(&next);
        Ok(self.rest(text))
    }

    /// RFC 5155, section 3.2.
    fn nsec3(&mut self) -> Outcome {
        self.need(6)?;
        self.numbers(4);
        for _ in 0..2 {
            let length = usize::from(self.reader.u8());
            self.reader.octets(length);
        }
        self.type_bitmaps("DNSSEC_NSEC3_bitmapLen0");
        Ok(self.rest(*b"NSEC3"))
    }

    fn type_bitmaps(&mut self, empty: &'static str) {
        while self.left() > 0 {
            let window = self.reader.u8();
            let length = self.reader.u8();
            if length == 0 {
                self.oddities.push(Oddity::number(empty, window));
                break;
            }
            self.reader.octets(usize::from(length));
        }
    }

    fn nsec3param(&mut self) -> Outcome {
        self.need(5)?;
        Ok(self.rest(*b"NSEC3PARAM"))
    }

    /// RFC 4034, section 5.1.
    fn ds(&mut self) -> Outcome {
        self.need(4)?;
        self.reader.u16();
        let algorithm = self.reader.u8();
        let digest = self.reader.u8();
        match digest {
            0 => self.oddities.push(Oddity::number("DNSSEC_DS_ReservedDigestType", digest)),
            1..=4 => {}
            _ => self.oddities.push(Oddity::number("DNSSEC_DS_unknown_DigestType", digest)),
        }
        Ok(self.rest(format!("DS {algorithm} {digest}")))
    }

    /// RFC 4255, section 3.1.
    fn sshfp(&mut self) -> Outcome {
        self.need(2)?;
        self.reader.u16();
        let fingerprint = self.reader.octets(self.left());
        let mut text = Vec::from(*b"SSHFP: ");
        for octet in fingerprint {
            put(&mut text, format_args!("{octet:02x}"));
        }
        Ok(self.rest(text))
    }

    fn bind_signing(&mut self) -> Outcome {
        self.need(5)?;
        Ok(self.rest(*b"BIND9 signing signal"))
    }

    /// RFC 6891, section 6.1.2.
    fn opt(&mut self, proto: Proto) -> Outcome {
        while self.left() >= 4 {
            let option = self.reader.u16();
            let length = usize::from(self.reader.u16());
            if length > self.left() {
                self.odd("EDNS_truncated_option");
                return Err(Damaged);
            }
            let value = self.reader.octets(length);
            match option {
                OPTION_CLIENT_SUBNET => self.client_subnet(value),
                OPTION_TCP_KEEPALIVE if matches!(length, 0 | 2) && proto == Proto::Udp => {
                    self.odd("EDNS_TCP_Keepalive_In_UDP");
                }
                _ => {}
            }
        }
        if self.left() > 0 {
            self.odd("EDNS_truncated_option");
            return Err(Damaged);
        }
        Ok(Read::PASSED)
    }

    /// RFC 7871, section 6.
    fn client_subnet(&mut self, value: &[u8]) {
        let [0, family, prefix, _scope, address @ ..] = value else {
            if value.len() <= 4 {
                self.odd("EDNS_ECS_invalid_option_len");
            }
            return;
        };
        if address.is_empty() {
            self.odd("EDNS_ECS_invalid_option_len");
            return;
        }
        let (longest, too_long, too_short) = match family {
            1 => (32, "EDNS_ECS_invalid_addr_v4_prefix", "EDNS_ECS_invalid_addr_v4"),
            2 => (128, "EDNS_ECS_invalid_addr_v6_prefix", "EDNS_ECS_invalid_addr_v6"),
            _ => return,
        };
        let bits = address.len().saturating_mul(8);
        if *prefix > longest {
            self.oddities.push(Oddity { name: too_long, addl: Some(format!("{prefix} bits")) });
        } else if usize::from(*prefix) > bits {
            let addl = format!("need {prefix} bits, have {bits} bits");
            self.oddities.push(Oddity { name: too_short, addl: Some(addl) });
        }
    }

    /// RFC 8945, section 4.2.
    fn tsig(&mut self) -> Outcome {
        self.read_name()?;
        Ok(self.pass())
    }

    /// RFC 9460, section 2.2.
    fn svcb(&mut self) -> Outcome {
        if self.reader.len() < 3 {
            self.odd("DNS_SVCB_wrong_length");
            return Err(Damaged);
        }
        let priority = self.reader.u16();
        self.read_name()?;
        if self.left() > 0 && priority == 0 {
            self.odd("DNS_SVCB_aliasmode_with_params");
        }
        while self.left() >= 4 {
            let key = self.reader.u16();
            let length = usize::from(self.reader.u16());
            let left = self.left();
            if length > left {
                let addl = format!("{length} capped to {left}");
                self.oddities.push(Oddity { name: "DNS_SVCB_param_value_toobig", addl: Some(addl) });
            }
            let value = self.reader.octets(length.min(left));
            if length <= left
                && let Some(name) = service_parameter_oddity(key, value)
            {
                self.odd(name);
            }
        }
        Ok(self.pass())
    }
}

/// What is wrong with a service parameter (RFC 9460, section 7).
fn service_parameter_oddity(key: u16, value: &[u8]) -> Option<&'static str> {
    match key {
        0 => (value.is_empty() || !value.len().is_multiple_of(2))
            .then_some("DNS_SVCB_mandatory_length_invalid"),
        1 => {
            let mut rest = value;
            while let Some((length, after)) = rest.split_first().filter(|_| rest.len() > 2) {
                match after.get(usize::from(*length)..) {
                    Some(next) if *length > 0 => rest = next,
                    _ => return Some("DNS_SVCB_alpn_length_invalid"),
                }
            }
            None
        }
        2 => (!value.is_empty()).then_some("DNS_SVCB_nodefaultalpn_value"),
        3 => (value.len() != 2).then_some("DNS_SVCB_port_length_invalid"),
        4 => (!value.len().is_multiple_of(4)).then_some("DNS_SVCB_hint_length_invalid"),
        5 => None,
        6 => (!value.len().is_multiple_of(16)).then_some("DNS_SVCB_hint_length_invalid"),
        _ => Some("DNS_SVCB_key_reserved_or_invalid"),
    }
}

/// Appends formatted text; writing to memory cannot fail.
fn put(text: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(arguments);
}

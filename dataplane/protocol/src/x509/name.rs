//! Distinguished names: as text (RFC 2253 as OpenSSL writes it), and in a form for comparison.

use std::io::Write as _;

use x509_parser::asn1_rs::ToDer as _;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::oid;

/// Tags of the string types of ASN.1 that names use (X.680).
mod tag {
    pub(super) const UTF8: u32 = 12;
    pub(super) const NUMERIC: u32 = 18;
    pub(super) const PRINTABLE: u32 = 19;
    pub(super) const T61: u32 = 20;
    pub(super) const IA5: u32 = 22;
    pub(super) const UTC_TIME: u32 = 23;
    pub(super) const GENERALIZED_TIME: u32 = 24;
    pub(super) const VISIBLE: u32 = 26;
    pub(super) const UNIVERSAL: u32 = 28;
    pub(super) const BMP: u32 = 30;
}

/// The name as text: most specific part first, special octets escaped; cut after `limit` octets.
pub(super) fn text(name: &X509Name<'_>, limit: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    let parts: Vec<_> = name.iter_rdn().collect();
    for (position, part) in parts.iter().rev().enumerate() {
        let attributes: Vec<_> = part.iter().collect();
        for (index, attribute) in attributes.iter().rev().enumerate() {
            if index > 0 {
                out.push(b'+');
            } else if position > 0 {
                out.push(b',');
            }
            one(attribute, &mut out);
        }
    }
    out.truncate(limit);
    out
}

fn one(attribute: &AttributeTypeAndValue<'_>, out: &mut Vec<u8>) {
    let known = oid::attribute(attribute.attr_type().as_bytes());
    match known {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => out.extend_from_slice(attribute.attr_type().to_id_string().as_bytes()),
    }
    out.push(b'=');
    match known.and_then(|_| characters(attribute)) {
        Some(value) => escaped(&value, out),
        None => encoded(attribute, out),
    }
}

/// The value of an attribute as text; `None` where it is no string.
fn characters(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    let value = attribute.attr_value();
    Some(match value.tag().0 {
        tag::UTF8 => String::from_utf8_lossy(value.data).into_owned(),
        tag::NUMERIC
        | tag::PRINTABLE
        | tag::T61
        | tag::IA5
        | tag::UTC_TIME
        | tag::GENERALIZED_TIME
        | tag::VISIBLE => value.data.iter().map(|octet| char::from(*octet)).collect(),
        tag::BMP => value
            .data
            .chunks_exact(2)
            .map(|unit| match unit {
                [a, b] => char::from_u32(u32::from_be_bytes([0, 0, *a, *b])),
                _ => None,
            })
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
        tag::UNIVERSAL => value
            .data
            .chunks_exact(4)
            .map(|unit| unit.first_chunk().and_then(|unit| char::from_u32(u32::from_be_bytes(*unit))))
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
        _ => return None,
    })
}

/// Escapes what RFC 2253 wants escaped, control characters and all octets above ASCII.
fn escaped(value: &str, out: &mut Vec<u8>) {
    let last = value.len().saturating_sub(1);
    for (index, octet) in value.bytes().enumerate() {
        let at_edge = (index == 0 && matches!(octet, b' ' | b'#')) || (index == last && octet == b' ');
        match octet {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => out.extend_from_slice(&[b'\\', octet]),
            _ if at_edge => out.extend_from_slice(&[b'\\', octet]),
            0..0x20 | 0x7F.. => {
                // Writing to a vector cannot fail.
                let _ = write!(out, "\\{octet:02X}");
            }
            _ => out.push(octet),
        }
    }
}

/// The value in hexadecimal DER, after `#`.
fn encoded(attribute: &AttributeTypeAndValue<'_>, out: &mut Vec<u8>) {
    out.push(b'#');
    for octet in attribute.attr_value().to_der_vec().unwrap_or_default() {
        let _ = write!(out, "{octet:02X}");
    }
}

/// The last common name of a subject.
pub(super) fn last_common_name(name: &X509Name<'_>) -> Option<Vec<u8>> {
    let last = name.iter_common_name().last()?;
    Some(last.attr_value().data.to_vec())
}

/// A form of the name that is equal for names that count as equal (RFC 5280, section 7.1): strings in lower case, with
/// single spaces, whatever their type.
pub(super) fn comparable(name: &X509Name<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.as_raw().len());
    for part in name.iter_rdn() {
        for attribute in part.iter() {
            out.extend_from_slice(attribute.attr_type().as_bytes());
            out.push(0);
            match characters(attribute) {
                Some(value) => {
                    for (index, word) in value.split_ascii_whitespace().enumerate() {
                        if index > 0 {
                            out.push(b' ');
                        }
                        out.extend(word.bytes().map(|octet| octet.to_ascii_lowercase()));
                    }
                }
                None => out.extend_from_slice(attribute.attr_value().data),
            }
            out.push(1);
        }
        out.push(2);
    }
    out
}

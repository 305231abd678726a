//! X.509 certificates (RFC 5280): what the `x509` log tells of them, whether they fit a host name, whether a chain of
//! them leads to a root that Mozilla trusts.
//!
//! DER is read by `x509-parser`, signatures are checked by `ring`, roots come from `webpki-root-certs`. Texts (names,
//! algorithms, results of validation) are those of OpenSSL, since Zeek logs them so.
//!
//! Limits: the length of a chain is bounded by who collects it; [`MAX_NAME`] octets of a name are logged; caches are
//! bounded ([`cache`]). Revocation, name constraints and certificate policies are not looked at.

mod cache;
mod host;
mod name;
mod oid;
mod roots;
mod verify;

#[cfg(test)]
mod tests;

use data_encoding::{HEXLOWER, HEXUPPER};
use record::{Addr, Date, Limit, List, Weird, X509};
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::RSAPublicKey;

use crate::FlowContext;

pub(crate) use cache::Cache;
use cache::Known;

/// Longest subject or issuer that is logged, octets (Zeek's buffer).
const MAX_NAME: usize = 2047;

/// The place of a certificate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Role {
    /// It stands first in its chain.
    pub(crate) is_host: bool,
    /// A client sent it.
    pub(crate) is_client: bool,
}

/// SHA-256 of a certificate: what it is known by.
pub(crate) type Digest = [u8; 32];

/// A certificate that could be read, as it was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link<'a> {
    /// SHA-256 of `der`.
    pub(crate) digest: Digest,
    /// The certificate.
    pub(crate) der: &'a [u8],
}

impl Link<'_> {
    /// The SHA-256 fingerprint in hexadecimal.
    pub(crate) fn fingerprint(&self) -> String {
        HEXLOWER.encode(&self.digest)
    }

    /// Whether the certificate is for the host `name` (RFC 6125).
    pub(crate) fn is_valid_for(&self, context: &mut FlowContext<'_>, name: &[u8]) -> bool {
        if let Some(Known::Host(host)) = context.shared().0.certificates.known(&self.digest) {
            return host::matches(&host.names, name);
        }
        read(self.der).is_some_and(|certificate| host::matches(&host::names(&certificate), name))
    }
}

/// Reads a certificate; what follows it in `der` is ignored.
fn read(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate)
}

/// A certificate went by: logs it if it is the first of its chain, and gives it back if it could be read.
///
/// The record carries a limit key made of the fingerprint and the role, so that one record a day remains; what this
/// worker logged less than a day ago is not read again.
pub(crate) fn see<'a>(context: &mut FlowContext<'_>, der: &'a [u8], role: Role) -> Option<Link<'a>> {
    let link = Link { digest: Sha256::digest(der).into(), der };
    let now = context.now();
    match context.shared().0.certificates.known(&link.digest) {
        Some(Known::Host(host)) if !role.is_host || host.is_logged(role, now) => return Some(link),
        Some(Known::Authority) if !role.is_host => return Some(link),
        Some(Known::Unreadable) => {
            parse_error(context);
            return None;
        }
        _ => {}
    }
    let Some(certificate) = read(der) else {
        context.shared().0.certificates.learn(link.digest, Known::Unreadable);
        parse_error(context);
        return None;
    };
    if role.is_host {
        log(context, &certificate, &link.fingerprint(), role);
        context.shared().0.certificates.logged(link.digest, &certificate, role, now);
    } else {
        context.shared().0.certificates.learn(link.digest, Known::Authority);
    }
    Some(link)
}

/// Why a chain is not trusted, or `ok`, in OpenSSL's words; `None` where that cannot be said, because a signature uses
/// an algorithm that is not supported. `chain` has the certificates as sent, the one in question first.
pub(crate) fn validate(context: &mut FlowContext<'_>, chain: &[Link<'_>]) -> Option<&'static str> {
    let now = context.now();
    context.shared().0.certificates.validate(chain, now)
}

fn parse_error(context: &mut FlowContext<'_>) {
    const NAME: &str = "x509_cert_parse_error";
    let mut id = Vec::new();
    context.new_file_id().write(&mut id);
    let weird = Weird {
        ts: context.now(),
        uid: None,
        id: None,
        name: NAME,
        addl: Some(&id),
        notice: false,
        peer: &context.settings().peer,
        source: None,
        limit: Limit::of_weird(NAME, None),
    };
    context.emit(&weird);
}

fn log(context: &mut FlowContext<'_>, parsed: &X509Certificate<'_>, fingerprint: &str, role: Role) {
    let extensions = Extensions::of(parsed);
    let key = Key::of(parsed);
    let key_alg = oid::algorithm(&parsed.public_key().algorithm.algorithm);
    let sig_alg = oid::known_algorithm(&parsed.signature_algorithm.algorithm).unwrap_or_default();
    let record = X509 {
        ts: context.now(),
        fingerprint,
        version: u64::from(parsed.version().0).saturating_add(1),
        serial: &serial(parsed.raw_serial()),
        subject: &name::text(parsed.subject(), MAX_NAME),
        issuer: &name::text(parsed.issuer(), MAX_NAME),
        not_valid_before: Date(parsed.validity().not_before.timestamp()),
        not_valid_after: Date(parsed.validity().not_after.timestamp()),
        key_alg: &key_alg,
        sig_alg,
        key_type: key.kind,
        key_length: key.length,
        exponent: key.exponent.as_deref(),
        curve: key.curve,
        san_dns: extensions.dns.as_deref().map(List),
        san_uri: extensions.uri.as_deref().map(List),
        san_email: extensions.email.as_deref().map(List),
        san_ip: extensions.ip.as_deref().map(List),
        basic_constraints_ca: extensions.ca,
        basic_constraints_path_len: extensions.path_len,
        host_cert: role.is_host,
        client_cert: role.is_client,
        limit: limit(fingerprint, role),
    };
    context.emit(&record);
    for weird in extensions.weirds {
        context.weird(weird, None, "X509");
    }
}

fn limit(fingerprint: &str, role: Role) -> Limit {
    let role = u64::from(role.is_host) << 1 | u64::from(role.is_client) << 2;
    let daily = Limit::daily(fingerprint);
    Limit { key: (daily.key & !7) | role | 1, ..daily }
}

/// A serial number as OpenSSL writes it: its magnitude in whole octets, upper case, `-` before a negative one.
fn serial(octets: &[u8]) -> String {
    let is_negative = octets.first().is_some_and(|first| first & 0x80 != 0);
    let mut magnitude = octets.to_vec();
    if is_negative {
        let mut carry = true;
        for octet in magnitude.iter_mut().rev() {
            let (sum, overflow) = (!*octet).overflowing_add(u8::from(carry));
            *octet = sum;
            carry = overflow;
        }
    }
    let start = magnitude.iter().position(|octet| *octet != 0).unwrap_or(magnitude.len());
    let digits = magnitude.get(start..).filter(|digits| !digits.is_empty()).unwrap_or(&[0]);
    let digits = HEXUPPER.encode(digits);
    if is_negative { format!("-{digits}") } else { digits }
}

/// What is told of a public key.
#[derive(Debug, Default)]
struct Key {
    kind: Option<&'static str>,
    /// Bits.
    length: Option<u64>,
    exponent: Option<String>,
    curve: Option<&'static str>,
}

impl Key {
    fn of(certificate: &X509Certificate<'_>) -> Self {
        let info = certificate.public_key();
        let algorithm = info.algorithm.algorithm.as_bytes();
        // Terminal servers name md5WithRSAEncryption as the algorithm of their RSA keys.
        if matches!(algorithm, oid::RSA | oid::MD5_WITH_RSA) {
            let Ok((_, key)) = RSAPublicKey::from_der(&info.subject_public_key.data) else {
                return Self::default();
            };
            return Self {
                kind: Some("rsa"),
                length: Some(bits(key.modulus)),
                exponent: decimal(key.exponent),
                curve: None,
            };
        }
        if algorithm == oid::EC {
            let curve = info.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
            let Some((name, length)) = curve.and_then(|curve| oid::curve(curve.as_bytes())) else {
                return Self::default();
            };
            return Self { kind: Some("ecdsa"), length: Some(length), exponent: None, curve: Some(name) };
        }
        if algorithm == oid::DSA {
            return Self { kind: Some("dsa"), length: dsa_prime(info), exponent: None, curve: None };
        }
        Self::default()
    }
}

/// Bits of the prime of a DSA key: the first number of its parameters.
fn dsa_prime(info: &x509_parser::x509::SubjectPublicKeyInfo<'_>) -> Option<u64> {
    let parameters = info.algorithm.parameters.as_ref()?;
    let (_, prime) = x509_parser::asn1_rs::Any::from_der(parameters.data).ok()?;
    Some(bits(prime.data))
}

/// Bits of a number without its leading zeros.
fn bits(number: &[u8]) -> u64 {
    let start = number.iter().position(|octet| *octet != 0).unwrap_or(number.len());
    let significant = number.get(start..).unwrap_or_default();
    let Some(first) = significant.first() else { return 0 };
    (significant.len() as u64).saturating_mul(8).saturating_sub(u64::from(first.leading_zeros()))
}

/// A number in decimal digits; exponents of more than 128 bits are not told.
fn decimal(number: &[u8]) -> Option<String> {
    let start = number.iter().position(|octet| *octet != 0).unwrap_or(number.len());
    let significant = number.get(start..).unwrap_or_default();
    if significant.len() > 16 {
        return None;
    }
    let value = significant.iter().fold(0_u128, |value, octet| value << 8 | u128::from(*octet));
    Some(value.to_string())
}

/// What is told of the extensions.
#[derive(Debug, Default)]
struct Extensions {
    dns: Option<Vec<Box<[u8]>>>,
    uri: Option<Vec<Box<[u8]>>>,
    email: Option<Vec<Box<[u8]>>>,
    ip: Option<Vec<Addr>>,
    ca: Option<bool>,
    path_len: Option<u64>,
    weirds: Vec<&'static str>,
}

impl Extensions {
    fn of(certificate: &X509Certificate<'_>) -> Self {
        let mut told = Self::default();
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectAlternativeName(names) => told.names(&names.general_names),
                ParsedExtension::BasicConstraints(constraints) => {
                    told.ca = Some(constraints.ca);
                    told.path_len = constraints.path_len_constraint.map(u64::from);
                }
                ParsedExtension::ParseError { .. } => match extension.oid.as_bytes() {
                    oid::SUBJECT_ALTERNATIVE_NAME => told.weirds.push("x509_san_parse_error"),
                    oid::BASIC_CONSTRAINTS => told.weirds.push("x509_invalid_basic_constraint"),
                    _ => {}
                },
                _ => {}
            }
        }
        told
    }

    fn names(&mut self, names: &[GeneralName<'_>]) {
        (self.dns, self.uri, self.email, self.ip) = (None, None, None, None);
        for name in names {
            match name {
                GeneralName::DNSName(text) => self.dns.get_or_insert_default().push(text.as_bytes().into()),
                GeneralName::URI(text) => self.uri.get_or_insert_default().push(text.as_bytes().into()),
                GeneralName::RFC822Name(text) => {
                    self.email.get_or_insert_default().push(text.as_bytes().into());
                }
                GeneralName::Invalid(tag, octets) => {
                    let list = match tag.0 {
                        1 => &mut self.email,
                        2 => &mut self.dns,
                        6 => &mut self.uri,
                        _ => continue,
                    };
                    list.get_or_insert_default().push((*octets).into());
                }
                GeneralName::IPAddress(octets) => {
                    let list = self.ip.get_or_insert_default();
                    if let Ok(octets) = <[u8; 4]>::try_from(*octets) {
                        list.push(Addr::v4(octets));
                    } else if let Ok(octets) = <[u8; 16]>::try_from(*octets) {
                        list.push(Addr::v6(octets));
                    } else {
                        self.weirds.push("x509_san_ip_length");
                    }
                }
                _ => {}
            }
        }
    }
}

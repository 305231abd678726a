//! The `x509` log.

use crate::{Addr, Date, Limit, List, Time};

log! {
    /// Certificates seen, one record per certificate and day.
    X509<'a> {
        /// When it was seen.
        ts: Time,
        /// SHA-256 fingerprint.
        fingerprint: &'a str,
        /// Version.
        version as "certificate.version": u64,
        /// Serial number, hexadecimal.
        serial as "certificate.serial": &'a str,
        /// Subject.
        subject as "certificate.subject": &'a [u8],
        /// Issuer.
        issuer as "certificate.issuer": &'a [u8],
        /// Not valid before.
        not_valid_before as "certificate.not_valid_before": Date,
        /// Not valid after.
        not_valid_after as "certificate.not_valid_after": Date,
        /// Algorithm of the key.
        key_alg as "certificate.key_alg": &'a str,
        /// Algorithm of the signature.
        sig_alg as "certificate.sig_alg": &'a str,
        /// Type of the key: rsa, dsa or ecdsa.
        key_type as "certificate.key_type": Option<&'a str>,
        /// Length of the key in bits.
        key_length as "certificate.key_length": Option<u64>,
        /// Exponent of an RSA key.
        exponent as "certificate.exponent": Option<&'a str>,
        /// Curve of an elliptic-curve key.
        curve as "certificate.curve": Option<&'a str>,
        /// DNS names.
        san_dns as "san.dns": Option<List<'a, Box<[u8]>>>,
        /// URIs.
        san_uri as "san.uri": Option<List<'a, Box<[u8]>>>,
        /// Mail addresses.
        san_email as "san.email": Option<List<'a, Box<[u8]>>>,
        /// IP addresses.
        san_ip as "san.ip": Option<List<'a, Addr>>,
        /// Basic constraints: a certificate authority.
        basic_constraints_ca as "basic_constraints.ca": Option<bool>,
        /// Basic constraints: longest path below it.
        basic_constraints_path_len as "basic_constraints.path_len": Option<u64>,
        /// It stood first in its chain.
        host_cert: bool,
        /// A client sent it.
        client_cert: bool,
        /// How often it is written again. Not a column.
        limit: Limit,
    }
    limited by |record| record.limit
}

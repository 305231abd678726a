//! Validation of a certificate chain, step by step as OpenSSL 3 does it with trusted certificates first, so that its
//! result has the same words.
//!
//! Not checked: revocation, name constraints, policies, purposes (Zeek asks for none).

use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::X509Certificate;
use x509_parser::signature_algorithm::RsaSsaPssParams;

use super::roots::Roots;
use super::{name, oid};

/// A chain of certificates that ends in a trusted root: the certificate in question first, the root last.
pub(super) type Path<'a> = Vec<&'a X509Certificate<'a>>;

/// How a validation ended.
#[derive(Debug)]
pub(super) enum Outcome<'a> {
    /// Trusted, by this path.
    Trusted(Path<'a>),
    /// Not trusted; the reason in OpenSSL's words.
    Failed(&'static str),
    /// A signature cannot be checked here.
    Unsupported,
}

const NO_ISSUER_LOCALLY: &str = "unable to get local issuer certificate";
const NO_ISSUER: &str = "unable to get issuer certificate";
const SELF_SIGNED: &str = "self signed certificate";
const SELF_SIGNED_IN_CHAIN: &str = "self-signed certificate in certificate chain";
const UNHANDLED_EXTENSION: &str = "unhandled critical extension";
const INVALID_CA: &str = "invalid CA certificate";
const PATH_TOO_LONG: &str = "path length constraint exceeded";
const BAD_SIGNATURE: &str = "certificate signature failure";
const NOT_YET_VALID: &str = "certificate is not yet valid";
const EXPIRED: &str = "certificate has expired";

/// Validates `certificate` with the help of `untrusted` ones, at `now` in seconds since the epoch.
pub(super) fn validate<'a>(
    certificate: &'a X509Certificate<'a>,
    untrusted: &[&'a X509Certificate<'a>],
    roots: &'a Roots,
    now: i64,
) -> Outcome<'a> {
    let path = match build(certificate, untrusted, roots, now) {
        Ok(path) => path,
        Err(reason) => return Outcome::Failed(reason),
    };
    if let Err(reason) = check_extensions(&path) {
        return Outcome::Failed(reason);
    }
    match check_signatures(&path, now) {
        Ok(()) => Outcome::Trusted(path),
        Err(Some(reason)) => Outcome::Failed(reason),
        Err(None) => Outcome::Unsupported,
    }
}

/// Builds the path: at every step a root that issued the last certificate ends it, else an untrusted one lengthens it.
fn build<'a>(
    certificate: &'a X509Certificate<'a>,
    untrusted: &[&'a X509Certificate<'a>],
    roots: &'a Roots,
    now: i64,
) -> Result<Path<'a>, &'static str> {
    let mut left = untrusted.to_vec();
    let mut path = vec![certificate];
    let mut last = certificate;
    loop {
        let issuer_name = name::comparable(last.issuer());
        let is_self_signed = is_issued_by_itself(last);
        let issuers = roots.of_subject(&issuer_name).iter().filter(|issuer| is_issuer(issuer, last));
        if is_self_signed {
            let known = issuers.into_iter().find(|issuer| issuer.as_raw() == last.as_raw());
            if known.is_some() {
                return Ok(path);
            }
            return Err(if path.len() == 1 { SELF_SIGNED } else { SELF_SIGNED_IN_CHAIN });
        }
        if let Some(root) = best(issuers, now) {
            path.push(root);
            return if is_issued_by_itself(root) { Ok(path) } else { Err(NO_ISSUER) };
        }
        let issuers = left.iter().copied().filter(|issuer| {
            name::comparable(issuer.subject()) == issuer_name
                && is_issuer(issuer, last)
                && !path.iter().any(|used| used.as_raw() == issuer.as_raw())
        });
        let Some(issuer) = best(issuers, now) else { return Err(NO_ISSUER_LOCALLY) };
        left.retain(|other| !std::ptr::eq(*other, issuer));
        path.push(issuer);
        last = issuer;
    }
}

/// The first candidate that is valid now, or the one that expires last.
fn best<'a>(
    candidates: impl Iterator<Item = &'a X509Certificate<'a>>,
    now: i64,
) -> Option<&'a X509Certificate<'a>> {
    let mut latest: Option<&X509Certificate<'_>> = None;
    for candidate in candidates {
        let validity = candidate.validity();
        if (validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&now) {
            return Some(candidate);
        }
        if latest.is_none_or(|best| best.validity().not_after < validity.not_after) {
            latest = Some(candidate);
        }
    }
    latest
}

fn is_issued_by_itself(certificate: &X509Certificate<'_>) -> bool {
    name::comparable(certificate.subject()) == name::comparable(certificate.issuer())
        && is_issuer(certificate, certificate)
}

/// Whether all but the names says that `issuer` issued `certificate`: authority key identifier and key usage.
fn is_issuer(issuer: &X509Certificate<'_>, certificate: &X509Certificate<'_>) -> bool {
    if !fits_authority(issuer, certificate) {
        return false;
    }
    std::ptr::eq(issuer, certificate) || key_usage(issuer) != Some(false)
}

fn fits_authority(issuer: &X509Certificate<'_>, certificate: &X509Certificate<'_>) -> bool {
    let authority =
        certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(authority) => Some(authority),
            _ => None,
        });
    let Some(authority) = authority else { return true };
    let subject_key = issuer.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier),
        _ => None,
    });
    if let (Some(wanted), Some(own)) = (&authority.key_identifier, subject_key)
        && wanted.0 != own.0
    {
        return false;
    }
    if let Some(serial) = authority.authority_cert_serial
        && serial != issuer.raw_serial()
    {
        return false;
    }
    true
}

/// Whether key usage allows the signing of certificates; `None` without that extension.
fn key_usage(certificate: &X509Certificate<'_>) -> Option<bool> {
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::KeyUsage(usage) => Some(usage.key_cert_sign()),
        _ => None,
    })
}

/// What basic constraints say: an authority, and the longest path below it; `None` without that extension.
fn basic_constraints(certificate: &X509Certificate<'_>) -> Option<(bool, Option<u32>)> {
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::BasicConstraints(constraints) => {
            Some((constraints.ca, constraints.path_len_constraint))
        }
        _ => None,
    })
}

fn check_extensions(path: &[&X509Certificate<'_>]) -> Result<(), &'static str> {
    let mut intermediates = 0_u32;
    for (depth, certificate) in path.iter().enumerate() {
        let unhandled = certificate.extensions().iter().any(|extension| {
            extension.critical
                && matches!(extension.parsed_extension(), ParsedExtension::UnsupportedExtension { .. })
        });
        if unhandled {
            return Err(UNHANDLED_EXTENSION);
        }
        if depth == 0 {
            continue;
        }
        let is_root = depth.saturating_add(1) == path.len();
        let constraints = basic_constraints(certificate);
        let may_issue = key_usage(certificate) != Some(false)
            && match constraints {
                Some((is_authority, _)) => is_authority,
                // Roots of old have no extensions; key usage alone suffices for a root.
                None => is_root,
            };
        if !may_issue {
            return Err(INVALID_CA);
        }
        if depth > 1
            && let Some((_, Some(limit))) = constraints
            && intermediates > limit
        {
            return Err(PATH_TOO_LONG);
        }
        if name::comparable(certificate.subject()) != name::comparable(certificate.issuer()) {
            intermediates = intermediates.saturating_add(1);
        }
    }
    Ok(())
}

/// Checks times and signatures from the root down. The signature of the root itself is not of interest.
fn check_signatures(path: &[&X509Certificate<'_>], now: i64) -> Result<(), Option<&'static str>> {
    let mut issuer: Option<&X509Certificate<'_>> = None;
    for certificate in path.iter().rev() {
        if let Some(issuer) = issuer {
            match is_signed_by(certificate, issuer) {
                Some(true) => {}
                Some(false) => return Err(Some(BAD_SIGNATURE)),
                None => return Err(None),
            }
        }
        if certificate.validity().not_before.timestamp() > now {
            return Err(Some(NOT_YET_VALID));
        }
        if certificate.validity().not_after.timestamp() < now {
            return Err(Some(EXPIRED));
        }
        issuer = Some(certificate);
    }
    Ok(())
}

/// Whether the signature holds; `None` for algorithms that are not supported.
fn is_signed_by(certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> Option<bool> {
    let algorithm = algorithm(certificate, issuer)?;
    let key = UnparsedPublicKey::new(algorithm, &issuer.public_key().subject_public_key.data);
    Some(key.verify(certificate.tbs_certificate.as_ref(), &certificate.signature_value.data).is_ok())
}

fn algorithm(
    certificate: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
) -> Option<&'static dyn VerificationAlgorithm> {
    let signed = &certificate.signature_algorithm;
    let key = &issuer.public_key().algorithm;
    let curve = key.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
    Some(match signed.algorithm.as_bytes() {
        oid::SHA1_WITH_RSA | oid::SHA1_WITH_RSA_OIW => {
            &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY
        }
        oid::SHA256_WITH_RSA => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        oid::SHA384_WITH_RSA => &signature::RSA_PKCS1_2048_8192_SHA384,
        oid::SHA512_WITH_RSA => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        oid::RSA_PSS => {
            let parameters = RsaSsaPssParams::try_from(signed.parameters.as_ref()?).ok()?;
            match parameters.hash_algorithm_oid().as_bytes() {
                oid::SHA256 => &signature::RSA_PSS_2048_8192_SHA256,
                oid::SHA384 => &signature::RSA_PSS_2048_8192_SHA384,
                oid::SHA512 => &signature::RSA_PSS_2048_8192_SHA512,
                _ => return None,
            }
        }
        oid::ECDSA_WITH_SHA256 => match curve?.as_bytes() {
            oid::P256 => &signature::ECDSA_P256_SHA256_ASN1,
            oid::P384 => &signature::ECDSA_P384_SHA256_ASN1,
            _ => return None,
        },
        oid::ECDSA_WITH_SHA384 => match curve?.as_bytes() {
            oid::P256 => &signature::ECDSA_P256_SHA384_ASN1,
            oid::P384 => &signature::ECDSA_P384_SHA384_ASN1,
            _ => return None,
        },
        oid::ED25519 => &signature::ED25519,
        _ => return None,
    })
}

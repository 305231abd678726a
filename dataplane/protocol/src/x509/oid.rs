//! Object identifiers, and OpenSSL's names for them.

use std::borrow::Cow;

use x509_parser::oid_registry::Oid;

/// `rsaEncryption` (1.2.840.113549.1.1.1).
pub(super) const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
/// `md5WithRSAEncryption` (1.2.840.113549.1.1.4).
pub(super) const MD5_WITH_RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x04];
/// `sha1WithRSAEncryption` (1.2.840.113549.1.1.5).
pub(super) const SHA1_WITH_RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x05];
/// `sha1WithRSA` of the OIW (1.3.14.3.2.29).
pub(super) const SHA1_WITH_RSA_OIW: &[u8] = &[0x2B, 0x0E, 0x03, 0x02, 0x1D];
/// `rsassaPss` (1.2.840.113549.1.1.10).
pub(super) const RSA_PSS: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A];
/// `sha256WithRSAEncryption` (1.2.840.113549.1.1.11).
pub(super) const SHA256_WITH_RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B];
/// `sha384WithRSAEncryption` (1.2.840.113549.1.1.12).
pub(super) const SHA384_WITH_RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0C];
/// `sha512WithRSAEncryption` (1.2.840.113549.1.1.13).
pub(super) const SHA512_WITH_RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0D];
/// `dsaEncryption` (1.2.840.10040.4.1).
pub(super) const DSA: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x38, 0x04, 0x01];
/// `id-ecPublicKey` (1.2.840.10045.2.1).
pub(super) const EC: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
/// `ecdsa-with-SHA256` (1.2.840.10045.4.3.2).
pub(super) const ECDSA_WITH_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
/// `ecdsa-with-SHA384` (1.2.840.10045.4.3.3).
pub(super) const ECDSA_WITH_SHA384: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03];
/// `ED25519` (1.3.101.112).
pub(super) const ED25519: &[u8] = &[0x2B, 0x65, 0x70];
/// `prime256v1` (1.2.840.10045.3.1.7).
pub(super) const P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
/// `secp384r1` (1.3.132.0.34).
pub(super) const P384: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x22];
/// `sha256` (2.16.840.1.101.3.4.2.1).
pub(super) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// `sha384` (2.16.840.1.101.3.4.2.2).
pub(super) const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
/// `sha512` (2.16.840.1.101.3.4.2.3).
pub(super) const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
/// `commonName` (2.5.4.3).
pub(super) const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// `subjectAltName` (2.5.29.17).
pub(super) const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1D, 0x11];
/// `basicConstraints` (2.5.29.19).
pub(super) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 0x13];

/// The name of an algorithm of keys or signatures, or its number.
pub(super) fn algorithm(oid: &Oid<'_>) -> Cow<'static, str> {
    known_algorithm(oid).map_or_else(|| Cow::Owned(oid.to_id_string()), Cow::Borrowed)
}

/// The name of an algorithm of keys or signatures.
pub(super) fn known_algorithm(oid: &Oid<'_>) -> Option<&'static str> {
    Some(match oid.as_bytes() {
        RSA => "rsaEncryption",
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x02] => "md2WithRSAEncryption",
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x03] => "md4WithRSAEncryption",
        MD5_WITH_RSA => "md5WithRSAEncryption",
        SHA1_WITH_RSA => "sha1WithRSAEncryption",
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x07] => "rsaesOaep",
        RSA_PSS => "rsassaPss",
        SHA256_WITH_RSA => "sha256WithRSAEncryption",
        SHA384_WITH_RSA => "sha384WithRSAEncryption",
        SHA512_WITH_RSA => "sha512WithRSAEncryption",
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0E] => "sha224WithRSAEncryption",
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x03, 0x01] => "dhKeyAgreement",
        SHA1_WITH_RSA_OIW => "sha1WithRSA",
        [0x2B, 0x0E, 0x03, 0x02, 0x03] => "md5WithRSA",
        [0x2B, 0x0E, 0x03, 0x02, 0x0F] => "shaWithRSAEncryption",
        [0x2B, 0x0E, 0x03, 0x02, 0x0C] => "dsaEncryption-old",
        [0x2B, 0x0E, 0x03, 0x02, 0x0D] => "dsaWithSHA",
        [0x2B, 0x0E, 0x03, 0x02, 0x1B] => "dsaWithSHA1-old",
        DSA => "dsaEncryption",
        [0x2A, 0x86, 0x48, 0xCE, 0x38, 0x04, 0x03] => "dsaWithSHA1",
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x01] => "dsa_with_SHA224",
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x02] => "dsa_with_SHA256",
        EC => "id-ecPublicKey",
        [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x01] => "ecdsa-with-SHA1",
        [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x01] => "ecdsa-with-SHA224",
        ECDSA_WITH_SHA256 => "ecdsa-with-SHA256",
        ECDSA_WITH_SHA384 => "ecdsa-with-SHA384",
        [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x04] => "ecdsa-with-SHA512",
        [0x2B, 0x65, 0x6E] => "X25519",
        [0x2B, 0x65, 0x6F] => "X448",
        ED25519 => "ED25519",
        [0x2B, 0x65, 0x71] => "ED448",
        [0x2A, 0x85, 0x03, 0x02, 0x02, 0x13] => "GOST R 34.10-2001",
        [0x2A, 0x85, 0x03, 0x02, 0x02, 0x03] => "GOST R 34.11-94 with GOST R 34.10-2001",
        [0x2A, 0x85, 0x03, 0x07, 0x01, 0x01, 0x01, 0x01] => "GOST R 34.10-2012 with 256 bit modulus",
        [0x2A, 0x85, 0x03, 0x07, 0x01, 0x01, 0x01, 0x02] => "GOST R 34.10-2012 with 512 bit modulus",
        [0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x83, 0x75] => "SM2-with-SM3",
        _ => return None,
    })
}

/// The name of a named curve and the bits of its order.
pub(super) fn curve(oid: &[u8]) -> Option<(&'static str, u64)> {
    Some(match oid {
        [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x01] => ("prime192v1", 192),
        P256 => ("prime256v1", 256),
        [0x2B, 0x81, 0x04, 0x00, 0x0A] => ("secp256k1", 256),
        [0x2B, 0x81, 0x04, 0x00, 0x1F] => ("secp192k1", 192),
        [0x2B, 0x81, 0x04, 0x00, 0x20] => ("secp224k1", 225),
        [0x2B, 0x81, 0x04, 0x00, 0x21] => ("secp224r1", 224),
        P384 => ("secp384r1", 384),
        [0x2B, 0x81, 0x04, 0x00, 0x23] => ("secp521r1", 521),
        [0x2B, 0x81, 0x04, 0x00, 0x08] => ("secp160r1", 161),
        [0x2B, 0x81, 0x04, 0x00, 0x1A] => ("sect233k1", 232),
        [0x2B, 0x81, 0x04, 0x00, 0x1B] => ("sect233r1", 233),
        [0x2B, 0x81, 0x04, 0x00, 0x10] => ("sect283k1", 281),
        [0x2B, 0x81, 0x04, 0x00, 0x11] => ("sect283r1", 282),
        [0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07] => ("brainpoolP256r1", 256),
        [0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0B] => ("brainpoolP384r1", 384),
        [0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0D] => ("brainpoolP512r1", 512),
        [0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x82, 0x2D] => ("SM2", 256),
        _ => return None,
    })
}

/// The short name of an attribute of a distinguished name.
pub(super) fn attribute(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        COMMON_NAME => "CN",
        [0x55, 0x04, last] => match last {
            4 => "SN",
            5 => "serialNumber",
            6 => "C",
            7 => "L",
            8 => "ST",
            9 => "street",
            10 => "O",
            11 => "OU",
            12 => "title",
            13 => "description",
            14 => "searchGuide",
            15 => "businessCategory",
            16 => "postalAddress",
            17 => "postalCode",
            18 => "postOfficeBox",
            19 => "physicalDeliveryOfficeName",
            20 => "telephoneNumber",
            41 => "name",
            42 => "GN",
            43 => "initials",
            44 => "generationQualifier",
            45 => "x500UniqueIdentifier",
            46 => "dnQualifier",
            51 => "houseIdentifier",
            65 => "pseudonym",
            72 => "role",
            97 => "organizationIdentifier",
            98 => "c3",
            99 => "n3",
            100 => "dnsName",
            _ => return None,
        },
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, last] => match last {
            1 => "emailAddress",
            2 => "unstructuredName",
            7 => "challengePassword",
            8 => "unstructuredAddress",
            _ => return None,
        },
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 0x01, last] => match last {
            1 => "UID",
            3 => "mail",
            4 => "info",
            25 => "DC",
            _ => return None,
        },
        [0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x3C, 0x02, 0x01, last] => match last {
            1 => "jurisdictionL",
            2 => "jurisdictionST",
            3 => "jurisdictionC",
            _ => return None,
        },
        _ => return None,
    })
}

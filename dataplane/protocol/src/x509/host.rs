//! The names of hosts in a certificate.

use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::X509Certificate;

use super::name;

/// The names of hosts that the certificate is for: its alternative names if it has that extension (RFC 2818, section
/// 3.1), else the last common name of its subject.
pub(super) fn names(certificate: &X509Certificate<'_>) -> Box<[Box<[u8]>]> {
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => {
                let hosts = names.general_names.iter().filter_map(|name| match name {
                    GeneralName::DNSName(pattern) => Some(pattern.as_bytes().into()),
                    GeneralName::Invalid(tag, pattern) if tag.0 == 2 => Some((*pattern).into()),
                    _ => None,
                });
                return hosts.collect();
            }
            ParsedExtension::ParseError { .. }
                if extension.oid.as_bytes() == super::oid::SUBJECT_ALTERNATIVE_NAME =>
            {
                return Box::default();
            }
            _ => {}
        }
    }
    name::last_common_name(certificate.subject()).map(Vec::into_boxed_slice).into_iter().collect()
}

/// Whether one of `names` is for `host`.
pub(super) fn matches(names: &[Box<[u8]>], host: &[u8]) -> bool {
    names.iter().any(|pattern| fits(host, pattern))
}

/// Whether `host` is `pattern`, or fits its wildcard (RFC 6125, section 6.4.3): at the end of the leftmost label, for
/// one label, and not above the third level.
fn fits(host: &[u8], pattern: &[u8]) -> bool {
    if host == pattern {
        return true;
    }
    let Some((label, domain)) = at_first_dot(pattern) else { return false };
    let Some(prefix) = label.strip_suffix(b"*").filter(|prefix| !prefix.contains(&b'*')) else {
        return false;
    };
    if !domain.get(1..).is_some_and(|rest| rest.contains(&b'.')) {
        return false;
    }
    at_first_dot(host).is_some_and(|(_, rest)| rest == domain && host.starts_with(prefix))
}

/// A name before its first dot, and from that dot on.
fn at_first_dot(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = name.iter().position(|octet| *octet == b'.')?;
    name.split_at_checked(dot)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn wildcard_stands_for_one_leftmost_label() {
        assert!(fits(b"www.example.com", b"*.example.com"));
        assert!(fits(b"www1.example.com", b"www*.example.com"));
        assert!(!fits(b"mail.example.com", b"www*.example.com"));
        assert!(!fits(b"a.www.example.com", b"*.example.com"));
        assert!(!fits(b"example.com", b"*.example.com"));
        assert!(!fits(b"example.com", b"*.com"));
        assert!(!fits(b"www.example.com", b"www.*.com"));
        assert!(fits(b"localhost", b"localhost"));
        assert!(!fits(b"", b"*"));
    }
}

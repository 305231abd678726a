//! Basic Encoding Rules (ITU-T X.690): tag, length, content. Definite lengths only, tags of one octet.
//!
//! Used by protocols that are made of it (SNMP, Kerberos, LDAP). Nothing is copied, nothing recurses.

/// INTEGER.
pub(crate) const INTEGER: u8 = 0x02;
/// OCTET STRING.
pub(crate) const OCTET_STRING: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
/// SEQUENCE and SEQUENCE OF.
pub(crate) const SEQUENCE: u8 = 0x30;

/// What comes before the content of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Tag, with class and constructed bit.
    pub(crate) tag: u8,
    /// Octets of content, as claimed.
    pub(crate) length: u64,
}

/// Reads elements one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of `octets`.
    pub(crate) const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets }
    }

    /// What has not been read.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether all has been read.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// A header; the content comes next, as far as there is any. `None` when the header is not all there, or claims
    /// more than 64 bits can say.
    pub(crate) fn header(&mut self) -> Option<Header> {
        let (&[tag, first], rest) = self.rest.split_first_chunk::<2>()?;
        if first & 0x80 == 0 {
            self.rest = rest;
            return Some(Header { tag, length: u64::from(first) });
        }
        let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        self.rest = rest;
        Some(Header { tag, length: unsigned(octets)? })
    }

    /// A header with this tag.
    pub(crate) fn expect_header(&mut self, tag: u8) -> Option<Header> {
        self.header().filter(|header| header.tag == tag)
    }

    /// An element: its tag and content.
    pub(crate) fn element(&mut self) -> Option<(u8, &'a [u8])> {
        let header = self.header()?;
        let (content, rest) = self.rest.split_at_checked(usize::try_from(header.length).ok()?)?;
        self.rest = rest;
        Some((header.tag, content))
    }

    /// The content of an element with this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.element().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}

/// A number of up to eight octets, leading zeros not counted.
pub(crate) fn unsigned(octets: &[u8]) -> Option<u64> {
    octets.iter().try_fold(0_u64, |value, octet| (value >> 56 == 0).then_some(value << 8 | u64::from(*octet)))
}

#[cfg(test)]
mod tests {
    use super::{Header, INTEGER, Reader, SEQUENCE, unsigned};

    #[test]
    fn short_and_long_lengths_are_read() {
        let mut reader = Reader::new(&[0x30, 0x81, 0x80, 0x02, 0x01, 0x05, 0x04, 0x82, 0x00]);
        assert_eq!(reader.expect_header(SEQUENCE), Some(Header { tag: SEQUENCE, length: 128 }));
        assert_eq!(reader.expect(INTEGER), Some(&[5_u8][..]));
        assert_eq!(reader.header(), None);
    }

    #[test]
    fn numbers_beyond_64_bits_are_refused() {
        assert_eq!(unsigned(&[0, 0, 0, 0, 0, 0, 0, 0, 1]), Some(1));
        assert_eq!(unsigned(&[1, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }
}

//! Header fields, parameters and encodings.

use proptest::prelude::*;

use super::decode::{base64, quoted_printable};
use super::filename::filename;
use super::header::{Header, boundary, media_type, number};

#[test]
fn header_fields_may_have_blanks_and_comments() {
    for line in [b"Host: a.example".as_slice(), b"Host : a.example", b"Host (x (y)): a.example"] {
        let header = Header::parse(line);
        assert_eq!(
            header.map(|header| (header.name, header.value)),
            Some((b"Host".as_slice(), b"a.example".as_slice()))
        );
    }
    assert_eq!(Header::parse(b"no colon here"), None);
    assert_eq!(Header::parse(b""), None);
}

#[test]
fn boundary_is_found_among_parameters() {
    let (kind, subtype, rest) =
        media_type(b"multipart/form-data; charset=x; boundary=\"a b\\\"c\"").unwrap_or_default();
    assert_eq!((kind, subtype), (b"multipart".as_slice(), b"form-data".as_slice()));
    assert_eq!(boundary(rest).as_deref(), Some(b"a b\"c".as_slice()));
    assert_eq!(boundary(b"; boundary=--x:y").as_deref(), Some(b"--x:y".as_slice()));
}

#[test]
fn numbers_end_at_the_first_other_octet() {
    assert_eq!(number(b"12;x", 10), Some(12));
    assert_eq!(number(b"1fg", 16), Some(31));
    assert_eq!(number(b"-5", 10), Some(-5));
    assert_eq!(number(b"x", 10), None);
    assert_eq!(number(b"", 10), None);
}

#[test]
fn base64_of_any_length_is_decoded() {
    assert_eq!(base64(b"YQ=="), b"a");
    assert_eq!(base64(b"YWI="), b"ab");
    assert_eq!(base64(b"YWJj\r\nZA=="), b"abcd");
}

#[test]
fn quoted_printable_keeps_soft_breaks_apart() {
    let decoded = |line: &[u8]| {
        let mut all = Vec::new();
        quoted_printable(line, |octets| all.extend_from_slice(octets));
        all
    };
    assert_eq!(decoded(b"a=3Db  "), b"a=b\r\n");
    assert_eq!(decoded(b"a="), b"a");
    assert_eq!(decoded(b"=zz"), b"=zz\r\n");
}

#[test]
fn filenames_are_found_in_header_values() {
    let name = |value: &[u8]| filename(Header { name: b"Content-Disposition", value });
    assert_eq!(name(b"attachment; filename=\"a b.txt\"; x=y").as_deref(), Some(b"a b.txt".as_slice()));
    assert_eq!(name(b"attachment; filename*=utf-8'en'a%20b").as_deref(), Some(b"a b".as_slice()));
    assert_eq!(name(b"inline"), None);
}

proptest! {
    #[test]
    fn any_octets_are_survived(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Header::parse(&data).map(|header| header.token());
        let _ = media_type(&data);
        let _ = boundary(&data);
        let _ = base64(&data);
        quoted_printable(&data, |_| {});
    }
}

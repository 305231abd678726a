//! Percent-encoding (RFC 3986, section 2.1) as it is met in URIs and in names of files.

/// Resolves escapes such as `%20` and `%u0020`; tells `odd` the names of oddities.
pub(crate) fn unescape(uri: &[u8], mut odd: impl FnMut(&'static str)) -> Vec<u8> {
    let mut text = Vec::with_capacity(uri.len());
    let mut rest = uri;
    while let Some(at) = memchr::memchr(b'%', rest) {
        let (plain, escape) = rest.split_at(at);
        text.extend_from_slice(plain);
        rest = match escape {
            [percent] => {
                odd("illegal_%_at_end_of_URI");
                text.push(*percent);
                &[]
            }
            [percent, other] => {
                odd("partial_escape_at_end_of_URI");
                text.extend_from_slice(&[*percent, *other]);
                &[]
            }
            [_, after @ ..] if after.first() == Some(&b'%') => {
                odd("double_%_in_URI");
                after
            }
            [_, a, b, after @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                text.push(octet(*a, *b));
                after
            }
            [_, b'u', a, b, c, d, after @ ..]
                if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) =>
            {
                let high = octet(*a, *b);
                if high != 0 {
                    text.push(high);
                }
                text.push(octet(*c, *d));
                after
            }
            [percent, other, after @ ..] => {
                odd("unescaped_%_in_URI");
                text.extend_from_slice(&[*percent, *other]);
                after
            }
            [] => &[],
        };
    }
    text.extend_from_slice(rest);
    text
}

/// The octet of two hexadecimal digits.
fn octet(high: u8, low: u8) -> u8 {
    let digit = |octet: u8| char::from(octet).to_digit(16).unwrap_or(0) as u8;
    digit(high) << 4 | digit(low)
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn escapes_are_resolved_leniently() {
        let unescaped = |uri: &[u8]| {
            let mut odd = Vec::new();
            let text = unescape(uri, |name| odd.push(name));
            (text, odd)
        };
        assert_eq!(unescaped(b"a%41%u0042"), (b"aAB".to_vec(), vec![]));
        assert_eq!(unescaped(b"%"), (b"%".to_vec(), vec!["illegal_%_at_end_of_URI"]));
        assert_eq!(unescaped(b"%4"), (b"%4".to_vec(), vec!["partial_escape_at_end_of_URI"]));
        assert_eq!(unescaped(b"%zz1"), (b"%zz1".to_vec(), vec!["unescaped_%_in_URI"]));
    }
}

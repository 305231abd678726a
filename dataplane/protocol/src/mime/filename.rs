//! Names of files in header fields.

use super::header::{Header, skip_blanks};
use crate::percent;

/// The name that Content-Disposition or Content-Type tells.
pub(crate) fn filename(header: Header<'_>) -> Option<Box<[u8]>> {
    if header.is("content-disposition") {
        find(header.value, b"filename", true)
    } else if header.is("content-type") {
        find(header.value, b"name", false)
    } else {
        None
    }
}

/// The name in a value that has `keyword`.
fn find(value: &[u8], keyword: &[u8], with_star: bool) -> Option<Box<[u8]>> {
    let named = (0..value.len()).any(|at| after_name(value, at, keyword, with_star).is_some());
    if !named {
        return None;
    }
    let text = (0..value.len()).rev().find_map(|at| after_name(value, at, b"name", true))?;
    let text = match text.strip_prefix(b"\"") {
        Some(quoted) => quoted.split(|octet| *octet == b'"').next().unwrap_or_default(),
        None => text,
    };
    Some(percent::unescape(without_charset(text), |_| {}).into_boxed_slice())
}

/// The text after `keyword`, blanks, `*` where allowed, `=` and blanks, if that stands at `at`.
fn after_name<'v>(value: &'v [u8], at: usize, keyword: &[u8], with_star: bool) -> Option<&'v [u8]> {
    let (word, rest) = value.get(at..)?.split_at_checked(keyword.len())?;
    if !word.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let rest = skip_blanks(rest);
    let rest = if with_star { rest.strip_prefix(b"*").unwrap_or(rest) } else { rest };
    rest.strip_prefix(b"=").map(skip_blanks)
}

/// A name without the `charset'language'` of RFC 8187 before it.
fn without_charset(text: &[u8]) -> &[u8] {
    let allowed =
        |octet: &u8| matches!(octet, b'!' | b'#' | b'$' | b'%' | b'&' | b'+'..=b'z' | b'{' | b'}' | b'~');
    let charset = text.iter().take_while(|octet| allowed(octet)).count();
    let Some([b'\'', rest @ ..]) = text.get(charset..).filter(|_| charset > 0) else { return text };
    let language = rest.iter().take_while(|octet| allowed(octet)).count();
    if rest.get(language) != Some(&b'\'') {
        return text;
    }
    memchr::memrchr(b'\'', text).and_then(|at| text.get(at + 1..)).unwrap_or_default()
}

//! Header fields and the tokens in them.

/// Space or tab.
pub(crate) const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// What C calls `isspace`.
pub(crate) const fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// `data` after spaces and tabs.
pub(crate) fn skip_blanks(data: &[u8]) -> &[u8] {
    let blanks = data.iter().take_while(|octet| is_blank(**octet)).count();
    data.get(blanks..).unwrap_or_default()
}

/// One header field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header<'h> {
    /// Its name, as it was written.
    pub(crate) name: &'h [u8],
    /// Its value, after leading white space.
    pub(crate) value: &'h [u8],
}

impl<'h> Header<'h> {
    /// Takes a line apart, with its continuations appended. `None` if it is no header field.
    pub(crate) fn parse(line: &'h [u8]) -> Option<Self> {
        let mut rest = skip_blanks_and_comments(line);
        while !rest.first().is_some_and(|octet| is_name_octet(*octet)) {
            rest.first()?;
            let skipped = skip_blanks_and_comments(rest);
            rest = if skipped.len() < rest.len() { skipped } else { rest.get(1..)? };
        }
        let length = rest.iter().take_while(|octet| is_name_octet(**octet)).count();
        let (name, rest) = rest.split_at_checked(length)?;
        let value = skip_blanks_and_comments(rest).strip_prefix(b":")?;
        let spaces = value.iter().take_while(|octet| is_space(**octet)).count();
        Some(Self { name, value: value.get(spaces..)? })
    }

    /// Whether it has that name, in any case.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The first token of the value, and what follows it.
    pub(crate) fn token(&self) -> Option<(&'h [u8], &'h [u8])> {
        token(self.value)
    }
}

const fn is_name_octet(octet: u8) -> bool {
    matches!(octet, 33..=126) && octet != b':'
}

/// Octets of a token: printable, and none of the `tspecials` of RFC 2045.
pub(crate) const fn is_token_octet(octet: u8) -> bool {
    matches!(octet, 33..=126)
        && !matches!(
            octet,
            b'(' | b')'
                | b'<'
                | b'>'
                | b'@'
                | b','
                | b';'
                | b':'
                | b'\\'
                | b'"'
                | b'/'
                | b'['
                | b']'
                | b'?'
                | b'='
        )
}

/// Boundaries are taken with characters that the standard wants quoted.
const fn is_boundary_octet(octet: u8) -> bool {
    matches!(octet, 33..=126) && octet != b'"'
}

/// `data` after white space and comments in parentheses, which may be nested.
pub(crate) fn skip_blanks_and_comments(data: &[u8]) -> &[u8] {
    let mut rest = data;
    loop {
        rest = skip_blanks(rest);
        if rest.first() != Some(&b'(') {
            return rest;
        }
        let mut depth = 0_usize;
        let mut octets = rest.iter().enumerate();
        let mut end = rest.len();
        while let Some((at, octet)) = octets.next() {
            match octet {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\\' => {
                    octets.next();
                }
                _ => {}
            }
            if depth == 0 {
                end = at + 1;
                break;
            }
        }
        rest = rest.get(end..).unwrap_or_default();
    }
}

/// The first token of `data`, and what follows it.
pub(crate) fn token(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = skip_blanks_and_comments(data);
    while !rest.first().is_some_and(|octet| is_token_octet(*octet)) {
        rest.first()?;
        let skipped = skip_blanks_and_comments(rest);
        rest = if skipped.len() < rest.len() { skipped } else { rest.get(1..)? };
    }
    let length = rest.iter().take_while(|octet| is_token_octet(**octet)).count();
    rest.split_at_checked(length)
}

/// `type/subtype`, and what follows it.
pub(crate) fn media_type(data: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (kind, rest) = token(data)?;
    let rest = skip_blanks_and_comments(rest).strip_prefix(b"/")?;
    let (subtype, rest) = token(rest)?;
    Some((kind, subtype, rest))
}

/// The `boundary` among parameters such as `; a=b; boundary="x"`; the last one counts.
pub(crate) fn boundary(parameters: &[u8]) -> Option<Vec<u8>> {
    let mut found = None;
    let mut rest = parameters;
    while let Some(after) = skip_blanks_and_comments(rest).strip_prefix(b";") {
        let Some((name, after)) = token(after) else { break };
        rest = after;
        let Some(after) = skip_blanks_and_comments(after).strip_prefix(b"=") else { continue };
        rest = after;
        let is_boundary = name.eq_ignore_ascii_case(b"boundary");
        let text = if is_boundary { after } else { skip_blanks_and_comments(after) };
        let Some((value, after)) = value(text, is_boundary) else { continue };
        rest = after;
        if is_boundary {
            found = Some(value);
        }
    }
    found
}

/// A quoted string, with its escapes resolved, or a token.
fn value(data: &[u8], is_boundary: bool) -> Option<(Vec<u8>, &[u8])> {
    if let Some(quoted) = data.strip_prefix(b"\"") {
        let mut text = Vec::new();
        let mut octets = quoted.iter().enumerate();
        while let Some((at, octet)) = octets.next() {
            match octet {
                b'"' => return Some((text, quoted.get(at + 1..)?)),
                b'\\' => text.extend(octets.next().map(|(_, octet)| *octet)),
                _ => text.push(*octet),
            }
        }
        return None;
    }
    if is_boundary {
        let start = data.iter().position(|octet| is_boundary_octet(*octet))?;
        let rest = data.get(start..)?;
        let length = rest.iter().take_while(|octet| is_boundary_octet(**octet)).count();
        let (value, rest) = rest.split_at_checked(length)?;
        return Some((value.to_vec(), rest));
    }
    token(data).map(|(value, rest)| (value.to_vec(), rest))
}

/// A number as C programs read it: digits up to the first other octet, after a sign; wraps around.
pub(crate) fn number(text: &[u8], base: u32) -> Option<i64> {
    if text.is_empty() {
        return None;
    }
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let mut value = 0_i64;
    for (at, octet) in digits.iter().enumerate() {
        match char::from(*octet).to_digit(base) {
            Some(digit) => value = value.wrapping_mul(i64::from(base)).wrapping_add(i64::from(digit)),
            None if at > 0 => break,
            None => return None,
        }
    }
    Some(if negative { value.wrapping_neg() } else { value })
}

//! Lines of IMAP (RFC 9051, section 2.2), without their meaning.

/// A line of either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'p> {
    /// Name of the command, or `*` or `+`.
    pub(super) tag: &'p [u8],
    /// The command, or what became of it.
    pub(super) command: &'p [u8],
}

/// Reads the next line of `rest`; `None` when there is none with two words, or not all of it.
pub(super) fn line<'p>(rest: &mut &'p [u8]) -> Option<Line<'p>> {
    let tag = word(rest)?;
    if spaces(rest) == 0 {
        return None;
    }
    let command = word(rest)?;
    let end = memchr::memchr2(b'\r', b'\n', rest)?;
    *rest = rest.get(end..)?;
    take_while(rest, |octet| matches!(octet, b'\r' | b'\n'));
    Some(Line { tag, command })
}

fn word<'p>(rest: &mut &'p [u8]) -> Option<&'p [u8]> {
    let word = take_while(rest, |octet| octet.is_ascii_graphic());
    (!word.is_empty()).then_some(word)
}

fn spaces(rest: &mut &[u8]) -> usize {
    take_while(rest, |octet| octet == b' ').len()
}

fn take_while<'p>(rest: &mut &'p [u8], accept: impl Fn(u8) -> bool) -> &'p [u8] {
    let count = rest.iter().take_while(|octet| accept(**octet)).count();
    let (taken, after) = rest.split_at_checked(count).unwrap_or((&[], rest));
    *rest = after;
    taken
}

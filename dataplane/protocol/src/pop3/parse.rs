//! Commands and replies of POP3 (RFC 1939, sections 5 to 7; RFC 2449; RFC 2595; RFC 5034).

/// The first word of a line, of either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Ok,
    Err,
    User,
    Pass,
    Apop,
    Auth,
    Stat,
    List,
    Retr,
    Dele,
    Rset,
    Noop,
    Last,
    Quit,
    Top,
    Capa,
    Uidl,
    Stls,
    Xsender,
}

const WORDS: [(&[u8], Word); 19] = [
    (b"OK", Word::Ok),
    (b"ERR", Word::Err),
    (b"USER", Word::User),
    (b"PASS", Word::Pass),
    (b"APOP", Word::Apop),
    (b"AUTH", Word::Auth),
    (b"STAT", Word::Stat),
    (b"LIST", Word::List),
    (b"RETR", Word::Retr),
    (b"DELE", Word::Dele),
    (b"RSET", Word::Rset),
    (b"NOOP", Word::Noop),
    (b"LAST", Word::Last),
    (b"QUIT", Word::Quit),
    (b"TOP", Word::Top),
    (b"CAPA", Word::Capa),
    (b"UIDL", Word::Uidl),
    (b"STLS", Word::Stls),
    (b"XSENDER", Word::Xsender),
];

/// A line that begins with a known word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Command {
    /// The word.
    pub(super) word: Word,
    /// Something stands behind it.
    pub(super) has_argument: bool,
}

/// Reads a line of either side; `None` when the first word is not known.
pub(super) fn command(line: &[u8]) -> Option<Command> {
    let mut words = words(line);
    let first = words.next()?;
    let name = match first {
        [b'+' | b'-', name @ ..] => name,
        name => name,
    };
    let (_, word) = WORDS.iter().find(|(text, _)| text.eq_ignore_ascii_case(name))?;
    Some(Command { word: *word, has_argument: words.next().is_some() })
}

/// The first word of a line.
pub(super) fn first_word(line: &[u8]) -> &[u8] {
    words(line).next().unwrap_or_default()
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.trim_ascii_start().split(|octet| *octet == b' ').filter(|word| !word.is_empty())
}

/// Whether a client says in its first two lines what only a client of POP3 says.
pub(super) fn begins_session(stream: &[u8]) -> bool {
    stream.split(|octet| matches!(octet, b'\r' | b'\n')).filter(|line| !line.is_empty()).take(2).any(|line| {
        let line = line.trim_ascii_start();
        [b"CAPA", b"AUTH", b"STLS"].iter().any(|word| begins(line, *word))
            || [b"USER", b"APOP"]
                .iter()
                .any(|word| begins(line, *word) && line.get(4).is_some_and(u8::is_ascii_whitespace))
    })
}

fn begins(line: &[u8], word: &[u8]) -> bool {
    line.get(..word.len()).is_some_and(|first| first.eq_ignore_ascii_case(word))
}

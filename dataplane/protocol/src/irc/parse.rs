//! IRC messages (RFC 2812, section 2.3).

/// The longest line.
const MAX_LINE: usize = 512;
/// The longest command.
pub(super) const MAX_COMMAND: usize = 20;
/// The shortest, such as `WHO`.
const MIN_COMMAND: usize = 3;
/// So many lines at the beginning of a connection are looked at to recognize the protocol.
const FIRST_LINES: usize = 8;

/// A line, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message<'p> {
    /// Who says it, without the colon; empty for the sender.
    pub(super) prefix: &'p [u8],
    /// What it is.
    pub(super) kind: Kind<'p>,
    /// Everything behind the command.
    pub(super) parameters: &'p [u8],
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'p> {
    /// A command, in the case that it came in.
    Command(&'p [u8]),
    /// The number of a reply.
    Reply(u16),
}

/// Why a line is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reject {
    /// It is longer than IRC allows.
    TooLong,
    /// It is shorter than any command.
    TooShort,
    /// There is nothing behind the prefix.
    PrefixOnly,
    /// What is behind the prefix is shorter than any command.
    NoCommand,
    /// It begins with a digit, but not with the number of a reply.
    BadReply,
}

impl Reject {
    /// The name under which Zeek reports it.
    pub(super) const fn weird(self) -> &'static str {
        match self {
            Self::TooLong => "irc_line_size_exceeded",
            Self::TooShort => "irc_line_too_short",
            Self::PrefixOnly | Self::NoCommand => "irc_invalid_line",
            Self::BadReply => "irc_invalid_reply_number",
        }
    }
}

/// Takes a line apart.
pub(super) fn message(line: &[u8]) -> Result<Message<'_>, Reject> {
    if line.len() > MAX_LINE {
        return Err(Reject::TooLong);
    }
    let mut rest = skip_spaces(line);
    if rest.len() < MIN_COMMAND {
        return Err(Reject::TooShort);
    }
    let mut prefix: &[u8] = &[];
    if let Some(after) = rest.strip_prefix(b":") {
        let end = memchr::memchr(b' ', after).ok_or(Reject::PrefixOnly)?;
        prefix = after.get(..end).unwrap_or_default();
        rest = skip_spaces(after.get(end..).unwrap_or_default());
    }
    if rest.len() < MIN_COMMAND {
        return Err(Reject::NoCommand);
    }
    if rest.first().is_some_and(u8::is_ascii_digit) {
        let number = reply_number(rest).ok_or(Reject::BadReply)?;
        return Ok(Message {
            prefix,
            kind: Kind::Reply(number),
            parameters: rest.get(4..).unwrap_or_default(),
        });
    }
    let end = memchr::memchr(b' ', rest).unwrap_or(rest.len());
    let (command, parameters) = rest.split_at_checked(end).unwrap_or((rest, &[]));
    Ok(Message { prefix, kind: Kind::Command(command), parameters: skip_spaces(parameters) })
}

/// A file that one client offers to another (DCC SEND).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offer<'p> {
    /// Name of the file.
    pub(super) filename: &'p [u8],
    /// Where to fetch it: an IPv4 address,
    pub(super) address: [u8; 4],
    /// and a TCP port.
    pub(super) port: u16,
}

/// The offer in the parameters of a PRIVMSG, as `nick :^ADCC SEND name address port size^A`, with the address as a
/// number.
pub(super) fn offer(parameters: &[u8]) -> Option<Offer<'_>> {
    let target = memchr::memchr(b' ', parameters)?;
    let text = skip_spaces(parameters.get(target..)?);
    let text = text.strip_prefix(b":").unwrap_or(text).strip_prefix(b"\x01")?;
    let text = text.strip_suffix(b"\x01").unwrap_or(text);
    let mut words = text.split(|octet| *octet == b' ').filter(|word| !word.is_empty());
    if words.next()? != b"DCC" || words.next()? != b"SEND" {
        return None;
    }
    let filename = words.next()?;
    let address: u32 = std::str::from_utf8(words.next()?).ok()?.parse().ok()?;
    let port = std::str::from_utf8(words.next()?).ok()?.parse().ok()?;
    Some(Offer { filename, address: address.to_be_bytes(), port })
}

fn skip_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|octet| **octet == b' ').count();
    text.get(spaces..).unwrap_or_default()
}

/// Three digits and a space at the beginning of `text`.
fn reply_number(text: &[u8]) -> Option<u16> {
    match text {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ', ..] => {
            let digit = |octet: &u8| u16::from(octet.wrapping_sub(b'0'));
            Some(digit(a) * 100 + digit(b) * 10 + digit(c))
        }
        _ => None,
    }
}

/// The first whole lines of `stream` that are not empty.
fn first_lines(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = memchr::memrchr2(b'\r', b'\n', stream).unwrap_or(0);
    let whole = stream.get(..end).unwrap_or_default();
    whole
        .split(|octet| matches!(octet, b'\r' | b'\n'))
        .map(skip_spaces)
        .filter(|line| !line.is_empty())
        .take(FIRST_LINES)
}

fn is_command(line: &[u8], command: &[u8]) -> bool {
    line.split_at_checked(command.len()).is_some_and(|(first, after)| {
        first.eq_ignore_ascii_case(command) && after.first() == Some(&b' ') && !skip_spaces(after).is_empty()
    })
}

/// Whether a client says NICK and USER, one right after the other, in its first lines.
pub(super) fn registers(stream: &[u8]) -> bool {
    let mut last: &[u8] = &[];
    first_lines(stream).take(3).any(|line| {
        let pair = is_command(last, b"USER") && is_command(line, b"NICK")
            || is_command(last, b"NICK") && is_command(line, b"USER");
        last = line;
        pair
    })
}

/// Whether the beginning of a client may become a registration: what clients begin with.
pub(super) fn may_register(stream: &[u8]) -> bool {
    const FIRST_WORDS: [&[u8]; 6] = [b"NICK ", b"USER ", b"PASS ", b"CAP ", b"SERVER ", b"STARTTLS"];
    let text = skip_spaces(stream);
    FIRST_WORDS.iter().any(|word| {
        let length = word.len().min(text.len());
        text.get(..length)
            .is_some_and(|first| first.eq_ignore_ascii_case(word.get(..length).unwrap_or_default()))
    })
}

/// Whether the beginning of a server may be one of IRC: a message with a prefix, or one of those without.
pub(super) fn may_reply(stream: &[u8]) -> bool {
    const FIRST_WORDS: [&[u8]; 5] = [b"NOTICE ", b"PING ", b"PASS ", b"SERVER ", b"CAP "];
    stream.first().is_none_or(|first| *first == b':')
        || FIRST_WORDS.iter().any(|word| stream.starts_with(word))
}

/// Whether one of the first lines of a server is a reply with a number.
pub(super) fn replies(stream: &[u8]) -> bool {
    stream.split(|octet| matches!(octet, b'\r' | b'\n')).take(2 * FIRST_LINES).any(|line| {
        let text = match line.strip_prefix(b":") {
            Some(prefixed) => memchr::memchr(b' ', prefixed).and_then(|end| prefixed.get(end + 1..)),
            None => Some(line),
        };
        text.and_then(reply_number).is_some()
    })
}

/// Whether a server introduces itself to another: `SERVER name hops :information`.
pub(super) fn is_server(stream: &[u8]) -> bool {
    first_lines(stream).take(2).any(|line| {
        let mut words = line.split(|octet| *octet == b' ').filter(|word| !word.is_empty());
        words.next().is_some_and(|word| word.eq_ignore_ascii_case(b"SERVER"))
            && words.next().is_some()
            && words.next().is_some_and(|hops| hops.iter().all(u8::is_ascii_digit))
            && words.next().is_some_and(|information| information.starts_with(b":"))
    })
}

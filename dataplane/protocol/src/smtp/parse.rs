//! Lines of clients and servers.

/// What a command asks for, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// TLS.
    Tls,
    /// A mail follows, in lines.
    Data,
    /// A chunk of a mail follows; `None` where its size cannot be read.
    Chunk(Option<Chunk>),
    /// Something else.
    Other,
}

/// The announcement of a chunk (RFC 3030, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Octets.
    pub(super) size: u64,
    /// It is the last of its mail.
    pub(super) is_last: bool,
}

/// The command of a line; `None` if there is no such command.
pub(super) fn command(line: &[u8]) -> Option<Command> {
    let end = line.iter().position(|octet| matches!(octet, b' ' | b'\t')).unwrap_or(line.len());
    let (word, argument) = line.split_at_checked(end)?;
    let name = COMMANDS.iter().find(|name| word.eq_ignore_ascii_case(name))?;
    Some(match *name {
        b"STARTTLS" | b"X-ANONYMOUSTLS" => Command::Tls,
        b"DATA" => Command::Data,
        b"BDAT" => Command::Chunk(chunk(argument.trim_ascii())),
        _ => Command::Other,
    })
}

/// `size`, or `size LAST`.
fn chunk(argument: &[u8]) -> Option<Chunk> {
    let (size, is_last) = match argument.split_last_chunk::<5>() {
        Some((size, last)) if last.eq_ignore_ascii_case(b" LAST") => (size, true),
        _ => (argument, false),
    };
    let size = std::str::from_utf8(size).ok()?.parse().ok()?;
    Some(Chunk { size, is_last })
}

/// The code of a reply.
pub(super) fn code(line: &[u8]) -> Option<[u8; 3]> {
    match line {
        [a @ b'1'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] => Some([*a, *b, *c]),
        _ => None,
    }
}

const COMMANDS: [&[u8]; 20] = [
    b"EHLO",
    b"HELO",
    b"MAIL",
    b"RCPT",
    b"DATA",
    b"QUIT",
    b"RSET",
    b"VRFY",
    b"EXPN",
    b"HELP",
    b"NOOP",
    b"STARTTLS",
    b"BDAT",
    b"ETRN",
    b"AUTH",
    b"TURN",
    b"SEND",
    b"SOML",
    b"SAML",
    b"X-ANONYMOUSTLS",
];

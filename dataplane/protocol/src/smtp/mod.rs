//! Simple Mail Transfer Protocol (RFC 5321): recognized by its greetings, followed into STARTTLS; the parts of mails,
//! also of those in chunks (RFC 3030), are files.
//!
//! There is no log of its own yet. As in Zeek a command is taken to succeed until its reply says otherwise, since clients
//! do not wait; replies meet their commands in order, at most [`MAX_PENDING`] of them.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use record::Proto;

use crate::lines::{Lines, Next, Piece};
use crate::mime::mail::Mail;
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Protocol, Verdict};

/// So many commands may wait for a reply.
const MAX_PENDING: usize = 1000;
/// A line of a chunk that is longer is cut (Zeek: `SMTP::bdat_max_line_length`).
const MAX_CHUNK_LINE: usize = 4096;
/// Name under which oddities are reported, and source of the files.
const SOURCE: &str = "SMTP";

/// Analyzer of one connection.
#[derive(Debug)]
pub(crate) struct Analyzer {
    lines: [Lines; 2],
    state: State,
    /// Commands without a reply yet, the greeting of the server being the reply to the first.
    pending: VecDeque<Command>,
    /// Code of a reply of which more lines come.
    continued: Option<[u8; 3]>,
    mail: Option<Box<Mail>>,
    /// Parts of the mails so far.
    parts: u64,
    chunk: Chunk,
}

/// What the client's lines are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Commands,
    /// Lines of a mail, until one that is only a dot.
    Mail,
    /// After a gap nobody knows, until a reply comes.
    Unknown,
    /// A reply has come: 354 tells that a mail begins.
    Recovering,
}

/// A command that waits for its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Tls,
    Data,
    Other,
}

/// A mail that comes in chunks (BDAT).
#[derive(Debug, Default)]
struct Chunk {
    /// Octets of the chunk that have not come.
    left: u64,
    is_last: bool,
    /// The chunks of a mail have begun.
    open: bool,
    /// The beginning of a line.
    partial: Vec<u8>,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self {
            lines: [Lines::default(), Lines::default()],
            state: State::Commands,
            pending: VecDeque::from([Command::Other]),
            continued: None,
            mail: None,
            parts: 0,
            chunk: Chunk::default(),
        }
    }

    fn line(&mut self, context: &mut FlowContext<'_>, direction: Direction, line: &[u8]) -> Next {
        match (direction, self.state) {
            (Direction::Originator, State::Unknown) => Next::More,
            (Direction::Originator, State::Mail) => {
                self.mail_line(context, line);
                Next::More
            }
            (Direction::Originator, State::Commands | State::Recovering) => {
                self.command(context, line);
                Next::More
            }
            (Direction::Responder, _) => self.reply(context, line),
        }
    }

    fn mail_line(&mut self, context: &mut FlowContext<'_>, line: &[u8]) {
        if line == b"." {
            self.end_mail(context);
            self.state = State::Commands;
            self.wait_for(Command::Other);
        } else if let Some(mail) = &mut self.mail {
            mail.line(context, line.strip_prefix(b".").unwrap_or(line), true);
        }
    }

    fn command(&mut self, context: &mut FlowContext<'_>, line: &[u8]) {
        let end = line.iter().position(|octet| matches!(octet, b' ' | b'\t')).unwrap_or(line.len());
        let (word, argument) = line.split_at_checked(end).unwrap_or((line, &[]));
        if !COMMANDS.iter().any(|command| word.eq_ignore_ascii_case(command)) {
            return;
        }
        context.confirm("smtp");
        if word.eq_ignore_ascii_case(b"STARTTLS") || word.eq_ignore_ascii_case(b"X-ANONYMOUSTLS") {
            self.wait_for(Command::Tls);
        } else if word.eq_ignore_ascii_case(b"DATA") {
            self.wait_for(Command::Data);
            self.begin_mail(context);
            self.state = State::Mail;
        } else {
            self.wait_for(Command::Other);
            if word.eq_ignore_ascii_case(b"BDAT") {
                self.begin_chunk(context, argument.trim_ascii());
            }
        }
    }

    fn wait_for(&mut self, command: Command) {
        if self.pending.len() >= MAX_PENDING {
            self.pending.clear();
        }
        self.pending.push_back(command);
    }

    fn reply(&mut self, context: &mut FlowContext<'_>, line: &[u8]) -> Next {
        let code = match line {
            [a @ b'1'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] => [*a, *b, *c],
            _ => return Next::Violation("reply code out of range"),
        };
        let is_continued = line.get(3) == Some(&b'-');
        let is_first = self.continued != Some(code);
        self.continued = is_continued.then_some(code);
        if !is_first {
            return Next::More;
        }
        if self.state == State::Unknown {
            self.state = State::Recovering;
        }
        match self.pending.pop_front() {
            Some(Command::Tls) if code == *b"220" => return Next::Tls,
            Some(Command::Data) if code != *b"354" && self.state == State::Mail => {
                self.end_mail(context);
                self.state = State::Commands;
            }
            Some(Command::Other) | None if self.state == State::Recovering && code == *b"354" => {
                self.begin_mail(context);
                self.state = State::Mail;
            }
            _ => {}
        }
        Next::More
    }

    fn begin_mail(&mut self, context: &mut FlowContext<'_>) {
        if self.mail.is_some() {
            context.weird("smtp_nested_mail_transaction", None, SOURCE);
            self.end_mail(context);
        }
        self.mail = Some(Box::new(Mail::new(SOURCE, Direction::Originator, self.parts)));
    }

    fn end_mail(&mut self, context: &mut FlowContext<'_>) {
        if let Some(mut mail) = self.mail.take() {
            mail.end(context);
            self.parts = mail.parts();
        }
        self.chunk = Chunk::default();
    }

    /// `BDAT size` or `BDAT size LAST`.
    fn begin_chunk(&mut self, context: &mut FlowContext<'_>, argument: &[u8]) {
        let mut words = argument.split(|octet| *octet == b' ');
        let size = words.next().and_then(|size| std::str::from_utf8(size).ok()?.parse::<u64>().ok());
        let last = words.next();
        let (Some(size), None | Some([b'L' | b'l', ..]), None) = (size, last, words.next()) else {
            context.weird("smtp_invalid_bdat_command", None, SOURCE);
            return;
        };
        if !self.chunk.open {
            self.begin_mail(context);
        }
        let [lines, _] = &mut self.lines;
        lines.set_run(size);
        self.chunk.open = true;
        self.chunk.left = size;
        self.chunk.is_last = last.is_some();
        self.chunk_data(context, &[]);
    }

    /// Octets of a chunk.
    fn chunk_data(&mut self, context: &mut FlowContext<'_>, data: &[u8]) {
        self.chunk.left = self.chunk.left.saturating_sub(data.len() as u64);
        let Some(mail) = &mut self.mail else { return };
        let partial = &mut self.chunk.partial;
        for piece in data.split_inclusive(|octet| *octet == b'\n') {
            for part in piece.chunks(MAX_CHUNK_LINE) {
                if partial.len() + part.len() > MAX_CHUNK_LINE {
                    mail.line(context, partial, false);
                    partial.clear();
                }
                partial.extend_from_slice(part);
            }
            if let Some(line) = partial.strip_suffix(b"\r\n") {
                mail.line(context, line, true);
                partial.clear();
            } else if partial.ends_with(b"\n") {
                mail.line(context, partial, false);
                partial.clear();
            }
        }
        if self.chunk.is_last && self.chunk.left == 0 {
            if !partial.is_empty() {
                mail.line(context, partial, false);
            }
            self.end_mail(context);
        }
    }
}

/// A greeting of the server, and a client that introduces itself.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    let spaces = probe.responder.iter().take_while(|octet| octet.is_ascii_whitespace()).count();
    let greeting = probe.responder.get(spaces..).unwrap_or_default();
    match greeting {
        [b'2', b'2', b'0', b' ' | b'\t' | b'\r' | b'\n' | b'-', ..] => {}
        [] | [b'2'] | [b'2', b'2'] | [b'2', b'2', b'0'] => return Match::Maybe,
        _ => return Match::No,
    }
    let introduces = probe.originator.split(|octet| matches!(octet, b'\r' | b'\n')).any(|line| {
        line.trim_ascii_start()
            .get(..4)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"HELO") || word.eq_ignore_ascii_case(b"EHLO"))
    });
    if introduces { Match::Yes } else { Match::Maybe }
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

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        if context.is_partial() {
            return Verdict::Done;
        }
        let mut rest = payload;
        loop {
            let Some(lines) = self.lines.get_mut(direction.index()) else { return Verdict::Done };
            let line = match lines.next(context, &mut rest) {
                Some(Piece::Line(line)) => line,
                Some(Piece::Run(data)) => {
                    self.chunk_data(context, data);
                    continue;
                }
                None => return Verdict::More,
            };
            let next = self.line(context, direction, &line);
            if let Some(lines) = self.lines.get_mut(direction.index()) {
                lines.recycle(line);
            }
            match next {
                Next::More => {}
                Next::Violation(reason) => return Verdict::Violation(reason),
                Next::Tls => {
                    return Verdict::Upgrade {
                        consumed: payload.len() - rest.len(),
                        protocol: Protocol::Ssl,
                    };
                }
            }
        }
    }

    fn gap(&mut self, context: &mut FlowContext<'_>, direction: Direction, length: u64) -> Verdict {
        if context.is_partial() {
            return Verdict::Done;
        }
        if let Some(mail) = &mut self.mail {
            mail.gap(context, length);
        }
        if direction == Direction::Originator {
            let [lines, _] = &mut self.lines;
            lines.set_run(self.chunk.left.saturating_sub(length));
        }
        self.end_mail(context);
        self.pending.clear();
        self.state = State::Unknown;
        Verdict::More
    }

    fn end_of_stream(&mut self, context: &mut FlowContext<'_>, direction: Direction) {
        if direction == Direction::Originator {
            self.end_mail(context);
        }
    }

    fn end(&mut self, context: &mut FlowContext<'_>, _why: FlowEnd) {
        self.end_mail(context);
    }
}

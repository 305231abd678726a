//! Simple Mail Transfer Protocol (RFC 5321): recognized by its greetings, followed into STARTTLS; the parts of mails,
//! also of those in chunks (RFC 3030), are files.
//!
//! There is no log of its own yet. As in Zeek a command is taken to succeed until its reply says otherwise, since clients
//! do not wait; replies meet their commands in order, at most [`MAX_PENDING`] of them.

mod parse;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use record::Proto;

use self::parse::Command;
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
    chunks: Chunks,
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

/// A mail that comes in chunks (BDAT).
#[derive(Debug, Default)]
struct Chunks {
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
            chunks: Chunks::default(),
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
        let Some(command) = parse::command(line) else { return };
        context.confirm("smtp");
        self.wait_for(command);
        match command {
            Command::Data => {
                self.begin_mail(context);
                self.state = State::Mail;
            }
            Command::Chunk(Some(chunk)) => self.begin_chunk(context, chunk),
            Command::Chunk(None) => context.weird("smtp_invalid_bdat_command", None, SOURCE),
            Command::Tls | Command::Other => {}
        }
    }

    fn wait_for(&mut self, command: Command) {
        if self.pending.len() >= MAX_PENDING {
            self.pending.clear();
        }
        self.pending.push_back(command);
    }

    fn reply(&mut self, context: &mut FlowContext<'_>, line: &[u8]) -> Next {
        let Some(code) = parse::code(line) else { return Next::Violation("reply code out of range") };
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
            Some(Command::Other | Command::Chunk(_)) | None
                if self.state == State::Recovering && code == *b"354" =>
            {
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
        self.chunks = Chunks::default();
    }

    fn begin_chunk(&mut self, context: &mut FlowContext<'_>, chunk: parse::Chunk) {
        if !self.chunks.open {
            self.begin_mail(context);
        }
        let [lines, _] = &mut self.lines;
        lines.set_run(chunk.size);
        self.chunks.open = true;
        self.chunks.left = chunk.size;
        self.chunks.is_last = chunk.is_last;
        self.chunk_data(context, &[]);
    }

    /// Octets of a chunk.
    fn chunk_data(&mut self, context: &mut FlowContext<'_>, data: &[u8]) {
        self.chunks.left = self.chunks.left.saturating_sub(data.len() as u64);
        let Some(mail) = &mut self.mail else { return };
        let partial = &mut self.chunks.partial;
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
        if self.chunks.is_last && self.chunks.left == 0 {
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
            lines.set_run(self.chunks.left.saturating_sub(length));
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

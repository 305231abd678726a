//! POP3 (RFC 1939, RFC 2449, RFC 2595, RFC 5034): recognized, and followed until TLS starts. There is no log of it.
//!
//! Replies are only understood together with the command that they answer, so the commands that wait for one are kept,
//! at most [`MAX_PENDING`].

mod parse;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use record::Proto;

use self::parse::{Command, Word};
use crate::lines::{Lines, Piece};
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Protocol, Verdict};

/// So many commands may wait for a reply.
const MAX_PENDING: usize = 10;
/// Name under which oddities are reported.
const SOURCE: &str = "POP3";

/// Analyzer of one connection to a mailbox.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    lines: [Lines; 2],
    /// Commands without a reply yet; the first is the one that the server works on.
    pending: VecDeque<Option<Command>>,
    login: Login,
    /// The command that the next reply belongs to.
    current: Option<Word>,
    /// A positive reply to it has more lines.
    has_more_lines: bool,
    /// Lines come until one with a single dot.
    in_lines: bool,
    /// The client sends what an authentication needs.
    authenticates: bool,
    /// A command that takes a login came without one: a positive reply says that none is needed.
    guesses: Option<Word>,
}

/// States of a session (RFC 1939, section 3).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Login {
    /// The server has not greeted.
    #[default]
    Start,
    /// Before the login.
    Authorization,
    /// After it.
    Transaction,
    /// The client has said good-bye.
    Finished,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }
}

/// A positive greeting, and a command of a session's beginning.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    let greeting = probe.responder.iter().zip(b"+OK").all(|(octet, expected)| octet == expected);
    match greeting {
        true if probe.responder.len() >= 3 && parse::begins_session(probe.originator) => Match::Yes,
        true if !probe.responder.is_empty() || parse::begins_session(probe.originator) => Match::Maybe,
        _ => Match::No,
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        if context.is_partial() {
            return Verdict::Done;
        }
        let mut rest = payload;
        loop {
            let Some(lines) = self.lines.get_mut(direction.index()) else { return Verdict::Done };
            let Some(Piece::Line(line)) = lines.next(context, &mut rest) else { return Verdict::More };
            let verdict = match direction {
                Direction::Originator => {
                    self.request(context, &line);
                    Verdict::More
                }
                Direction::Responder => self.reply(context, &line),
            };
            if let Some(lines) = self.lines.get_mut(direction.index()) {
                lines.recycle(line);
            }
            match verdict {
                Verdict::More => {}
                Verdict::Upgrade { protocol, .. } => {
                    return Verdict::Upgrade { consumed: payload.len() - rest.len(), protocol };
                }
                verdict => return verdict,
            }
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::More
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}

impl Analyzer {
    fn request(&mut self, context: &mut FlowContext<'_>, line: &[u8]) {
        if line.is_empty() || self.authenticates || self.pending.len() >= MAX_PENDING {
            return;
        }
        let command = parse::command(line);
        if command.is_none() {
            context.weird("pop3_client_command_unknown", Some(parse::first_word(line)), SOURCE);
        }
        self.pending.push_back(command);
        if self.pending.len() == 1 {
            self.begin();
        }
    }

    /// The server begins to work on the first command that waits.
    fn begin(&mut self) {
        let Some(Some(command)) = self.pending.front().copied() else { return };
        let Command { word, has_argument } = command;
        let in_transaction = self.login == Login::Transaction;
        match word {
            Word::Ok | Word::Err => {}
            Word::Capa | Word::Stls => {
                self.current = Some(word);
                self.has_more_lines |= word == Word::Capa;
            }
            Word::User | Word::Pass | Word::Apop if self.login == Login::Authorization => {
                if word != Word::Pass || self.current == Some(Word::User) {
                    self.current = Some(word);
                }
            }
            Word::Auth if self.login == Login::Authorization => {
                self.current = Some(word);
                self.authenticates = has_argument;
                self.has_more_lines |= !has_argument;
            }
            Word::User | Word::Pass | Word::Apop | Word::Auth => {}
            Word::Quit if self.login != Login::Finished => self.current = Some(word),
            _ => {
                let is_list = matches!(word, Word::List | Word::Uidl);
                if matches!(word, Word::Retr | Word::Top) || (is_list && !has_argument) {
                    self.has_more_lines = true;
                }
                if in_transaction {
                    self.current = Some(word);
                } else {
                    self.guesses = Some(word);
                }
            }
        }
    }

    /// The first command that waits has its reply.
    fn finish(&mut self) {
        self.pending.pop_front();
        self.begin();
    }

    fn reply(&mut self, context: &mut FlowContext<'_>, line: &[u8]) -> Verdict {
        if self.in_lines {
            if line == b"." {
                self.in_lines = false;
                self.has_more_lines = false;
                self.finish();
            }
            return Verdict::More;
        }
        match parse::command(line).map(|command| command.word) {
            Some(Word::Ok) => self.positive(context),
            Some(Word::Err) => {
                self.negative();
                Verdict::More
            }
            Some(_) => {
                context.weird("pop3_server_sending_client_commands", None, SOURCE);
                Verdict::More
            }
            None if self.authenticates => Verdict::More,
            None => {
                context.weird("pop3_server_command_unknown", Some(parse::first_word(line)), SOURCE);
                Verdict::Violation("unknown reply")
            }
        }
    }

    fn positive(&mut self, context: &mut FlowContext<'_>) -> Verdict {
        if let Some(word) = self.guesses.take() {
            self.login = Login::Transaction;
            self.current = Some(word);
        }
        match self.current {
            None => self.login = Login::Authorization,
            Some(Word::User) => {
                self.login = Login::Authorization;
                context.confirm("pop3");
            }
            Some(Word::Auth) => {
                self.in_lines = self.has_more_lines;
                if std::mem::take(&mut self.authenticates) {
                    self.login = Login::Transaction;
                }
            }
            Some(Word::Capa) => {
                context.confirm("pop3");
                self.in_lines = self.has_more_lines;
            }
            Some(Word::Stls) => {
                context.confirm("pop3");
                return Verdict::Upgrade { consumed: 0, protocol: Protocol::Ssl };
            }
            Some(Word::Retr | Word::Top | Word::Uidl | Word::List) => self.in_lines = self.has_more_lines,
            Some(Word::Quit) => self.login = Login::Finished,
            Some(_) => self.login = Login::Transaction,
        }
        if !self.in_lines {
            self.finish();
        }
        Verdict::More
    }

    fn negative(&mut self) {
        self.has_more_lines = false;
        self.guesses = None;
        self.authenticates = false;
        match self.current {
            Some(Word::User | Word::Pass | Word::Apop | Word::Auth) => {
                self.login = Login::Authorization;
                self.current = None;
            }
            Some(Word::Quit) => self.login = Login::Finished,
            None | Some(Word::Capa | Word::Stls) => {}
            Some(_) => self.login = Login::Transaction,
        }
        self.finish();
    }
}

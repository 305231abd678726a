//! The two streams of an HTTP connection: which lines begin a message, and what belongs to it.

use std::collections::VecDeque;

use record::Time;

use super::entity::Body;
use super::message::{Link, Message, Scope};
use super::parse::{self, NoRequest, Version};
use super::transaction::Transactions;
use crate::lines::{Line, Lines, Piece};
use crate::{Direction, FlowContext, percent};

/// So many requests are remembered until their responses come.
const MAX_UNANSWERED: usize = 4096;

/// After so many octets a violation does not remove the analyzer any more (Zeek: `DPD::ignore_violations_after`), so
/// that the other direction is still followed.
const IGNORE_VIOLATIONS_AFTER: u64 = 10 * 1024;

const SOURCE: &str = "HTTP";

/// What becomes of a connection after a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    More,
    Done,
    Violation(&'static str),
    /// A tunnel begins (CONNECT) after so many octets.
    Tunnel {
        consumed: usize,
    },
    /// Another protocol begins after so many octets.
    Upgraded {
        consumed: usize,
    },
    /// WebSocket begins after so many octets.
    WebSocket {
        consumed: usize,
    },
}

/// What a direction expects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Expect {
    #[default]
    FirstLine,
    Message,
    /// Octets of a response without header.
    Http09,
    Nothing,
}

/// One HTTP connection.
#[derive(Debug, Default)]
pub(super) struct Parser {
    lines: [Lines; 2],
    messages: [Option<Message>; 2],
    expect: [Expect; 2],
    ongoing: [bool; 2],
    link: Link,
    requests: u64,
    /// Of each request without response, whether it is a HEAD.
    unanswered: VecDeque<bool>,
    connect: bool,
    upgraded: bool,
    seen: u64,
    /// Set within a call.
    next: Option<Next>,
}

/// Whether `method` is `name`, as a comparison of the method's length in any case tells.
fn is_method(method: &[u8], name: &[u8]) -> bool {
    name.get(..method.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(method))
}

impl Parser {
    pub(super) fn data(
        &mut self,
        context: &mut FlowContext<'_>,
        log: &mut Transactions,
        direction: Direction,
        payload: &[u8],
    ) -> Next {
        self.seen = self.seen.saturating_add(payload.len() as u64);
        if direction == Direction::Responder && self.expect[1] == Expect::Http09 {
            self.http_09_reply(context, log, payload);
            return Next::More;
        }
        let Some(lines) = self.lines.get_mut(direction.index()) else { return Next::Done };
        lines.begin(payload.len());
        let mut rest = payload;
        self.pieces(context, log, direction, &mut rest);
        if let Some(next) = self.next.take() {
            let consumed = payload.len() - rest.len();
            return match next {
                Next::Tunnel { .. } => Next::Tunnel { consumed },
                Next::Upgraded { .. } => Next::Upgraded { consumed },
                Next::WebSocket { .. } => Next::WebSocket { consumed },
                next => next,
            };
        }
        if let Some(lines) = self.lines.get_mut(direction.index())
            && lines.message_ends_in_line(context)
        {
            self.pieces(context, log, direction, &mut b"\r\n".as_slice());
        }
        self.next.take().unwrap_or(Next::More)
    }

    /// How many of the next octets only count: those of a body that nobody wants, but the last.
    pub(super) fn skippable(&self, now: Time, direction: Direction) -> u64 {
        let index = direction.index();
        let is_body = self.expect.get(index) == Some(&Expect::Message);
        match (self.messages.get(index), self.lines.get(index)) {
            (Some(Some(message)), Some(lines)) if is_body && message.only_counts(now) => {
                lines.run().saturating_sub(1)
            }
            _ => 0,
        }
    }

    /// The next octets only count.
    pub(super) fn skipped(
        &mut self,
        context: &mut FlowContext<'_>,
        log: &mut Transactions,
        direction: Direction,
        length: u64,
    ) {
        self.seen = self.seen.saturating_add(length);
        if let Some(lines) = self.lines.get_mut(direction.index()) {
            lines.skip_run(length);
        }
        self.with_message(context, log, direction, None, |message, scope| message.skipped(scope, length));
    }

    fn pieces(
        &mut self,
        context: &mut FlowContext<'_>,
        log: &mut Transactions,
        direction: Direction,
        rest: &mut &[u8],
    ) {
        while self.next.is_none() && self.expect.get(direction.index()) != Some(&Expect::Http09) {
            let Some(lines) = self.lines.get_mut(direction.index()) else { return };
            let Some(piece) = lines.next(context, rest) else { return };
            let following = lines.first_of_next_line(rest);
            match piece {
                Piece::Run(run) => self.run(context, log, direction, run),
                Piece::Line(line) => {
                    match direction {
                        Direction::Originator => self.request_line(context, log, &line, following),
                        Direction::Responder => self.reply_line(context, log, &line, following),
                    }
                    if let Line::Joined(_) = line
                        && let Some(lines) = self.lines.get_mut(direction.index())
                    {
                        lines.recycle(line);
                    }
                }
            }
        }
        // A request of HTTP/0.9 makes raw octets of what the server sends.
        if direction == Direction::Responder
            && self.expect.get(1) == Some(&Expect::Http09)
            && let Some(raw) = Some(std::mem::take(rest)).filter(|raw| !raw.is_empty())
        {
            self.http_09_reply(context, log, raw);
        }
    }

    /// Calls `act` on the message of a direction, if there is one, and follows up when that ends it.
    fn with_message<R>(
        &mut self,
        context: &mut FlowContext<'_>,
        log: &mut Transactions,
        direction: Direction,
        next: Option<u8>,
        act: impl FnOnce(&mut Message, &mut Scope<'_, '_>) -> R,
    ) -> Option<R> {
        let index = direction.index();
        let mut message = self.messages.get_mut(index)?.take()?;
        let lines = self.lines.get_mut(index)?;
        self.link.request_ongoing = self.ongoing[0];
        let mut scope = Scope { context, lines, link: &mut self.link, log, next };
        let result = act(&mut message, &mut scope);
        if let Some(place) = self.messages.get_mut(index) {
            *place = Some(message);
        }
        if std::mem::take(&mut self.link.done) {
            self.made(context, log, direction, false);
        }
        Some(result)
    }

    fn begin_message(
        &mut self,
        context: &mut FlowContext<'_>,
        log: &mut Transactions,
        direction: Direction,
        body: Body,
    ) {
        let index = direction.index();
        if let Some(mut old) = self.messages.get_mut(index).and_then(Option::take) {
            if !old.is_finished() {
                context.weird("HTTP_overlapping_messages", None, SOURCE);
            }
            if let Some(lines) = self.lines.get_mut(index) {
                old.abandon(&mut Scope { context, lines, link: &mut self.link, log, next: None });
            }
        }
        if let (Some(lines), Some(place)) = (self.lines.get_mut(index), self.messages.get_mut(index)) {
            let mut scope = Scope { context, lines, link: &mut self.link, log, next: None };
            *place = Some(Message::new(&mut scope, direction, body));
        }
    }

    fn run(
        &mut self,
        context: &mut FlowContext<'_>,
        log: &mut Transactions,
        direction: Direction,
        data: &[u8],
    ) {
        let delivered = self.with_message(context, log, direction, None, |message, scope| {
            message.deliver(scope, data, false);
        });
        if delivered.is_none() {
            let name = match direction {
                Direction::Originator => "unexpected_client_HTTP_data",
                Direction::Responder => "unexpected_server_HTTP_data",
            };
            context.weird(name, None, SOURCE);
        }
    }

    fn request_line(
        &mut self,
        context: &mut FlowContext<'_>,
        log: &mut Transactions,
        line: &[u8],
        following: Option<u8>,
    ) {
        match self.expect[0] {
            Expect::FirstLine => self.request(context, log, line),
            Expect::Message => {
                self.with_message(context, log, Direction::Originator, following, |message, scope| {
                    message.deliver(scope, line, true);
                });
            }
            Expect::Http09 | Expect::Nothing => {}
        }
    }

    fn request(&mut self, context: &mut FlowContext<'_>, log: &mut Transactions, line: &[u8]) {
        let request = match parse::request_line(line) {
            Ok(request) => request,
            Err(reason) => {
                self.no_request(context, line, reason);
                return;
            }
        };
        if request.lower_case {
            context.weird("lowercase_HTTP_keyword", None, SOURCE);
        }
        if request.uri_missing {
            context.weird("missing_HTTP_uri", None, SOURCE);
        }
        if let Some(version) = request.version {
            set_version(&mut self.link.request_version, version, &mut self.link.keep_alive, context);
        }
        let uri = percent::unescape(request.uri, |name| context.weird(name, None, SOURCE));
        let is_short = request.method.len() < 3 || request.uri.is_empty();
        if self.link.request_version == Version::HTTP_0_9 && is_short {
            self.no_request(context, line, NoRequest::Bad);
            return;
        }
        self.requests += 1;
        if !self.link.keep_alive && self.requests > 1 {
            context.weird("unexpected_multiple_HTTP_requests", None, SOURCE);
        }
        self.expect[0] = Expect::Message;
        self.ongoing[0] = true;
        if self.unanswered.len() < MAX_UNANSWERED {
            self.unanswered.push_back(is_method(request.method, b"HEAD"));
        }
        context.confirm("http");
        self.connect |= is_method(request.method, b"CONNECT");
        log.request(context, request.method, &uri);
        self.begin_message(context, log, Direction::Originator, Body::IfAnnounced);
        if self.link.request_version == Version::HTTP_0_9 {
            if request.method != b"GET" {
                context.weird("invalid_http_09_request_method", Some(request.method), SOURCE);
            }
            if self.messages[1].is_some() {
                context.weird("http_09_reply_before_request", None, SOURCE);
                self.with_message(context, log, Direction::Responder, None, Message::done);
                self.with_message(context, log, Direction::Responder, None, Message::abandon);
                self.messages[1] = None;
            }
            self.expect[1] = Expect::Http09;
        }
    }

    fn no_request(&mut self, context: &mut FlowContext<'_>, line: &[u8], reason: NoRequest) {
        let name = match reason {
            NoRequest::Bad => "bad_HTTP_request",
            NoRequest::BadWithVersion => "bad_HTTP_request_with_version",
        };
        context.weird(name, None, SOURCE);
        if self.requests > 0 && !self.link.keep_alive {
            return;
        }
        if line.is_empty() {
            context.weird("empty_http_request", None, SOURCE);
        } else {
            self.expect[0] = Expect::Nothing;
            self.violation("not a http request line");
        }
    }

    fn reply_line(
        &mut self,
        context: &mut FlowContext<'_>,
        log: &mut Transactions,
        line: &[u8],
        following: Option<u8>,
    ) {
        match self.expect[1] {
            Expect::FirstLine => self.reply(context, log, line),
            Expect::Message => {
                self.with_message(context, log, Direction::Responder, following, |message, scope| {
                    message.deliver(scope, line, true);
                });
                if self.connect && line.is_empty() {
                    let remaining = self.lines[1].remaining();
                    if remaining > 0 {
                        let text = remaining.to_string();
                        context.weird("protocol_data_with_HTTP_CONNECT_reply", Some(text.as_bytes()), SOURCE);
                    }
                    self.connect = false;
                    self.next = Some(Next::Tunnel { consumed: 0 });
                }
            }
            Expect::Http09 | Expect::Nothing => {}
        }
    }

    fn reply(&mut self, context: &mut FlowContext<'_>, log: &mut Transactions, line: &[u8]) {
        let parsed = parse::reply_line(line);
        if let Some(reply) = &parsed {
            if reply.lower_case {
                context.weird("lowercase_HTTP_keyword", None, SOURCE);
            }
            set_version(&mut self.link.reply_version, reply.version, &mut self.link.keep_alive, context);
        }
        let Some(status) = parsed.and_then(|reply| reply.status) else {
            if !line.is_empty() {
                self.expect[1] = Expect::Nothing;
                self.violation("not a http reply line");
            }
            return;
        };
        if !self.unanswered.is_empty() {
            context.confirm("http");
        }
        self.expect[1] = Expect::Message;
        self.ongoing[1] = true;
        self.link.reply_code = status.code;
        log.reply(context, self.link.reply_version.text(), status.code, status.reason);
        if self.connect && status.code != 200 {
            self.connect = false;
        }
        let body = self.expected_body();
        self.begin_message(context, log, Direction::Responder, body);
    }

    /// Whether the current response has a body (RFC 9110, section 6.4.1).
    fn expected_body(&self) -> Body {
        let to_head = self.unanswered.front().is_some_and(|is_head| *is_head);
        match self.link.reply_code {
            _ if to_head => Body::No,
            100..=199 | 204 | 304 => Body::No,
            _ => Body::Yes,
        }
    }

    fn http_09_reply(&mut self, context: &mut FlowContext<'_>, log: &mut Transactions, payload: &[u8]) {
        if self.messages[1].is_none() {
            set_version(&mut self.link.reply_version, Version::HTTP_0_9, &mut self.link.keep_alive, context);
            if self.unanswered.pop_front().is_some() {
                context.confirm("http");
            }
            self.link.connection_close = true;
            self.ongoing[1] = true;
            log.reply(context, self.link.reply_version.text(), self.link.reply_code, None);
            let body = self.expected_body();
            self.begin_message(context, log, Direction::Responder, body);
            self.with_message(context, log, Direction::Responder, None, |message, scope| {
                message.deliver(scope, b"", true);
            });
        }
        self.with_message(context, log, Direction::Responder, None, |message, scope| {
            message.deliver(scope, payload, false);
        });
    }

    fn violation(&mut self, reason: &'static str) {
        if self.seen <= IGNORE_VIOLATIONS_AFTER {
            self.next = Some(Next::Violation(reason));
        }
    }

    /// A message is over.
    fn made(
        &mut self,
        context: &mut FlowContext<'_>,
        log: &mut Transactions,
        direction: Direction,
        interrupted: bool,
    ) {
        let index = direction.index();
        let Some(ongoing) = self.ongoing.get_mut(index).filter(|ongoing| **ongoing) else { return };
        *ongoing = false;
        self.with_message(context, log, direction, None, Message::done);
        let mut expect = if interrupted { Expect::Nothing } else { Expect::FirstLine };
        if direction == Direction::Responder {
            let code = self.link.reply_code;
            if !matches!(code, 100..=199) {
                self.unanswered.pop_front();
            }
            if code == 101
                && self.unanswered.len() == 1
                && self.link.upgrade
                && !self.link.upgrade_protocol.is_empty()
            {
                self.upgrade(context);
                expect = Expect::Nothing;
            }
            self.link.reply_code = 0;
            self.link.upgrade = false;
            self.link.upgrade_protocol.clear();
        }
        if let Some(place) = self.expect.get_mut(index) {
            *place = expect;
        }
    }

    fn upgrade(&mut self, context: &mut FlowContext<'_>) {
        let remaining = self.lines[1].remaining();
        if remaining > 0 {
            let text = remaining.to_string();
            context.weird("protocol_data_with_HTTP_upgrade_reply", Some(text.as_bytes()), SOURCE);
        }
        self.upgraded = true;
        let is_websocket = self.link.upgrade_protocol.eq_ignore_ascii_case(b"websocket");
        self.next =
            Some(if is_websocket { Next::WebSocket { consumed: 0 } } else { Next::Upgraded { consumed: 0 } });
    }

    pub(super) fn gap(
        &mut self,
        context: &mut FlowContext<'_>,
        log: &mut Transactions,
        direction: Direction,
        length: u64,
    ) {
        let skipped =
            self.with_message(context, log, direction, None, |message, scope| message.gap(scope, length));
        if skipped == Some(true) {
            return;
        }
        // Whether a response has a body depends on its request: without the one there is no following the other.
        if direction == Direction::Originator {
            self.made(context, log, Direction::Originator, true);
        }
        self.made(context, log, Direction::Responder, true);
        if let Some(lines) = self.lines.get_mut(direction.index()) {
            lines.stop();
        }
    }

    pub(super) fn end_of_stream(
        &mut self,
        context: &mut FlowContext<'_>,
        log: &mut Transactions,
        direction: Direction,
    ) {
        if self.upgraded {
            return;
        }
        if self.lines.get(direction.index()).is_some_and(Lines::is_inside_line) {
            self.pieces(context, log, direction, &mut b"\n".as_slice());
            if let Some(Next::Violation(_)) = self.next.take() {
                context.retract("http");
            }
        }
        self.made(context, log, direction, false);
    }

    pub(super) fn end(&mut self, context: &mut FlowContext<'_>, log: &mut Transactions) {
        for direction in [Direction::Originator, Direction::Responder] {
            self.made(context, log, direction, true);
        }
        for direction in [Direction::Originator, Direction::Responder] {
            self.with_message(context, log, direction, None, Message::abandon);
        }
    }
}

fn set_version(known: &mut Version, version: Version, keep_alive: &mut bool, context: &mut FlowContext<'_>) {
    if *known != Version::default() && *known != version {
        context.weird("HTTP_version_mismatch", None, SOURCE);
    }
    *known = version;
    *keep_alive |= known.keeps_alive();
}

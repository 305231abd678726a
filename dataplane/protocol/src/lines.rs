//! Lines of a text protocol out of a TCP stream, and runs of octets between them.
//!
//! A line ends with CR LF; where lone ends are allowed (the default), also with CR or LF alone. A line that came in
//! one piece is borrowed from the payload, only one that came in several is put together.

use std::ops::Deref;

use memchr::{memchr, memchr2};

use crate::FlowContext;

/// A line longer than this is cut into several, unless its protocol has another limit.
const MAX_LINE: usize = 64 * 1024;

/// Name under which oddities of lines are reported.
const SOURCE: &str = "CONTENTLINE";

const CR: u8 = b'\r';
const LF: u8 = b'\n';

/// What a line told an analyzer that looks at nothing but lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Go on.
    More,
    /// It is no line of the protocol.
    Violation(&'static str),
    /// TLS begins after it, in both directions.
    Tls,
}

/// Cuts one direction of a connection into lines.
#[derive(Debug)]
pub(crate) struct Lines {
    /// The beginning of a line of which the end has not come.
    partial: Vec<u8>,
    /// The last octet of the stream that was looked at; 0 after a run.
    last: u8,
    lone_ends: bool,
    /// A line longer than this is cut.
    max_line: usize,
    /// Octets still to be given as they are.
    run: u64,
    /// Octets until the end of a message whose last line may lack its end; negative when unknown.
    until_end: i64,
    /// Octets of the current payload after the piece given last.
    remaining: usize,
    stopped: bool,
    reported_lone_cr: bool,
}

/// What a stream is cut into.
#[derive(Debug)]
pub(crate) enum Piece<'p> {
    /// A line, without its end.
    Line(Line<'p>),
    /// Octets of a run.
    Run(&'p [u8]),
}

/// A line; give a joined one back to [`Lines::recycle`].
#[derive(Debug)]
pub(crate) enum Line<'p> {
    /// It came in one payload.
    Borrowed(&'p [u8]),
    /// It came in several.
    Joined(Vec<u8>),
}

impl Deref for Line<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(line) => line,
            Self::Joined(line) => line,
        }
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            partial: Vec::new(),
            last: 0,
            lone_ends: true,
            max_line: MAX_LINE,
            run: 0,
            until_end: -1,
            remaining: 0,
            stopped: false,
            reported_lone_cr: false,
        }
    }
}

impl Lines {
    /// Lines that are cut after `max_line` octets.
    pub(crate) fn with_max(max_line: usize) -> Self {
        Self { max_line, ..Self::default() }
    }

    /// A payload of so many octets comes: call it before [`Lines::next`].
    pub(crate) fn begin(&mut self, length: usize) {
        if self.until_end > 0 {
            self.until_end = self.until_end.saturating_sub_unsigned(length as u64);
        }
    }

    /// The next piece of `payload`, which it is cut from; `None` when the rest is the beginning of a line.
    pub(crate) fn next<'p>(
        &mut self,
        context: &mut FlowContext<'_>,
        payload: &mut &'p [u8],
    ) -> Option<Piece<'p>> {
        if self.stopped {
            return None;
        }
        if self.lone_ends && self.last == CR && payload.first() == Some(&LF) {
            self.last = LF;
            *payload = payload.get(1..).unwrap_or_default();
        }
        if payload.is_empty() {
            return None;
        }
        if self.run > 0 {
            let length = usize::try_from(self.run).unwrap_or(usize::MAX).min(payload.len());
            let (run, rest) = payload.split_at_checked(length)?;
            self.run -= length as u64;
            self.last = 0;
            self.remaining = rest.len();
            *payload = rest;
            return Some(Piece::Run(run));
        }
        if self.lone_ends { self.line(context, payload) } else { self.strict_line(context, payload) }
    }

    fn line<'p>(&mut self, context: &mut FlowContext<'_>, payload: &mut &'p [u8]) -> Option<Piece<'p>> {
        let end = memchr2(CR, LF, payload);
        let (text, rest) = payload.split_at_checked(end.unwrap_or(payload.len()))?;
        if !text.is_empty() && self.last == CR && !self.reported_lone_cr {
            self.reported_lone_cr = true;
            context.weird("line_terminated_with_single_CR", None, SOURCE);
        }
        if self.partial.len() + text.len() > self.max_line {
            return self.cut(context, payload);
        }
        let Some((&octet, after)) = rest.split_first() else {
            self.keep(text);
            *payload = rest;
            return None;
        };
        self.last = octet;
        *payload = after;
        if octet == CR
            && let Some(after) = after.strip_prefix(&[LF])
        {
            self.last = LF;
            *payload = after;
        }
        self.remaining = payload.len();
        Some(Piece::Line(self.complete(text)))
    }

    /// As `line`, with CR LF as the only end.
    fn strict_line<'p>(
        &mut self,
        context: &mut FlowContext<'_>,
        payload: &mut &'p [u8],
    ) -> Option<Piece<'p>> {
        let mut start = 0;
        if self.last == CR && self.partial.is_empty() && payload.first() == Some(&LF) {
            self.last = LF;
            *payload = payload.get(1..).unwrap_or_default();
        }
        loop {
            let Some(at) = payload.get(start..).and_then(|rest| memchr(LF, rest)).map(|at| at + start) else {
                if self.partial.len() + payload.len() > self.max_line {
                    return self.cut(context, payload);
                }
                self.keep(payload);
                *payload = &[];
                return None;
            };
            let before = match at.checked_sub(1) {
                Some(before) => payload.get(before).copied(),
                None => Some(self.last),
            };
            if before != Some(CR) {
                start = at + 1;
                continue;
            }
            let (text, rest) = payload.split_at_checked(at)?;
            self.last = LF;
            *payload = rest.get(1..).unwrap_or_default();
            self.remaining = payload.len();
            let text = if let Some(text) = text.strip_suffix(&[CR]) {
                text
            } else {
                self.partial.pop();
                text
            };
            return Some(Piece::Line(self.complete(text)));
        }
    }

    fn keep(&mut self, text: &[u8]) {
        self.last = text.last().copied().unwrap_or(self.last);
        self.partial.extend_from_slice(text);
    }

    fn complete<'p>(&mut self, text: &'p [u8]) -> Line<'p> {
        if self.partial.is_empty() {
            return Line::Borrowed(text);
        }
        self.partial.extend_from_slice(text);
        Line::Joined(std::mem::take(&mut self.partial))
    }

    /// Gives what is there of a line that is too long.
    fn cut<'p>(&mut self, context: &mut FlowContext<'_>, payload: &mut &'p [u8]) -> Option<Piece<'p>> {
        context.weird("contentline_size_exceeded", None, SOURCE);
        let room = self.max_line.saturating_sub(self.partial.len()).min(payload.len());
        let (text, rest) = payload.split_at_checked(room)?;
        self.last = text.last().copied().unwrap_or(0);
        *payload = rest;
        self.remaining = rest.len();
        Some(Piece::Line(self.complete(text)))
    }

    /// Takes back the memory of a joined line.
    pub(crate) fn recycle(&mut self, line: Line<'_>) {
        if let Line::Joined(mut memory) = line
            && self.partial.is_empty()
        {
            memory.clear();
            self.partial = memory;
        }
    }

    /// The end of the payload begun. Returns whether the message ends within a line, which is then given by
    /// [`Lines::next`] for the payload `\r\n`.
    pub(crate) fn message_ends_in_line(&mut self, context: &mut FlowContext<'_>) -> bool {
        if self.until_end != 0 {
            return false;
        }
        self.until_end = -1;
        let inside = !self.partial.is_empty();
        if inside {
            context.weird("line_terminated_without_CRLF", None, SOURCE);
        }
        inside
    }

    /// Whether the stream so far ends within a line.
    pub(crate) fn is_inside_line(&self) -> bool {
        !self.partial.is_empty()
    }

    /// Whether the octet `next` after a line begins the next one, rather than being the LF of a CR LF.
    pub(crate) fn first_of_next_line(&self, rest: &[u8]) -> Option<u8> {
        match rest {
            [LF, second, ..] if self.lone_ends && self.last == CR => Some(*second),
            [LF] if self.lone_ends && self.last == CR => None,
            [first, ..] => Some(*first),
            [] => None,
        }
    }

    /// Octets of the current payload after the piece given last.
    pub(crate) const fn remaining(&self) -> usize {
        self.remaining
    }

    /// Gives the next `length` octets as they are.
    pub(crate) const fn set_run(&mut self, length: u64) {
        self.run = length;
    }

    /// Octets still to be given as they are.
    pub(crate) const fn run(&self) -> u64 {
        self.run
    }

    /// So many octets of the run have passed, a payload of their own.
    pub(crate) fn skip_run(&mut self, length: u64) {
        if self.until_end > 0 {
            self.until_end = self.until_end.saturating_sub_unsigned(length);
        }
        self.run = self.run.saturating_sub(length);
        self.last = 0;
        self.remaining = 0;
    }

    /// From the next payload on, a message of `length` octets ends.
    pub(crate) fn set_until_end(&mut self, length: Option<u64>) {
        self.until_end = length.map_or(-1, |length| i64::try_from(length).unwrap_or(i64::MAX));
    }

    /// Whether CR and LF alone end a line.
    pub(crate) const fn set_lone_ends(&mut self, allowed: bool) {
        self.lone_ends = allowed;
    }

    /// Gives nothing any more.
    pub(crate) const fn stop(&mut self) {
        self.stopped = true;
    }
}

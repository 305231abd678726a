//! Finger user information protocol (RFC 1288): recognized. There is no log of it.
//!
//! Lines have to be UTF-8: on the port of this old protocol something else may be spoken.
//! Finger (RFC 1288).
//! Recognized only; there is no log yet.

#[cfg(test)]
mod tests;

use record::Proto;

use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};

/// The longest line.
const MAX_LINE: usize = 4096;
/// A shorter line of an answer proves nothing.
const MIN_ANSWER: usize = 11;

/// Analyzer of one query with its answer.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    /// The line that has begun in each direction.
    lines: [Vec<u8>; 2],
use crate::lines::{Lines, Next, Piece};
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Protocol, Verdict};
/// Analyzer of one connection.
    lines: [Lines; 2],
    /// The client sent its line.
    asked: bool,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }
}

/// Finger has no mark; it is found by its port only.
    fn line(&mut self, context: &mut FlowContext<'_>, direction: Direction, _line: &[u8]) -> Next {
        match direction {
            Direction::Originator => self.asked = true,
            Direction::Responder if self.asked => {
                context.confirm("finger");
                return Next::Done;
            }
            Direction::Responder => {}
        }
        Next::More
    }
/// Finger is found by its port only.
pub(crate) const fn probe(_probe: &Probe<'_>) -> Match {
    Match::No
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        let [query, answer] = &mut self.lines;
        let line = if direction == Direction::Originator { query } else { answer };
        for octet in payload {
            if !matches!(octet, b'\r' | b'\n') {
                if line.len() >= MAX_LINE {
                    return Verdict::Violation("line too long");
                }
                line.push(*octet);
                continue;
            }
            let Ok(text) = std::str::from_utf8(line) else { return Verdict::Violation("not text") };
            let is_finger = match direction {
                Direction::Originator => asks(text),
                Direction::Responder => text.len() >= MIN_ANSWER,
            };
            if is_finger {
                context.confirm("finger");
                return Verdict::Done;
            }
            line.clear();
            if direction == Direction::Originator {
                break;
            }
        }
        Verdict::More
        if context.is_partial() {
            return Verdict::Done;
        let mut rest = payload;
        loop {
            let Some(lines) = self.lines.get_mut(direction.index()) else { return Verdict::Done };
            let Some(Piece::Line(line)) = lines.next(context, &mut rest) else { return Verdict::More };
            let next = self.line(context, direction, &line);
            if let Some(lines) = self.lines.get_mut(direction.index()) {
                lines.recycle(line);
            match next {
                Next::More => {}
                Next::Done => return Verdict::Done,
                Next::Violation(reason) => return Verdict::Violation(reason),
                Next::Tls => {
                    return Verdict::Upgrade {
                        consumed: payload.len() - rest.len(),
                        protocol: Protocol::Ssl,
                    };
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}

/// Whether a query is for more than the list of users: for a name, or for the long form.
fn asks(query: &str) -> bool {
    let query = query.trim_start_matches([' ', '\t']);
    let (long, name) = query.strip_prefix("/W").map_or((false, query), |name| (true, name));
    long || !name.trim().split('@').next().unwrap_or_default().is_empty()
}

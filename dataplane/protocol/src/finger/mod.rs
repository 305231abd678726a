//! Finger user information protocol (RFC 1288): recognized. There is no log of it.
//!
//! Lines have to be UTF-8: on the port of this old protocol something else may be spoken.

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
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }
}

/// Finger has no mark; it is found by its port only.
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

//! Messages in a TCP stream: each with its length in two octets in front (RFC 1035, section 4.2.2).

use std::borrow::Cow;

/// Takes the messages out of one direction of a TCP connection.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    /// First octet of a length whose second has not come.
    length_high: Option<u8>,
    /// Octets of the current message that have not come; `None` between messages.
    missing: Option<usize>,
    /// Those that have come, when the message is spread over several segments.
    kept: Vec<u8>,
    /// Octets of the current message were lost: it is not to be read.
    damaged: bool,
}

impl Assembler {
    /// The next whole message of `rest`, which is moved past it; `None` when there is none.
    pub(super) fn next<'p>(&mut self, rest: &mut &'p [u8]) -> Option<Cow<'p, [u8]>> {
        loop {
            let missing = match self.missing {
                Some(missing) => missing,
                None => self.start(rest)?,
            };
            let Some((now, later)) = rest.split_at_checked(missing) else {
                self.missing = Some(missing - rest.len());
                if !self.damaged {
                    self.kept.extend_from_slice(rest);
                }
                *rest = &[];
                return None;
            };
            *rest = later;
            self.missing = None;
            if std::mem::take(&mut self.damaged) {
                self.kept.clear();
            } else if self.kept.is_empty() {
                return Some(Cow::Borrowed(now));
            } else {
                self.kept.extend_from_slice(now);
                return Some(Cow::Owned(std::mem::take(&mut self.kept)));
            }
        }
    }

    /// Reads the length of a message.
    fn start(&mut self, rest: &mut &[u8]) -> Option<usize> {
        let (first, after) = rest.split_first()?;
        let (high, low) = if let Some(high) = self.length_high.take() {
            *rest = after;
            (high, *first)
        } else if let Some((second, after)) = after.split_first() {
            *rest = after;
            (*first, *second)
        } else {
            self.length_high = Some(*first);
            *rest = &[];
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        self.missing = Some(length);
        Some(length)
    }

    /// Takes the memory of a message back that has been read.
    pub(super) fn reuse(&mut self, message: Cow<'_, [u8]>) {
        if let Cow::Owned(mut memory) = message {
            memory.clear();
            self.kept = memory;
        }
    }

    /// `length` octets were lost; false when it is no longer known where messages begin.
    pub(super) fn skip(&mut self, length: u64) -> bool {
        match (self.missing, usize::try_from(length)) {
            (Some(missing), Ok(length)) if length <= missing => {
                self.missing = Some(missing - length);
                self.damaged = true;
                true
            }
            _ => false,
        }
    }

    /// What has come of a message that will not be completed.
    pub(super) fn take_rest(&mut self) -> Option<Vec<u8>> {
        let kept = std::mem::take(&mut self.kept);
        (!kept.is_empty() && !self.damaged).then_some(kept)
    }
}

//! Messages that say their own length, out of a TCP stream.
//!
//! A message that came in one piece is borrowed from the payload; only one that came in several is put together, and
//! of a long one only the beginning is kept.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

/// So many octets of a message that came in several pieces are kept.
pub(crate) const MAX_KEPT: usize = 16 * 1024;
/// A message whose length is not known after so many octets is none.
const MAX_HEADER: usize = 64;

/// Takes the messages out of one direction of a TCP connection.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// The beginning of a message whose end has not come.
    kept: Vec<u8>,
    /// Octets of that message that have come, kept or not.
    received: u64,
    /// Its length, once known.
    length: Option<u64>,
}

/// A message.
#[derive(Debug)]
pub(crate) struct Frame<'p> {
    /// Its octets, or the first [`MAX_KEPT`] of them.
    pub(crate) octets: Cow<'p, [u8]>,
    /// Whether octets are missing at the end.
    pub(crate) is_truncated: bool,
}

impl Frames {
    /// The next whole message of `rest`, which is moved past it; `None` when there is none.
    ///
    /// `measure` tells from its first octets how long a message is, with everything (at least 1); `None` when it takes
    /// more octets to know.
    ///
    /// # Errors
    /// The reason of `measure` why this is no message.
    pub(crate) fn next<'p>(
        &mut self,
        rest: &mut &'p [u8],
        measure: impl Fn(&[u8]) -> Result<Option<u64>, &'static str>,
    ) -> Result<Option<Frame<'p>>, &'static str> {
        if rest.is_empty() {
            return Ok(None);
        }
        let length = match self.length {
            Some(length) => length,
            None => match self.start(rest, measure)? {
                Some(length) => length,
                None => return Ok(None),
            },
        };
        let missing = usize::try_from(length.saturating_sub(self.received)).unwrap_or(usize::MAX);
        if self.received == 0
            && let Some((octets, after)) = rest.split_at_checked(missing)
        {
            *rest = after;
            self.length = None;
            return Ok(Some(Frame { octets: Cow::Borrowed(octets), is_truncated: false }));
        }
        let (now, after) = rest.split_at_checked(missing).unwrap_or((rest, &[]));
        *rest = after;
        let room = MAX_KEPT.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(now.get(..room).unwrap_or(now));
        self.received = self.received.saturating_add(now.len() as u64);
        if self.received < length {
            return Ok(None);
        }
        let is_truncated = self.received > self.kept.len() as u64;
        self.received = 0;
        self.length = None;
        Ok(Some(Frame { octets: Cow::Owned(std::mem::take(&mut self.kept)), is_truncated }))
    }

    /// Finds out the length of the message that begins.
    fn start(
        &mut self,
        rest: &mut &[u8],
        measure: impl Fn(&[u8]) -> Result<Option<u64>, &'static str>,
    ) -> Result<Option<u64>, &'static str> {
        if self.kept.is_empty() {
            self.length = measure(rest)?;
            if self.length.is_none() {
                self.keep_header(rest)?;
                *rest = &[];
            }
        }
        while self.length.is_none()
            && let Some((octet, after)) = rest.split_first()
        {
            self.keep_header(&[*octet])?;
            *rest = after;
            self.length = measure(&self.kept)?;
        }
        Ok(self.length.map(|length| length.max(1)))
    }

    fn keep_header(&mut self, octets: &[u8]) -> Result<(), &'static str> {
        if self.kept.len() + octets.len() > MAX_HEADER {
            return Err("no length in the header of a message");
        }
        self.kept.extend_from_slice(octets);
        self.received = self.kept.len() as u64;
        Ok(())
    }

    /// Takes the memory of a message back that has been read.
    pub(crate) fn reuse(&mut self, frame: Frame<'_>) {
        if let Cow::Owned(mut memory) = frame.octets
            && self.kept.is_empty()
        {
            memory.clear();
            self.kept = memory;
        }
    }
}

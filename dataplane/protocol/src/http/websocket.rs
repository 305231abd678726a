//! WebSocket (RFC 6455): frames taken apart, so that what they carry can be recognized.

use crate::{Direction, FlowContext};

/// Control frames have so many octets at most (RFC 6455, section 5.5).
const MAX_CONTROL: u64 = 125;
/// Payload is unmasked in pieces of so many octets.
const PIECE: usize = 2048;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;

/// The two directions of a WebSocket.
#[derive(Debug, Default)]
pub(super) struct WebSocket {
    flows: [Frames; 2],
    stopped: bool,
}

/// Frames of one direction.
#[derive(Debug, Default)]
struct Frames {
    header: [u8; 14],
    have: usize,
    /// Octets of payload still to come.
    left: u64,
    mask: [u8; 4],
    masked: usize,
    /// What the message is, told by its first frame.
    opcode: u8,
    is_last: bool,
    in_message: bool,
}

/// The payload does not keep to the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Violation;

impl WebSocket {
    /// Takes `payload` apart; text and binary data goes to `out`.
    pub(super) fn data<'c>(
        &mut self,
        context: &mut FlowContext<'c>,
        direction: Direction,
        payload: &[u8],
        mut out: impl FnMut(&mut FlowContext<'c>, &[u8]),
    ) -> Result<(), Violation> {
        if self.stopped {
            return Ok(());
        }
        let Some(frames) = self.flows.get_mut(direction.index()) else { return Ok(()) };
        let mut rest = payload;
        while !rest.is_empty() {
            if frames.left > 0 {
                let length = usize::try_from(frames.left).unwrap_or(usize::MAX).min(rest.len()).min(PIECE);
                let Some((piece, after)) = rest.split_at_checked(length) else { break };
                rest = after;
                frames.payload(context, piece, &mut out);
            } else if let Some((octet, after)) = rest.split_first() {
                rest = after;
                let violates = frames.header_octet(context, *octet);
                if violates {
                    self.stopped = true;
                    return Err(Violation);
                }
            }
        }
        Ok(())
    }

    /// Octets are missing: there is no telling where frames begin.
    pub(super) const fn gap(&mut self) {
        self.stopped = true;
    }
}

impl Frames {
    /// One more octet of a header. Returns whether it cannot be one.
    fn header_octet(&mut self, context: &mut FlowContext<'_>, octet: u8) -> bool {
        if let Some(place) = self.header.get_mut(self.have) {
            *place = octet;
        }
        self.have += 1;
        let [first, second, ..] = self.header;
        let is_masked = second & 0x80 != 0;
        let extended = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let needed = 2 + extended + if is_masked { 4 } else { 0 };
        if self.have < 2 || self.have < needed {
            return false;
        }
        self.have = 0;
        let opcode = first & 0x0f;
        if self.in_message != (opcode == CONTINUATION) {
            return true;
        }
        if !self.in_message {
            self.opcode = opcode;
        }
        self.is_last = first & 0x80 != 0;
        self.in_message = !self.is_last;
        let number = |octets: Option<&[u8]>| {
            octets.unwrap_or_default().iter().fold(0_u64, |number, octet| number << 8 | u64::from(*octet))
        };
        self.left = match extended {
            0 => u64::from(second & 0x7f),
            length => number(self.header.get(2..2 + length)),
        };
        self.masked = 0;
        self.mask = match self.header.get(2 + extended..) {
            Some([a, b, c, d, ..]) if is_masked => [*a, *b, *c, *d],
            _ => [0; 4],
        };
        if self.opcode >= CLOSE && self.left > MAX_CONTROL {
            let text = format!("{} > {MAX_CONTROL}", self.left);
            context.weird("websocket_control_frame_size_exceeded", Some(text.as_bytes()), "WEBSOCKET");
        }
        if self.left == 0 {
            self.frame_done(context);
        }
        false
    }

    fn payload<'c>(
        &mut self,
        context: &mut FlowContext<'c>,
        piece: &[u8],
        out: &mut impl FnMut(&mut FlowContext<'c>, &[u8]),
    ) {
        self.left -= piece.len() as u64;
        if matches!(self.opcode, TEXT | BINARY) {
            let mut clear = [0; PIECE];
            let mask = self.mask.iter().cycle().skip(self.masked);
            for ((place, octet), mask) in clear.iter_mut().zip(piece).zip(mask) {
                *place = octet ^ mask;
            }
            self.masked = (self.masked + piece.len()) % 4;
            if let Some(clear) = clear.get(..piece.len()) {
                out(context, clear);
            }
        }
        if self.left == 0 {
            self.frame_done(context);
        }
    }

    fn frame_done(&self, context: &mut FlowContext<'_>) {
        if self.is_last {
            context.confirm("websocket");
        }
    }
}

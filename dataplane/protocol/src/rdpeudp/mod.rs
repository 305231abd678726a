//! Remote Desktop Protocol's UDP transport ([MS-RDPEUDP]): its handshake is recognized.

#[cfg(test)]
mod tests;

use record::Proto;

use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};

/// Octets of a handshake datagram: padded so that the path is known to carry it.
const SYN_LEN: usize = 1232;
/// Flag: synchronize.
const SYN: u16 = 0x01;
/// Flag: acknowledge.
const ACK: u16 = 0x04;

/// Analyzer of one flow.
#[derive(Debug)]
pub(crate) struct Analyzer {
    saw_syn: bool,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) const fn new(_proto: Proto) -> Self {
        Self { saw_syn: false }
    }
}

/// The first datagram of a client is recognized on any port.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    let looks = |payload: &[u8]| {
        payload.len() == SYN_LEN && matches!(payload, [0xff, 0xff, 0xff, 0xff, _, _, _, 0x01, ..])
    };
    if probe.proto == Proto::Udp && (looks(probe.originator) || looks(probe.responder)) {
        Match::Yes
    } else {
        Match::No
    }
}

/// The acknowledged sequence number and the flags of a datagram (section 2.2.2.1).
fn header(payload: &[u8]) -> Option<(u32, u16)> {
    let [a, b, c, d, _, _, high, low] = *payload.first_chunk::<8>()?;
    Some((u32::from_be_bytes([a, b, c, d]), u16::from_be_bytes([high, low])))
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        let Some((acknowledged, flags)) = header(payload) else {
            return Verdict::Violation("datagram too short");
        };
        if !self.saw_syn {
            self.saw_syn = direction == Direction::Originator && flags & SYN != 0 && acknowledged == u32::MAX;
        } else if direction == Direction::Responder && flags & (SYN | ACK) != 0 {
            context.confirm("rdpeudp");
            return Verdict::Done;
        }
        Verdict::More
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::More
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}

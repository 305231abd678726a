//! Where a flow is in its conversation: the state machine that cuts messages into packets.
//!
//! A receiver acknowledges every second segment and the end of a message, unless its own next message does that: the
//! rules of RFC 5681 (section 4.2) without congestion, since the link does not lose packets; capture loss is another
//! matter (`conditions`).

use super::conversation::{Closing, Conversation, Opening, Transport};
use super::frame::{Side, TCP, UDP, flags};

/// Octets of an IP packet on Ethernet.
const MTU: u32 = 1500;
/// Octets of the options of a SYN, and of one with time stamps.
const SYN_OPTIONS: [u32; 2] = [12, 20];
/// Octets of the options of other segments, and of those with time stamps.
const OPTIONS: [u32; 2] = [0, 12];

/// What comes next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    /// The first SYN.
    #[default]
    Syn,
    SynAck,
    /// The RST that answers a SYN.
    Refusal,
    /// The last ACK of the handshake.
    Established,
    /// A segment or datagram.
    Data,
    /// The receiver's ACK of segments.
    Acknowledgment,
    Fin,
    FinAck,
    LastAck,
    Reset,
    Done,
}

/// A flow's place in its conversation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cursor {
    stage: Stage,
    /// Segments that the receiver has not acknowledged.
    unacknowledged: u8,
    message: u32,
    lap: u32,
    /// Octets of the message that are sent.
    offset: u64,
    /// The next sequence number of each side.
    next: [u32; 2],
}

/// TCP header fields of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) flags: u8,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    /// Octets of options.
    pub(crate) options: u32,
}

/// A packet, before it is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// Who sends it.
    pub(crate) side: Side,
    /// Its TCP header; without one it is UDP.
    pub(crate) segment: Option<Segment>,
    /// Index of the message that it carries a part of.
    pub(crate) message: usize,
    /// How often that message was said before.
    pub(crate) lap: u32,
    /// Where the part begins.
    pub(crate) offset: u64,
    /// Octets of the part, which is the packet's payload.
    pub(crate) payload: u32,
}

impl Step {
    /// Octets of the transport header.
    pub(crate) fn header(&self) -> u32 {
        self.segment.map_or(UDP, |segment| TCP + segment.options)
    }
}

impl Cursor {
    /// At the beginning, with each side's initial sequence number.
    pub(crate) fn new(conversation: &Conversation, initial: [u32; 2]) -> Self {
        let stage = match conversation.transport {
            Transport::Tcp { .. } => Stage::Syn,
            Transport::Udp if conversation.messages.is_empty() => Stage::Done,
            Transport::Udp => Stage::Data,
        };
        Self { stage, next: initial, ..Self::default() }
    }

    /// The next packet, with what follows it; `ip_header` octets of each packet are the network's.
    pub(crate) fn step(&mut self, conversation: &Conversation, ip_header: u32) -> Option<Step> {
        use Side::{Originator, Responder};
        let Transport::Tcp { opening, closing, timestamps } = conversation.transport else {
            return self.datagram(conversation);
        };
        let kind = usize::from(timestamps);
        let closer = match closing {
            Closing::Fin(side) | Closing::Reset(side) => side,
            Closing::Open => Originator,
        };
        let (side, flags, then) = match self.stage {
            Stage::Syn => {
                let then = match opening {
                    Opening::Handshake => Stage::SynAck,
                    Opening::Unanswered => Stage::Done,
                    Opening::Refused => Stage::Refusal,
                };
                (Originator, flags::SYN, then)
            }
            Stage::SynAck => (Responder, flags::SYN | flags::ACK, Stage::Established),
            Stage::Refusal => {
                // It has the sequence number 0 (RFC 9293, section 3.10.7.1).
                let [originator, _] = self.next;
                self.next = [originator, 0];
                (Responder, flags::RST | flags::ACK, Stage::Done)
            }
            Stage::Established => (Originator, flags::ACK, self.after_message(conversation)),
            Stage::Data => return self.segment(conversation, ip_header),
            Stage::Acknowledgment => {
                let message = conversation.messages.get(self.message as usize);
                // Between messages the index is already at the next one.
                let side = match message {
                    Some(message) if self.offset > 0 => message.side().other(),
                    _ => self.previous_side(conversation).other(),
                };
                self.unacknowledged = 0;
                let then = if self.offset > 0 { Stage::Data } else { self.after_message(conversation) };
                (side, flags::ACK, then)
            }
            Stage::Fin => (closer, flags::FIN | flags::ACK, Stage::FinAck),
            Stage::FinAck => (closer.other(), flags::FIN | flags::ACK, Stage::LastAck),
            Stage::LastAck => (closer, flags::ACK, Stage::Done),
            Stage::Reset => (closer, flags::RST | flags::ACK, Stage::Done),
            Stage::Done => return None,
        };
        self.stage = then;
        let options = match flags {
            _ if flags & flags::RST != 0 => [0, 0],
            _ if flags & flags::SYN != 0 => SYN_OPTIONS,
            _ => OPTIONS,
        };
        let options = options.get(kind).copied().unwrap_or(0);
        let octets = u32::from(flags & (flags::SYN | flags::FIN) != 0);
        Some(self.tcp(side, flags, options, octets, Step::nothing()))
    }

    /// The time between the packet before and the next, in nanoseconds; none at the end.
    pub(crate) fn gap(&self, conversation: &Conversation) -> Option<u64> {
        let half = conversation.round_trip / 2;
        match self.stage {
            Stage::Done => None,
            Stage::Syn => Some(0),
            Stage::SynAck | Stage::Refusal | Stage::Established => Some(half),
            Stage::Data if self.offset > 0 => Some(conversation.segment_gap),
            Stage::Data => conversation.messages.get(self.message as usize).map(|message| message.pause),
            Stage::Acknowledgment => Some(conversation.segment_gap / 2),
            Stage::Fin | Stage::Reset => Some(conversation.segment_gap),
            Stage::FinAck | Stage::LastAck => Some(half),
        }
    }

    fn datagram(&mut self, conversation: &Conversation) -> Option<Step> {
        if self.stage == Stage::Done {
            return None;
        }
        let index = self.message as usize;
        let message = conversation.messages.get(index)?;
        let lap = self.lap;
        let payload = message.octets().min(u64::from(u16::MAX)) as u32;
        self.advance(conversation);
        self.stage = if self.is_over(conversation) { Stage::Done } else { Stage::Data };
        Some(Step { side: message.side(), segment: None, message: index, lap, offset: 0, payload })
    }

    fn segment(&mut self, conversation: &Conversation, ip_header: u32) -> Option<Step> {
        let index = self.message as usize;
        let message = conversation.messages.get(index)?;
        let Transport::Tcp { timestamps, .. } = conversation.transport else { return None };
        let options = OPTIONS.get(usize::from(timestamps)).copied().unwrap_or(0);
        let most = u64::from(MTU - ip_header - TCP - options);
        let (lap, offset) = (self.lap, self.offset);
        let left = message.octets().saturating_sub(offset);
        let payload = left.min(most) as u32;
        let is_last = left <= most;
        let flags = if is_last { flags::ACK | flags::PSH } else { flags::ACK };
        let side = message.side();
        self.unacknowledged += 1;
        if is_last {
            self.offset = 0;
            self.advance(conversation);
            let answered = !self.is_over(conversation)
                && conversation.messages.get(self.message as usize).is_some_and(|next| next.side() != side);
            if answered {
                self.unacknowledged = 0;
            }
            self.stage = if answered { self.after_message(conversation) } else { Stage::Acknowledgment };
        } else {
            self.offset += u64::from(payload);
            self.stage = if self.unacknowledged >= 2 { Stage::Acknowledgment } else { Stage::Data };
        }
        let part = Step { message: index, lap, offset, payload, ..Step::nothing() };
        Some(self.tcp(side, flags, options, payload, part))
    }

    /// Goes to the next message.
    fn advance(&mut self, conversation: &Conversation) {
        self.message += 1;
        if self.message as usize >= conversation.messages.len() && self.lap + 1 < conversation.laps {
            self.message = conversation.lap_start as u32;
            self.lap += 1;
        }
    }

    fn is_over(&self, conversation: &Conversation) -> bool {
        self.message as usize >= conversation.messages.len()
    }

    /// Who said the message before the current one.
    fn previous_side(&self, conversation: &Conversation) -> Side {
        let wrapped = self.lap > 0 && self.message as usize == conversation.lap_start;
        let index = if wrapped { conversation.messages.len() } else { self.message as usize };
        let message = index.checked_sub(1).and_then(|index| conversation.messages.get(index));
        message.map_or(Side::Originator, super::conversation::Message::side)
    }

    /// The stage after a whole message.
    fn after_message(&self, conversation: &Conversation) -> Stage {
        match conversation.transport {
            _ if !self.is_over(conversation) => Stage::Data,
            Transport::Tcp { closing: Closing::Fin(_), .. } => Stage::Fin,
            Transport::Tcp { closing: Closing::Reset(_), .. } => Stage::Reset,
            Transport::Tcp { closing: Closing::Open, .. } | Transport::Udp => Stage::Done,
        }
    }

    /// A segment that takes so many sequence numbers.
    fn tcp(&mut self, side: Side, flags: u8, options: u32, octets: u32, part: Step) -> Step {
        let [seq, peer] = side.order(self.next);
        let ack = if flags & flags::ACK != 0 { peer } else { 0 };
        let next = seq.wrapping_add(octets);
        if let Some(to) = self.next.get_mut(side.index()) {
            *to = next;
        }
        Step { side, segment: Some(Segment { flags, seq, ack, options }), ..part }
    }
}

impl Step {
    const fn nothing() -> Self {
        Self { side: Side::Originator, segment: None, message: 0, lap: 0, offset: 0, payload: 0 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::generate::conversation::Message;

    fn conversation() -> impl Strategy<Value = Conversation> {
        let message = (any::<bool>(), 1..6_000_u64).prop_map(|(is_response, filler)| Message {
            is_response,
            filler,
            ..Message::default()
        });
        let closing = prop::sample::select(vec![
            Closing::Fin(Side::Originator),
            Closing::Fin(Side::Responder),
            Closing::Reset(Side::Originator),
            Closing::Open,
        ]);
        let laps = (0..4_usize, 1..4_u32);
        (prop::collection::vec(message, 1..8), laps, closing, any::<bool>()).prop_map(
            |(messages, (start, laps), closing, timestamps)| {
                let mut conversation = Conversation::tcp();
                conversation.transport = Transport::Tcp { opening: Opening::Handshake, closing, timestamps };
                let start = start.min(messages.len() - 1);
                conversation.messages = messages;
                conversation.repeat(start, laps);
                conversation
            },
        )
    }

    /// Octets that each side says in all laps.
    fn said(conversation: &Conversation) -> [u64; 2] {
        let mut said = [0; 2];
        for (index, message) in conversation.messages.iter().enumerate() {
            let laps = if index >= conversation.lap_start { conversation.laps } else { 1 };
            said[message.side().index()] += message.octets() * u64::from(laps);
        }
        said
    }

    proptest! {
        #[test]
        fn streams_are_whole_and_acknowledged(conversation in conversation(), initial: [u32; 2]) {
            let mut cursor = Cursor::new(&conversation, initial);
            let mut next = initial;
            let mut sent = [0_u64; 2];
            let mut acknowledged = initial;
            let mut steps = 0;
            while cursor.gap(&conversation).is_some() {
                let step = cursor.step(&conversation, 20).unwrap();
                let segment = step.segment.unwrap();
                let (own, other) = (step.side.index(), step.side.other().index());
                prop_assert_eq!(segment.seq, next[own], "step {}: no gap, nothing twice", steps);
                if segment.flags & flags::ACK != 0 {
                    prop_assert_eq!(segment.ack, next[other], "step {}", steps);
                    acknowledged[other] = segment.ack;
                }
                let numbers = step.payload + u32::from(segment.flags & (flags::SYN | flags::FIN) != 0);
                next[own] = next[own].wrapping_add(numbers);
                sent[own] += u64::from(step.payload);
                prop_assert!(20 + step.header() + step.payload <= MTU);
                steps += 1;
            }
            prop_assert_eq!(cursor.step(&conversation, 20), None);
            prop_assert_eq!(sent, said(&conversation));
            if let Transport::Tcp { closing: Closing::Fin(_) | Closing::Open, .. } = conversation.transport {
                prop_assert_eq!(acknowledged, next, "everything is acknowledged");
            }
        }
    }

    #[test]
    fn a_refusal_acknowledges_the_syn_and_has_the_sequence_number_0() {
        let conversation = Conversation::tcp().opened(Opening::Refused);
        let mut cursor = Cursor::new(&conversation, [41, 99]);
        cursor.step(&conversation, 20).unwrap();
        let segment = cursor.step(&conversation, 20).unwrap().segment.unwrap();
        let expected = Segment { flags: flags::RST | flags::ACK, seq: 0, ack: 42, options: 0 };
        assert_eq!(segment, expected);
        assert_eq!(cursor.step(&conversation, 20), None);
    }

    #[test]
    fn each_message_over_udp_is_a_datagram() {
        let mut conversation = Conversation::udp();
        conversation.request(0, b"ask").response(5, b"answer").repeat(1, 3);
        let mut cursor = Cursor::new(&conversation, [0, 0]);
        let mut payloads = Vec::new();
        while cursor.gap(&conversation).is_some() {
            payloads.push(cursor.step(&conversation, 20).unwrap().payload);
        }
        assert_eq!(payloads, [3, 6, 6, 6]);
    }
}

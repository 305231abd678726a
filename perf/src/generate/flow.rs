//! One flow in the making: its ends, its place in what it says, and the count of its packets.

use std::sync::Arc;

use super::addresses::Assignment;
use super::conversation::{Conversation, Transport};
use super::cursor::{Cursor, Segment, Step};
use super::filler::{Filler, Part};
use super::frame::{Ends, FrameBuilder, IpFields, Protocol, Side, flags};
use super::ground_truth::Tally;
use super::random::Random;
use super::template::{TemplateCursor, TemplateFlow};

/// What a flow is of.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// A conversation of an application model.
    Conversation {
        /// Name in the ground truth.
        label: &'static str,
        /// What is said.
        conversation: Arc<Conversation>,
        /// How far it is.
        cursor: Cursor,
    },
    /// The packets of a template.
    Template {
        /// The flow of the template.
        template: Arc<TemplateFlow>,
        /// How far it is.
        cursor: TemplateCursor,
    },
}

impl Content {
    /// From an application model.
    pub(crate) fn conversation(
        label: &'static str,
        conversation: Arc<Conversation>,
        random: &mut Random,
    ) -> Self {
        let [a, b] = halves(random.bits());
        let cursor = Cursor::new(&conversation, [a, b]);
        Self::Conversation { label, conversation, cursor }
    }

    /// From a template.
    pub(crate) fn template(template: Arc<TemplateFlow>, random: &mut Random) -> Self {
        let cursor = TemplateCursor::new(halves(random.bits()), random.bits());
        Self::Template { template, cursor }
    }

    /// Packets and octets of IP that are still to come.
    pub(crate) fn size(&self, ip_header: u32, mut packet: impl FnMut(u32)) {
        match self {
            Self::Conversation { conversation, cursor, .. } => {
                let mut cursor = cursor.clone();
                while let Some(step) = cursor.step(conversation, ip_header) {
                    packet(ip_header + step.header() + step.payload);
                }
            }
            Self::Template { template, .. } => {
                for sent in &template.packets {
                    packet(ip_header + sent.octets());
                }
            }
        }
    }

    /// Time before the next packet; none at the end.
    pub(crate) fn gap(&self) -> Option<u64> {
        match self {
            Self::Conversation { conversation, cursor, .. } => cursor.gap(conversation),
            Self::Template { template, cursor } => cursor.gap(template),
        }
    }
}

fn halves(bits: u64) -> [u32; 2] {
    [bits as u32, (bits >> 32) as u32]
}

/// A flow of which packets are still to come.
#[derive(Debug)]
pub(crate) struct Flow {
    /// Its ends.
    pub(crate) ends: Ends,
    /// What it is of.
    pub(crate) content: Content,
    /// Its packets so far.
    pub(crate) tally: Tally,
    /// Time of its first packet on the link.
    pub(crate) start: u64,
    seed: u32,
    ip: [IpFields; 2],
}

/// A packet that was built.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Built {
    /// Who sent it.
    pub(crate) side: Side,
    /// Octets of IP.
    pub(crate) ip: u32,
    /// Octets of payload.
    pub(crate) payload: u32,
}

impl Flow {
    /// One that begins at `start`.
    pub(crate) fn new(ends: Ends, content: Content, start: u64, random: &mut Random) -> Self {
        let bits = random.bits();
        let [seed, ids] = halves(bits);
        let hops = (random.bits() % 20) as u8;
        let ip = [
            IpFields { ttl: 128 - hops % 4, id: ids as u16 },
            IpFields { ttl: 64 - hops, id: (ids >> 16) as u16 },
        ];
        Self { ends, content, tally: Tally::default(), start, seed, ip }
    }

    /// Name in the ground truth.
    pub(crate) fn label(&self) -> &str {
        match &self.content {
            Content::Conversation { label, .. } => label,
            Content::Template { template, .. } => &template.label,
        }
    }

    /// Transport protocol.
    pub(crate) fn protocol(&self) -> Protocol {
        match &self.content {
            Content::Conversation { conversation, .. } => conversation.transport.protocol(),
            Content::Template { template, .. } => template.protocol,
        }
    }

    /// Builds the next packet, at `time` in nanoseconds.
    pub(crate) fn build(&mut self, time: u64, filler: &Filler, frame: &mut FrameBuilder) -> Option<Built> {
        let ip_header = self.ends.ip_header();
        let is_v6 = self.ends.is_v6();
        let built = match &mut self.content {
            Content::Conversation { conversation, cursor, .. } => {
                let step = cursor.step(conversation, ip_header)?;
                let ip = next_ip(&mut self.ip, step.side, is_v6);
                frame.begin(&self.ends, step.side, conversation.transport.protocol(), ip);
                write_step(&step, conversation, self.seed, time, is_v6, filler, frame);
                Built { side: step.side, ip: ip_header + step.header() + step.payload, payload: step.payload }
            }
            Content::Template { template, cursor } => {
                let packet = cursor.next(template)?;
                let ip = next_ip(&mut self.ip, packet.side, is_v6);
                frame.begin(&self.ends, packet.side, template.protocol, ip);
                cursor.write(packet, frame);
                Built {
                    side: packet.side,
                    ip: ip_header + packet.octets(),
                    payload: packet.payload.len() as u32,
                }
            }
        };
        Some(built)
    }
}

/// Header fields of a side's next packet.
fn next_ip(ip: &mut [IpFields; 2], side: Side, is_v6: bool) -> IpFields {
    let Some(fields) = ip.get_mut(side.index()) else { return IpFields { ttl: 64, id: 0 } };
    let now = *fields;
    if !is_v6 {
        // A flow label stays as it is (RFC 6437).
        fields.id = fields.id.wrapping_add(1);
    }
    now
}

fn write_step(
    step: &Step,
    conversation: &Conversation,
    seed: u32,
    time: u64,
    is_v6: bool,
    filler: &Filler,
    frame: &mut FrameBuilder,
) {
    match step.segment {
        Some(segment) => write_tcp(segment, conversation.transport, seed, time, is_v6, frame),
        None => frame.udp(),
    }
    if step.payload == 0 {
        return;
    }
    let Some(message) = conversation.messages.get(step.message) else { return };
    let literal = conversation.literals.get(message.literal.clone()).unwrap_or_default();
    let length = step.payload as usize;
    let chosen = literal.get((step.offset as usize).min(literal.len())..).unwrap_or_default();
    let chosen = chosen.get(..length.min(chosen.len())).unwrap_or_default();
    frame.payload().extend_from_slice(chosen);
    let length = length - chosen.len();
    if length > 0 {
        let offset = step.offset.saturating_sub(literal.len() as u64);
        let (kind, total) = (message.kind, message.filler);
        filler.append(frame.payload(), Part { kind, seed, lap: step.lap, total, offset, length });
    }
}

/// Options of a SYN: the segment size without the headers, window scale 7, SACK permitted, and time stamps or not.
fn write_tcp(
    segment: Segment,
    transport: Transport,
    seed: u32,
    time: u64,
    is_v6: bool,
    frame: &mut FrameBuilder,
) {
    let Segment { flags, seq, ack, options: length } = segment;
    let [mss_high, mss_low] = (if is_v6 { 1440_u16 } else { 1460 }).to_be_bytes();
    let stamp = seed.wrapping_add((time / 1_000_000) as u32).to_be_bytes();
    let [v3, v2, v1, v0] = stamp;
    let echo = if ack == 0 { [0; 4] } else { stamp };
    let [e3, e2, e1, e0] = echo;
    let with_stamps = matches!(transport, Transport::Tcp { timestamps: true, .. });
    let window = 501;
    if length == 0 {
        frame.tcp(seq, ack, flags, window, &[]);
    } else if flags & flags::SYN == 0 {
        frame.tcp(seq, ack, flags, window, &[1, 1, 8, 10, v3, v2, v1, v0, e3, e2, e1, e0]);
    } else if with_stamps {
        let options = [2, 4, mss_high, mss_low, 4, 2, 8, 10, v3, v2, v1, v0, e3, e2, e1, e0, 1, 3, 3, 7];
        frame.tcp(seq, ack, flags, 64240, &options);
    } else {
        frame.tcp(seq, ack, flags, 64240, &[2, 4, mss_high, mss_low, 1, 3, 3, 7, 1, 1, 4, 2]);
    }
}

/// A flow that is to begin.
#[derive(Debug)]
pub(crate) struct Start {
    /// Its ends and server.
    pub(crate) assignment: Assignment,
    /// What it is of.
    pub(crate) content: Content,
    /// So long after the others that begin with it, in nanoseconds.
    pub(crate) after: u64,
}

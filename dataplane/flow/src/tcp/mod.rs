//! TCP: the two ends of a connection, segment by segment.
//!
//! The order of the steps matters, since the history, the gaps and the oddities that are reported depend on what has
//! been updated when: it is that of Zeek.

mod endpoint;
mod options;
mod reassembly;
mod state_machine;
mod stream;
mod timers;

#[cfg(test)]
mod tests;

use packet::{Packet, TcpHeader, tcp_flags};
use record::Time;

use crate::history::is_logged;
use crate::info::{Side, seen};
use crate::{Config, Counters, Direction, EndpointState, FlowInfo, Hooks};

use endpoint::{Endpoint, Mark, TOO_LARGE_DELTA, delta};
use reassembly::{GivenUp, Reassembly, Sink};
use stream::{Stream, Streams};
use timers::Timers;

/// So many FINs or RSTs of one end, less than a second apart, are a storm.
const STORM: u16 = 1000;
const STORM_NANOSECONDS: u64 = 1_000_000_000;

/// Source of oddities that Zeek reports with an analyzer name.
const TCP: &str = "TCP";

/// The TCP part of a connection.
#[derive(Debug)]
pub(crate) struct TcpState {
    ends: [Endpoint; 2],
    streams: Streams,
    timers: Timers,
}

/// A segment as the state machine needs it.
#[derive(Debug, Clone, Copy)]
struct Segment<'p> {
    header: TcpHeader<'p>,
    /// Payload as captured: shorter than `len` when the capture was cut.
    payload: &'p [u8],
    /// Length of the payload on the wire.
    len: u32,
    now: Time,
}

impl Segment<'_> {
    const fn has(&self, flag: u8) -> bool {
        self.header.flags & flag != 0
    }

    const fn syn(&self) -> bool {
        self.has(tcp_flags::SYN)
    }

    const fn fin(&self) -> bool {
        self.has(tcp_flags::FIN)
    }

    const fn rst(&self) -> bool {
        self.has(tcp_flags::RST)
    }

    const fn ack(&self) -> bool {
        self.has(tcp_flags::ACK)
    }

    const fn is_plain(&self) -> bool {
        self.header.flags & (tcp_flags::SYN | tcp_flags::FIN | tcp_flags::RST) == 0
    }

    /// Sequence numbers that it takes. Data of a RST is not part of the stream.
    const fn sequence_len(&self) -> u32 {
        let payload = if self.rst() { 0 } else { self.len };
        payload.wrapping_add(self.syn() as u32).wrapping_add(self.fin() as u32)
    }
}

/// What a step needs besides the TCP state itself.
struct Context<'a, H: Hooks> {
    flow: &'a mut FlowInfo,
    state: &'a mut H::State,
    hooks: &'a mut H,
    config: &'a Config,
    counters: &'a mut Counters,
}

impl<H: Hooks> Context<'_, H> {
    fn weird(&mut self, name: &'static str, source: &'static str) {
        crate::datagram::weird(self.flow, self.hooks, name, "", source);
    }

    /// Something odd that is far too common to be reported: a FIN or RST, or a SYN-ACK, that comes out of nowhere, or a
    /// FIN after a RST. (Zeek knows them too, and does not log them by default.)
    const fn common_weird(&mut self) {
        self.flow.note_weird();
    }
}

impl TcpState {
    pub(crate) fn new(now: Time, config: &Config) -> Self {
        Self {
            ends: [Endpoint::new(), Endpoint::new()],
            streams: Streams::new(),
            timers: Timers::new(now, &config.timeouts),
        }
    }

    fn end(&self, side: Side) -> &Endpoint {
        &self.ends[side.index()]
    }

    fn end_mut(&mut self, side: Side) -> &mut Endpoint {
        &mut self.ends[side.index()]
    }

    /// States of originator and responder.
    pub(crate) fn states(&self, flow: &FlowInfo) -> [EndpointState; 2] {
        [Direction::Originator, Direction::Responder].map(|direction| self.end(flow.side(direction)).state)
    }

    /// Payload octets of originator and responder.
    pub(crate) fn sizes(&self, flow: &FlowInfo) -> [u64; 2] {
        [Direction::Originator, Direction::Responder].map(|direction| {
            let side = flow.side(direction);
            self.end(side).size(self.end(side.peer()).state)
        })
    }

    /// Frees what reassembly holds.
    pub(crate) fn release(&mut self, counters: &mut Counters) {
        for stream in self.streams.iter_mut() {
            stream.reassembly.release(counters);
        }
    }

    /// Octets that reassembly holds.
    pub(crate) fn buffered(&self) -> u64 {
        [Side::Low, Side::High].map(|side| self.streams.get(side).reassembly.cost()).iter().sum()
    }

    /// Whether data of a side may still be delivered, or acknowledged by its peer.
    fn has_pending_data(&self, side: Side) -> bool {
        let (end, reassembly) = (self.end(side), &self.streams.get(side).reassembly);
        if reassembly.is_given_up() {
            return false;
        }
        let delivered = u64::from(end.start).wrapping_add(reassembly.next());
        let last = end.last_full();
        if last < delivered {
            return false;
        }
        // A FIN takes a sequence number, a RST does not.
        if delivered != last && delivered != last.wrapping_sub(1) {
            return true;
        }
        end.state != EndpointState::Reset && self.streams.get(side.peer()).reassembly.has_unacked()
    }

    /// Takes a packet of the connection, sent by `side`.
    #[expect(clippy::too_many_arguments, reason = "the parts of one table entry, borrowed apart")]
    pub(crate) fn process<H: Hooks>(
        &mut self,
        flow: &mut FlowInfo,
        state: &mut H::State,
        side: Side,
        header: &TcpHeader<'_>,
        packet: &Packet<'_>,
        now: Time,
        config: &Config,
        counters: &mut Counters,
        hooks: &mut H,
    ) {
        let bad_checksum = crate::datagram::is_corrupt(flow, side, packet, hooks);
        let mut context = Context { flow, state, hooks, config, counters };
        if packet.bad_header || bad_checksum {
            // Decoding has reported it.
            context.flow.note_weird();
            if bad_checksum {
                context.counters.bad_checksums = context.counters.bad_checksums.wrapping_add(1);
                context.flow.bad_checksum(side);
            }
            return;
        }
        let segment = Segment { header: *header, payload: packet.payload, len: packet.payload_len, now };
        self.segment(&mut context, side, &segment);
        // A connection that was turned round counts the packet for the role that its sender has now.
        context.flow.count_packet(side, packet.ip.total_len);
    }

    fn segment<H: Hooks>(&mut self, context: &mut Context<'_, H>, side: Side, segment: &Segment<'_>) {
        let peer = side.peer();
        let (seq, ack) = (segment.header.sequence, segment.header.acknowledgment);
        let direction = context.flow.direction(side);
        self.update_partial(context.flow, side, direction, segment);

        let after = seq.wrapping_add(segment.sequence_len());
        self.init_endpoint(context, side, segment, after);
        let (relative, underflow) = self.end(side).relative(seq);
        if underflow && !segment.rst() {
            context.weird("TCP_seq_underflow_or_misorder", TCP);
        }
        self.update_history(context.flow, side, segment, relative);
        self.update_window(context, side, segment);

        let previous_last = context.flow.last();
        if !self.both_closed() {
            context.flow.set_last(segment.now);
        }
        if segment.syn() {
            self.take_syn(context, side, segment);
        }
        let stormy = segment.now.0 < previous_last.0.saturating_add(STORM_NANOSECONDS);
        if segment.fin() {
            let fin_seq = relative.wrapping_add(u64::from(segment.sequence_len()));
            self.streams.get_mut(side).fin_seq = fin_seq;
            let end = self.end_mut(side);
            end.fins = end.fins.saturating_add(1);
            if end.fins >= STORM && stormy {
                context.weird("FIN_storm", TCP);
            }
        }
        if segment.rst() {
            let end = self.end_mut(side);
            end.resets = end.resets.saturating_add(1);
            if end.resets >= STORM && stormy {
                context.weird("RST_storm", TCP);
            }
            let direction = context.flow.direction(side);
            context.hooks.reset(context.flow, context.state, direction);
        }

        let mut relative_ack = 0;
        if segment.ack() {
            if self.end(peer).state == EndpointState::Inactive {
                relative_ack = 1;
                self.init_peer(context, side, segment);
            } else {
                let (value, ack_underflow) = self.end(peer).relative_ack(ack);
                if ack_underflow {
                    context.weird("TCP_ack_underflow_or_misorder", TCP);
                } else {
                    relative_ack = value;
                    if !segment.rst() {
                        // Acknowledgments of RST packets are not to be trusted.
                        update_acked(self.end_mut(peer), ack);
                        if context.flow.is_offloaded(peer) {
                            self.end_mut(peer).sent_unseen(ack);
                        }
                    }
                }
            }
        }

        let advance = self.update_last(context.flow, side, segment, after);
        let close = self.advance_state(context, side, direction, segment, advance);

        if segment.ack() {
            // After the state, so that a gap that shows at the very end is known to be there: those at RSTs are
            // not reliable.
            self.acked(context, peer, relative_ack);
        }
        self.end_mut(side).mark(Mark::SEEN);

        if segment.len > 0 && !segment.rst() && !underflow {
            let data_seq = relative.wrapping_add(u64::from(segment.syn()));
            self.data(context, side, data_seq, segment);
        }
        self.check_end(context, side);
        if let Some(finishes) = close {
            self.closed(context, side, finishes);
        }
    }

    /// Finds out whether the beginning of the connection was seen.
    fn update_partial(&self, flow: &mut FlowInfo, side: Side, direction: Direction, segment: &Segment<'_>) {
        if self.end(side).has(Mark::SEEN) {
            return;
        }
        match direction {
            Direction::Originator => flow.is_partial = !segment.syn() || segment.ack(),
            Direction::Responder if !flow.is_partial => flow.is_partial = !segment.syn(),
            Direction::Responder => {}
        }
    }

    fn init_endpoint<H: Hooks>(
        &mut self,
        context: &mut Context<'_, H>,
        side: Side,
        segment: &Segment<'_>,
        after: u32,
    ) {
        let peer_state = self.end(side.peer()).state;
        let end = &mut self.ends[side.index()];
        let seq = segment.header.sequence;
        match end.state {
            EndpointState::Inactive if segment.syn() => end.init(seq, after),
            // As though there had been a SYN, so that relative numbers mean the same; the first packet is never a
            // retransmission.
            EndpointState::Inactive => end.init(seq.wrapping_sub(1), seq),
            EndpointState::SynSent | EndpointState::SynAckSent if segment.syn() && seq != end.start => {
                end.init(seq, after);
                context.weird("SYN_seq_jump", "");
            }
            EndpointState::Established | EndpointState::Partial if segment.syn() => {
                let (inside, jump) = (end.size(peer_state) > 0, seq != end.start);
                end.init(seq, after);
                if inside {
                    context.weird("SYN_inside_connection", "");
                }
                if jump {
                    context.weird("SYN_seq_jump", "");
                }
            }
            // The RST that set its numbers may have been forged.
            EndpointState::Reset if segment.syn() && end.previous == EndpointState::Inactive => {
                end.init(seq, after);
            }
            _ => {}
        }
    }

    fn update_history(&mut self, flow: &mut FlowInfo, side: Side, segment: &Segment<'_>, relative: u64) {
        let flags = [segment.syn(), segment.fin(), segment.rst()];
        match flags {
            [false, false, false] => {
                let letter = if segment.len > 0 {
                    (seen::DATA, b'D')
                } else if segment.ack() {
                    (seen::ACK, b'A')
                } else {
                    return;
                };
                self.turn_round_after_syn_ack(flow);
                flow.check_history(side, letter.0, letter.1);
            }
            [true, false, false] => {
                let letter = if segment.ack() { b'H' } else { b'S' };
                let last = self.remember(
                    side,
                    relative as u32,
                    |stream| &stream.last_syn,
                    |stream| &mut stream.last_syn,
                );
                if flow.check_history(side, seen::SYN, letter) && last != relative as u32 {
                    flow.add_history_of(side, letter);
                }
            }
            [false, true, false] => {
                // Of a FIN counts where it is: after the data.
                let position = (relative as u32).wrapping_add(segment.len);
                let last = std::mem::replace(&mut self.streams.get_mut(side).last_fin, position);
                if flow.check_history(side, seen::FIN, b'F') && last != position {
                    flow.add_history_of(side, b'F');
                }
            }
            [false, false, true] => {
                let last = self.remember(
                    side,
                    relative as u32,
                    |stream| &stream.last_rst,
                    |stream| &mut stream.last_rst,
                );
                if flow.check_history(side, seen::RST, b'R') && last != relative as u32 {
                    flow.add_history_of(side, b'R');
                }
            }
            [_, true, true] => {
                flow.check_history(side, seen::FIN_RST, b'I');
            }
            _ => {
                flow.check_history(side, seen::MULTI_FLAG, b'Q');
            }
        }
    }

    /// Puts a number in the place of what was there before, and returns that.
    fn remember(
        &mut self,
        side: Side,
        number: u32,
        place: impl FnOnce(&Stream) -> &u32,
        place_mut: impl FnOnce(&mut Stream) -> &mut u32,
    ) -> u32 {
        let before = *place(self.streams.get(side));
        if before != number {
            *place_mut(self.streams.get_mut(side)) = number;
        }
        before
    }

    /// A SYN-ACK came first, and now data or an acknowledgment: no scan, so its sender is the responder after all.
    fn turn_round_after_syn_ack(&mut self, flow: &mut FlowInfo) {
        if flow.history().as_bytes() != b"H" {
            return;
        }
        flow.flip();
        flow.replace_history(b"^h");
        // The beginning is known well enough.
        for end in &mut self.ends {
            end.mark(Mark::SEEN);
        }
    }

    fn update_window<H: Hooks>(&mut self, context: &mut Context<'_, H>, side: Side, segment: &Segment<'_>) {
        let peer_closed = self.end(side.peer()).state == EndpointState::Closed;
        let end = &mut self.ends[side.index()];
        let window = u32::from(segment.header.window) << end.window_scale.min(options::MAX_WINDOW_SCALE);
        // Zero windows after the end mean nothing.
        if window == 0 && !segment.rst() && !peer_closed && end.state != EndpointState::Reset {
            let zero_windows = &mut self.streams.get_mut(side).zero_windows;
            *zero_windows = zero_windows.saturating_add(1);
            if is_logged(*zero_windows) {
                context.flow.add_history_of(side, b'W');
            }
        }
        let (seq, ack) = (segment.header.sequence, segment.header.acknowledgment);
        if !segment.is_plain()
            || matches!(end.state, EndpointState::Closed | EndpointState::Reset)
            || delta(seq, end.window_seq) < 0
            || delta(ack, end.window_ack) < 0
        {
            return;
        }
        let advance = delta(ack.wrapping_add(window), end.window_ack.wrapping_add(end.window));
        // A window may seem to shrink by less than its granularity.
        let shrinks = advance < 0 && advance.wrapping_neg() >= 1 << end.window_scale;
        end.window = window;
        end.window_ack = ack;
        end.window_seq = seq;
        if shrinks {
            context.weird("window_recision", "");
        }
    }

    fn take_syn<H: Hooks>(&mut self, context: &mut Context<'_, H>, side: Side, segment: &Segment<'_>) {
        if segment.rst() {
            context.weird("TCP_christmas", TCP);
        }
        if segment.has(tcp_flags::URG) {
            context.weird("baroque_SYN", TCP);
        }
        if segment.len > 0 {
            context.weird("SYN_with_data", TCP);
        }
        let (seq, ack) = (segment.header.sequence, segment.header.acknowledgment);
        let Some(scale) = options::window_scale(segment.header.options) else {
            self.end_mut(side).window_scale = 0;
            if segment.ack() {
                self.end_mut(side.peer()).window_scale = 0;
            }
            return;
        };
        if scale > options::MAX_WINDOW_SCALE && !context.flow.did_weird() {
            let detail = scale.to_string();
            crate::datagram::weird(context.flow, context.hooks, "TCP_scale_range", &detail, TCP);
        }
        let end = self.end_mut(side);
        end.window_scale = scale.min(options::MAX_WINDOW_SCALE);
        end.window_seq = seq;
        end.window_ack = ack;
        let peer = self.end_mut(side.peer());
        peer.window_seq = ack;
        peer.window_ack = seq;
    }

    /// The peer was not seen, but is acknowledged.
    fn init_peer<H: Hooks>(&mut self, context: &mut Context<'_, H>, side: Side, segment: &Segment<'_>) {
        let handshake = matches!(
            self.end(side).state,
            EndpointState::SynSent | EndpointState::SynAckSent | EndpointState::Established
        );
        if segment.is_plain() && handshake && !context.flow.did_weird() {
            context.weird("possible_split_routing", "");
        }
        let start = segment.header.acknowledgment.wrapping_sub(1);
        self.end_mut(side.peer()).init(start, start);
    }

    /// Returns how far the segment ends beyond what was sent before.
    fn update_last(&mut self, flow: &mut FlowInfo, side: Side, segment: &Segment<'_>, after: u32) -> i32 {
        let end = &mut self.ends[side.index()];
        let advance = delta(after, end.last());
        if (segment.syn() || segment.rst()) && !(-TOO_LARGE_DELTA..=TOO_LARGE_DELTA).contains(&advance) {
            return advance;
        }
        if segment.fin() && end.last() == end.start.wrapping_add(1) {
            // Only the SYN was seen: the FIN says how much was sent, be it more than 2 GiB.
            end.advance_last(after);
        } else if end.state == EndpointState::Reset {
            // Sequence numbers after a RST are not believed.
        } else if advance > 0 {
            end.advance_last(after);
        } else if segment.len > 0 {
            let retransmissions = &mut self.streams.get_mut(side).retransmissions;
            *retransmissions = retransmissions.saturating_add(1);
            if is_logged(*retransmissions) {
                flow.add_history_of(side, b'T');
            }
        }
        advance
    }

    /// `side`'s data before `ack` is acknowledged.
    fn acked<H: Hooks>(&mut self, context: &mut Context<'_, H>, side: Side, ack: u64) {
        if self.streams.are_unused() && ack <= Reassembly::FIRST {
            self.check_end(context, side);
            return;
        }
        let [established, clean] = [
            self.ends.iter().all(|end| end.state == EndpointState::Established),
            self.ends.iter().all(Endpoint::is_clean),
        ];
        let peer_state = self.end(side.peer()).state;
        let end = &self.ends[side.index()];
        let stream = self.streams.get_mut(side);
        let ack = match stream.fin_seq.checked_sub(1) {
            Some(before_fin) if end.fins > 0 => ack.min(before_fin),
            // A FIN right before the start, which says nothing of where the data ends.
            _ => ack,
        };
        let facts = end.facts(peer_state, context.flow.is_partial, context.config.limits.initial_window);
        let mut sink = HookSink {
            flow: context.flow,
            state: context.state,
            hooks: context.hooks,
            side,
            gaps: clean.then_some(&mut stream.gaps),
        };
        let was = stream.reassembly.next();
        let missing = stream.reassembly.acked(ack, facts, context.counters, &mut sink);
        if established && !stream.reassembly.is_given_up() && ack > was && !context.flow.is_offloaded(side) {
            context.counters.acks = context.counters.acks.wrapping_add(1);
            context.counters.acks_of_gaps = context.counters.acks_of_gaps.wrapping_add(u64::from(missing));
        }
        self.check_end(context, side);
    }

    fn data<H: Hooks>(&mut self, context: &mut Context<'_, H>, side: Side, seq: u64, segment: &Segment<'_>) {
        let Some(payload) = segment.payload.get(..segment.len as usize) else {
            context.weird("truncated_tcp_payload", TCP);
            return;
        };
        let peer_state = self.end(side.peer()).state;
        let end = &self.ends[side.index()];
        let limits = &context.config.limits;
        let mut facts = end.facts(peer_state, context.flow.is_partial, limits.initial_window);
        facts.acks_unseen |= context.flow.is_offloaded(side.peer());
        let mut sink =
            HookSink { flow: context.flow, state: context.state, hooks: context.hooks, side, gaps: None };
        let reassembly = &mut self.streams.get_mut(side).reassembly;
        let given_up = reassembly.segment(seq, payload, facts, limits, context.counters, &mut sink);
        match given_up {
            Some(GivenUp::AboveHole) => context.weird("above_hole_data_without_any_acks", TCP),
            Some(GivenUp::Excessive) => context.weird("excessive_data_without_further_acks", TCP),
            None => {}
        }
    }
}

fn update_acked(peer: &mut Endpoint, ack: u32) {
    let advance = delta(ack, peer.acked());
    // An acknowledgment of 0 that jumps is rather a broken one than a large connection that happens to be there.
    if advance > 0 && !(ack == 0 && advance > TOO_LARGE_DELTA) {
        peer.advance_acked(ack);
    }
}

/// Reassembled data and gaps, on to the user.
struct HookSink<'a, H: Hooks> {
    flow: &'a mut FlowInfo,
    state: &'a mut H::State,
    hooks: &'a mut H,
    side: Side,
    /// Gaps counted so far, where they are to be counted: in other states than established they arise falsely.
    gaps: Option<&'a mut u32>,
}

impl<H: Hooks> Sink for HookSink<'_, H> {
    fn wants(&self) -> bool {
        self.flow.wants(self.side)
    }

    fn skip(&self) -> u64 {
        self.flow.skip(self.side)
    }

    fn skipped(&mut self, len: u64) {
        self.flow.pass(self.side, len);
        let direction = self.flow.direction(self.side);
        self.hooks.skipped(self.flow, self.state, direction, len);
    }

    fn data(&mut self, payload: &[u8]) {
        let direction = self.flow.direction(self.side);
        self.hooks.data(self.flow, self.state, direction, payload);
    }

    fn gap(&mut self, len: u64) {
        if self.flow.is_offloaded(self.side) {
            return;
        }
        self.flow.pass(self.side, len);
        if let Some(gaps) = self.gaps.as_deref_mut() {
            *gaps = gaps.saturating_add(1);
            if is_logged(*gaps) {
                self.flow.add_history_of(self.side, b'G');
            }
            self.flow.count_missed(len);
        }
        let direction = self.flow.direction(self.side);
        self.hooks.gap(self.flow, self.state, direction, len);
    }
}

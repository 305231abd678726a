//! States of the two ends, closing, and the use of a connection's ends for a new one.

use packet::{TcpHeader, tcp_flags};
use record::Time;

use super::endpoint::{Endpoint, Mark, delta};
use super::{Context, Segment, TCP, TcpState};
use crate::info::Side;
use crate::{Config, Direction, EndpointState, FlowInfo, Hooks};

/// Whether a close finishes the connection in an orderly way.
type Finishes = bool;

/// Octets of a header without options.
const MIN_HEADER: u8 = 20;

impl TcpState {
    /// Moves the states; returns whether `side` closed with this segment, and how.
    ///
    /// `direction` is the sender's role before this packet, which may have changed it.
    pub(super) fn advance_state<H: Hooks>(
        &mut self,
        context: &mut Context<'_, H>,
        side: Side,
        direction: Direction,
        segment: &Segment<'_>,
        advance: i32,
    ) -> Option<Finishes> {
        match self.end(side).state {
            EndpointState::Inactive => self.leave_inactive(context, side, direction, segment),
            EndpointState::SynSent | EndpointState::SynAckSent => {
                self.leave_syn_sent(context, side, direction, segment)
            }
            EndpointState::Established | EndpointState::Partial => {
                self.leave_established(context, side, segment)
            }
            EndpointState::Closed => self.leave_closed(context, side, segment, advance),
            EndpointState::Reset => {
                if segment.syn() {
                    context.weird("SYN_after_reset", TCP);
                }
                if segment.fin() {
                    context.common_weird();
                }
                if segment.len > 0 && !segment.rst() {
                    context.weird("data_after_reset", TCP);
                }
                None
            }
        }
    }

    fn leave_inactive<H: Hooks>(
        &mut self,
        context: &mut Context<'_, H>,
        side: Side,
        direction: Direction,
        segment: &Segment<'_>,
    ) -> Option<Finishes> {
        let peer = side.peer();
        let mut close = None;
        if segment.syn() {
            match direction {
                Direction::Originator => self.originator_syn(context, side, segment),
                Direction::Responder => self.responder_syn(context, side, segment),
            }
        }
        if segment.fin() {
            self.set_state(context, side, EndpointState::Closed);
            close = Some(true);
            if self.end(peer).state != EndpointState::Partial && !segment.syn() {
                context.common_weird();
            }
        }
        if segment.rst() {
            self.set_state(context, side, EndpointState::Reset);
            let peer_state = self.end(peer).state;
            let rejects = match direction {
                // A SYN-ACK without a SYN: a scan with a forged sender, answered by a reset.
                Direction::Originator => peer_state == EndpointState::Established,
                Direction::Responder => {
                    matches!(peer_state, EndpointState::SynSent | EndpointState::SynAckSent)
                }
            };
            close = Some(!rejects);
            if !rejects && peer_state == EndpointState::Inactive {
                context.common_weird();
            }
        }
        if self.end(side).state == EndpointState::Inactive {
            let originator = context.flow.side(Direction::Originator);
            if direction == Direction::Responder
                && segment.len == 0
                && self.end(originator).state == EndpointState::SynSent
            {
                // Some systems acknowledge a SYN before they answer it.
            } else if segment.ack() && self.end(peer).state == EndpointState::Established {
                // The SYN was missed.
                self.set_state(context, side, EndpointState::Established);
                context.flow.is_partial = false;
                self.end_mut(side).mark(Mark::SEEN);
            } else {
                self.set_state(context, side, EndpointState::Partial);
            }
        }
        close
    }

    fn originator_syn<H: Hooks>(&mut self, context: &mut Context<'_, H>, side: Side, segment: &Segment<'_>) {
        if segment.ack() {
            context.weird("connection_originator_SYN_ack", TCP);
            self.set_state(context, side, EndpointState::SynAckSent);
        } else {
            self.set_state(context, side, EndpointState::SynSent);
        }
        self.timers.attempt(segment.now, &context.config.timeouts);
    }

    fn responder_syn<H: Hooks>(&mut self, context: &mut Context<'_, H>, side: Side, segment: &Segment<'_>) {
        let peer = side.peer();
        let end = self.end(peer);
        if segment.ack() {
            let ack = segment.header.acknowledgment;
            let between = delta(ack, end.start) >= 0 && delta(ack, end.last()) <= 0;
            if !matches!(end.state, EndpointState::Inactive | EndpointState::Partial) && !between {
                context.weird("bad_SYN_ack", TCP);
            }
        } else if end.state == EndpointState::SynAckSent && segment.header.sequence == self.end(side).start {
            // SYN and SYN-ACK came in the wrong order.
            context.flow.flip();
            self.set_state(context, peer, EndpointState::Established);
            self.end_mut(side).mark(Mark::SEEN);
        } else {
            context.weird("simultaneous_open", TCP);
        }
        match self.end(peer).state {
            EndpointState::SynSent => self.set_state(context, peer, EndpointState::Established),
            EndpointState::Inactive => context.common_weird(),
            _ => {}
        }
        self.set_state(context, side, EndpointState::Established);
    }

    fn leave_syn_sent<H: Hooks>(
        &mut self,
        context: &mut Context<'_, H>,
        side: Side,
        direction: Direction,
        segment: &Segment<'_>,
    ) -> Option<Finishes> {
        let state = self.end(side).state;
        if segment.syn() {
            match direction {
                Direction::Originator => {
                    let plain = segment.ack() && !segment.fin() && !segment.rst();
                    if plain && state != EndpointState::SynAckSent {
                        context.weird("repeated_SYN_with_ack", TCP);
                    }
                }
                Direction::Responder => {
                    if !segment.ack() && state != EndpointState::SynSent {
                        context.weird("repeated_SYN_reply_wo_ack", TCP);
                    }
                }
            }
        }
        let mut close = None;
        if segment.fin() {
            let peer_state = self.end(side.peer()).state;
            if matches!(peer_state, EndpointState::Inactive | EndpointState::SynSent) {
                context.weird("inappropriate_FIN", TCP);
            }
            self.set_state(context, side, EndpointState::Closed);
            close = Some(true);
        }
        if segment.rst() {
            self.set_state(context, side, EndpointState::Reset);
            self.timers.is_active = false;
            close = Some(close.unwrap_or(false));
        } else if segment.len > 0 {
            context.weird("data_before_established", TCP);
        }
        close
    }

    fn leave_established<H: Hooks>(
        &mut self,
        context: &mut Context<'_, H>,
        side: Side,
        segment: &Segment<'_>,
    ) -> Option<Finishes> {
        let peer = side.peer();
        if segment.syn()
            && !segment.ack()
            && self.end(side).state == EndpointState::Partial
            && self.end(peer).state == EndpointState::Inactive
        {
            context.weird("SYN_after_partial", TCP);
            self.set_state(context, side, EndpointState::SynSent);
        }
        if segment.rst() {
            self.set_state(context, side, EndpointState::Reset);
            let other = self.end(peer);
            if other.state != EndpointState::Reset || other.previous != EndpointState::Established {
                self.timers.is_active = false;
            }
            return Some(false);
        }
        if segment.fin() {
            self.set_state(context, side, EndpointState::Closed);
            let other = self.end(peer);
            if other.state == EndpointState::Reset && other.previous == EndpointState::Closed {
                // A FIN and then a RST: a normal end.
                self.set_state(context, peer, EndpointState::Closed);
            }
            return Some(true);
        }
        None
    }

    fn leave_closed<H: Hooks>(
        &mut self,
        context: &mut Context<'_, H>,
        side: Side,
        segment: &Segment<'_>,
        advance: i32,
    ) -> Option<Finishes> {
        if segment.syn() {
            context.weird("SYN_after_close", TCP);
        }
        if segment.fin() && advance > 0 {
            context.weird("FIN_advanced_last_seq", TCP);
        }
        // After FINs of both a RST changes nothing any more.
        if segment.rst() && self.end(side.peer()).state != EndpointState::Closed {
            self.set_state(context, side, EndpointState::Reset);
            return (!self.end(side).has(Mark::CLOSED)).then_some(false);
        }
        None
    }

    fn set_state<H: Hooks>(&mut self, context: &mut Context<'_, H>, side: Side, state: EndpointState) {
        let current = self.end(side).state;
        if state == current {
            return;
        }
        if !state.is_handshake() && current.is_handshake() && self.end(side.peer()).state.is_handshake() {
            context.flow.set_inactivity_timeout(context.config.timeouts.tcp_inactivity);
        }
        let end = self.end_mut(side);
        end.previous = current;
        end.state = state;
    }

    /// Reports the end of `side`'s stream once all of it has been delivered.
    pub(super) fn check_end<H: Hooks>(&mut self, context: &mut Context<'_, H>, side: Side) {
        let end = self.end(side);
        let over = end.fins > 0 || matches!(end.state, EndpointState::Closed | EndpointState::Reset);
        if !over || end.has(Mark::ENDED) || !context.flow.is_offloaded(side) && self.has_pending_data(side) {
            return;
        }
        self.end_mut(side).mark(Mark::ENDED);
        let direction = context.flow.direction(side);
        context.hooks.end_of_stream(context.flow, context.state, direction);
        if self.timers.close_deferred {
            let finishes = self.timers.deferred_finish;
            self.closed(context, side, finishes);
            self.timers.close_deferred = false;
        }
    }

    /// `side` closed. When data of it is still to come, that has to wait.
    pub(super) fn closed<H: Hooks>(&mut self, context: &mut Context<'_, H>, side: Side, finishes: Finishes) {
        let (end, peer) = (self.end(side), self.end(side.peer()));
        if !context.flow.is_offloaded(side) && self.has_pending_data(side) {
            self.timers.close_deferred = true;
            self.timers.deferred_finish |= finishes;
            return;
        }
        if end.has(Mark::CLOSED) {
            self.timers.close_deferred = false;
            return;
        }
        let timeouts = &context.config.timeouts;
        let last = context.flow.last();
        let peer_inactive = peer.state == EndpointState::Inactive;
        let previously_inactive = end.previous == EndpointState::Inactive;
        let complete = end.state == EndpointState::Reset || peer.has(Mark::CLOSED) || peer_inactive;
        self.timers.close_deferred = false;
        self.end_mut(side).mark(Mark::CLOSED);
        if complete {
            if !previously_inactive || !peer_inactive {
                let deferred = std::mem::take(&mut self.timers.deferred_finish);
                if finishes || deferred {
                    self.timers.is_active = false;
                }
            }
            self.timers.closed(last, timeouts);
        } else if !previously_inactive {
            self.timers.half_closed(last, timeouts);
        }
    }

    /// Whether a packet begins a new connection with the ends of this one.
    pub(crate) fn is_reuse<H: Hooks>(
        &self,
        flow: &mut FlowInfo,
        hooks: &mut H,
        header: &TcpHeader<'_>,
        now: Time,
        config: &Config,
    ) -> bool {
        if header.flags & tcp_flags::SYN == 0 || header.header_len < MIN_HEADER {
            return false;
        }
        let with_ack = header.flags & tcp_flags::ACK != 0;
        let [orig, resp] =
            [Direction::Originator, Direction::Responder].map(|role| self.end(flow.side(role)));
        if with_ack && orig.state != EndpointState::Inactive {
            return false;
        }
        let starter = if with_ack { resp } else { orig };
        let was_reset = orig.state == EndpointState::Reset || resp.state == EndpointState::Reset;
        let is_active = |end: &Endpoint| end.state != EndpointState::Inactive && !end.has(Mark::CLOSED);
        let name = if !orig.has(Mark::CLOSED) && !resp.has(Mark::CLOSED) {
            if header.sequence == starter.start {
                return false;
            }
            if !with_ack
                && starter.state == EndpointState::SynAckSent
                && resp.state == EndpointState::Inactive
                && header.sequence == resp.start
            {
                // SYN and SYN-ACK came in the wrong order.
                return false;
            }
            if starter.state == EndpointState::SynSent { "SYN_seq_jump" } else { "active_connection_reuse" }
        } else if was_reset {
            return true;
        } else if is_active(orig) || is_active(resp) {
            "active_connection_reuse"
        } else if now.since(flow.last()) < config.timeouts.tcp_linger {
            "premature_connection_reuse"
        } else {
            return true;
        };
        crate::datagram::weird(flow, hooks, name, "", TCP);
        true
    }
}

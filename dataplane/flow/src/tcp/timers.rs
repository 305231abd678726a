//! When a TCP connection is over, as far as time decides it.
//!
//! Deadlines are functions of what the connection itself has seen; nothing here moves when other connections' packets
//! advance the clock.

use record::{Interval, Time};

use crate::config::Timeouts;
use crate::{EndpointState, FlowInfo, Removal};

use super::TcpState;
use super::endpoint::Endpoint;

/// The timers of a connection.
#[derive(Debug)]
pub(crate) struct Timers {
    /// Still of interest: neither finished nor reset.
    pub(crate) is_active: bool,
    /// When an unanswered attempt is given up; [`NEVER`] where it is not.
    attempt: Time,
    /// When to look next whether a half-closed connection is over, or when a closed one is removed; or [`NEVER`].
    look: Time,
    /// The connection is closed: nothing but the removal is to come.
    is_closed: bool,
    /// A close waits for data.
    pub(crate) close_deferred: bool,
    /// The close that waits finishes the connection.
    pub(crate) deferred_finish: bool,
}

const NEVER: Time = Time(u64::MAX);

impl Timers {
    pub(crate) fn new(now: Time, timeouts: &Timeouts) -> Self {
        Self {
            is_active: true,
            attempt: NEVER,
            look: now.after(timeouts.tcp_syn),
            is_closed: false,
            close_deferred: false,
            deferred_finish: false,
        }
    }

    /// An attempt begins.
    pub(crate) fn attempt(&mut self, now: Time, timeouts: &Timeouts) {
        if timeouts.tcp_attempt != Interval(0) {
            self.attempt = now.after(timeouts.tcp_attempt);
        }
    }

    /// One end closed: look whether the other does.
    pub(crate) fn half_closed(&mut self, last: Time, timeouts: &Timeouts) {
        self.look = self.look.min(last.after(timeouts.tcp_session));
    }

    /// Closed: nothing but the removal is to come.
    pub(crate) fn closed(&mut self, last: Time, timeouts: &Timeouts) {
        self.attempt = NEVER;
        self.look = last.after(timeouts.tcp_close);
        self.is_closed = true;
    }
}

impl TcpState {
    /// When the connection is to be removed if nothing more comes, besides for inactivity.
    pub(crate) fn deadline(&self, flow: &FlowInfo, timeouts: &Timeouts) -> Option<(Time, Removal)> {
        let timers = &self.timers;
        let mut deadline = if timers.look == NEVER {
            None
        } else if timers.is_closed {
            Some((timers.look, Removal::Closed))
        } else if timers.is_active && self.may_be_over() {
            // Silent for longer than the linger time, not just as long.
            let silent = Time(flow.last().after(timeouts.tcp_linger).0.saturating_add(1));
            Some((timers.look.max(silent), Removal::Closed))
        } else {
            None
        };
        // Of two at once the closing is it, but for an attempt before a look.
        let is_earlier =
            deadline.is_none_or(|(at, _)| timers.attempt < at || timers.attempt == at && !timers.is_closed);
        if timers.attempt != NEVER && is_earlier && timers.is_active && self.is_unanswered(flow) {
            deadline = Some((timers.attempt, Removal::Attempt));
        }
        deadline
    }

    /// Timers that have run out without effect when a packet comes at `now`.
    pub(crate) fn rearm(&mut self, now: Time, timeouts: &Timeouts) {
        let timers = &mut self.timers;
        if timers.attempt <= now {
            timers.attempt = NEVER;
        }
        if timers.look <= now && !timers.is_closed {
            timers.look = if timers.is_active { now.after(timeouts.tcp_session) } else { NEVER };
        }
    }

    fn is_unanswered(&self, flow: &FlowInfo) -> bool {
        let [orig, resp] = self.states(flow);
        matches!(orig, EndpointState::SynSent | EndpointState::SynAckSent) && resp == EndpointState::Inactive
    }

    /// Whether silence means the end: one end closed and the other closed, reset or was never there, or nothing ever
    /// happened.
    fn may_be_over(&self) -> bool {
        let any = |state| self.ends.iter().any(|end| end.state == state);
        let nothing = self.ends.iter().all(|end| end.state == EndpointState::Inactive);
        let closed = self.ends.iter().any(|end| end.did_close)
            && (self.both_closed() || any(EndpointState::Reset) || any(EndpointState::Inactive));
        closed || nothing
    }

    pub(crate) fn both_closed(&self) -> bool {
        self.ends.iter().all(|end: &Endpoint| end.did_close)
    }
}

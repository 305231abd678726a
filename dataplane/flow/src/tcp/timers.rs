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
    /// When an unanswered attempt is given up.
    attempt: Option<Time>,
    /// When to look next whether a half-closed connection is over.
    expire: Option<Time>,
    /// When a closed connection is removed.
    delete: Option<Time>,
}

impl Timers {
    pub(crate) fn new(now: Time, timeouts: &Timeouts) -> Self {
        Self { is_active: true, attempt: None, expire: Some(now.after(timeouts.tcp_syn)), delete: None }
    }

    /// An attempt begins.
    pub(crate) fn attempt(&mut self, now: Time, timeouts: &Timeouts) {
        if timeouts.tcp_attempt != Interval(0) {
            self.attempt = Some(now.after(timeouts.tcp_attempt));
        }
    }

    /// One end closed: look whether the other does.
    pub(crate) fn half_closed(&mut self, last: Time, timeouts: &Timeouts) {
        let look = last.after(timeouts.tcp_session);
        self.expire = Some(self.expire.map_or(look, |expire| expire.min(look)));
    }

    /// Closed: nothing but the removal is to come.
    pub(crate) fn closed(&mut self, last: Time, timeouts: &Timeouts) {
        self.attempt = None;
        self.expire = None;
        self.delete = Some(last.after(timeouts.tcp_close));
    }
}

impl TcpState {
    /// When the connection is to be removed if nothing more comes, besides for inactivity.
    pub(crate) fn deadline(&self, flow: &FlowInfo, timeouts: &Timeouts) -> Option<(Time, Removal)> {
        let timers = &self.timers;
        let delete = timers.delete.map(|at| (at, Removal::Closed));
        let attempt = timers
            .attempt
            .filter(|_| timers.is_active && self.is_unanswered(flow))
            .map(|at| (at, Removal::Attempt));
        let expire = timers.expire.filter(|_| timers.is_active && self.may_be_over()).map(|at| {
            // Silent for longer than the linger time, not just as long.
            let silent = Time(flow.last().after(timeouts.tcp_linger).0.saturating_add(1));
            (at.max(silent), Removal::Closed)
        });
        [delete, attempt, expire].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// Timers that have run out without effect when a packet comes at `now`.
    pub(crate) fn rearm(&mut self, now: Time, timeouts: &Timeouts) {
        self.timers.attempt = self.timers.attempt.filter(|at| *at > now);
        if self.timers.expire.is_some_and(|at| at <= now) {
            self.timers.expire = self.timers.is_active.then(|| now.after(timeouts.tcp_session));
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

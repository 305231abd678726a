//! The analyzers of one connection: started by port and by content, fed, confirmed, removed on violation.
//!
//! A connection without payload costs nothing here but a pointer.

use record::Proto;

use crate::analyzer::{Analyzer, FlowContext, FlowEnd, Verdict};
use crate::detect::Detector;
use crate::registry::Active;
use crate::services::Services;
use crate::transfer::Announcement;
use crate::{Direction, FlowInfo, Protocol, Settings, Shared};

use record::{IdSource, RecordBuffer, Time};

/// After so many octets of payload, both directions together, a violation no longer removes an analyzer from the
/// `service` column (Zeek: `DPD::ignore_violations_after`).
const IGNORE_VIOLATIONS_AFTER: u64 = 10 * 1024;

/// More protocols than this nested in one connection are not followed.
const MAX_ANALYZERS: usize = 8;
/// Sessions carried inside of each other, each with analyzers of its own, are followed to this depth: every level
/// takes room on the stack.
const MAX_DEPTH: u8 = 3;

/// What analyzers of all connections of a worker share.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// Time of the current packet.
    pub now: Time,
    /// The configuration.
    pub settings: &'a Settings,
    /// Ids of the run.
    pub ids: &'a IdSource,
    /// The bucket of the indirection table whose frames carry the connection.
    pub bucket: u16,
    /// Where records go.
    pub out: &'a mut RecordBuffer,
    /// State of all connections together.
    pub shared: &'a mut Shared,
}

/// The analyzers of one connection.
#[derive(Debug, Default)]
pub struct Session {
    state: Option<Box<State>>,
}

#[derive(Debug, Default)]
struct State {
    slots: Vec<Slot>,
    detector: Option<Box<Detector>>,
    services: Services,
    /// Octets of payload given so far.
    seen: u64,
    /// Files made so far.
    files: u64,
    /// How many sessions this one is carried inside of.
    depth: u8,
    /// Violations are judged when the payload at hand is through.
    judges_later: bool,
    /// Something ended within the current payload; the rest of it has been looked at already.
    handed_over: bool,
    /// An analyzer looked at more of the current payload than the header.
    looked: bool,
}

#[derive(Debug)]
struct Slot {
    protocol: Protocol,
    analyzer: Active,
    running: bool,
    /// [`Analyzer::end`] has been called.
    ended: bool,
    /// What this analyzer confirmed.
    confirmed: Services,
    /// Started for what the payload looks like, not for the port.
    by_content: bool,
    /// Removed for a violation.
    failed: bool,
}

/// One call of an analyzer, so that all of them are made and judged in one place.
#[derive(Debug, Clone, Copy)]
enum Input<'p> {
    Data(Direction, &'p [u8]),
    Skipped(Direction, u64),
    Gap(Direction, u64),
}

impl Session {
    /// The analyzers of a connection that begins: those that another connection announced, or else, with the first
    /// payload, those for its port and its content.
    pub fn new(flow: &FlowInfo, around: &Surroundings<'_>) -> Self {
        let announcement = match flow.proto {
            Proto::Tcp => around.shared.expected.find(around.now, &flow.id),
            _ => None,
        };
        let state = announcement.map(|announcement| Box::new(State::announced(flow, announcement)));
        Self { state }
    }

    /// For what is carried inside of a protocol of a session that is `outer_depth` deep: no analyzer is started for
    /// the port.
    pub(crate) fn nested(files: u64, outer_depth: u8) -> Self {
        let depth = outer_depth.saturating_add(1);
        let detector = (depth <= MAX_DEPTH).then(Box::default);
        let state = State { detector, files, depth, ..State::default() };
        Self { state: Some(Box::new(state)) }
    }

    /// Files made so far.
    pub(crate) fn files(&self) -> u64 {
        self.state.as_ref().map_or(0, |state| state.files)
    }

    /// Payload of `direction`: the next octets of a TCP stream, or a datagram. Returns whether more of it was looked at
    /// than the beginning, which is beside the packet's headers.
    pub fn data(
        &mut self,
        flow: &mut FlowInfo,
        around: &mut Surroundings<'_>,
        direction: Direction,
        payload: &[u8],
    ) -> bool {
        if payload.is_empty() {
            return false;
        }
        let state = self.state.get_or_insert_with(|| Box::new(State::start(flow)));
        state.seen = state.seen.saturating_add(payload.len() as u64);
        state.handed_over = false;
        state.looked = state.detector.is_some();
        state.feed(flow, around, Input::Data(direction, payload));
        if !state.handed_over {
            state.detect(flow, around, direction, payload);
        }
        state.looked
    }

    /// How many of the next octets of `direction` of a TCP stream need not be given, see [`Analyzer::skippable`].
    pub fn skippable(&self, now: Time, direction: Direction) -> u64 {
        let Some(state) = self.state.as_deref().filter(|state| state.detector.is_none()) else { return 0 };
        let mut running = state.slots.iter().filter(|slot| slot.running);
        match (running.next(), running.next()) {
            (Some(slot), None) => slot.analyzer.skippable(now, direction),
            _ => 0,
        }
    }

    /// The next `length` octets of `direction`, which were [skippable](Self::skippable).
    pub fn skipped(
        &mut self,
        flow: &mut FlowInfo,
        around: &mut Surroundings<'_>,
        direction: Direction,
        length: u64,
    ) {
        if let Some(state) = &mut self.state {
            state.seen = state.seen.saturating_add(length);
            state.feed(flow, around, Input::Skipped(direction, length));
        }
    }

    /// `length` octets of `direction` were never seen.
    pub fn gap(
        &mut self,
        flow: &mut FlowInfo,
        around: &mut Surroundings<'_>,
        direction: Direction,
        length: u64,
    ) {
        if let Some(state) = &mut self.state {
            state.detector = None;
            state.feed(flow, around, Input::Gap(direction, length));
        }
    }

    /// `direction` sent its last octet.
    pub fn end_of_stream(
        &mut self,
        flow: &mut FlowInfo,
        around: &mut Surroundings<'_>,
        direction: Direction,
    ) {
        if let Some(state) = &mut self.state {
            for slot in state.slots.iter_mut().filter(|slot| slot.running) {
                let mut context = context(flow, around, &mut state.services, &mut state.files, state.depth);
                slot.analyzer.end_of_stream(&mut context, direction);
            }
        }
    }

    /// The connection is over: open records are written. Call it once, last.
    pub fn end(&mut self, flow: &mut FlowInfo, around: &mut Surroundings<'_>) {
        if let Some(state) = &mut self.state {
            for slot in state.slots.iter_mut().filter(|slot| !slot.ended) {
                let mut context = context(flow, around, &mut state.services, &mut state.files, state.depth);
                slot.analyzer.end(&mut context, FlowEnd::Removed);
            }
            state.slots.clear();
        }
    }

    /// Whether any payload that comes is of use.
    pub fn wants_payload(&self) -> bool {
        self.state
            .as_ref()
            .is_none_or(|state| state.detector.is_some() || state.slots.iter().any(|slot| slot.running))
    }

    /// Gives the memory back, when no payload will come any more and there is nothing left to tell: most connections
    /// whose protocol is not known never were anything else.
    pub fn forget_if_over(&mut self) {
        self.state = self.state.take().filter(|state| !state.slots.is_empty() || !state.services.is_empty());
    }

    /// The confirmed protocols.
    pub fn services(&self) -> Services {
        self.state.as_ref().map_or_else(Services::default, |state| state.services)
    }

    /// The protocols whose analyzers were started, until the connection is over.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn started(&self) -> impl Iterator<Item = Protocol> {
        self.state.iter().flat_map(|state| state.slots.iter().map(|slot| slot.protocol))
    }

    /// Confirms a protocol that is recognized elsewhere (tunnels).
    pub fn confirm(&mut self, flow: &FlowInfo, service: &'static str) {
        self.state.get_or_insert_with(|| Box::new(State::start(flow))).services.confirm(service);
    }
}

fn context<'a>(
    flow: &'a mut FlowInfo,
    around: &'a mut Surroundings<'_>,
    services: &'a mut Services,
    files: &'a mut u64,
    depth: u8,
) -> FlowContext<'a> {
    FlowContext::new(flow, around, services, files).at_depth(depth)
}

impl State {
    /// With the analyzers that the responder's port asks for.
    fn start(flow: &FlowInfo) -> Self {
        let mut state = Self { detector: Some(Box::default()), ..Self::default() };
        for protocol in Protocol::ALL {
            if protocol.ports(flow.proto).contains(&flow.id.resp_p) {
                state.add(*protocol, flow.proto);
            }
        }
        state
    }

    /// With the analyzer of a connection that was announced, whatever its port.
    fn announced(flow: &FlowInfo, announcement: &Announcement) -> Self {
        let mut state = Self { detector: Some(Box::default()), ..Self::default() };
        state.add(Protocol::Transfer, flow.proto);
        if let Some(Slot { analyzer: Active::Transfer(analyzer), .. }) = state.slots.last_mut() {
            analyzer.expect(announcement.clone());
        }
        state.services.confirm(announcement.service);
        state
    }

    fn add(&mut self, protocol: Protocol, proto: Proto) -> Option<usize> {
        if self.slots.len() >= MAX_ANALYZERS {
            return None;
        }
        let analyzer = protocol.start(proto);
        // Most connections never have a second one.
        self.slots.reserve_exact(1);
        self.slots.push(Slot {
            protocol,
            analyzer,
            running: true,
            ended: false,
            confirmed: Services::default(),
            by_content: false,
            failed: false,
        });
        Some(self.slots.len() - 1)
    }

    fn feed(&mut self, flow: &mut FlowInfo, around: &mut Surroundings<'_>, input: Input<'_>) {
        // Analyzers that are added meanwhile have been given this input already.
        for index in 0..self.slots.len() {
            self.feed_one(index, flow, around, input);
        }
    }

    fn feed_one(
        &mut self,
        index: usize,
        flow: &mut FlowInfo,
        around: &mut Surroundings<'_>,
        input: Input<'_>,
    ) {
        let Some(slot) = self.slots.get_mut(index).filter(|slot| slot.running) else { return };
        let before = self.services;
        let mut context = context(flow, around, &mut self.services, &mut self.files, self.depth);
        let verdict = match input {
            Input::Data(direction, payload) => slot.analyzer.data(&mut context, direction, payload),
            Input::Skipped(direction, length) => slot.analyzer.skipped(&mut context, direction, length),
            Input::Gap(direction, length) => slot.analyzer.gap(&mut context, direction, length),
        };
        if self.services.has_changed_since(&before) {
            for name in self.services.iter().filter(|name| !before.contains(name)) {
                slot.confirmed.confirm(name);
            }
        }
        self.looked |= verdict != Verdict::HeaderOnly;
        match verdict {
            Verdict::More | Verdict::HeaderOnly => {}
            Verdict::Done => slot.running = false,
            Verdict::Violation(_) if self.judges_later => slot.failed = true,
            Verdict::Violation(_) => self.violation(index, flow, around),
            Verdict::Handover { consumed } => {
                slot.running = false;
                self.handed_over = true;
                self.detector = Some(Box::default());
                if let Input::Data(direction, payload) = input
                    && let Some(rest) = payload.get(consumed..).filter(|rest| !rest.is_empty())
                {
                    self.detect(flow, around, direction, rest);
                }
            }
            Verdict::Upgrade { consumed, protocol } => {
                slot.running = false;
                self.detector = None;
                if let Some(added) = self.add(protocol, flow.proto)
                    && let Input::Data(direction, payload) = input
                    && let Some(rest) = payload.get(consumed..).filter(|rest| !rest.is_empty())
                {
                    self.feed_one(added, flow, around, Input::Data(direction, rest));
                }
            }
        }
    }

    fn violation(&mut self, index: usize, flow: &mut FlowInfo, around: &mut Surroundings<'_>) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        slot.running = false;
        slot.failed = true;
        if self.seen > IGNORE_VIOLATIONS_AFTER {
            return;
        }
        if slot.protocol == Protocol::Dns {
            // The port promised short sessions, the payload does not keep it.
            flow.outlast_session();
        }
        for name in slot.confirmed.iter() {
            if !self.services.is_carried(name) {
                self.services.remove(name);
            }
        }
        let mut context = context(flow, around, &mut self.services, &mut self.files, self.depth);
        slot.analyzer.end(&mut context, FlowEnd::Violation);
        slot.ended = true;
    }

    /// Looks for protocols in what the connection has sent so far; those found are given it from the start.
    fn detect(
        &mut self,
        flow: &mut FlowInfo,
        around: &mut Surroundings<'_>,
        direction: Direction,
        payload: &[u8],
    ) {
        let Some(mut detector) = self.detector.take() else { return };
        // A server's answer is HTTP by itself: HTTP that was started for the port and failed with the client's payload
        // gets another chance.
        let found = detector.add(flow.proto, direction, payload, |protocol| {
            let is_settled = |slot: &Slot| slot.by_content || protocol != Protocol::Http;
            self.slots.iter().any(|slot| slot.protocol == protocol && is_settled(slot))
        });
        for protocol in found.protocols {
            let by_port = self.slots.iter_mut().find(|slot| slot.protocol == protocol && !slot.failed);
            if let Some(slot) = by_port {
                slot.by_content = true;
                continue;
            }
            if let Some(index) = self.add(protocol, flow.proto) {
                if let Some(slot) = self.slots.get_mut(index) {
                    slot.by_content = true;
                }
                self.judges_later = true;
                for (direction, chunk) in detector.chunks() {
                    self.feed_one(index, flow, around, Input::Data(direction, chunk));
                }
                self.feed_one(index, flow, around, Input::Data(direction, payload));
                self.judges_later = false;
                if self.slots.get(index).is_some_and(|slot| slot.failed && !slot.ended) {
                    self.violation(index, flow, around);
                }
            }
        }
        if found.undecided && detector.keep(flow.proto, direction, payload) && self.detector.is_none() {
            self.detector = Some(detector);
        }
    }
}

//! The seam between a connection and what understands its payload.

use record::{
    Addr, Endpoints, Enum, FileId, IdSource, Interval, Limit, Proto, Record, RecordBuffer, Time, Tunnel, Uid,
    Weird,
};

use crate::services::Services;
use crate::session::{Session, Surroundings};
use crate::transfer::Announcement;
use crate::{Direction, FlowInfo, Protocol, Settings, Shared};

/// What became of the payload just given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    More,
    /// Go on; of the datagram nothing but the protocol's own header was looked at, which is beside those of the packet.
    HeaderOnly,
    /// No more payload is wanted, in either direction. [`Analyzer::end`] is still called.
    Done,
    /// The payload is not of this protocol; the reason is for people.
    Violation(&'static str),
    /// The protocol ends after `consumed` octets of the payload just given; what follows in this direction, and all
    /// that comes in the other, is something else that has to be recognized anew (CONNECT, Upgrade, SOCKS).
    Handover {
        /// Octets of the payload that still belong to this analyzer.
        consumed: usize,
    },
    /// As `Handover`, with the protocol known (STARTTLS).
    Upgrade {
        /// Octets of the payload that still belong to this analyzer.
        consumed: usize,
        /// What follows.
        protocol: Protocol,
    },
}

/// Why a connection's analysis ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowEnd {
    /// The connection is over, or its time is.
    Removed,
    /// The analyzer was removed for a violation.
    Violation,
}

/// A state machine over the payload of one connection.
///
/// TCP payload comes in order and without repetition, each piece as long as the sender's segments allow; a UDP
/// payload is one datagram. Sans-IO: nothing but the payload and packet time comes in, records go out through the
/// context. Whatever an analyzer keeps is bounded by constants that stand beside it.
pub trait Analyzer {
    /// Payload of `direction`.
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict;

    /// How many of the next octets of a TCP stream need not be given at `now`: only their number is of use, and comes
    /// with [`Self::skipped`]. Asked anew with every packet, so it may become less. The last octet of what is counted,
    /// a body say, is best left out, so that its end is met as always.
    fn skippable(&self, now: Time, direction: Direction) -> u64 {
        let _ = (now, direction);
        0
    }

    /// The next `length` octets of `direction`, which were [skippable](Self::skippable): for each piece of payload that
    /// [`Self::data`] would have been called with.
    fn skipped(&mut self, context: &mut FlowContext<'_>, direction: Direction, length: u64) -> Verdict {
        let _ = (context, direction, length);
        Verdict::More
    }

    /// `length` octets of `direction` were never seen. Most protocols cannot go on from there.
    fn gap(&mut self, context: &mut FlowContext<'_>, direction: Direction, length: u64) -> Verdict;

    /// `direction` sent its last octet (TCP FIN, in order).
    fn end_of_stream(&mut self, context: &mut FlowContext<'_>, direction: Direction) {
        let _ = (context, direction);
    }

    /// Nothing more comes: write the records that are still open.
    fn end(&mut self, context: &mut FlowContext<'_>, why: FlowEnd);
}

/// What an analyzer sees of the world: its connection, the clock, and where records go.
#[derive(Debug)]
pub struct FlowContext<'a> {
    flow: &'a mut FlowInfo,
    now: Time,
    settings: &'a Settings,
    ids: &'a IdSource,
    out: &'a mut RecordBuffer,
    shared: &'a mut Shared,
    services: &'a mut Services,
    files: &'a mut u64,
    /// The bucket of the indirection table whose frames carry the connection.
    bucket: u16,
    /// How many sessions the analyzer's own is carried inside of.
    depth: u8,
}

impl<'a> FlowContext<'a> {
    /// A context for one call; `files` counts the connection's files.
    pub fn new(
        flow: &'a mut FlowInfo,
        around: &'a mut Surroundings<'_>,
        services: &'a mut Services,
        files: &'a mut u64,
    ) -> Self {
        Self {
            flow,
            now: around.now,
            settings: around.settings,
            ids: around.ids,
            out: around.out,
            shared: around.shared,
            services,
            files,
            bucket: around.bucket,
            depth: 0,
        }
    }

    /// For a session that is carried inside of so many others.
    pub(crate) const fn at_depth(self, depth: u8) -> Self {
        Self { depth, ..self }
    }

    /// The connection's unique id.
    pub fn uid(&self) -> Uid {
        self.flow.uid
    }

    /// The two ends.
    pub fn endpoints(&self) -> Endpoints {
        self.flow.id
    }

    /// Transport protocol.
    pub fn proto(&self) -> Proto {
        self.flow.proto
    }

    /// Time of the connection's first packet.
    pub fn start(&self) -> Time {
        self.flow.start
    }

    /// Time of the current packet.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// A TCP connection whose beginning was not seen.
    pub fn is_partial(&self) -> bool {
        self.flow.is_partial
    }

    /// Swaps originator and responder of the connection. The session turns the directions that the analyzers see
    /// from the next call on.
    pub fn flip(&mut self) {
        self.flow.flip();
    }

    /// Something was seen that is not analyzed: the connection's history gets an `X`, once.
    pub fn incomplete(&mut self) {
        self.flow.limit_reached();
    }

    /// The connection was taken for a question and its answer, but is something else: it lasts as long as any.
    pub fn outlast_session(&mut self) {
        self.flow.outlast_session();
    }

    /// The connection ends after so long without packets (Zeek: `set_inactivity_timeout`).
    pub fn set_inactivity_timeout(&mut self, timeout: Interval) {
        self.flow.set_inactivity_timeout(timeout);
    }

    /// A limit cuts the analysis of this connection short: its history gets an `X`.
    pub fn limit_reached(&mut self) {
        self.flow.limit_reached();
    }

    /// The configuration.
    pub const fn settings(&self) -> &'a Settings {
        self.settings
    }

    /// The protocol is certain now: `service` goes into the connection's record, once.
    pub fn confirm(&mut self, service: &'static str) {
        self.services.confirm(service);
    }

    /// As [`FlowContext::confirm`], for a protocol inside messages of the analyzer's: it stays in the record when the
    /// analyzer is removed.
    pub fn confirm_carried(&mut self, service: &'static str) {
        self.services.confirm_carried(service);
    }

    /// Takes a confirmation back: what an analyzer carries turned out to be something else.
    pub fn retract(&mut self, service: &'static str) {
        self.services.remove(service);
    }

    /// Gives payload that an analyzer unpacked to the analyzers of what it carries; `session` is made by
    /// [`Self::nested`].
    pub(crate) fn nested_data(&mut self, session: &mut Session, direction: Direction, payload: &[u8]) {
        self.in_nested(session, |session, flow, around| {
            session.data(flow, around, direction, payload);
        });
    }

    /// The end of what was unpacked.
    pub(crate) fn nested_end(&mut self, session: &mut Session) {
        self.in_nested(session, Session::end);
    }

    /// The analyzers of what is carried inside of an analyzer's protocol.
    pub(crate) fn nested(&self) -> Session {
        Session::nested(*self.files, self.depth)
    }

    fn in_nested(
        &mut self,
        session: &mut Session,
        act: impl FnOnce(&mut Session, &mut FlowInfo, &mut Surroundings<'_>),
    ) {
        let before = session.services();
        let mut around = Surroundings {
            bucket: self.bucket,
            now: self.now,
            settings: self.settings,
            ids: self.ids,
            out: &mut *self.out,
            shared: &mut *self.shared,
        };
        act(session, &mut *self.flow, &mut around);
        *self.files = session.files().max(*self.files);
        let after = session.services();
        for name in before.iter().filter(|name| !after.contains(name)) {
            self.services.remove(name);
        }
        for name in after.iter() {
            self.services.confirm(name);
        }
    }

    /// Whether `service` has been confirmed.
    pub fn is_confirmed(&self, service: &'static str) -> bool {
        self.services.contains(service)
    }

    /// Writes a record.
    pub fn emit<R: Record>(&mut self, record: &R) {
        self.out.emit(record);
    }

    /// Reports an anomaly of this connection, under Zeek's name for it; `source` is empty where in Zeek a script and not
    /// an analyzer reports it.
    pub fn weird(&mut self, name: &'static str, addl: Option<&[u8]>, source: &'static str) {
        self.flow.note_weird();
        self.out.emit(&Weird {
            ts: self.now,
            uid: Some(self.flow.uid),
            id: Some(self.flow.id),
            name,
            addl,
            notice: false,
            peer: &self.settings.peer,
            source: Some(source).filter(|source| !source.is_empty()),
            limit: Limit::of_weird(name, Some(&self.flow.id)),
        });
    }

    /// Reports that this connection carries a tunnel, such as `Tunnel::HTTP`: between the hosts, to the responder's
    /// port, as Zeek logs it.
    pub fn tunnel(&mut self, kind: &'static str) {
        self.out.emit(&Tunnel {
            ts: self.now,
            uid: None,
            id: Endpoints { orig_p: 0, ..self.flow.id },
            tunnel_type: Enum(kind),
            action: Enum("Tunnel::DISCOVER"),
        });
    }

    /// A TCP connection to that host and port will come, and is what `announcement` says.
    pub(crate) fn expect_connection(&mut self, host: Addr, port: u16, announcement: Announcement) {
        self.shared.expected.announce(self.now, self.bucket, (host, port), announcement);
    }

    /// The bucket of the indirection table whose frames carry the connection.
    pub(crate) const fn bucket(&self) -> u16 {
        self.bucket
    }

    /// State that the connections share, with what is needed to write records about it.
    pub(crate) const fn shared(&mut self) -> (&mut Shared, &'a Settings, &mut RecordBuffer) {
        (self.shared, self.settings, self.out)
    }

    /// The configuration, and where records go.
    pub(crate) const fn settings_and_records(&mut self) -> (&'a Settings, &mut RecordBuffer) {
        (self.settings, self.out)
    }

    /// A new file id.
    pub fn new_file_id(&mut self) -> FileId {
        *self.files = self.files.wrapping_add(1);
        self.ids.file_id(self.flow.uid, *self.files)
    }
}

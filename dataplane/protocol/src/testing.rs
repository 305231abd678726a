//! A connection for tests: payload in, records and services out.

use record::{Addr, Endpoints, Format, IdSource, Interval, LogSet, Proto, RecordBuffer, Time};

use crate::services::Services;
use crate::session::{Session, Surroundings};
use crate::x509::{self, Role};
use crate::{Direction, FlowContext, FlowInfo, Protocol, Settings, Shared};

/// One connection with the analyzers that Baleen would run on it.
#[derive(Debug)]
pub struct Harness {
    session: Session,
    flow: FlowInfo,
    settings: Settings,
    ids: IdSource,
    out: RecordBuffer,
    shared: Shared,
    now: Time,
}

impl Harness {
    /// A TCP connection to `port`, seen from its start.
    pub fn tcp(port: u16) -> Self {
        Self::new(Proto::Tcp, port)
    }

    /// A UDP flow to `port`.
    pub fn udp(port: u16) -> Self {
        Self::new(Proto::Udp, port)
    }

    fn new(proto: Proto, port: u16) -> Self {
        let id = Endpoints {
            orig_h: Addr::v4([10, 0, 0, 1]),
            orig_p: 40000,
            resp_h: Addr::v4([192, 0, 2, 1]),
            resp_p: port,
        };
        let ids = IdSource::seeded(1);
        let now = Time::new(1_700_000_000, 0);
        let mut flow = FlowInfo::new(id, proto, now);
        flow.uid = ids.uid(now, &id, flow.ip_proto, 0);
        Self {
            session: Session::default(),
            flow,
            settings: Settings::default(),
            ids,
            out: RecordBuffer::new(Format::JsonWithPath, LogSet::ALL),
            shared: Shared::default(),
            now,
        }
    }

    /// Ends the connection and begins another TCP connection on the same worker.
    pub fn connect(&mut self, orig_h: Addr, resp_h: Addr, resp_p: u16) {
        self.call(Session::end);
        let id = Endpoints { orig_h, orig_p: 40001, resp_h, resp_p };
        self.flow = FlowInfo::new(id, Proto::Tcp, self.now);
        self.flow.uid = self.ids.uid(self.now, &id, self.flow.ip_proto, 1);
        self.call(|session, flow, around| *session = Session::new(flow, around));
    }

    /// Lets time pass.
    pub fn pass(&mut self, span: Interval) {
        self.now = self.now.after(span);
    }

    /// Payload of `direction`.
    pub fn data(&mut self, direction: Direction, payload: &[u8]) {
        self.call(|session, flow, around| {
            session.data(flow, around, direction, payload);
        });
    }

    /// A gap in `direction`.
    pub fn gap(&mut self, direction: Direction, length: u64) {
        self.call(|session, flow, around| session.gap(flow, around, direction, length));
    }

    /// The end of `direction`'s stream.
    pub fn end_of_stream(&mut self, direction: Direction) {
        self.call(|session, flow, around| session.end_of_stream(flow, around, direction));
    }

    /// A chain of certificates in DER as a server shows it, the host's first: they are logged, the chain is validated,
    /// and the first is compared with `name`.
    pub fn certificates(&mut self, chain: &[&[u8]], name: &[u8]) {
        self.call(|_, flow, around| {
            let (mut services, mut files) = (Services::default(), 0);
            let mut context = FlowContext::new(flow, around, &mut services, &mut files);
            let see =
                |(place, der)| x509::see(&mut context, der, Role { is_host: place == 0, is_client: false });
            let links: Vec<x509::Link<'_>> = chain.iter().copied().enumerate().filter_map(see).collect();
            x509::validate(&mut context, &links);
            if let Some(host) = links.first() {
                host.is_valid_for(&mut context, name);
            }
        });
    }

    /// The end of the connection; returns every record as JSON with `_path`.
    pub fn end(&mut self) -> Vec<String> {
        self.call(Session::end);
        self.shared.finish(&self.settings, &mut self.out);
        self.records()
    }

    fn call(&mut self, act: impl FnOnce(&mut Session, &mut FlowInfo, &mut Surroundings<'_>)) {
        let mut around = Surroundings {
            bucket: 0,
            now: self.now,
            settings: &self.settings,
            ids: &self.ids,
            out: &mut self.out,
            shared: &mut self.shared,
        };
        act(&mut self.session, &mut self.flow, &mut around);
    }

    /// The records so far, as JSON with `_path`.
    pub fn records(&self) -> Vec<String> {
        self.out.iter().map(|(_, line)| String::from_utf8_lossy(line).trim_end().to_owned()).collect()
    }

    /// The `service` column as it would be now.
    pub fn services(&self) -> String {
        let mut text = Vec::new();
        self.session.services().write(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The protocols whose analyzers were started so far.
    pub fn started(&self) -> Vec<Protocol> {
        self.session.started().collect()
    }

    /// Whether more payload is wanted.
    pub fn wants_payload(&self) -> bool {
        self.session.wants_payload()
    }
}

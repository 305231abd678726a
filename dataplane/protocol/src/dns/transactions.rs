//! Pairs queries with responses by transaction id, and writes the records.
//!
//! What waits for its other half is bounded: [`MAX_PENDING_IDS`] different ids, [`MAX_PENDING`] messages an id and
//! [`MAX_PENDING_OCTETS`] of names and answers; beyond, what waits is written unpaired.

use std::borrow::Cow;
use std::collections::VecDeque;

use record::{Dns, Endpoints, Interval, List, Proto, Time, Uid};

use super::names;
use super::parse::{Header, Opcode};
use crate::FlowContext;

/// More messages of one id do not wait (Zeek: `DNS::max_pending_msgs`).
const MAX_PENDING: usize = 50;
/// More different ids do not wait (Zeek: `DNS::max_pending_query_ids`).
const MAX_PENDING_IDS: usize = 50;
/// Octets of names and answers that may wait in one connection.
const MAX_PENDING_OCTETS: usize = 512 * 1024;

/// A question.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// Record type asked for.
    pub(super) qtype: u16,
    /// Class asked for.
    pub(super) qclass: u16,
    /// NetBIOS gives type 33, SRV in DNS, a meaning of its own.
    pub(super) is_node_status: bool,
}

/// A query, a response, or both: one record of the log.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of the messages, each a column or a state of its own"
)]
pub(super) struct Transaction {
    ts: Time,
    uid: Uid,
    id: Endpoints,
    proto: Proto,
    trans_id: u16,
    opcode: Opcode,
    is_netbios: bool,
    saw_query: bool,
    saw_response: bool,
    /// From query to response.
    pub(super) rtt: Option<Interval>,
    /// Name asked for.
    pub(super) query: Option<Box<[u8]>>,
    /// What is asked for.
    pub(super) question: Option<Question>,
    rcode: Option<u8>,
    /// Of the response: authoritative answer.
    pub(super) authoritative: bool,
    /// Of the query: truncated.
    pub(super) truncated: bool,
    /// Of the query: recursion desired.
    pub(super) recursion_desired: bool,
    /// Of the response: recursion available.
    pub(super) recursion_available: bool,
    /// Of the query: the bits after RA.
    pub(super) reserved: u8,
    answers: Vec<Box<[u8]>>,
    ttls: Vec<Interval>,
    /// The server refused.
    pub(super) rejected: bool,
}

impl Transaction {
    fn new(context: &FlowContext<'_>, header: &Header, is_netbios: bool) -> Box<Self> {
        Box::new(Self {
            ts: context.now(),
            uid: context.uid(),
            id: context.endpoints(),
            proto: context.proto(),
            trans_id: header.id,
            opcode: header.opcode,
            is_netbios,
            saw_query: false,
            saw_response: false,
            rtt: None,
            query: None,
            question: None,
            rcode: None,
            authoritative: false,
            truncated: false,
            recursion_desired: false,
            recursion_available: false,
            reserved: 0,
            answers: Vec::new(),
            ttls: Vec::new(),
            rejected: false,
        })
    }

    /// Time of its first message.
    pub(super) const fn ts(&self) -> Time {
        self.ts
    }

    /// Adds an answer.
    pub(super) fn answer(&mut self, text: Box<[u8]>, ttl: u32) {
        self.answers.push(text);
        self.ttls.push(Interval::from_secs(u64::from(ttl)));
    }

    /// Octets held, roughly.
    fn octets(&self) -> usize {
        let answers: usize = self.answers.iter().map(|answer| answer.len().saturating_add(24)).sum();
        answers
            .saturating_add(self.query.as_ref().map_or(0, |query| query.len()))
            .saturating_add(size_of::<Self>())
    }

    fn write(&self, context: &mut FlowContext<'_>) {
        let qtype_name = self.question.as_ref().map(|question| {
            let name = names::record_type(question.qtype);
            if question.is_node_status && name == "SRV" { Cow::Borrowed("NBSTAT") } else { name }
        });
        let qclass_name = self.question.as_ref().map(|question| names::class(question.qclass));
        let opcode_name = names::opcode(self.opcode, self.is_netbios);
        context.emit(&Dns {
            ts: self.ts,
            uid: self.uid,
            id: self.id,
            proto: self.proto,
            trans_id: Some(self.trans_id),
            rtt: self.rtt,
            query: self.query.as_deref(),
            qclass: self.question.as_ref().map(|question| u32::from(question.qclass)),
            qclass_name: qclass_name.as_deref(),
            qtype: self.question.as_ref().map(|question| u32::from(question.qtype)),
            qtype_name: qtype_name.as_deref(),
            rcode: self.rcode.map(u32::from),
            rcode_name: self.rcode.map(names::rcode),
            aa: self.authoritative,
            tc: self.truncated,
            rd: self.recursion_desired,
            ra: self.recursion_available,
            z: u32::from(self.reserved),
            answers: (!self.answers.is_empty()).then_some(List(&self.answers)),
            ttls: (!self.ttls.is_empty()).then_some(List(&self.ttls)),
            rejected: self.rejected,
            opcode: Some(u32::from(self.opcode.0)),
            opcode_name: Some(&opcode_name),
        });
    }
}

/// Transactions that wait, by id, in the order in which ids came.
#[derive(Debug, Default)]
struct Pending(Vec<(u16, VecDeque<Box<Transaction>>)>);

/// Writes `queue`, unpaired; returns the octets that it held.
fn write_all(context: &mut FlowContext<'_>, queue: &mut VecDeque<Box<Transaction>>) -> usize {
    let mut octets = 0_usize;
    for unpaired in queue.drain(..) {
        unpaired.write(context);
        octets = octets.saturating_add(unpaired.octets());
    }
    octets
}

impl Pending {
    /// Lets `transaction` wait; returns the octets of those that had to be written for it.
    fn push(&mut self, context: &mut FlowContext<'_>, id: u16, transaction: Box<Transaction>) -> usize {
        let mut written = 0;
        if let Some((_, queue)) = self.0.iter_mut().find(|(key, _)| *key == id) {
            if queue.len() > MAX_PENDING {
                written = write_all(context, queue);
            }
            queue.push_back(transaction);
        } else {
            if self.0.len() > MAX_PENDING_IDS {
                written = self.flush(context);
            }
            self.0.push((id, VecDeque::from([transaction])));
        }
        written
    }

    /// The oldest of `id`.
    fn pop(&mut self, id: u16) -> Option<Box<Transaction>> {
        let index = self.0.iter().position(|(key, _)| *key == id)?;
        self.pop_at(index)
    }

    fn pop_at(&mut self, index: usize) -> Option<Box<Transaction>> {
        let (_, queue) = self.0.get_mut(index)?;
        let oldest = queue.pop_front();
        if queue.is_empty() {
            self.0.remove(index);
        }
        oldest
    }

    fn newest(&mut self, id: u16) -> Option<&mut Transaction> {
        let (_, queue) = self.0.iter_mut().find(|(key, _)| *key == id)?;
        queue.back_mut().map(Box::as_mut)
    }

    fn flush(&mut self, context: &mut FlowContext<'_>) -> usize {
        let mut octets = 0_usize;
        for (_, mut queue) in self.0.drain(..) {
            octets = octets.saturating_add(write_all(context, &mut queue));
        }
        octets
    }
}

/// Where the transaction of the current message is.
#[derive(Debug, Default)]
enum Current {
    #[default]
    None,
    /// Complete with this message.
    Own(Box<Transaction>),
    /// The newest of those that wait.
    Query,
    QueuedQuery(u16),
    QueuedResponse(u16),
}

/// The transactions of one connection.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    current: Current,
    /// The one query that waits, in most connections.
    query: Option<Box<Transaction>>,
    queries: Pending,
    responses: Pending,
    /// Octets of all that waits.
    octets: usize,
}

impl Transactions {
    /// A message comes: finds the transaction that it completes, or starts one.
    pub(super) fn begin(
        &mut self,
        context: &mut FlowContext<'_>,
        header: &Header,
        is_netbios: bool,
        is_multicast: bool,
    ) {
        let id = header.id;
        self.current = if is_multicast {
            // Queries and responses of multicast are not of the same connection: each is a record of its own.
            let mut transaction = Transaction::new(context, header, is_netbios);
            transaction.saw_query = true;
            transaction.saw_response = true;
            Current::Own(transaction)
        } else if header.is_response {
            self.begin_response(context, header, is_netbios)
        } else if let Some(response) = self.responses.pop(id) {
            self.taken(response)
        } else {
            let transaction = Transaction::new(context, header, is_netbios);
            if self.query.is_none() {
                self.query = Some(transaction);
                Current::Query
            } else {
                let written = self.queries.push(context, id, transaction);
                self.octets = self.octets.saturating_sub(written);
                Current::QueuedQuery(id)
            }
        };
        let Some(transaction) = self.current() else { return };
        if header.is_response {
            transaction.rcode = Some(header.rcode);
            if header.rcode != 0 && header.questions == 0 {
                transaction.rejected = true;
            }
        }
        transaction.opcode = header.opcode;
        transaction.is_netbios = is_netbios;
    }

    fn begin_response(
        &mut self,
        context: &mut FlowContext<'_>,
        header: &Header,
        is_netbios: bool,
    ) -> Current {
        let id = header.id;
        if let Some(query) = self.query.take_if(|query| query.trans_id == id) {
            self.query = self.queries.pop(id).or_else(|| self.queries.pop_at(0));
            self.taken(query)
        } else if let Some(query) = self.queries.pop(id) {
            self.taken(query)
        } else {
            let transaction = Transaction::new(context, header, is_netbios);
            let written = self.responses.push(context, id, transaction);
            self.octets = self.octets.saturating_sub(written);
            Current::QueuedResponse(id)
        }
    }

    /// `transaction` waits no longer.
    fn taken(&mut self, transaction: Box<Transaction>) -> Current {
        self.octets = self.octets.saturating_sub(transaction.octets());
        Current::Own(transaction)
    }

    /// The transaction of the current message.
    pub(super) fn current(&mut self) -> Option<&mut Transaction> {
        match &mut self.current {
            Current::None => None,
            Current::Own(transaction) => Some(transaction),
            Current::Query => self.query.as_deref_mut(),
            Current::QueuedQuery(id) => self.queries.newest(*id),
            Current::QueuedResponse(id) => self.responses.newest(*id),
        }
    }

    /// The message ends: writes the record when query and response have been seen.
    pub(super) fn end(&mut self, context: &mut FlowContext<'_>, header: &Header) {
        let Some(transaction) = self.current() else { return };
        if header.is_response {
            transaction.saw_response = true;
        } else {
            transaction.saw_query = true;
        }
        if transaction.saw_query && transaction.saw_response {
            transaction.write(context);
            self.current = Current::None;
        } else {
            let octets = transaction.octets();
            self.octets = self.octets.saturating_add(octets);
            if self.octets > MAX_PENDING_OCTETS {
                context.weird("dns_pending_octets_exceeded", None, super::SOURCE);
                self.flush(context);
            }
        }
    }

    /// Writes all that waits, unpaired.
    pub(super) fn flush(&mut self, context: &mut FlowContext<'_>) {
        self.current = Current::None;
        self.octets = 0;
        if let Some(query) = self.query.take() {
            query.write(context);
        }
        self.queries.flush(context);
        self.responses.flush(context);
    }
}

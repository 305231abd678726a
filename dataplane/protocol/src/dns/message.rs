//! What a message means for the log: questions, answers, updates.

use super::names;
use super::parse::{Damaged, Header, NameStyle, Oddity, Opcode, Reader};
use super::rdata::{self, RecordHeader};
use super::transactions::{Question, Transactions};
use super::{NETBIOS_PORT, SOURCE, is_multicast};
use crate::{Direction, FlowContext};

/// A message with more questions is not DNS (Zeek: `dns_max_queries`).
const MAX_QUESTIONS: u16 = 25;
/// Class ANY: in an update, all classes (RFC 2136, section 2.4).
const CLASS_ANY: u16 = 255;
/// Class NONE: in an update, the absence or removal of records.
const CLASS_NONE: u16 = 254;
/// Type ANY.
const TYPE_ANY: u16 = 255;
/// Type SOA, that of a zone in an update.
const TYPE_SOA: u16 = 6;

/// A section of resource records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Answer,
    /// Of an update: what must hold before.
    Prerequisite,
    /// Of an update: the changes to the zone of that class.
    Update,
}

/// Reads one message of a connection.
pub(super) struct Interpreter<'a, 'c> {
    pub(super) context: &'a mut FlowContext<'c>,
    pub(super) transactions: &'a mut Transactions,
    /// A message has been read before.
    pub(super) started: &'a mut bool,
    pub(super) scratch: &'a mut Vec<u8>,
}

/// What is the same for all of a message.
#[derive(Debug, Clone, Copy)]
struct Message {
    header: Header,
    /// The responder is a NetBIOS name service.
    to_netbios: bool,
    /// An update of DNS; NetBIOS registration, with the same number, reads like a query.
    is_update: bool,
    /// Class of the zone that an update is for.
    zone_class: u16,
}

impl Interpreter<'_, '_> {
    /// Reads `message`; an error is a violation of the protocol.
    pub(super) fn message(&mut self, from: Option<Direction>, message: &[u8]) -> Result<(), &'static str> {
        let Some(header) = Header::parse(message) else {
            self.report(&[Oddity::plain("DNS_truncated_len_lt_hdr_len")]);
            return Ok(());
        };
        let ends = self.context.endpoints();
        let is_netbios = ends.orig_p == NETBIOS_PORT || ends.resp_p == NETBIOS_PORT;
        if !header.opcode.is_logged() && !is_netbios {
            self.report(&[Oddity::number("DNS_unknown_opcode", header.opcode.0)]);
            self.context.incomplete();
            return Ok(());
        }
        let first = !std::mem::replace(self.started, true);
        if first && header.is_response && from == Some(Direction::Originator) && !is_multicast(ends.resp_h) {
            self.context.flip();
        }
        let ends = self.context.endpoints();
        if header.opcode.is_logged() {
            self.transactions.begin(self.context, &header, is_netbios, is_multicast(ends.resp_h));
        }
        let kind = Message {
            header,
            to_netbios: ends.resp_p == NETBIOS_PORT,
            is_update: header.opcode == Opcode::UPDATE && !is_netbios,
            zone_class: 0,
        };
        let mut reader = Reader::new(message);
        let mut oddities = Vec::new();
        let read = self.sections(kind, &mut reader, &mut oddities);
        self.report(&oddities);
        if read.is_ok() {
            self.context.confirm("dns");
        }
        self.transactions.end(self.context, &header);
        match read {
            Err(Stop::Violation(reason)) => Err(reason),
            Ok(()) | Err(Stop::Damaged) => Ok(()),
        }
    }

    fn report(&mut self, oddities: &[Oddity]) {
        for oddity in oddities {
            self.context.weird(oddity.name, oddity.addl.as_deref().map(str::as_bytes), SOURCE);
        }
    }

    /// The sections that the log is made of.
    fn sections(
        &mut self,
        mut message: Message,
        reader: &mut Reader<'_>,
        oddities: &mut Vec<Oddity>,
    ) -> Result<(), Stop> {
        let header = message.header;
        if header.questions > MAX_QUESTIONS {
            oddities.push(Oddity::plain("DNS_Conn_count_too_large"));
            return Err(Stop::Violation("DNS_Conn_count_too_large"));
        }
        if message.is_update {
            if header.questions != 1 {
                oddities.push(Oddity::number("DNS_DU_invalid_zone_count", header.questions));
                return Err(Stop::Damaged);
            }
            let mut zone = Vec::new();
            let (rtype, class) = record_start(message, reader, &mut zone, oddities)?;
            if rtype != TYPE_SOA {
                oddities.push(Oddity::plain("DNS_DU_incorrect_zone_type"));
                return Err(Stop::Damaged);
            }
            message.zone_class = class;
            self.records(message, Section::Prerequisite, header.answers, reader, oddities)?;
            self.records(message, Section::Update, header.authorities, reader, oddities)
        } else {
            for _ in 0..header.questions {
                self.question(message, reader, oddities)?;
            }
            self.records(message, Section::Answer, header.answers, reader, oddities)
        }
    }

    fn question(
        &mut self,
        message: Message,
        reader: &mut Reader<'_>,
        oddities: &mut Vec<Oddity>,
    ) -> Result<(), Damaged> {
        let header = message.header;
        self.scratch.clear();
        reader.name(message.names(), self.scratch, oddities)?;
        if reader.len() < 4 {
            oddities.push(Oddity::plain("DNS_truncated_quest_too_short"));
            return Err(Damaged);
        }
        let qtype = reader.u16();
        let qclass = reader.u16();
        let Some(transaction) = self.transactions.current() else { return Ok(()) };
        if header.is_response {
            if header.answers == 0 && header.authorities == 0 && header.additionals == 0 {
                transaction.rejected = true;
            }
        } else if header.opcode.is_logged() {
            transaction.recursion_desired = header.recursion_desired;
            transaction.truncated = header.truncated;
            transaction.reserved = header.reserved;
            transaction.question = Some(Question { qtype, qclass, is_node_status: message.to_netbios });
            let decoded = if message.to_netbios { names::netbios(self.scratch) } else { None };
            let name = decoded.as_deref().unwrap_or(self.scratch.as_slice());
            transaction.query = Some(name.into());
        }
        Ok(())
    }

    fn records(
        &mut self,
        message: Message,
        section: Section,
        count: u16,
        reader: &mut Reader<'_>,
        oddities: &mut Vec<Oddity>,
    ) -> Result<(), Stop> {
        for _ in 0..count {
            self.record(message, section, reader, oddities)?;
        }
        Ok(())
    }

    fn record(
        &mut self,
        message: Message,
        section: Section,
        reader: &mut Reader<'_>,
        oddities: &mut Vec<Oddity>,
    ) -> Result<(), Stop> {
        let mut owner = std::mem::take(self.scratch);
        owner.clear();
        let result = self.record_of(message, section, reader, &mut owner, oddities);
        *self.scratch = owner;
        result
    }

    fn record_of(
        &mut self,
        message: Message,
        section: Section,
        reader: &mut Reader<'_>,
        owner: &mut Vec<u8>,
        oddities: &mut Vec<Oddity>,
    ) -> Result<(), Stop> {
        let (rtype, class) = record_start(message, reader, owner, oddities)?;
        let ttl = reader.u32();
        let length = usize::from(reader.u16());
        if length > reader.len() {
            oddities.push(Oddity::plain("DNS_truncated_RR_rdlength_lt_len"));
            return Err(Stop::Damaged);
        }
        let end = reader.position().saturating_add(length);
        let record = RecordHeader { owner, rtype, ttl, end, is_update: message.is_update };
        match section {
            Section::Answer => {}
            Section::Prerequisite => {
                if ttl != 0 {
                    oddities.push(Oddity::number("DNS_dynamic_update_prereq_nonzero_ttl", ttl));
                } else if matches!(class, CLASS_ANY | CLASS_NONE) && length == 0
                    || class == message.zone_class
                {
                    self.answer(message.header, &record, prerequisite(&record, class));
                } else {
                    oddities.push(Oddity::plain("DNS_dynamic_update_invalid_prereq"));
                }
                reader.advance_to(end);
                return Ok(());
            }
            Section::Update => {
                if class == CLASS_ANY && ttl == 0 && length == 0 {
                    self.answer(message.header, &record, removal(&record, class));
                    return Ok(());
                }
                if class != message.zone_class && !(class == CLASS_NONE && ttl == 0) {
                    oddities.push(Oddity::plain("DNS_dynamic_update_invalid_update"));
                    reader.advance_to(end);
                    return Ok(());
                }
            }
        }
        if length == 0 && reader.len() > 0 {
            if message.is_update {
                return Ok(());
            }
            oddities.push(Oddity::plain("DNS_zero_rdlength"));
            return Err(Stop::Damaged);
        }
        let read =
            rdata::read(&record, message.names(), message.to_netbios, self.context.proto(), reader, oddities);
        if let Some(mut text) = read.text {
            if section == Section::Update && !text.is_empty() {
                text.splice(..0, *b"add: ");
            }
            self.answer(message.header, &record, text);
        }
        match read.stop {
            None => Ok(()),
            Some(stop) => Err(stop),
        }
    }

    /// An answer for the log; an empty text counts as an answer, but is not written.
    fn answer(&mut self, header: Header, record: &RecordHeader<'_>, text: Vec<u8>) {
        if !header.opcode.is_logged() || !header.is_response {
            return;
        }
        let now = self.context.now();
        let Some(transaction) = self.transactions.current() else { return };
        if transaction.query.is_none() {
            transaction.query = Some((*record.owner).into());
        }
        transaction.authoritative = header.authoritative;
        transaction.recursion_available = header.recursion_available;
        if transaction.rtt.is_none() {
            // No time passed means that only the response was seen.
            transaction.rtt = Some(now.since(transaction.ts())).filter(|rtt| rtt.0 > 0);
        }
        if !text.is_empty() {
            transaction.answer(text.into_boxed_slice(), record.ttl);
        }
    }
}

impl Message {
    const fn names(self) -> NameStyle {
        NameStyle { long_labels: self.to_netbios, lower_case: true }
    }
}

/// Why the rest of a message is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It cannot be; the reasons are among the oddities.
    Damaged,
    /// It is not DNS.
    Violation(&'static str),
}

impl From<Damaged> for Stop {
    fn from(_: Damaged) -> Self {
        Self::Damaged
    }
}

/// The owner, type and class that begin a record.
fn record_start(
    message: Message,
    reader: &mut Reader<'_>,
    owner: &mut Vec<u8>,
    oddities: &mut Vec<Oddity>,
) -> Result<(u16, u16), Damaged> {
    reader.name(message.names(), owner, oddities)?;
    if reader.len() < 4 {
        oddities.push(Oddity::plain("DNS_truncated_ans_too_short"));
        return Err(Damaged);
    }
    Ok((reader.u16(), reader.u16()))
}

/// What a prerequisite asks for (RFC 2136, section 2.4).
fn prerequisite(record: &RecordHeader<'_>, class: u16) -> Vec<u8> {
    let mut text = Vec::from(*b"pre: ");
    match (class, record.rtype) {
        (CLASS_NONE, TYPE_ANY) => text.extend_from_slice(b"NameNotInUse "),
        (CLASS_ANY, TYPE_ANY) => text.extend_from_slice(b"NameInUse "),
        (class, rtype) => {
            text.extend_from_slice(if class == CLASS_NONE { b"NoRRSet " } else { b"RRSetExists " });
            text.extend_from_slice(names::record_type(rtype).as_bytes());
            text.push(b' ');
        }
    }
    text.extend_from_slice(record.owner);
    text
}

/// What an update removes (RFC 2136, section 2.5).
fn removal(record: &RecordHeader<'_>, class: u16) -> Vec<u8> {
    let mut text = Vec::from(*b"del: ");
    if class == CLASS_ANY && record.rtype == TYPE_ANY {
        text.extend_from_slice(b"RRSet * ");
        text.extend_from_slice(record.owner);
    } else {
        text.extend_from_slice(b"RRSet ");
        text.extend_from_slice(names::record_type(record.rtype).as_bytes());
    }
    text
}

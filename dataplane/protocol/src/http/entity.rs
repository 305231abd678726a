//! Bodies: what of a message's octets is header, what is body, what parts the body has, and which files they are.
//!
//! A message is a stack of entities: the message itself, and where it is multipart the part that is open, which may
//! be multipart again.

use record::FileId;

use super::inflate::{Inflate, Outcome};
use super::parse::Version;
use super::transaction::Transactions;
use crate::file::{Carrier, File, Origin, PartialFile, Piece};
use crate::lines::Lines;
use crate::mime::decode::{Base64, quoted_printable};
use crate::mime::header::{self, Header};
use crate::{Direction, FlowContext};

/// Multipart bodies are taken apart to this depth (Zeek: `MIME::max_depth`).
const MAX_DEPTH: usize = 100;
/// A header field with its continuations has so many octets at most.
const MAX_HEADER: usize = 64 * 1024;
/// What is known of the length of a body that ends with the connection.
const UNTIL_CLOSE: i64 = i32::MAX as i64;

const SOURCE: &str = "HTTP";

/// Whether a message has a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    No,
    Yes,
    IfAnnounced,
}

/// What the parser tells a message about the connection, and what the message tells back.
#[derive(Debug, Default)]
pub(super) struct Link {
    pub(super) request_version: Version,
    pub(super) reply_version: Version,
    pub(super) reply_code: u16,
    pub(super) request_ongoing: bool,
    pub(super) keep_alive: bool,
    pub(super) connection_close: bool,
    /// The reply has `Connection: upgrade`.
    pub(super) upgrade: bool,
    /// The protocol that the reply upgrades to.
    pub(super) upgrade_protocol: Vec<u8>,
    /// The message ended by itself.
    pub(super) done: bool,
}

/// What a message works on.
pub(super) struct Scope<'s, 'c> {
    pub(super) context: &'s mut FlowContext<'c>,
    pub(super) lines: &'s mut Lines,
    pub(super) link: &'s mut Link,
    pub(super) log: &'s mut Transactions,
    /// First octet of the next line, where it is known.
    pub(super) next: Option<u8>,
}

/// A request or a response, from the line after its first.
#[derive(Debug)]
pub(super) struct Message {
    direction: Direction,
    entities: Vec<Entity>,
    finished: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Multipart,
    /// `message/...`: one entity inside.
    Message,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Plain,
    Base64,
    QuotedPrintable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunks {
    None,
    Before,
    Size,
    Data,
    DataEnd,
    Trailer,
    Over,
}

#[derive(Debug, Default)]
enum Content {
    #[default]
    None,
    /// A file under way, and the number of its transaction.
    Open(Box<File>, u64),
    /// It ended; more of it would be the same file.
    Ended(FileId),
    /// It comes in pieces, maybe over several connections.
    Partial(PartialFile, u64),
}

#[derive(Debug)]
struct Entity {
    in_header: bool,
    ended: bool,
    /// A header field of which a continuation may come.
    field: Vec<u8>,
    field_lines: u32,
    kind: Kind,
    encoding: Encoding,
    boundary: Option<Box<[u8]>>,
    base64: Option<Base64>,
    has_child: bool,
    body: Body,
    chunks: Chunks,
    content_length: Option<i64>,
    expect_continue: bool,
    expected: i64,
    body_length: u64,
    coded: bool,
    inflate: Option<Box<Inflate>>,
    is_partial: bool,
    range_length: i64,
    offset: u64,
    instance_length: i64,
    sends_size: bool,
    late_line_end: bool,
    content: Content,
}

impl Entity {
    fn new(encoding: Encoding, body: Body) -> Self {
        Self {
            in_header: true,
            ended: false,
            field: Vec::new(),
            field_lines: 0,
            kind: Kind::Other,
            encoding,
            boundary: None,
            base64: None,
            has_child: false,
            body,
            chunks: Chunks::None,
            content_length: None,
            expect_continue: false,
            expected: 0,
            body_length: 0,
            coded: false,
            inflate: None,
            is_partial: false,
            range_length: -1,
            offset: 0,
            instance_length: -1,
            sends_size: true,
            late_line_end: false,
            content: Content::None,
        }
    }

    fn is_delimiter(&self, line: &[u8]) -> Option<Delimiter> {
        let rest = line.strip_prefix(b"--")?.strip_prefix(self.boundary.as_deref()?)?;
        Some(if rest.starts_with(b"--") { Delimiter::Last } else { Delimiter::Next })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delimiter {
    Next,
    Last,
}

impl Message {
    /// A message that begins.
    pub(super) fn new(scope: &mut Scope<'_, '_>, direction: Direction, body: Body) -> Self {
        scope.log.begin_entity(scope.context, direction);
        Self { direction, entities: vec![Entity::new(Encoding::Plain, body)], finished: false }
    }

    /// Whether it is over.
    pub(super) const fn is_finished(&self) -> bool {
        self.finished
    }

    /// A line, with `line_end`, or octets of a run.
    pub(super) fn deliver(&mut self, scope: &mut Scope<'_, '_>, data: &[u8], line_end: bool) {
        self.entity_data(scope, 0, data, line_end);
    }

    /// The message is over, by its own account or because nothing more comes.
    pub(super) fn done(&mut self, scope: &mut Scope<'_, '_>) {
        if self.finished {
            return;
        }
        self.finished = true;
        self.end_entity(scope, 0);
        self.end_file(scope, 0);
        let body_length = self.entities.first().map_or(0, |top| top.body_length);
        scope.log.message_done(scope.context, self.direction, body_length);
        scope.link.done = true;
    }

    /// Nothing more of the message comes: files that nothing ended are written.
    pub(super) fn abandon(&mut self, scope: &mut Scope<'_, '_>) {
        for entity in &mut self.entities {
            if let Content::Open(mut file, transaction) = std::mem::take(&mut entity.content) {
                if let Some(mime) = file.end() {
                    scope.log.add_mime(transaction, self.direction, mime);
                }
                file.write(scope.context, true);
            }
        }
    }

    /// `length` octets are missing. Returns whether they are all of the body.
    pub(super) fn gap(&mut self, scope: &mut Scope<'_, '_>, length: u64) -> bool {
        let level = self.entities.iter().rposition(|entity| !entity.ended).unwrap_or(0);
        let Some(entity) = self.entities.get(level) else { return false };
        if (entity.ended && entity.in_header) || entity.body_length == 0 {
            return false;
        }
        self.file_gap(scope, level, length);
        let Some(entity) = self.entities.get_mut(level) else { return false };
        if entity.is_partial {
            entity.offset = entity.offset.saturating_add(length);
        }
        let signed = i64::try_from(length).unwrap_or(i64::MAX);
        let in_body = match entity.chunks {
            Chunks::None => entity.content_length.is_some(),
            chunks => chunks == Chunks::Data,
        };
        if !in_body || entity.expected < signed {
            return false;
        }
        entity.body_length = entity.body_length.saturating_add(length);
        entity.expected -= signed;
        let over = entity.expected == 0;
        let is_chunked = entity.chunks != Chunks::None;
        scope.lines.set_run(entity.expected.unsigned_abs());
        if over && is_chunked {
            entity.chunks = Chunks::DataEnd;
        } else if over {
            self.end_entity(scope, level);
        }
        true
    }

    fn entity_data(&mut self, scope: &mut Scope<'_, '_>, level: usize, data: &[u8], line_end: bool) {
        let Some(entity) = self.entities.get_mut(level) else { return };
        if entity.ended {
            return;
        }
        if entity.in_header {
            if !line_end {
                scope.context.weird("http_no_crlf_in_header_list", None, SOURCE);
            }
            self.header_line(scope, level, data);
            return;
        }
        let octets = i64::try_from(data.len()).unwrap_or(i64::MAX);
        if entity.kind != Kind::Other {
            self.body(scope, level, data, line_end);
            if level == 0
                && let Some(entity) = self.entities.first_mut()
                && entity.content_length.is_some_and(|length| length > 0)
            {
                entity.expected = entity.expected.saturating_sub(octets + i64::from(line_end) * 2);
                if entity.expected <= 0 {
                    scope.lines.set_run(0);
                    self.end_entity(scope, 0);
                }
            }
            return;
        }
        match entity.chunks {
            Chunks::None if entity.content_length.is_some() => {
                self.body(scope, level, data, false);
                if let Some(entity) = self.entities.get_mut(level) {
                    entity.expected -= octets;
                    if entity.expected <= 0 {
                        scope.lines.set_run(0);
                        scope.lines.set_until_end(None);
                        self.end_entity(scope, level);
                    }
                }
            }
            Chunks::None => self.body(scope, level, data, line_end),
            Chunks::Size => {
                entity.expected = header::number(data, 16).unwrap_or_else(|| {
                    scope.context.weird("HTTP_bad_chunk_size", c_string(data), SOURCE);
                    0
                });
                if entity.expected > 0 {
                    entity.chunks = Chunks::Data;
                    scope.lines.set_run(entity.expected.unsigned_abs());
                } else {
                    entity.in_header = true;
                    entity.chunks = Chunks::Trailer;
                }
            }
            Chunks::Data => {
                entity.expected -= octets;
                if entity.expected <= 0 {
                    scope.lines.set_run(0);
                    entity.chunks = Chunks::DataEnd;
                }
                self.body(scope, level, data, false);
            }
            Chunks::DataEnd => entity.chunks = Chunks::Size,
            Chunks::Before | Chunks::Trailer | Chunks::Over => {}
        }
    }

    fn header_line(&mut self, scope: &mut Scope<'_, '_>, level: usize, line: &[u8]) {
        let Some(entity) = self.entities.get_mut(level) else { return };
        match line.first() {
            None | Some(0) => {
                self.finish_field(scope, level);
                if let Some(entity) = self.entities.get_mut(level) {
                    entity.in_header = false;
                }
                self.header_done(scope, level);
                if self.entities.get(level).is_some_and(|entity| !entity.ended) {
                    self.begin_body(scope, level);
                }
            }
            Some(first) if header::is_blank(*first) => {
                if entity.field.is_empty() {
                    entity.field.extend_from_slice(header::skip_blanks(line));
                    entity.field_lines = 1;
                } else if entity.field.len() + line.len() <= MAX_HEADER {
                    entity.field.extend_from_slice(line);
                    entity.field_lines += 1;
                } else {
                    scope.context.weird("exceeded_mime_max_header_bytes", None, SOURCE);
                }
            }
            Some(_) => {
                self.finish_field(scope, level);
                match scope.next {
                    Some(next) if !header::is_blank(next) => self.field(scope, level, line, 1),
                    _ => {
                        if let Some(entity) = self.entities.get_mut(level) {
                            entity.field.extend_from_slice(line);
                            entity.field_lines = 1;
                        }
                    }
                }
            }
        }
    }

    /// The header field that was kept is complete.
    fn finish_field(&mut self, scope: &mut Scope<'_, '_>, level: usize) {
        let Some(entity) = self.entities.get_mut(level).filter(|entity| !entity.field.is_empty()) else {
            return;
        };
        let mut field = std::mem::take(&mut entity.field);
        let lines = entity.field_lines;
        self.field(scope, level, &field, lines);
        if let Some(entity) = self.entities.get_mut(level) {
            field.clear();
            entity.field = field;
        }
    }

    fn field(&mut self, scope: &mut Scope<'_, '_>, level: usize, line: &[u8], lines: u32) {
        let Some(header) = Header::parse(line) else { return };
        let Some(entity) = self.entities.get_mut(level) else { return };
        if header.is("content-type") {
            if let Some((kind, _, parameters)) = header::media_type(header.value) {
                entity.kind = if kind.eq_ignore_ascii_case(b"multipart") {
                    if let Some(boundary) = header::boundary(parameters) {
                        entity.boundary = Some(boundary.into_boxed_slice());
                    }
                    if entity.boundary.is_some() { Kind::Multipart } else { Kind::Other }
                } else if kind.eq_ignore_ascii_case(b"message") {
                    Kind::Message
                } else {
                    Kind::Other
                };
            }
        } else if header.is("content-transfer-encoding")
            && let Some((encoding, _)) = header.token()
        {
            entity.encoding = if encoding.eq_ignore_ascii_case(b"base64") {
                Encoding::Base64
            } else if encoding.eq_ignore_ascii_case(b"quoted-printable") {
                Encoding::QuotedPrintable
            } else {
                Encoding::Plain
            };
        }
        if level == 0 && lines > 1 {
            scope.context.weird("HTTP_obsolete_line_folding", c_string(header.name), SOURCE);
        }
        framing(entity, scope, level, header);
        if header.is("connection")
            && let Some((token, _)) = header.token()
        {
            match self.direction {
                Direction::Originator if token.eq_ignore_ascii_case(b"keep-alive") => {
                    scope.link.keep_alive = true;
                }
                Direction::Responder if token.eq_ignore_ascii_case(b"close") => {
                    scope.link.connection_close = true;
                }
                Direction::Responder if token.eq_ignore_ascii_case(b"upgrade") => scope.link.upgrade = true,
                _ => {}
            }
        } else if self.direction == Direction::Responder && header.is("upgrade") {
            scope.link.upgrade_protocol.clear();
            scope.link.upgrade_protocol.extend_from_slice(header.token().map_or(&[], |(token, _)| token));
        }
        scope.log.header(scope.context, self.direction, header);
    }

    /// The empty line after the header.
    fn header_done(&mut self, scope: &mut Scope<'_, '_>, level: usize) {
        let in_multipart = level
            .checked_sub(1)
            .and_then(|parent| self.entities.get(parent))
            .is_some_and(|parent| parent.kind == Kind::Multipart);
        if in_multipart {
            scope.lines.set_lone_ends(false);
        }
        let Some(entity) = self.entities.get_mut(level) else { return };
        let length = entity.content_length;
        if let Some(length) = length {
            scope.lines.set_until_end(Some(length.unsigned_abs()));
        }
        if entity.chunks == Chunks::Trailer {
            entity.chunks = Chunks::Over;
            self.end_entity(scope, level);
            return;
        }
        if entity.body == Body::No {
            self.end_entity(scope, level);
            return;
        }
        match (entity.kind, entity.chunks, length) {
            (Kind::Multipart | Kind::Message, chunks, _) => {
                if chunks != Chunks::None {
                    scope.context.weird("HTTP_chunked_transfer_for_multipart_message", None, SOURCE);
                }
                match length.filter(|_| level == 0) {
                    Some(0) => self.end_entity(scope, level),
                    Some(length) => entity.expected = length,
                    None => {}
                }
            }
            (Kind::Other, Chunks::None, Some(0)) => self.end_entity(scope, level),
            (Kind::Other, Chunks::None, Some(length)) => {
                entity.expected = length;
                scope.lines.set_run(length.unsigned_abs());
            }
            (Kind::Other, Chunks::None, None) => {
                if scope.link.connection_close || entity.coded {
                    entity.expected = UNTIL_CLOSE;
                    scope.lines.set_run(UNTIL_CLOSE.unsigned_abs());
                } else if entity.body != Body::Yes {
                    self.end_entity(scope, level);
                }
            }
            (Kind::Other, _, _) => entity.chunks = Chunks::Size,
        }
    }

    fn begin_body(&mut self, scope: &mut Scope<'_, '_>, level: usize) {
        let Some(entity) = self.entities.get_mut(level) else { return };
        if entity.encoding == Encoding::Base64 {
            entity.base64 = Some(Base64::default());
        }
        if entity.kind == Kind::Message {
            self.begin_child(scope, level);
        }
    }

    fn begin_child(&mut self, scope: &mut Scope<'_, '_>, level: usize) {
        if level >= MAX_DEPTH {
            scope.context.weird("exceeded_mime_max_depth", Some(b"100"), SOURCE);
            return;
        }
        self.entities.truncate(level + 1);
        let Some(parent) = self.entities.get_mut(level) else { return };
        parent.has_child = true;
        let encoding = parent.encoding;
        self.entities.push(Entity::new(encoding, Body::Yes));
        scope.log.begin_entity(scope.context, self.direction);
    }

    fn end_child(&mut self, scope: &mut Scope<'_, '_>, level: usize) {
        self.end_entity(scope, level + 1);
        self.entities.truncate(level + 1);
        if let Some(entity) = self.entities.get_mut(level) {
            entity.has_child = false;
        }
    }

    fn end_entity(&mut self, scope: &mut Scope<'_, '_>, level: usize) {
        let Some(entity) = self.entities.get_mut(level).filter(|entity| !entity.ended) else { return };
        entity.inflate = None;
        entity.ended = true;
        if entity.in_header {
            self.finish_field(scope, level);
            if let Some(entity) = self.entities.get_mut(level) {
                entity.in_header = false;
            }
            self.header_done(scope, level);
        } else {
            let mut base64 = entity.base64.take();
            if entity.has_child {
                self.end_child(scope, level);
            }
            if let Some(base64) = &mut base64 {
                base64.finish(|octets| self.submit(scope, level, octets));
            }
        }
        scope.log.end_entity();
        let in_multipart = level
            .checked_sub(1)
            .and_then(|parent| self.entities.get(parent))
            .is_some_and(|parent| parent.kind == Kind::Multipart);
        if in_multipart {
            scope.lines.set_lone_ends(true);
        }
        if level == 0 {
            self.done(scope);
        } else {
            self.end_file(scope, level);
        }
    }

    /// Octets of an entity's body, maybe coded.
    fn body(&mut self, scope: &mut Scope<'_, '_>, level: usize, data: &[u8], line_end: bool) {
        let Some(entity) = self.entities.get_mut(level) else { return };
        if !entity.coded {
            self.clear_body(scope, level, data, line_end);
            return;
        }
        let mut inflate = entity.inflate.take().unwrap_or_default();
        let outcome = inflate.data(data, |decoded| self.clear_body(scope, level, decoded, false));
        if outcome == Outcome::Failed {
            scope.context.weird("inflate_failed", None, "ZIP");
        }
        if let Some(entity) = self.entities.get_mut(level).filter(|entity| !entity.ended) {
            entity.inflate = Some(inflate);
        }
    }

    fn clear_body(&mut self, scope: &mut Scope<'_, '_>, level: usize, data: &[u8], line_end: bool) {
        let Some(entity) = self.entities.get_mut(level) else { return };
        let octets = data.len() as u64 + u64::from(line_end) * 2;
        entity.body_length = entity.body_length.saturating_add(octets);
        if entity.kind == Kind::Multipart
            && let Some(delimiter) = entity.is_delimiter(data)
        {
            if entity.has_child {
                self.end_child(scope, level);
            }
            match delimiter {
                Delimiter::Last => self.end_entity(scope, level),
                Delimiter::Next if self.entities.get(level).is_some_and(|entity| !entity.ended) => {
                    self.begin_child(scope, level);
                }
                Delimiter::Next => {}
            }
            return;
        }
        if entity.kind != Kind::Other {
            if entity.has_child {
                self.entity_data(scope, level + 1, data, line_end);
            }
            return;
        }
        match entity.encoding {
            Encoding::QuotedPrintable => {
                quoted_printable(data, |octets| self.submit(scope, level, octets));
            }
            Encoding::Base64 => {
                let mut base64 = entity.base64.unwrap_or_default();
                base64.decode(data, |octets| self.submit(scope, level, octets));
                if let Some(entity) = self.entities.get_mut(level) {
                    entity.base64 = Some(base64);
                }
            }
            Encoding::Plain => {
                if std::mem::take(&mut entity.late_line_end) {
                    self.submit(scope, level, b"\r\n");
                }
                self.submit(scope, level, data);
                if line_end {
                    // The line end before a delimiter belongs to the delimiter, so it waits for the next line.
                    let in_multipart = level
                        .checked_sub(1)
                        .and_then(|parent| self.entities.get(parent))
                        .is_some_and(|parent| parent.kind == Kind::Multipart);
                    match self.entities.get_mut(level) {
                        Some(entity) if in_multipart => entity.late_line_end = true,
                        _ => self.submit(scope, level, b"\r\n"),
                    }
                }
            }
        }
    }

    /// Decoded octets of an entity: those of a file.
    fn submit(&mut self, scope: &mut Scope<'_, '_>, level: usize, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        self.open_file(scope, level);
        let direction = self.direction;
        let Some(entity) = self.entities.get_mut(level) else { return };
        let total = match (entity.is_partial, entity.coded) {
            (_, true) => None,
            (true, false) => u64::try_from(entity.instance_length).ok(),
            (false, false) => entity.content_length.and_then(|length| u64::try_from(length).ok()),
        };
        let total = total.filter(|total| *total > 0 && entity.sends_size);
        entity.sends_size = false;
        let now = scope.context.now();
        match &mut entity.content {
            Content::Open(file, transaction) => {
                if let Some(total) = total {
                    file.set_total(total);
                }
                let mut skipped = None;
                if entity.is_partial {
                    let missing = entity.offset.saturating_sub(file.offset());
                    if missing > 0 {
                        skipped = file.gap(now, missing);
                    }
                    entity.offset = entity.offset.saturating_add(data.len() as u64);
                }
                let found = file.data(now, data);
                if let Some(mime) = skipped.or(found) {
                    scope.log.add_mime(*transaction, direction, mime);
                }
                if file.is_complete() {
                    self.end_file_now(scope, level);
                }
            }
            Content::Partial(key, transaction) => {
                let carrier = Carrier::of(scope.context);
                let (shared, settings, out) = scope.context.shared();
                if let Some(total) = total {
                    shared.files.set_total(key, total);
                }
                let piece = Piece::Data(entity.offset, data);
                let mime = shared.files.piece(key, carrier, now, piece, settings, out);
                entity.offset = entity.offset.saturating_add(data.len() as u64);
                if let Some(mime) = mime {
                    scope.log.add_mime(*transaction, direction, mime);
                }
            }
            Content::None | Content::Ended(_) => {}
        }
    }

    fn file_gap(&mut self, scope: &mut Scope<'_, '_>, level: usize, length: u64) {
        self.open_file(scope, level);
        let direction = self.direction;
        let Some(entity) = self.entities.get_mut(level) else { return };
        let now = scope.context.now();
        match &mut entity.content {
            Content::Open(file, transaction) => {
                if let Some(mime) = file.gap(now, length) {
                    scope.log.add_mime(*transaction, direction, mime);
                }
            }
            Content::Partial(key, transaction) => {
                let carrier = Carrier::of(scope.context);
                let (shared, settings, out) = scope.context.shared();
                let mime = shared.files.piece(key, carrier, now, Piece::Gap(length), settings, out);
                if let Some(mime) = mime {
                    scope.log.add_mime(*transaction, direction, mime);
                }
            }
            Content::None | Content::Ended(_) => {}
        }
    }

    /// Makes sure that the entity's file is open.
    fn open_file(&mut self, scope: &mut Scope<'_, '_>, level: usize) {
        let now = scope.context.now();
        let direction = self.direction;
        let Some(entity) = self.entities.get_mut(level) else { return };
        let mut id = None;
        match &mut entity.content {
            Content::Open(file, _) if !file.is_idle(now) => return,
            Content::Open(..) => {
                if let Content::Open(mut file, transaction) = std::mem::take(&mut entity.content) {
                    id = Some(file.id());
                    if let Some(mime) = file.end() {
                        scope.log.add_mime(transaction, direction, mime);
                    }
                    file.write(scope.context, true);
                }
            }
            Content::Ended(ended) => id = Some(*ended),
            Content::Partial(key, _) => {
                let (shared, _, _) = scope.context.shared();
                if shared.files.id(key).is_some() {
                    return;
                }
            }
            Content::None => {}
        }
        let url = if id.is_none() { scope.log.range_url(direction) } else { None };
        let key = url.map(|url| PartialFile { client: scope.context.endpoints().orig_h, url });
        let known = key.as_ref().and_then(|key| scope.context.shared().0.files.id(key));
        let id = id.or(known).unwrap_or_else(|| scope.context.new_file_id());
        let filename = scope.log.filename();
        let Some(key) = key else {
            let transaction = scope.log.add_file(direction, id, filename.as_deref());
            let origin = Origin { id, source: SOURCE, direction, depth: 0, filename };
            entity.content = Content::Open(Box::new(File::new(scope.context, origin)), transaction);
            return;
        };
        let carrier = Carrier::of(scope.context);
        let is_new = known.is_none() || !scope.context.shared().0.files.is_carried_by(&key, carrier);
        let transaction = if is_new {
            scope.log.add_shared_file(direction, id, filename.as_deref())
        } else {
            scope.log.shared_file_owner()
        };
        if known.is_none() {
            let origin = Origin { id, source: SOURCE, direction, depth: 0, filename };
            let file = File::new(scope.context, origin);
            let (shared, settings, out) = scope.context.shared();
            shared.files.begin(key.clone(), file, settings, out);
        }
        entity.content = Content::Partial(key, transaction);
    }

    /// The entity is over, and its file with it, unless that is fetched in parts.
    fn end_file(&mut self, scope: &mut Scope<'_, '_>, level: usize) {
        if self.direction == Direction::Originator || scope.link.reply_code != 206 {
            self.end_file_now(scope, level);
        }
    }

    fn end_file_now(&mut self, scope: &mut Scope<'_, '_>, level: usize) {
        let Some(entity) = self.entities.get_mut(level) else { return };
        match std::mem::take(&mut entity.content) {
            Content::Open(mut file, transaction) => {
                if let Some(mime) = file.end() {
                    scope.log.add_mime(transaction, self.direction, mime);
                }
                entity.content = Content::Ended(file.id());
                let timed_out = file.is_idle(scope.context.now());
                file.write(scope.context, timed_out);
            }
            Content::Partial(key, transaction) => {
                let (shared, settings, out) = scope.context.shared();
                let id = shared.files.id(&key);
                let mime = shared.files.end(&key, settings, out, false);
                if let Some(mime) = mime {
                    scope.log.add_mime(transaction, self.direction, mime);
                }
                entity.content = id.map_or(Content::None, Content::Ended);
            }
            content => entity.content = content,
        }
    }
}

/// Header fields that tell where the body ends and how it is coded.
fn framing(entity: &mut Entity, scope: &mut Scope<'_, '_>, level: usize, header: Header<'_>) {
    let context = &mut *scope.context;
    if header.is("content-length") {
        if entity.chunks != Chunks::None {
            context.weird("HTTP_content_length_and_chunked", None, SOURCE);
        }
        let Some((token, _)) = header.token() else { return };
        match header::number(token, 10) {
            Some(length) if length >= 0 => {
                if length > 0 && token.first() == Some(&b'0') {
                    context.weird("HTTP_content_length_leading_zeros", c_string(token), SOURCE);
                }
                entity.content_length = Some(length);
                if entity.is_partial && entity.range_length != length {
                    context.weird("HTTP_range_not_matching_len", None, SOURCE);
                    entity.content_length = Some(length.max(entity.range_length));
                }
            }
            _ => {
                context.weird("HTTP_bad_content_length", c_string(token), SOURCE);
                entity.content_length = Some(0);
            }
        }
        continue_without_body(entity, context);
    } else if header.is("content-range") && scope.link.reply_code == 206 {
        if entity.chunks != Chunks::None {
            context.weird("HTTP_content_range_and_chunked", None, SOURCE);
        }
        content_range(entity, context, header);
    } else if header.is("transfer-encoding") {
        if level > 0 {
            context.weird("HTTP_nested_transfer_encoding_header", None, SOURCE);
            return;
        }
        let link = &scope.link;
        let version = if link.request_ongoing { link.request_version } else { link.reply_version };
        let Some((token, rest)) = header.token() else { return };
        if token.eq_ignore_ascii_case(b"chunked") && version == Version::HTTP_1_1 {
            entity.chunks = Chunks::Before;
            if !rest.is_empty() {
                context.weird("HTTP_chunked_multi", c_string(rest), SOURCE);
            }
            if entity.content_length.is_some() {
                context.weird("HTTP_content_length_and_chunked", None, SOURCE);
            }
        }
    } else if header.is("content-encoding") {
        let token = header.token().map_or(&[] as &[u8], |(token, _)| token);
        if [b"gzip".as_slice(), b"x-gzip", b"deflate"].iter().any(|coding| token.eq_ignore_ascii_case(coding))
        {
            entity.coded = true;
        }
    } else if header.is("expect") {
        let token = header.token().map_or(&[] as &[u8], |(token, _)| token);
        if !token.eq_ignore_ascii_case(b"100-continue") {
            context.weird("HTTP_expect_not_100_continue", c_string(token), SOURCE);
        }
        entity.expect_continue = true;
        continue_without_body(entity, context);
    }
}

fn continue_without_body(entity: &Entity, context: &mut FlowContext<'_>) {
    if entity.expect_continue && entity.content_length == Some(0) {
        context.weird("HTTP_content_length_0_and_expect_100_cont", None, SOURCE);
    }
}

/// `Content-Range` (RFC 9110, section 14.4).
fn content_range(entity: &mut Entity, context: &mut FlowContext<'_>, header: Header<'_>) {
    let (unit, rest) = header.token().unwrap_or_default();
    if unit != b"bytes" {
        context.weird("HTTP_content_range_unknown_byte_unit", None, SOURCE);
        return;
    }
    let range: Vec<u8> = rest.iter().copied().filter(|octet| *octet != b' ').collect();
    let mut parts = range.splitn(2, |octet| *octet == b'/');
    let (Some(octets), Some(instance)) = (parts.next(), parts.next()) else {
        context.weird("HTTP_content_range_cannot_parse", None, SOURCE);
        return;
    };
    let mut ends = octets.splitn(2, |octet| *octet == b'-');
    let (Some(first), Some(last)) = (ends.next(), ends.next()) else {
        context.weird("HTTP_content_range_cannot_parse", None, SOURCE);
        return;
    };
    let addl = Some(range.as_slice());
    let (Some(first), Some(last)) = (header::number(first, 10), header::number(last, 10)) else {
        context.weird("HTTP_content_range_cannot_parse", addl, SOURCE);
        return;
    };
    let (Ok(start), false) = (u64::try_from(first), last < 0) else {
        context.weird("HTTP_content_range_invalid", addl, SOURCE);
        return;
    };
    if last < first {
        context.weird("HTTP_non_positive_content_range", addl, SOURCE);
        return;
    }
    let Some(length) = (last - first).checked_add(1) else {
        context.weird("HTTP_content_range_overflow", addl, SOURCE);
        return;
    };
    if instance != b"*" {
        entity.instance_length = header::number(instance, 10).unwrap_or_else(|| {
            context.weird("HTTP_content_range_invalid_instance", addl, SOURCE);
            0
        });
    }
    entity.is_partial = true;
    entity.offset = start;
    entity.range_length = length;
    match entity.content_length.filter(|length| *length > 0) {
        Some(announced) => {
            if announced != length {
                context.weird("HTTP_range_not_matching_len", None, SOURCE);
                entity.content_length = Some(announced.max(length));
            }
        }
        None => entity.content_length = Some(length),
    }
}

/// Text as C would print it: up to the first NUL; nothing if that leaves nothing.
fn c_string(text: &[u8]) -> Option<&[u8]> {
    text.split(|octet| *octet == 0).next().filter(|text| !text.is_empty())
}

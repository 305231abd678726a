//! Messages: which of their octets are header, and which body.
//!
//! A message is a stack of entities: the message itself, and where it is multipart the part that is open, which may
//! be multipart again. Where bodies end is told by `framing.rs`, what they are by `parts.rs`, and which files by
//! `content.rs`.

use super::entity::{Body, Content, Encoding, Entity, Kind};
use super::framing::{c_string, framing};
use super::parse::Version;
use super::transaction::Transactions;
use crate::lines::Lines;
use crate::mime::header::{self, Header};
use crate::{Direction, FlowContext};

/// A header field with its continuations has so many octets at most.
const MAX_HEADER: usize = 64 * 1024;

/// Name under which oddities are reported, and source of the files.
pub(super) const SOURCE: &str = "HTTP";

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
    pub(super) direction: Direction,
    pub(super) entities: Vec<Entity>,
    finished: bool,
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

    pub(super) fn header_line(&mut self, scope: &mut Scope<'_, '_>, level: usize, line: &[u8]) {
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
    pub(super) fn finish_field(&mut self, scope: &mut Scope<'_, '_>, level: usize) {
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
        let in_coded = self.entities.iter().take(level).any(|outer| outer.coded);
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
        // A part that is coded once more stays as it is: codings inside of each other multiply what they make.
        entity.coded &= !in_coded;
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
}

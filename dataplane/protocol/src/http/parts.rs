//! What bodies are: parts, and coded octets.

use super::entity::{Body, Delimiter, Encoding, Entity, Kind};
use super::inflate::Outcome;
use super::message::{Message, SOURCE, Scope};
use crate::mime::decode::{Base64, quoted_printable};

/// Multipart bodies are taken apart to this depth (Zeek: `MIME::max_depth`).
const MAX_DEPTH: usize = 100;

impl Message {
    pub(super) fn begin_body(&mut self, scope: &mut Scope<'_, '_>, level: usize) {
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

    pub(super) fn end_entity(&mut self, scope: &mut Scope<'_, '_>, level: usize) {
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
    pub(super) fn body(&mut self, scope: &mut Scope<'_, '_>, level: usize, data: &[u8], line_end: bool) {
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
}

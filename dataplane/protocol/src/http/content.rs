//! The files that bodies are.

use super::entity::Content;
use super::message::{Message, SOURCE, Scope};
use crate::Direction;
use crate::file::{Carrier, File, Origin, PartialFile, Piece};

impl Message {
    /// Decoded octets of an entity: those of a file.
    pub(super) fn submit(&mut self, scope: &mut Scope<'_, '_>, level: usize, data: &[u8]) {
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

    pub(super) fn file_gap(&mut self, scope: &mut Scope<'_, '_>, level: usize, length: u64) {
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
            let bucket = scope.context.bucket();
            let (shared, settings, out) = scope.context.shared();
            shared.files.begin(key.clone(), bucket, file, settings, out);
        }
        entity.content = Content::Partial(key, transaction);
    }

    /// The entity is over, and its file with it, unless that is fetched in parts.
    pub(super) fn end_file(&mut self, scope: &mut Scope<'_, '_>, level: usize) {
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

//! Where bodies end: by length, by chunks, by ranges, or with the connection.

use record::Time;

use super::entity::{Body, Chunks, Content, Encoding, Entity, Kind};
use super::message::{Message, SOURCE, Scope};
use super::parse::Version;
use crate::FlowContext;
use crate::mime::header::{self, Header};

/// What is known of the length of a body that ends with the connection.
const UNTIL_CLOSE: i64 = i32::MAX as i64;

impl Message {
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

    /// Whether of the octets to come only the number matters: those of a plain body of known extent whose file needs
    /// no more of them.
    pub(super) fn only_counts(&self, now: Time) -> bool {
        let [entity] = self.entities.as_slice() else { return false };
        let is_plain = entity.kind == Kind::Other
            && entity.encoding == Encoding::Plain
            && !(entity.in_header
                || entity.ended
                || entity.coded
                || entity.is_partial
                || entity.late_line_end);
        let in_data = matches!(entity.chunks, Chunks::None | Chunks::Data);
        is_plain && in_data && matches!(&entity.content, Content::Open(file, _) if !file.wants_data(now))
    }

    /// So many octets of the body, which [only count](Self::only_counts), and are not all that is left of it.
    pub(super) fn skipped(&mut self, scope: &Scope<'_, '_>, length: u64) {
        let now = scope.context.now();
        let Some(entity) = self.entities.first_mut() else { return };
        entity.body_length = entity.body_length.saturating_add(length);
        if entity.chunks == Chunks::Data || entity.content_length.is_some() {
            entity.expected = entity.expected.saturating_sub_unsigned(length);
        }
        if let Content::Open(file, _) = &mut entity.content {
            file.skipped(now, length);
        }
    }

    pub(super) fn entity_data(
        &mut self,
        scope: &mut Scope<'_, '_>,
        level: usize,
        data: &[u8],
        line_end: bool,
    ) {
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

    /// The empty line after the header.
    pub(super) fn header_done(&mut self, scope: &mut Scope<'_, '_>, level: usize) {
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
}

/// Header fields that tell where the body ends and how it is coded.
pub(super) fn framing(entity: &mut Entity, scope: &mut Scope<'_, '_>, level: usize, header: Header<'_>) {
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
pub(super) fn c_string(text: &[u8]) -> Option<&[u8]> {
    text.split(|octet| *octet == 0).next().filter(|text| !text.is_empty())
}

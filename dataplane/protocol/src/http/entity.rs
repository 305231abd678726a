//! One entity: a message, or a part of a multipart one, with what its header told.

use record::FileId;

use super::inflate::Inflate;
use crate::file::{File, PartialFile};
use crate::mime::decode::Base64;

/// Whether a message has a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    No,
    Yes,
    IfAnnounced,
}

/// What an entity's media type makes of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Multipart,
    /// `message/...`: one entity inside.
    Message,
    Other,
}

/// Content transfer encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Base64,
    QuotedPrintable,
}

/// Where in a chunked body the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunks {
    None,
    Before,
    Size,
    Data,
    DataEnd,
    Trailer,
    Over,
}

/// The file that a body is.
#[derive(Debug, Default)]
pub(super) enum Content {
    #[default]
    None,
    /// A file under way, and the number of its transaction.
    Open(Box<File>, u64),
    /// It ended; more of it would be the same file.
    Ended(FileId),
    /// It comes in pieces, maybe over several connections.
    Partial(PartialFile, u64),
}

/// A message, or a part of one.
#[derive(Debug)]
pub(super) struct Entity {
    pub(super) in_header: bool,
    pub(super) ended: bool,
    /// A header field of which a continuation may come.
    pub(super) field: Vec<u8>,
    pub(super) field_lines: u32,
    pub(super) kind: Kind,
    pub(super) encoding: Encoding,
    pub(super) boundary: Option<Box<[u8]>>,
    pub(super) base64: Option<Base64>,
    pub(super) has_child: bool,
    pub(super) body: Body,
    pub(super) chunks: Chunks,
    pub(super) content_length: Option<i64>,
    pub(super) expect_continue: bool,
    pub(super) expected: i64,
    pub(super) body_length: u64,
    pub(super) coded: bool,
    pub(super) inflate: Option<Box<Inflate>>,
    pub(super) is_partial: bool,
    pub(super) range_length: i64,
    pub(super) offset: u64,
    pub(super) instance_length: i64,
    pub(super) sends_size: bool,
    pub(super) late_line_end: bool,
    pub(super) content: Content,
}

impl Entity {
    pub(super) fn new(encoding: Encoding, body: Body) -> Self {
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

    pub(super) fn is_delimiter(&self, line: &[u8]) -> Option<Delimiter> {
        let rest = line.strip_prefix(b"--")?.strip_prefix(self.boundary.as_deref()?)?;
        Some(if rest.starts_with(b"--") { Delimiter::Last } else { Delimiter::Next })
    }
}

/// A line between the parts of a multipart body, or after the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delimiter {
    Next,
    Last,
}

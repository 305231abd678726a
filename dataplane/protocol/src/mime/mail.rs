//! Mails: their parts, each of which is a file.
//!
//! A mail is a stack of entities: the mail itself, and the part that is open, which may have parts again. Nothing is
//! kept but a header field at a time. Limits: [`MAX_DEPTH`], [`MAX_HEADER`].

use record::FileId;

use super::decode::{Base64, quoted_printable};
use super::filename::filename;
use super::header::{self, Header};
use crate::file::{File, Origin};
use crate::{Direction, FlowContext};

/// Parts in parts are followed to this depth (Zeek: `MIME::max_depth`).
const MAX_DEPTH: usize = 100;
/// A header field with its continuations has so many octets at most.
const MAX_HEADER: usize = 64 * 1024;

/// One mail.
#[derive(Debug)]
pub(crate) struct Mail {
    source: &'static str,
    direction: Direction,
    entities: Vec<Entity>,
    /// Parts begun so far, of all mails of the connection.
    parts: u64,
    filename: Option<Box<[u8]>>,
    file: Option<Box<File>>,
}

/// What an entity is by its media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Multipart,
    Message,
    Other,
}

/// Content transfer encoding.
#[derive(Debug, Clone, Copy)]
enum Encoding {
    Plain,
    QuotedPrintable,
    Base64(Base64),
}

#[derive(Debug)]
struct Entity {
    in_header: bool,
    ended: bool,
    /// A header field of which a continuation may come.
    field: Vec<u8>,
    kind: Kind,
    encoding: Encoding,
    boundary: Option<Vec<u8>>,
    /// A line end that belongs to the content only if more of it comes.
    late_line_end: bool,
}

impl Mail {
    /// A mail that begins after `parts` parts of mails before it in the connection.
    pub(crate) fn new(source: &'static str, direction: Direction, parts: u64) -> Self {
        let mut mail = Self { source, direction, entities: Vec::new(), parts, filename: None, file: None };
        mail.begin(Encoding::Plain);
        mail
    }

    /// Parts begun so far, with those of the mails before it.
    pub(crate) const fn parts(&self) -> u64 {
        self.parts
    }

    /// A line, with `line_end`, or the beginning of one.
    pub(crate) fn line(&mut self, context: &mut FlowContext<'_>, line: &[u8], line_end: bool) {
        for level in 0..self.entities.len() {
            let Some(entity) = self.entities.get(level) else { return };
            if entity.ended {
                return;
            }
            if entity.in_header {
                self.header_line(context, level, line);
                return;
            }
            if entity.kind == Kind::Multipart
                && let Some(is_last) = entity.delimiter(line)
            {
                self.end_from(context, if is_last { level } else { level + 1 });
                if !is_last {
                    self.begin_child(context, level);
                }
                return;
            }
            if entity.kind == Kind::Other {
                self.content(context, level, line, line_end);
                return;
            }
        }
    }

    /// `length` octets are missing.
    pub(crate) fn gap(&mut self, context: &mut FlowContext<'_>, length: u64) {
        let now = context.now();
        self.open(context).gap(now, length);
    }

    /// The mail is over.
    pub(crate) fn end(&mut self, context: &mut FlowContext<'_>) {
        self.end_from(context, 0);
    }

    fn begin(&mut self, encoding: Encoding) {
        self.parts = self.parts.saturating_add(1);
        self.filename = None;
        self.entities.push(Entity {
            in_header: true,
            ended: false,
            field: Vec::new(),
            kind: Kind::Other,
            encoding,
            boundary: None,
            late_line_end: false,
        });
    }

    fn begin_child(&mut self, context: &mut FlowContext<'_>, level: usize) {
        if level >= MAX_DEPTH {
            context.weird("exceeded_mime_max_depth", Some(b"100"), self.source);
            return;
        }
        self.entities.truncate(level + 1);
        let encoding = match self.entities.get(level).map(|parent| parent.encoding) {
            Some(Encoding::QuotedPrintable) => Encoding::QuotedPrintable,
            Some(Encoding::Base64(_)) => Encoding::Base64(Base64::default()),
            Some(Encoding::Plain) | None => Encoding::Plain,
        };
        self.begin(encoding);
    }

    /// Ends the entity at `level` and those in it.
    fn end_from(&mut self, context: &mut FlowContext<'_>, level: usize) {
        for inner in (level..self.entities.len()).rev() {
            let Some(entity) = self.entities.get_mut(inner).filter(|entity| !entity.ended) else { continue };
            entity.ended = true;
            if std::mem::take(&mut entity.in_header) {
                self.finish_field(inner);
            } else if let Encoding::Base64(mut base64) = entity.encoding {
                base64.finish(|octets| self.submit(context, octets));
            }
            self.filename = None;
            if let Some(mut file) = self.file.take() {
                file.end();
                let timed_out = file.is_idle(context.now());
                file.write(context, timed_out);
            }
        }
    }

    fn header_line(&mut self, context: &mut FlowContext<'_>, level: usize, line: &[u8]) {
        let Some(entity) = self.entities.get_mut(level) else { return };
        match line.first() {
            None | Some(0) => {
                entity.in_header = false;
                self.finish_field(level);
                if self.entities.get(level).is_some_and(|entity| entity.kind == Kind::Message) {
                    self.begin_child(context, level);
                }
            }
            Some(first) if header::is_blank(*first) && entity.field.is_empty() => {
                entity.field.extend_from_slice(header::skip_blanks(line));
            }
            Some(first) if header::is_blank(*first) => {
                if entity.field.len() + line.len() > MAX_HEADER {
                    context.weird("exceeded_mime_max_header_bytes", None, self.source);
                } else {
                    entity.field.extend_from_slice(line);
                }
            }
            Some(_) => {
                self.finish_field(level);
                if let Some(entity) = self.entities.get_mut(level) {
                    entity.field.extend_from_slice(line);
                }
            }
        }
    }

    /// The header field that was kept is complete.
    fn finish_field(&mut self, level: usize) {
        let Some(entity) = self.entities.get_mut(level) else { return };
        let field = std::mem::take(&mut entity.field);
        if let Some(header) = Header::parse(&field) {
            entity.header(header);
            if let Some(filename) = filename(header) {
                self.filename = Some(filename);
            }
        }
    }

    fn content(&mut self, context: &mut FlowContext<'_>, level: usize, line: &[u8], line_end: bool) {
        let in_multipart = level
            .checked_sub(1)
            .and_then(|parent| self.entities.get(parent))
            .is_some_and(|parent| parent.kind == Kind::Multipart);
        let Some(entity) = self.entities.get_mut(level) else { return };
        match entity.encoding {
            Encoding::QuotedPrintable => quoted_printable(line, |octets| self.submit(context, octets)),
            Encoding::Base64(mut base64) => {
                base64.decode(line, |octets| self.submit(context, octets));
                if let Some(entity) = self.entities.get_mut(level) {
                    entity.encoding = Encoding::Base64(base64);
                }
            }
            Encoding::Plain => {
                let late = std::mem::replace(&mut entity.late_line_end, line_end && in_multipart);
                if late {
                    self.submit(context, b"\r\n");
                }
                self.submit(context, line);
                if line_end && !in_multipart {
                    self.submit(context, b"\r\n");
                }
            }
        }
    }

    fn submit(&mut self, context: &mut FlowContext<'_>, octets: &[u8]) {
        if !octets.is_empty() {
            let now = context.now();
            self.open(context).data(now, octets);
        }
    }

    /// The file of the part that is open, begun if need be.
    fn open(&mut self, context: &mut FlowContext<'_>) -> &mut File {
        let idle = self.file.take_if(|file| file.is_idle(context.now()));
        let known: Option<FileId> = idle.as_ref().map(|file| file.id());
        if let Some(mut file) = idle {
            file.end();
            file.write(context, true);
        }
        self.file.get_or_insert_with(|| {
            let id = known.unwrap_or_else(|| context.new_file_id());
            let origin = Origin {
                id,
                source: self.source,
                direction: self.direction,
                depth: self.parts,
                filename: self.filename.clone(),
            };
            Box::new(File::new(context, origin))
        })
    }
}

impl Entity {
    /// Whether a line is a delimiter between parts, and if so whether it is the one after the last.
    fn delimiter(&self, line: &[u8]) -> Option<bool> {
        let rest = line.strip_prefix(b"--")?.strip_prefix(self.boundary.as_deref()?)?;
        Some(rest.starts_with(b"--"))
    }

    fn header(&mut self, header: Header<'_>) {
        if header.is("content-type") {
            let Some((kind, _, parameters)) = header::media_type(header.value) else { return };
            self.kind = if kind.eq_ignore_ascii_case(b"multipart") {
                self.boundary = header::boundary(parameters).or(self.boundary.take());
                if self.boundary.is_some() { Kind::Multipart } else { Kind::Other }
            } else if kind.eq_ignore_ascii_case(b"message") {
                Kind::Message
            } else {
                Kind::Other
            };
        } else if header.is("content-transfer-encoding")
            && let Some((encoding, _)) = header.token()
        {
            self.encoding = if encoding.eq_ignore_ascii_case(b"base64") {
                Encoding::Base64(Base64::default())
            } else if encoding.eq_ignore_ascii_case(b"quoted-printable") {
                Encoding::QuotedPrintable
            } else {
                Encoding::Plain
            };
        }
    }
}

//! Requests paired with their responses: what becomes a record of the `http` log.
//!
//! A connection's requests and responses are counted apart and meet by number, so pipelining works and a response
//! without request has its record too. The state belongs to the connection, not to the parser: HTTP in a CONNECT
//! tunnel goes on counting.

use std::collections::BTreeMap;

use record::{Endpoints, FileId, Http, List, Set, Time, Uid};

use super::parse;
use crate::mime::decode::base64;
use crate::mime::filename::filename;
use crate::mime::header::Header;
use crate::{Direction, FlowContext};

/// More requests than this without a response are written without waiting for it (Zeek:
/// `HTTP::max_pending_requests`).
const MAX_PENDING: usize = 100;
/// So many files of a request or response are named (Zeek: `HTTP::max_files_orig`, `max_files_resp`).
const MAX_FILES: usize = 15;
/// So many headers that tell of proxies are kept.
const MAX_PROXIED: usize = 32;

/// Headers that tell of a proxy (Zeek: `HTTP::proxy_headers`).
const PROXY_HEADERS: [&str; 7] = [
    "FORWARDED",
    "X-FORWARDED-FOR",
    "X-FORWARDED-FROM",
    "CLIENT-IP",
    "VIA",
    "XROXY-CONNECTION",
    "PROXY-CONNECTION",
];

/// One request and its response.
#[derive(Debug)]
struct Transaction {
    ts: Time,
    uid: Uid,
    id: Endpoints,
    depth: u64,
    text: Text,
    method: Option<Span>,
    host: Option<Span>,
    uri: Option<Span>,
    referrer: Option<Span>,
    user_agent: Option<Span>,
    origin: Option<Span>,
    username: Option<Span>,
    password: Option<Span>,
    status_msg: Option<Span>,
    info_msg: Option<Span>,
    version: Option<[u8; 3]>,
    status_code: Option<u16>,
    info_code: Option<u16>,
    body_len: [u64; 2],
    proxied: Option<Vec<Box<[u8]>>>,
    files: [FileNames; 2],
    is_range_request: bool,
    /// A part of a body has begun and not ended.
    in_entity: bool,
    /// Name of the file that the current part of a body is, once a header tells it.
    filename: Option<Box<[u8]>>,
}

/// The files of a request or of a response.
#[derive(Debug, Default)]
struct FileNames {
    ids: Vec<FileId>,
    names: Vec<Box<[u8]>>,
    mimes: Vec<&'static str>,
}

/// Texts of a transaction, in one piece of memory.
#[derive(Debug, Default)]
struct Text(Vec<u8>);

/// Where in it a text stands.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

/// All texts of a transaction have so many octets at most; what is beyond is cut.
const MAX_TEXT: usize = 256 * 1024;

impl Text {
    fn add(&mut self, text: &[u8]) -> Span {
        let room = MAX_TEXT.saturating_sub(self.0.len()).min(text.len());
        let start = self.0.len() as u32;
        self.0.extend_from_slice(text.get(..room).unwrap_or_default());
        Span { start, end: self.0.len() as u32 }
    }

    fn get(&self, span: Option<Span>) -> Option<&[u8]> {
        span.and_then(|span| self.0.get(span.start as usize..span.end as usize))
    }
}

/// The transactions of a connection.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    pending: BTreeMap<u64, Box<Transaction>>,
    request: u64,
    response: u64,
    depth: u64,
    /// The transaction that was spoken of last: files belong to it.
    current: u64,
    /// The transaction that got the last file that is fetched in parts.
    shared_file_owner: u64,
    /// A written transaction, for its memory.
    spare: Option<Box<Transaction>>,
}

impl Transactions {
    /// The transaction of the current request or response, begun if need be.
    fn enter(&mut self, context: &FlowContext<'_>, direction: Direction) -> &mut Transaction {
        self.current = match direction {
            Direction::Originator => self.request,
            Direction::Responder => self.response,
        };
        let Self { pending, depth, spare, .. } = self;
        pending.entry(self.current).or_insert_with(|| {
            *depth += 1;
            Transaction::new(context, *depth, spare.take())
        })
    }

    fn current(&mut self) -> Option<&mut Transaction> {
        self.pending.get_mut(&self.current).map(Box::as_mut)
    }

    /// A request line.
    pub(super) fn request(&mut self, context: &mut FlowContext<'_>, method: &[u8], uri: &[u8]) {
        if self.request < self.response {
            context.weird("HTTP_response_before_request", None, "");
            self.request = self.response;
        }
        if self.pending.len() > MAX_PENDING {
            context.weird("HTTP_excessive_pipelining", None, "");
            self.response = self.response.max(1);
            while self.response < self.request {
                if let Some(transaction) = self.pending.remove(&self.response) {
                    transaction.write(context);
                }
                self.response += 1;
            }
        }
        self.request += 1;
        let transaction = self.enter(context, Direction::Originator);
        transaction.method = Some(transaction.text.add(method));
        transaction.uri = Some(transaction.text.add(uri));
        if !parse::KNOWN_METHODS.contains(&method) {
            context.weird("unknown_HTTP_method", Some(method), "");
        }
    }

    /// A status line.
    pub(super) fn reply(
        &mut self,
        context: &mut FlowContext<'_>,
        version: [u8; 3],
        code: u16,
        reason: Option<&[u8]>,
    ) {
        let answered = self
            .pending
            .get(&self.response)
            .is_none_or(|pending| pending.status_code.is_some_and(|code| !is_interim(code)));
        if answered {
            self.response += 1;
        }
        let transaction = self.enter(context, Direction::Responder);
        let reason = reason.unwrap_or(b"<empty>");
        transaction.status_code = Some(code);
        transaction.status_msg = Some(transaction.text.add(reason));
        transaction.version = Some(version);
        if is_interim(code) {
            transaction.info_code = Some(code);
            transaction.info_msg = transaction.status_msg;
        }
        let is_connect = transaction.text.get(transaction.method) == Some(b"CONNECT".as_slice());
        if is_connect && code == 200 {
            context.tunnel("Tunnel::HTTP");
        }
    }

    /// A part of a body begins, the first being the message itself.
    pub(super) fn begin_entity(&mut self, context: &FlowContext<'_>, direction: Direction) {
        let transaction = self.enter(context, direction);
        transaction.in_entity = true;
        transaction.filename = None;
    }

    /// A part of a body ends.
    pub(super) fn end_entity(&mut self) {
        if let Some(transaction) = self.current() {
            transaction.in_entity = false;
            transaction.filename = None;
        }
    }

    /// A header of a message or of a part of its body.
    pub(super) fn header(&mut self, context: &mut FlowContext<'_>, direction: Direction, header: Header<'_>) {
        let keeps_passwords = context.settings().log_passwords;
        let transaction = self.enter(context, direction);
        let value = header.value;
        if direction == Direction::Originator {
            let text = &mut transaction.text;
            if header.is("REFERER") {
                transaction.referrer = Some(text.add(value));
            } else if header.is("HOST") {
                transaction.host = Some(text.add(value));
            } else if header.is("RANGE") {
                transaction.is_range_request = true;
            } else if header.is("ORIGIN") {
                transaction.origin = Some(text.add(value));
            } else if header.is("USER-AGENT") {
                transaction.user_agent = Some(text.add(value));
            } else if let Some(name) = PROXY_HEADERS.iter().find(|name| header.is(name)) {
                transaction.add_proxied(name, value);
            } else if header.is("AUTHORIZATION") || header.is("PROXY-AUTHORIZATION") {
                transaction.set_credentials(value, keeps_passwords);
            }
        }
        if !transaction.in_entity {
            context.weird("missing_HTTP_entity", None, "HTTP");
            return;
        }
        if let Some(filename) = filename(header) {
            transaction.filename = Some(filename);
        }
    }

    /// A message is over; a final response is written.
    pub(super) fn message_done(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        body_len: u64,
    ) {
        let transaction = self.enter(context, direction);
        if let Some(place) = transaction.body_len.get_mut(direction.index()) {
            *place = body_len;
        }
        let interim = transaction.status_code.is_some_and(is_interim);
        if direction == Direction::Responder
            && !interim
            && let Some(transaction) = self.pending.remove(&self.response)
        {
            transaction.write(context);
            self.spare = Some(transaction);
        }
    }

    /// The connection is over: writes what is pending.
    pub(super) fn finish(&mut self, context: &mut FlowContext<'_>) {
        for (number, transaction) in std::mem::take(&mut self.pending) {
            if number > 0 {
                transaction.write(context);
            }
        }
    }

    /// Where a file that begins now would be fetched from, if the current transaction asks for a part of it.
    pub(super) fn range_url(&self, direction: Direction) -> Option<Box<[u8]>> {
        let transaction = self.pending.get(&self.current)?;
        if direction == Direction::Originator || !transaction.is_range_request {
            return None;
        }
        let text = &transaction.text;
        let mut url = match text.get(transaction.host) {
            Some(host) => host.to_vec(),
            None => transaction.id.resp_h.to_string().into_bytes(),
        };
        url.extend_from_slice(format!(":{}", transaction.id.resp_p).as_bytes());
        url.extend_from_slice(text.get(transaction.uri).unwrap_or(b"/<missed_request>"));
        Some(url.into_boxed_slice())
    }

    /// Name of the file that begins now.
    pub(super) fn filename(&self) -> Option<Box<[u8]>> {
        self.pending.get(&self.current)?.filename.clone()
    }

    /// The current transaction carries a file. Returns the transaction's number, for the file's type.
    pub(super) fn add_file(&mut self, direction: Direction, id: FileId, name: Option<&[u8]>) -> u64 {
        if let Some(transaction) = self.pending.get_mut(&self.current)
            && let Some(files) = transaction.files.get_mut(direction.index())
            && files.ids.len() < MAX_FILES
        {
            files.ids.push(id);
            files.names.extend(name.map(Box::from));
        }
        self.current
    }

    /// As [`Self::add_file`], for a file that other transactions may fetch parts of too.
    pub(super) fn add_shared_file(&mut self, direction: Direction, id: FileId, name: Option<&[u8]>) -> u64 {
        self.shared_file_owner = self.add_file(direction, id, name);
        self.shared_file_owner
    }

    /// The transaction that got the last file that is fetched in parts.
    pub(super) const fn shared_file_owner(&self) -> u64 {
        self.shared_file_owner
    }

    /// The type of a file of a transaction.
    pub(super) fn add_mime(&mut self, number: u64, direction: Direction, mime: &'static str) {
        if let Some(transaction) = self.pending.get_mut(&number)
            && let Some(files) = transaction.files.get_mut(direction.index())
            && files.mimes.len() < MAX_FILES
        {
            files.mimes.push(mime);
        }
    }
}

/// Whether a status code announces another response.
const fn is_interim(code: u16) -> bool {
    matches!(code, 100..=199)
}

impl Transaction {
    fn new(context: &FlowContext<'_>, depth: u64, spare: Option<Box<Self>>) -> Box<Self> {
        let mut text = spare.map(|spare| spare.text).unwrap_or_default();
        text.0.clear();
        Box::new(Self {
            ts: context.now(),
            uid: context.uid(),
            id: context.endpoints(),
            depth,
            text,
            method: None,
            host: None,
            uri: None,
            referrer: None,
            user_agent: None,
            origin: None,
            username: None,
            password: None,
            status_msg: None,
            info_msg: None,
            version: None,
            status_code: None,
            info_code: None,
            body_len: [0; 2],
            proxied: None,
            files: Default::default(),
            is_range_request: false,
            in_entity: false,
            filename: None,
        })
    }

    fn add_proxied(&mut self, name: &str, value: &[u8]) {
        let proxied = self.proxied.get_or_insert_default();
        let text = [name.as_bytes(), b" -> ", value].concat().into_boxed_slice();
        if proxied.len() < MAX_PROXIED && !proxied.contains(&text) {
            proxied.push(text);
        }
    }

    fn set_credentials(&mut self, value: &[u8], keeps_password: bool) {
        let Some(encoded) = parse::basic_credentials(value) else { return };
        let decoded = base64(encoded);
        let (username, password) = match decoded.iter().position(|octet| *octet == b':') {
            Some(colon) => {
                let password = decoded.get(colon + 1..).unwrap_or_default();
                (self.text.add(decoded.get(..colon).unwrap_or_default()), password)
            }
            None => (self.text.add(&[b"<problem-decoding> (", value, b")"].concat()), decoded.as_slice()),
        };
        self.username = Some(username);
        if keeps_password {
            self.password = Some(self.text.add(password));
        }
    }

    fn write(&self, context: &mut FlowContext<'_>) {
        fn list<T>(items: &[T]) -> Option<List<'_, T>> {
            (!items.is_empty()).then_some(List(items))
        }
        let text = |span| self.text.get(span);
        let [orig, resp] = &self.files;
        let [request_body_len, response_body_len] = self.body_len;
        context.emit(&Http {
            ts: self.ts,
            uid: self.uid,
            id: self.id,
            trans_depth: self.depth,
            method: text(self.method),
            host: text(self.host),
            uri: text(self.uri),
            referrer: text(self.referrer),
            version: self.version.as_ref().map(<[u8; 3]>::as_slice),
            user_agent: text(self.user_agent),
            origin: text(self.origin),
            request_body_len,
            response_body_len,
            status_code: self.status_code.map(u64::from),
            status_msg: text(self.status_msg),
            info_code: self.info_code.map(u64::from),
            info_msg: text(self.info_msg),
            tags: Set(&[]),
            username: text(self.username),
            password: text(self.password),
            proxied: self.proxied.as_deref().map(Set),
            orig_fuids: list(&orig.ids),
            orig_filenames: list(&orig.names),
            orig_mime_types: list(&orig.mimes),
            resp_fuids: list(&resp.ids),
            resp_filenames: list(&resp.names),
            resp_mime_types: list(&resp.mimes),
        });
    }
}

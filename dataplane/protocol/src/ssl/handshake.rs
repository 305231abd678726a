//! A TLS handshake as it is logged: handshake octets and record events in, `ssl` and `x509` records out.
//!
//! It knows nothing of records and transports, so that TLS over TCP ([`super`]), DTLS ([`crate::dtls`]) and QUIC, whose
//! CRYPTO frames carry the same messages, share it. The owner calls, in the order in which things are seen:
//!
//! 1. [`Handshake::plaintext`] for every unencrypted record (QUIC: every piece of CRYPTO data), then, for its content,
//!    [`Handshake::stream`] or [`Handshake::message`], [`Handshake::alert`], [`Handshake::heartbeat`] or
//!    [`Handshake::change_cipher_spec`];
//! 2. [`Handshake::establish`] when both sides encrypt (never, where that cannot be seen);
//! 3. [`Handshake::finish`] when nothing more comes or a call returned an error; it writes the `ssl` record once.
//!
//! Limits: [`MAX_MESSAGE`] octets a handshake message, [`MAX_CERTIFICATES`] certificates a side, [`MAX_HISTORY`] letters.

use record::{List, Ssl, Time};

use super::names;
use super::parse::{self, ServerName, Signature, extension, kind};
use crate::file::{File, Origin};
use crate::x509;
use crate::{Direction, FlowContext};

/// Longest handshake message that is read, header included, octets.
pub(crate) const MAX_MESSAGE: usize = 128 * 1024;
/// So many certificates of each side are looked at.
const MAX_CERTIFICATES: usize = 64;
/// Letters of `ssl_history` (Zeek: `SSL::max_ssl_history_length`).
const MAX_HISTORY: usize = 100;
/// Octets before the body of a handshake message: kind and length.
const HEADER_LEN: usize = 4;
/// Octets before the response in a certificate status: type and length.
const STATUS_HEADER_LEN: usize = 4;

/// Where weirds of this analyzer come from, as Zeek names it.
const SOURCE: &str = "SSL";

/// What is not TLS, in words for people.
pub(crate) type Reason = &'static str;

/// The state of one connection's handshake.
#[derive(Debug)]
pub(crate) struct Handshake {
    service: &'static str,
    /// Beginnings of messages whose rest has not come yet, by direction.
    pending: [Vec<u8>; 2],
    /// The responder of the connection is the client of the handshake.
    flipped: bool,
    unclear_direction: bool,
    /// Version that the server chose: of its `supported_versions`, else of its hello.
    negotiated: Option<u16>,
    /// Number of the cipher suite that the server chose.
    cipher: Option<u32>,
    /// Session id of the client, filled up with zeros.
    session_id: Option<[u8; 32]>,
    /// The client offered a session ticket, and no session id after it.
    ticket_offered: bool,
    key_exchange_seen: bool,
    psk_offered: bool,
    summary: Summary,
}

/// The columns of the `ssl` record, as numbers where names follow from them.
#[derive(Debug, Default)]
struct Summary {
    /// Time of the first event; nothing is logged without one.
    ts: Option<Time>,
    version: Option<u16>,
    curve: Option<u16>,
    server_name: Option<Box<[u8]>>,
    resumed: bool,
    last_alert: Option<u16>,
    next_protocol: Option<Box<[u8]>>,
    established: bool,
    history: String,
    /// A certificate of either side was seen.
    has_certificates: bool,
    server: Chain,
    client: Chain,
    sni_matches: Option<bool>,
    validation: Option<&'static str>,
    written: bool,
}

/// What one side sent as its certificates.
#[derive(Debug, Default)]
struct Chain {
    /// Certificates seen, also those that could not be read.
    count: usize,
    /// SHA-256 fingerprints of those that could be read.
    fingerprints: Vec<Box<str>>,
}

impl Handshake {
    /// A handshake that confirms `service` (`"ssl"` or `"dtls"`) with the client's hello.
    pub(crate) const fn new(service: &'static str) -> Self {
        Self {
            service,
            pending: [Vec::new(), Vec::new()],
            flipped: false,
            unclear_direction: false,
            negotiated: None,
            cipher: None,
            session_id: None,
            ticket_offered: false,
            key_exchange_seen: false,
            psk_offered: false,
            summary: Summary {
                ts: None,
                version: None,
                curve: None,
                server_name: None,
                resumed: false,
                last_alert: None,
                next_protocol: None,
                established: false,
                history: String::new(),
                has_certificates: false,
                server: Chain { count: 0, fingerprints: Vec::new() },
                client: Chain { count: 0, fingerprints: Vec::new() },
                sni_matches: None,
                validation: None,
                written: false,
            },
        }
    }

    /// The version that the server chose, once it did.
    pub(crate) const fn negotiated(&self) -> Option<u16> {
        self.negotiated
    }

    /// Whether [`Handshake::finish`] has written the record, or there was nothing to write.
    pub(crate) const fn is_finished(&self) -> bool {
        self.summary.written
    }

    /// An unencrypted record was seen, whatever its content: the time of the first one is that of the log record.
    pub(crate) fn plaintext(&mut self, context: &FlowContext<'_>) {
        self.summary.ts.get_or_insert(context.now());
    }

    /// The next octets of the handshake stream of `direction`: pieces of messages, or several of them.
    pub(crate) fn stream(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        octets: &[u8],
    ) -> Result<(), Reason> {
        let Some(slot) = self.pending.get_mut(direction.index()) else { return Ok(()) };
        if slot.is_empty() {
            let used = self.messages(context, direction, octets)?;
            let rest = octets.get(used..).unwrap_or_default();
            if let Some(slot) = self.pending.get_mut(direction.index()) {
                slot.extend_from_slice(rest);
            }
            return Ok(());
        }
        let mut joined = std::mem::take(slot);
        joined.extend_from_slice(octets);
        let used = self.messages(context, direction, &joined)?;
        joined.drain(..used.min(joined.len()));
        if let Some(slot) = self.pending.get_mut(direction.index()) {
            *slot = joined;
        }
        Ok(())
    }

    /// Reads the whole messages at the beginning of `octets`; returns how many octets they are.
    fn messages(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        octets: &[u8],
    ) -> Result<usize, Reason> {
        let mut used = 0;
        while let Some(rest) = octets.get(used..)
            && let Some([kind, length @ ..]) = rest.first_chunk::<HEADER_LEN>()
        {
            let [a, b, c] = *length;
            let end = HEADER_LEN.saturating_add(u32::from_be_bytes([0, a, b, c]) as usize);
            if end > MAX_MESSAGE {
                return Err("handshake message too long");
            }
            let Some(body) = rest.get(HEADER_LEN..end) else { break };
            self.message(context, direction, *kind, body)?;
            used = used.saturating_add(end);
        }
        Ok(used)
    }

    /// One whole handshake message.
    pub(crate) fn message(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        kind: u8,
        body: &[u8],
    ) -> Result<(), Reason> {
        let mut letter = match kind {
            kind::HELLO_REQUEST => {
                self.check_direction(context, direction, false);
                'h'
            }
            kind::CLIENT_HELLO => {
                self.check_direction(context, direction, true);
                self.client_hello(context, direction, body)?;
                'c'
            }
            kind::SERVER_HELLO => {
                self.check_direction(context, direction, false);
                if self.server_hello(context, direction, body)? { 'j' } else { 's' }
            }
            kind::HELLO_VERIFY_REQUEST => 'v',
            kind::SESSION_TICKET => 't',
            kind::CERTIFICATE => {
                self.certificates(context, direction, body)?;
                'x'
            }
            kind::SERVER_KEY_EXCHANGE => {
                self.server_key_exchange(body)?;
                'k'
            }
            kind::CERTIFICATE_REQUEST => 'r',
            kind::SERVER_HELLO_DONE => 'n',
            kind::CERTIFICATE_VERIFY => 'y',
            kind::CLIENT_KEY_EXCHANGE => 'g',
            kind::FINISHED => 'f',
            kind::CERTIFICATE_URL => 'w',
            kind::CERTIFICATE_STATUS => {
                stapled_ocsp(context, body);
                'u'
            }
            _ => return Err("unknown handshake message"),
        };
        if self.is_client(direction) {
            self.key_exchange_seen |= kind == kind::CLIENT_KEY_EXCHANGE;
            letter = letter.to_ascii_uppercase();
        }
        self.plaintext(context);
        self.letter(context, letter);
        Ok(())
    }

    /// A change of cipher specification.
    pub(crate) fn change_cipher_spec(&mut self, context: &mut FlowContext<'_>, direction: Direction) {
        self.event(context, direction, 'i');
        if self.is_client(direction) && self.ticket_offered && !self.key_exchange_seen {
            self.summary.resumed = true;
        }
    }

    /// An unencrypted alert; `description` is its number, above 255 only in SSLv2.
    pub(crate) fn alert(&mut self, context: &mut FlowContext<'_>, direction: Direction, description: u16) {
        self.event(context, direction, 'l');
        if !self.summary.written {
            self.summary.last_alert = Some(description);
        }
    }

    /// An unencrypted heartbeat.
    pub(crate) fn heartbeat(&mut self, context: &mut FlowContext<'_>, direction: Direction) {
        self.event(context, direction, 'b');
    }

    /// Unencrypted application data.
    pub(crate) fn early_application_data(&mut self, context: &mut FlowContext<'_>) {
        if self.summary.version.is_some() && !self.summary.established {
            context.weird("ssl_early_application_data", None, SOURCE);
        }
    }

    /// Both sides encrypt: the handshake went well.
    pub(crate) fn establish(&mut self, context: &mut FlowContext<'_>) {
        self.plaintext(context);
        if !self.summary.written {
            self.summary.established = true;
        }
        self.finish(context);
    }

    /// Writes the `ssl` record, once, if any of the handshake was seen.
    pub(crate) fn finish(&mut self, context: &mut FlowContext<'_>) {
        let summary = &mut self.summary;
        let Some(ts) = summary.ts.filter(|_| !summary.written) else { return };
        summary.written = true;
        self.pending = [Vec::new(), Vec::new()];
        let version = summary.version.map(names::version);
        let cipher = self.cipher.map(names::cipher);
        let curve = summary.curve.map(names::group);
        let last_alert = summary.last_alert.map(names::alert);
        let chains = summary.has_certificates;
        context.emit(&Ssl {
            ts,
            uid: context.uid(),
            id: context.endpoints(),
            version: version.as_deref(),
            cipher: cipher.as_deref(),
            curve: curve.as_deref(),
            server_name: summary.server_name.as_deref(),
            resumed: summary.resumed,
            last_alert: last_alert.as_deref(),
            next_protocol: summary.next_protocol.as_deref(),
            established: summary.established,
            ssl_history: Some(&summary.history),
            cert_chain_fps: chains.then_some(List(&summary.server.fingerprints)),
            client_cert_chain_fps: chains.then_some(List(&summary.client.fingerprints)),
            sni_matches_cert: summary.sni_matches,
            validation_status: summary.validation,
        });
    }

    /// The hello of a client in SSLv2 form.
    pub(crate) fn v2_client_hello(&mut self, context: &mut FlowContext<'_>, session_id: &[u8]) {
        context.confirm(self.service);
        self.client_session(session_id);
        self.plaintext(context);
        self.letter(context, 'C');
    }

    /// The hello of a server that goes on in SSLv2, with its certificate.
    pub(crate) fn v2_server_hello(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        cipher: u32,
        certificate: &[u8],
    ) {
        self.plaintext(context);
        self.summary.version.get_or_insert(names::SSL_2);
        self.cipher = Some(cipher);
        self.letter(context, 's');
        self.chain(context, direction, std::iter::once(certificate));
    }

    fn is_client(&self, direction: Direction) -> bool {
        (direction == Direction::Originator) != self.flipped
    }

    fn event(&mut self, context: &mut FlowContext<'_>, direction: Direction, letter: char) {
        self.plaintext(context);
        let letter = if self.is_client(direction) { letter.to_ascii_uppercase() } else { letter };
        self.letter(context, letter);
    }

    fn letter(&mut self, context: &mut FlowContext<'_>, letter: char) {
        let history = &mut self.summary.history;
        if history.len() >= MAX_HISTORY {
            return;
        }
        if history.capacity() == 0 {
            history.reserve(16);
        }
        history.push(letter);
        if history.len() == MAX_HISTORY {
            context.weird("SSL_max_ssl_history_length_reached", None, SOURCE);
        }
    }

    /// Notes who is the client: a hello that comes from the wrong side turns the directions round.
    fn check_direction(&mut self, context: &mut FlowContext<'_>, direction: Direction, by_client: bool) {
        if self.is_client(direction) == by_client {
            return;
        }
        if self.flipped && !self.unclear_direction {
            self.unclear_direction = true;
            context.weird("SSL_unclear_connection_direction", None, SOURCE);
        }
        self.flipped = !self.flipped;
        self.plaintext(context);
        if self.summary.history.len() < MAX_HISTORY {
            self.summary.history.push('^');
        }
    }

    fn client_hello(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        body: &[u8],
    ) -> Result<(), Reason> {
        let hello = parse::client_hello(body).ok_or("malformed ClientHello")?;
        for next in hello.extensions {
            let (kind, value) = next.map_err(|_| "malformed extension in ClientHello")?;
            match kind {
                extension::SERVER_NAME => self.server_names(context, direction, value)?,
                extension::SESSION_TICKET if !value.is_empty() => self.ticket_offered = true,
                extension::PRE_SHARED_KEY => self.psk_offered = true,
                _ => {}
            }
        }
        if !names::is_hello_version(hello.version) {
            return Err("unsupported version in ClientHello");
        }
        context.confirm(self.service);
        self.client_session(hello.session_id);
        Ok(())
    }

    fn client_session(&mut self, session_id: &[u8]) {
        let session_id = padded(session_id);
        if session_id != [0; 32] {
            self.session_id = Some(session_id);
            self.ticket_offered = false;
        }
    }

    fn server_names(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        value: &[u8],
    ) -> Result<(), Reason> {
        let names = parse::server_names(value).ok_or("malformed server name extension")?;
        let mut count = 0_usize;
        for name in names {
            match name.map_err(|_| "malformed server name extension")? {
                ServerName::Host(host) => {
                    if count == 0 && self.is_client(direction) && !self.summary.written {
                        self.summary.server_name = Some(host.into());
                    }
                    count = count.saturating_add(1);
                }
                ServerName::Other(kind) => {
                    let kind = kind.to_string();
                    context.weird("ssl_ext_unknown_server_name_type", Some(kind.as_bytes()), SOURCE);
                }
            }
        }
        if count > 1 {
            context.weird("SSL_many_server_names", None, SOURCE);
        }
        Ok(())
    }

    /// Returns whether it was a HelloRetryRequest.
    fn server_hello(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        body: &[u8],
    ) -> Result<bool, Reason> {
        let hello = parse::server_hello(body).ok_or("malformed ServerHello")?;
        for next in hello.extensions {
            let (kind, value) = next.map_err(|_| "malformed extension in ServerHello")?;
            match kind {
                extension::SERVER_NAME => self.server_names(context, direction, value)?,
                extension::ALPN => {
                    let protocol = parse::first_protocol(value).map_err(|_| "malformed ALPN extension")?;
                    if let Some(protocol) = protocol {
                        self.summary.next_protocol = Some(protocol.into());
                    }
                }
                extension::SUPPORTED_VERSIONS => {
                    if let Some(version) = value.first_chunk() {
                        let version = u16::from_be_bytes(*version);
                        self.summary.version = Some(version);
                        self.negotiated.get_or_insert(version);
                    }
                }
                extension::KEY_SHARE | extension::KEY_SHARE_OLD => {
                    let group = parse::server_key_share(value).map_err(|_| "malformed key share")?;
                    self.summary.curve = group.or(self.summary.curve);
                }
                extension::PRE_SHARED_KEY => self.summary.resumed |= self.psk_offered,
                _ => {}
            }
        }
        if !names::is_hello_version(hello.version) {
            return Err("unsupported version in ServerHello");
        }
        self.negotiated.get_or_insert(hello.version);
        let version = *self.summary.version.get_or_insert(hello.version);
        self.cipher = Some(u32::from(hello.cipher));
        let is_tls_1_3 = version == names::TLS_1_3 || names::is_draft(version);
        if self.session_id == Some(padded(hello.session_id)) && !is_tls_1_3 {
            self.summary.resumed = true;
        }
        self.plaintext(context);
        Ok(hello.random == parse::HELLO_RETRY_REQUEST)
    }

    fn server_key_exchange(&mut self, body: &[u8]) -> Result<(), Reason> {
        let name = self.cipher.and_then(super::ciphers::name).unwrap_or_default();
        let signature = if name.starts_with("TLS_ECDH_ANON_") {
            Signature::None
        } else if !name.starts_with("TLS_ECDHE_") {
            return Ok(());
        } else if self
            .negotiated
            .is_some_and(|version| version > names::TLS_1_1 && version != names::DTLS_1_0)
        {
            Signature::WithAlgorithm
        } else {
            Signature::Plain
        };
        let curve = parse::server_curve(body, signature).map_err(|_| "malformed ServerKeyExchange")?;
        self.summary.curve = curve.or(self.summary.curve);
        Ok(())
    }

    fn certificates(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        body: &[u8],
    ) -> Result<(), Reason> {
        let certificates = parse::certificates(body).ok_or("malformed Certificate")?;
        let mut malformed = false;
        let whole = certificates.map_while(|certificate| {
            malformed |= certificate.is_err();
            certificate.ok()
        });
        let whole: Vec<&[u8]> = whole.take(MAX_CERTIFICATES).collect();
        if malformed {
            return Err("malformed Certificate");
        }
        self.chain(context, direction, whole.into_iter());
        Ok(())
    }

    /// Certificates that one side sent, its own first.
    fn chain<'c>(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        certificates: impl Iterator<Item = &'c [u8]>,
    ) {
        let is_client = self.is_client(direction);
        let is_first =
            if is_client { self.summary.client.count == 0 } else { self.summary.server.count == 0 };
        let mut chain = Vec::new();
        let mut own_is_unreadable = false;
        for (index, der) in certificates.enumerate() {
            if der.is_empty() {
                context.weird("zero_length_certificate", None, SOURCE);
                continue;
            }
            self.summary.has_certificates = true;
            let side = if is_client { &mut self.summary.client } else { &mut self.summary.server };
            if side.count >= MAX_CERTIFICATES {
                break;
            }
            side.count = side.count.saturating_add(1);
            let seen = x509::see(context, der, x509::Role { is_host: index == 0, is_client });
            if let Some(link) = seen {
                side.fingerprints.push(link.fingerprint().into_boxed_str());
                chain.push(link);
            } else if index == 0 {
                own_is_unreadable = true;
            }
        }
        // Of several Certificate messages the first one has the certificate that counts.
        let Some(own) = chain.first().filter(|_| !own_is_unreadable && !is_client && is_first) else {
            return;
        };
        self.summary.sni_matches =
            self.summary.server_name.as_ref().map(|name| own.is_valid_for(context, name));
        self.summary.validation = x509::validate(context, &chain);
    }
}

/// The answer to a question for the certificate's status that the server sends along (RFC 6066, section 8): a file.
fn stapled_ocsp(context: &mut FlowContext<'_>, body: &[u8]) {
    let Some((header, response)) = body.split_first_chunk::<STATUS_HEADER_LEN>() else { return };
    if response.is_empty() {
        context.weird("SSL_zero_length_stapled_OCSP_message", None, SOURCE);
        return;
    }
    if header.first() != Some(&parse::STATUS_OCSP) {
        return;
    }
    let id = context.new_file_id();
    let origin = Origin { id, source: SOURCE, direction: Direction::Responder, depth: 0, filename: None };
    let mut file = File::new(context, origin);
    file.data(context.now(), response);
    file.end();
    file.write(context, false);
}

/// A session id in 32 octets; one that is longer counts as none.
fn padded(session_id: &[u8]) -> [u8; 32] {
    let mut padded = [0; 32];
    if let Some(target) = padded.get_mut(..session_id.len()) {
        target.copy_from_slice(session_id);
    }
    padded
}

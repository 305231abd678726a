//! File Transfer Protocol, the control connection (RFC 959): followed into AUTH TLS, and into the TLS that AUTH GSSAPI
//! of Grid FTP carries in its own commands (RFC 2228); its data connections are expected.
//!
//! Recognized only; there is no log yet.

mod parse;
#[cfg(test)]
mod tests;

use record::{Addr, Proto};

use crate::lines::{Lines, Next, Piece};
use crate::mime::decode::base64;
use crate::session::Session;
use crate::transfer::Announcement;
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Protocol, Verdict};

/// How TLS records of any version begin that carry a handshake.
const TLS_HANDSHAKE: &[u8] = &[0x16, 0x03];

/// Analyzer of one connection.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    lines: [Lines; 2],
    /// What the client asked to be protected by.
    security: Security,
    /// The client asked where to connect for data.
    asked_passive: bool,
    /// Code of a reply of several lines, of which the last has not come.
    pending: Option<[u8; 3]>,
}

/// Protection of the connection.
#[derive(Debug, Default)]
enum Security {
    #[default]
    None,
    AskedTls,
    AskedGssapi,
    /// The TLS in the tokens of GSSAPI, once the client has sent one.
    Gssapi(Option<Box<Session>>),
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }

    fn line(&mut self, context: &mut FlowContext<'_>, direction: Direction, line: &[u8]) -> Next {
        if line.is_empty() {
            return Next::More;
        }
        match direction {
            Direction::Originator => {
                let (word, argument) = parse::command(line);
                if word.len() >= 3 && word.iter().all(u8::is_ascii_graphic) {
                    context.confirm("ftp");
                    self.command(context, word, argument);
                }
                Next::More
            }
            Direction::Responder => self.reply(context, line),
        }
    }

    fn command(&mut self, context: &mut FlowContext<'_>, word: &[u8], argument: &[u8]) {
        let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
        if is(b"AUTH") {
            self.security = match argument {
                b"TLS" => Security::AskedTls,
                b"GSSAPI" => Security::AskedGssapi,
                _ => Security::None,
            };
        } else if is(b"ADAT") {
            self.token(context, Direction::Originator, argument);
        } else if is(b"PASV") || is(b"EPSV") {
            self.asked_passive = true;
        } else if is(b"PORT") {
            if let Some((host, port)) = parse::host_port(argument) {
                expect_data(context, context.endpoints().resp_h, host, port);
            }
        } else if is(b"EPRT")
            && let Some((Some(host), port)) = parse::extended(argument)
        {
            expect_data(context, context.endpoints().resp_h, host, port);
        }
    }

    fn reply(&mut self, context: &mut FlowContext<'_>, line: &[u8]) -> Next {
        let code = parse::code(line);
        if let Some(pending) = self.pending {
            if code != Some(pending) || line.get(3) != Some(&b' ') {
                return Next::More;
            }
            self.pending = None;
        }
        let Some(code) = code else { return Next::Violation("non-numeric reply code") };
        if code < *b"100" {
            return Next::Violation("invalid reply code");
        }
        match line.get(3) {
            Some(b'-') => {
                self.pending = Some(code);
                return Next::More;
            }
            Some(b' ') | None => {}
            Some(_) => return Next::Violation("invalid reply line"),
        }
        let text = line.get(3..).unwrap_or_default().trim_ascii_start();
        match &code {
            b"227" | b"229" if self.asked_passive => {
                self.asked_passive = false;
                let responder = context.endpoints().resp_h;
                let place = if code == *b"227" {
                    parse::passive(text)
                } else {
                    parse::extended_passive(text).map(|(host, port)| (host.unwrap_or(responder), port))
                };
                if let Some((host, port)) = place {
                    expect_data(context, context.endpoints().orig_h, host, port);
                }
            }
            b"234" if matches!(self.security, Security::AskedTls) => return Next::Tls,
            b"334" if matches!(self.security, Security::AskedGssapi) => {
                self.security = Security::Gssapi(None);
            }
            b"235" | b"335" => {
                if let Some(token) = text.strip_prefix(b"ADAT=") {
                    self.token(context, Direction::Responder, token);
                }
                if code == *b"235" {
                    self.authenticated(context);
                }
            }
            _ => {}
        }
        Next::More
    }

    /// A token of GSSAPI, in base64: TLS, or of no interest.
    fn token(&mut self, context: &mut FlowContext<'_>, direction: Direction, token: &[u8]) {
        let Security::Gssapi(tls) = &mut self.security else { return };
        let token = base64(token);
        if tls.is_none() && direction == Direction::Originator && token.starts_with(TLS_HANDSHAKE) {
            *tls = Some(Box::new(context.nested()));
        }
        match tls {
            Some(tls) => context.nested_data(tls, direction, &token),
            None => self.security = Security::None,
        }
    }

    /// The server accepted the client: with TLS in GSSAPI that is Grid FTP.
    fn authenticated(&mut self, context: &mut FlowContext<'_>) {
        if let Security::Gssapi(Some(tls)) = &self.security
            && tls.services().contains("ssl")
        {
            context.confirm("gridftp");
        }
        self.end_tls(context);
    }

    fn end_tls(&mut self, context: &mut FlowContext<'_>) {
        if let Security::Gssapi(Some(mut tls)) = std::mem::take(&mut self.security) {
            context.nested_end(&mut tls);
        }
    }
}

/// A data connection will come.
fn expect_data(context: &mut FlowContext<'_>, originator: Addr, host: Addr, port: u16) {
    let announcement = Announcement {
        originator: Some(originator),
        service: "ftp-data",
        source: "FTP_DATA",
        filename: None,
    };
    context.expect_connection(host, port, announcement);
}

/// A client that names its user, and a server that greets and asks for a password or is content without.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    let mut lines =
        probe.responder.split(|octet| matches!(octet, b'\r' | b'\n')).filter(|line| !line.is_empty());
    let code = |line: &[u8], codes: [&[u8; 3]; 2]| {
        codes.iter().any(|code| line.starts_with(code.as_slice()))
            && line.get(3).is_some_and(|octet| !octet.is_ascii_digit())
    };
    let Some(greeting) = lines.next() else { return Match::Maybe };
    if !code(greeting.trim_ascii_start(), [b"120", b"220"]) {
        return if greeting.len() < 4 { Match::Maybe } else { Match::No };
    }
    let asks = lines.any(|line| code(line.trim_ascii_start(), [b"230", b"331"]));
    let names = probe
        .originator
        .split(|octet| matches!(octet, b'\r' | b'\n'))
        .any(|line| line.trim_ascii_start().get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"USER ")));
    if asks && names { Match::Yes } else { Match::Maybe }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        let mut rest = payload;
        loop {
            let Some(lines) = self.lines.get_mut(direction.index()) else { return Verdict::Done };
            let Some(Piece::Line(line)) = lines.next(context, &mut rest) else { return Verdict::More };
            let next = self.line(context, direction, &line);
            if let Some(lines) = self.lines.get_mut(direction.index()) {
                lines.recycle(line);
            }
            match next {
                Next::More => {}
                Next::Violation(reason) => return Verdict::Violation(reason),
                Next::Tls => {
                    return Verdict::Upgrade {
                        consumed: payload.len() - rest.len(),
                        protocol: Protocol::Ssl,
                    };
                }
            }
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Done
    }

    fn end(&mut self, context: &mut FlowContext<'_>, _why: FlowEnd) {
        self.end_tls(context);
    }
}

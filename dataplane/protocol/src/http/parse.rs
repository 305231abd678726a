//! Request and status lines, URIs, and names of files in header values.
//!
//! What is accepted and how is Zeek's, because it decides which lines become records: so this is no strict parser of
//! RFC 9112, and none of the crates for that would do.

use crate::mime::header::{is_blank, is_space, is_token_octet, skip_blanks};

/// A version as `major.minor`, each one digit; 0.0 where none could be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) major: u8,
    pub(super) minor: u8,
}

impl Version {
    pub(super) const HTTP_0_9: Self = Self { major: 0, minor: 9 };
    pub(super) const HTTP_1_1: Self = Self { major: 1, minor: 1 };

    /// From the text after `HTTP/`.
    fn parse(text: &[u8]) -> Self {
        match text {
            [major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9', ..] => {
                Self { major: major - b'0', minor: minor - b'0' }
            }
            _ => Self::default(),
        }
    }

    /// As text.
    pub(super) const fn text(self) -> [u8; 3] {
        [b'0' + self.major, b'.', b'0' + self.minor]
    }

    /// Whether connections persist by default.
    pub(super) const fn keeps_alive(self) -> bool {
        self.major > 1 || (self.major == 1 && self.minor > 0)
    }
}

/// A request line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestLine<'l> {
    pub(super) method: &'l [u8],
    pub(super) uri: &'l [u8],
    /// `None` where the line names a version that cannot be read as one; 0.9 where it names none.
    pub(super) version: Option<Version>,
    /// `HTTP` was not in capitals.
    pub(super) lower_case: bool,
    /// There is a version, but no URI.
    pub(super) uri_missing: bool,
}

/// Why a line is no request line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRequest {
    /// Nothing in it looks like one.
    Bad,
    /// It ends with a version, but does not begin with a method.
    BadWithVersion,
}

/// RFC 2616, section 2.2: the `separators` are MIME's `tspecials` and braces.
const fn is_method_octet(octet: u8) -> bool {
    is_token_octet(octet) && !matches!(octet, b'{' | b'}')
}

/// Octets of a URI by RFC 3986, and `%`; C's `strchr` takes NUL for one too.
const fn is_uri_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(
            octet,
            0 | b':'
                | b'/'
                | b'?'
                | b'#'
                | b'['
                | b']'
                | b'@'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b'-'
                | b'_'
                | b'.'
                | b'~'
                | b'%'
        )
}

/// `data` after `HTTP/`, and whether that is in lower case.
fn strip_keyword(data: &[u8]) -> Option<(&[u8], bool)> {
    let (keyword, rest) = data.split_at_checked(5)?;
    keyword.eq_ignore_ascii_case(b"HTTP/").then_some((rest, keyword != b"HTTP/"))
}

/// Reads a request line.
pub(super) fn request_line(line: &[u8]) -> Result<RequestLine<'_>, NoRequest> {
    let length = line.iter().take_while(|octet| is_method_octet(**octet)).count();
    let (method, rest) = line.split_at_checked(length).ok_or(NoRequest::Bad)?;
    if method.is_empty() {
        let tail = line.len().checked_sub(9).and_then(|start| line.get(start..start + 6));
        let with_version = tail.is_some_and(|tail| tail.eq_ignore_ascii_case(b" HTTP/"));
        return Err(if with_version { NoRequest::BadWithVersion } else { NoRequest::Bad });
    }
    let target = skip_blanks(rest);
    if target.len() == rest.len() {
        return Err(NoRequest::Bad);
    }
    let mut end = target.iter().take_while(|octet| is_uri_octet(**octet)).count();
    let keyword = strip_keyword(target);
    let mut lower_case = keyword.is_some_and(|(_, lower_case)| lower_case);
    let uri_missing = end >= target.len() && keyword.is_some();
    if uri_missing {
        end = 0;
    }
    let mut place = end;
    let mut version = Some(Version::HTTP_0_9);
    while place < target.len() {
        end = place;
        let after = skip_blanks(target.get(place..).unwrap_or_default());
        place = target.len() - after.len();
        if let Some((text, lower)) = strip_keyword(after) {
            lower_case |= lower;
            version = (text.len() >= 3).then(|| Version::parse(text));
            break;
        }
        place += 1;
    }
    let uri = target.get(..end).unwrap_or_default();
    Ok(RequestLine { method, uri, version, lower_case, uri_missing })
}

/// A status line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StatusLine<'l> {
    pub(super) version: Version,
    /// 0 where it is no number.
    pub(super) code: u16,
    pub(super) reason: Option<&'l [u8]>,
}

/// What a line that the server sends first is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ReplyLine<'l> {
    /// `HTTP` was not in capitals.
    pub(super) lower_case: bool,
    pub(super) version: Version,
    /// `None` where there is no status code.
    pub(super) status: Option<StatusLine<'l>>,
}

/// Reads a status line; `None` if it does not begin as one.
pub(super) fn reply_line(line: &[u8]) -> Option<ReplyLine<'_>> {
    let (rest, lower_case) = strip_keyword(line)?;
    let version = Version::parse(rest);
    let skip_word = |data: &[u8]| data.iter().take_while(|octet| !is_blank(**octet)).count();
    let status = || {
        let rest = skip_blanks(rest.get(skip_word(rest)..)?);
        let (code, rest) = rest.split_at_checked(3)?;
        let code = match code {
            [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
                u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0')
            }
            _ => 0,
        };
        let after = rest.get(skip_word(rest)..)?;
        let reason = (!after.is_empty()).then(|| skip_blanks(after));
        Some(StatusLine { version, code, reason })
    };
    Some(ReplyLine { lower_case, version, status: status() })
}

/// The credentials of `Basic` authentication, still encoded.
pub(super) fn basic_credentials(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(5)?;
    (scheme.eq_ignore_ascii_case(b"basic") && rest.first() == Some(&b' ')).then(|| skip_blanks(rest))
}

/// Methods that begin a request that is recognized on any port: those of the IANA registry, and of Microsoft's
/// extensions.
const METHODS: [&[u8]; 49] = [
    b"OPTIONS",
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"DELETE",
    b"ACL",
    b"BASELINE-CONTROL",
    b"BIND",
    b"CHECKIN",
    b"CHECKOUT",
    b"CONNECT",
    b"COPY",
    b"LABEL",
    b"LINK",
    b"LOCK",
    b"MERGE",
    b"MKACTIVITY",
    b"MKCALENDAR",
    b"MKCOL",
    b"MKREDIRECTREF",
    b"MOVE",
    b"ORDERPATCH",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"REBIND",
    b"REPORT",
    b"SEARCH",
    b"TRACE",
    b"UNBIND",
    b"UNCHECKOUT",
    b"UNLINK",
    b"UNLOCK",
    b"UPDATE",
    b"VERSION-CONTROL",
    b"BCOPY",
    b"BDELETE",
    b"BMOVE",
    b"BPROPFIND",
    b"BPROPPATCH",
    b"NOTIFY",
    b"POLL",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"X-MS-ENUMATTS",
    b"MKWORKSPACE",
    b"RPC_IN_DATA",
    b"RPC_OUT_DATA",
];

/// Methods that raise no oddity (Zeek: `HTTP::http_methods`).
pub(super) const KNOWN_METHODS: [&[u8]; 20] = [
    b"GET",
    b"POST",
    b"HEAD",
    b"OPTIONS",
    b"PUT",
    b"DELETE",
    b"TRACE",
    b"CONNECT",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"POLL",
    b"REPORT",
    b"SUBSCRIBE",
    b"BMOVE",
    b"SEARCH",
];

/// Whether the first octets of a client are those of a request; `None` if more of them are needed.
pub(super) fn begins_request(data: &[u8]) -> Option<bool> {
    let spaces = data.iter().take_while(|octet| is_space(**octet)).count();
    let rest = data.get(spaces..).unwrap_or_default();
    if METHODS.iter().any(|method| rest.starts_with(method)) {
        Some(true)
    } else if METHODS.iter().any(|method| method.starts_with(rest)) {
        None
    } else {
        Some(false)
    }
}

/// Whether the first octets of a server are those of a status line; `None` if more of them are needed.
pub(super) fn begins_reply(data: &[u8]) -> Option<bool> {
    let Some((rest, _)) = strip_keyword(data) else {
        let is_prefix = b"HTTP/".get(..data.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(data));
        return if is_prefix { None } else { Some(false) };
    };
    rest.first().map(u8::is_ascii_digit)
}

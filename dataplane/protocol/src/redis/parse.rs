//! RESP as a stream: nothing is kept but the line with a type or a length.

/// The longest line with a type and a number.
const MAX_NUMBER_LINE: usize = 64;
/// The longest command in one line.
const MAX_INLINE: usize = 1024;
/// More elements, or octets of a string, are not believed.
const MAX_SIZE: u64 = 1024 * 1024;

/// What comes next.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The type of a value.
    #[default]
    Type,
    /// A number and the end of its line, of a value of this type.
    Number(u8),
    /// Anything until the end of a line, of which `octets` have passed.
    Text { octets: usize, after_cr: bool },
    /// So many octets of a string, with the end of a line after it.
    String(u64),
}

/// Values in a stream, and in values.
#[derive(Debug, Default)]
struct Stream {
    next: Next,
    line: Vec<u8>,
    /// Values that are still to come until the outermost one is whole.
    missing: u64,
}

/// A step through the stream.
enum Step {
    /// A number came, of a value of this type; `None` is a value that is not there.
    Number(u8, Option<u64>),
    /// A value without values in it ended.
    Value,
}

impl Stream {
    /// Goes on to the end of a number or of a value; `None` when there is no more.
    fn step(
        &mut self,
        rest: &mut &[u8],
        begin: impl Fn(u8) -> Result<Next, &'static str>,
    ) -> Result<Option<Step>, &'static str> {
        while let Some((octet, after)) = rest.split_first() {
            match self.next {
                Next::Type => {
                    *rest = after;
                    self.next = begin(*octet)?;
                }
                Next::Number(kind) => {
                    *rest = after;
                    if *octet != b'\n' || self.line.last() != Some(&b'\r') {
                        if self.line.len() >= MAX_NUMBER_LINE {
                            return Err("number too long");
                        }
                        self.line.push(*octet);
                        continue;
                    }
                    self.line.pop();
                    let number = number(&self.line)?;
                    self.line.clear();
                    self.next = Next::Type;
                    return Ok(Some(Step::Number(kind, number)));
                }
                Next::Text { octets, after_cr } => {
                    let (text, found) = match memchr::memchr(b'\n', rest) {
                        Some(end) => (rest.get(..end).unwrap_or_default(), true),
                        None => (*rest, false),
                    };
                    let ends_in_cr = text.last().map_or(after_cr, |last| *last == b'\r');
                    let octets = octets.saturating_add(text.len());
                    *rest = rest.get(text.len() + usize::from(found)..).unwrap_or_default();
                    if octets as u64 > MAX_SIZE {
                        return Err("line too long");
                    }
                    if found && ends_in_cr {
                        self.next = Next::Type;
                        return Ok(Some(Step::Value));
                    }
                    self.next =
                        Next::Text { octets: octets + usize::from(found), after_cr: !found && ends_in_cr };
                }
                Next::String(length) => {
                    let passed = (rest.len() as u64).min(length);
                    *rest = rest.get(passed as usize..).unwrap_or_default();
                    self.next = if passed == length {
                        Next::Text { octets: 0, after_cr: false }
                    } else {
                        Next::String(length - passed)
                    };
                }
            }
        }
        Ok(None)
    }

    /// A value began that has `inner` values in it, or a string; counts it, and returns whether the outermost is whole.
    fn count(&mut self, inner: u64) -> bool {
        self.missing = self.missing.max(1).saturating_sub(1).saturating_add(inner);
        self.missing == 0
    }
}

/// The number in a line; `None` when it is negative.
fn number(line: &[u8]) -> Result<Option<u64>, &'static str> {
    let text = std::str::from_utf8(line).map_err(|_| "not a number")?;
    let number: i64 = text.parse().map_err(|_| "not a number")?;
    match u64::try_from(number) {
        Ok(number) if number > MAX_SIZE => Err("number too large"),
        number => Ok(number.ok()),
    }
}

/// What a server sends.
#[derive(Debug, Default)]
pub(super) struct Values(Stream);

impl Values {
    /// Reads on, and returns how many values ended that are in no other.
    pub(super) fn read(&mut self, mut rest: &[u8]) -> Result<usize, &'static str> {
        let Self(stream) = self;
        let mut ended = 0;
        while let Some(step) = stream.step(&mut rest, |kind| match kind {
            b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => Ok(Next::Text { octets: 0, after_cr: false }),
            b'$' | b'!' | b'=' | b'*' | b'~' | b'>' | b'%' | b'|' => Ok(Next::Number(kind)),
            _ => Err("unknown type of value"),
        })? {
            let inner = match step {
                Step::Number(b'$' | b'!' | b'=', Some(length)) => {
                    stream.next = Next::String(length);
                    continue;
                }
                Step::Number(b'*' | b'~' | b'>', Some(count)) => count,
                Step::Number(b'%', Some(count)) => 2 * count,
                // Attributes stand before the value that they are of.
                Step::Number(b'|', Some(count)) => 2 * count + 1,
                Step::Number(..) | Step::Value => 0,
            };
            ended += usize::from(stream.count(inner));
        }
        Ok(ended)
    }
}

/// What a client sends: arrays of strings, or lines of words.
#[derive(Debug, Default)]
pub(super) struct Words(Stream);

impl Words {
    /// Reads on, and returns how many commands ended.
    pub(super) fn read(&mut self, mut rest: &[u8]) -> Result<usize, &'static str> {
        let Self(stream) = self;
        let mut ended = 0;
        loop {
            let is_inside = stream.missing > 0;
            let Some(step) = stream.step(&mut rest, |kind| match kind {
                b'*' if !is_inside => Ok(Next::Number(kind)),
                b'$' if is_inside => Ok(Next::Number(kind)),
                _ if is_inside => Err("argument is no string"),
                _ => Ok(Next::Text { octets: 1, after_cr: kind == b'\r' }),
            })?
            else {
                break;
            };
            let inner = match step {
                Step::Number(b'$', Some(length)) => {
                    stream.next = Next::String(length);
                    continue;
                }
                Step::Number(b'*', Some(count)) => count,
                Step::Number(..) | Step::Value => 0,
            };
            ended += usize::from(stream.count(inner));
        }
        match stream.next {
            Next::Text { octets: MAX_INLINE.., .. } if stream.missing == 0 => Err("command too long"),
            _ => Ok(ended),
        }
    }
}

/// Whether `stream` begins with an array of strings; `None` when it is too short to say.
pub(super) fn begins_command(stream: &[u8]) -> Option<bool> {
    begins_with_number(stream, b"*")
}

/// Whether `stream` begins with a value.
pub(super) fn begins_reply(stream: &[u8]) -> Option<bool> {
    match stream.first()? {
        b'-' | b'+' | b'_' | b',' => {
            let line = memchr::memchr(b'\n', stream).and_then(|end| stream.get(..end));
            line.map(|line| line.ends_with(b"\r"))
        }
        _ => begins_with_number(stream, b":$*#(!=%`~>"),
    }
}

/// Whether `stream` begins with one of `kinds`, a number and the end of the line.
fn begins_with_number(stream: &[u8], kinds: &[u8]) -> Option<bool> {
    let (kind, rest) = stream.split_first()?;
    if !kinds.contains(kind) {
        return Some(false);
    }
    let rest = rest.strip_prefix(b"+").or_else(|| rest.strip_prefix(b"-")).unwrap_or(rest);
    let digits = rest.iter().take_while(|octet| octet.is_ascii_digit() || **octet == b'.').count();
    match rest.get(digits..).unwrap_or_default() {
        [] | [b'\r'] => None,
        [b'\r', b'\n', ..] => Some(digits > 0),
        _ => Some(false),
    }
}

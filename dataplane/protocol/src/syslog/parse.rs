//! Messages in a TCP stream (RFC 6587, section 3.4): with their length in front, or each on a line.

/// A length has at most so many digits.
const MAX_DIGITS: usize = 9;

/// Where in a message a stream is.
#[derive(Debug, Clone, Copy, Default)]
enum State {
    /// Between messages.
    #[default]
    Start,
    /// In the digits of a length.
    Length { value: u64, digits: usize },
    /// In a message of so many more octets.
    Counted(u64),
    /// In the digits of a priority.
    Priority { digits: usize },
    /// In a line; whether it has any text.
    Line { is_empty: bool },
}

/// One direction of a TCP connection. Keeps nothing of the messages.
#[derive(Debug, Default)]
pub(super) struct Framing(State);

impl Framing {
    /// More of the stream; whether a message was completed with it.
    pub(super) fn add(&mut self, payload: &[u8]) -> Result<bool, &'static str> {
        let mut completed = false;
        let mut rest = payload;
        while let Some((&octet, after)) = rest.split_first() {
            rest = after;
            self.0 = match (self.0, octet) {
                (State::Start, b'\n' | b'\r' | 0) => State::Start,
                (State::Start, b'1'..=b'9') => State::Length { value: u64::from(octet - b'0'), digits: 1 },
                (State::Start, b'<') => State::Priority { digits: 0 },
                (State::Length { value, digits }, b'0'..=b'9') if digits < MAX_DIGITS => {
                    State::Length { value: value * 10 + u64::from(octet - b'0'), digits: digits + 1 }
                }
                (State::Length { value, .. }, b' ') => State::Counted(value),
                (State::Counted(left), _) => {
                    // This octet is of the message, and as many after it as have come.
                    let more = left.saturating_sub(1).min(u64::try_from(rest.len()).unwrap_or(u64::MAX));
                    rest = usize::try_from(more).ok().and_then(|more| rest.get(more..)).unwrap_or_default();
                    let left = left.saturating_sub(1).saturating_sub(more);
                    completed |= left == 0;
                    if left == 0 { State::Start } else { State::Counted(left) }
                }
                (State::Priority { digits }, b'0'..=b'9') if digits < MAX_DIGITS => {
                    State::Priority { digits: digits + 1 }
                }
                (State::Priority { digits: 1.. }, b'>') => State::Line { is_empty: true },
                (State::Line { is_empty: false }, b'\n' | b'\r' | 0) => {
                    completed = true;
                    State::Start
                }
                (State::Line { .. }, octet) if !matches!(octet, b'\n' | b'\r' | 0) => {
                    let end = rest.iter().position(|octet| matches!(octet, b'\n' | b'\r' | 0));
                    rest = end.and_then(|end| rest.get(end..)).unwrap_or_default();
                    State::Line { is_empty: false }
                }
                _ => return Err("neither a length nor a priority"),
            };
        }
        Ok(completed)
    }
}

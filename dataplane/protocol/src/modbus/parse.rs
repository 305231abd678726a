//! Modbus messages: transaction, protocol and unit in front, then function code and data.

/// Transaction identifier, protocol identifier, length.
const PREFIX_LEN: usize = 6;
/// The prefix, unit identifier and function code.
const HEADER_LEN: usize = 8;
/// No message of the standard is longer; of a longer one only so much is kept.
const MAX_MESSAGE: usize = 260;

/// Checks the data of a request as far as its function fixes it.
pub(super) fn check_request(function: u8, data: &[u8]) -> Result<(), &'static str> {
    match (function, data) {
        (1 | 2, [_, _, high, low, ..]) => at_most(*high, *low, 2000),
        (3 | 4, [_, _, high, low, ..]) => at_most(*high, *low, 125),
        (5, [_, _, 0x00 | 0xff, 0x00, ..]) | (6, [_, _, _, _, ..]) => Ok(()),
        (15, [_, _, high, low, count, coils @ ..]) => {
            at_most(*high, *low, 0x07b0)?;
            let quantity = usize::from(u16::from_be_bytes([*high, *low]));
            if usize::from(*count) == quantity.div_ceil(8) { at_least(coils, *count) } else { Err(DATA) }
        }
        (16, [_, _, high, low, count, registers @ ..]) => {
            let quantity = u16::from_be_bytes([*high, *low]);
            if u16::from(*count) == quantity.saturating_mul(2) {
                at_least(registers, *count)
            } else {
                Err(DATA)
            }
        }
        (22, data) => at_least(data, 6),
        (1..=6 | 15 | 16, _) => Err(DATA),
        _ => Ok(()),
    }
}

/// Checks the data of a response, likewise.
pub(super) fn check_response(function: u8, data: &[u8]) -> Result<(), &'static str> {
    match (function, data) {
        (1 | 2, [count, bits @ ..]) => at_least(bits, *count),
        (3 | 4, [count, registers @ ..]) => at_least(registers, *count),
        (5, [_, _, 0x00 | 0xff, 0x00, ..]) | (6 | 16, [_, _, _, _, ..]) => Ok(()),
        (15, [_, _, high, low, ..]) => at_most(*high, *low, 0x07b0),
        (22, data) => at_least(data, 6),
        (1..=6 | 15 | 16, _) => Err(DATA),
        (0x81..=0x87 | 0x8f | 0x90 | 0x94..=0x98, data) => at_least(data, 1),
        _ => Ok(()),
    }
}

const DATA: &str = "data does not fit the function";

const fn at_most(high: u8, low: u8, most: u16) -> Result<(), &'static str> {
    if u16::from_be_bytes([high, low]) <= most { Ok(()) } else { Err("quantity out of range") }
}

fn at_least(data: &[u8], count: u8) -> Result<(), &'static str> {
    if data.len() >= usize::from(count) { Ok(()) } else { Err(DATA) }
}

/// One direction of a connection: finds where messages begin and end.
#[derive(Debug, Default)]
pub(super) struct Framing {
    kept: Vec<u8>,
    /// Octets of the current message that are passed over, as no message is so long.
    skip: usize,
}

impl Framing {
    /// More of the stream; whether a message was completed with it. Each is judged by `check`, by function and data.
    pub(super) fn add(
        &mut self,
        mut payload: &[u8],
        check: fn(u8, &[u8]) -> Result<(), &'static str>,
    ) -> Result<bool, &'static str> {
        let mut completed = false;
        while !payload.is_empty() {
            if self.skip > 0 {
                let (now, later) = payload.split_at(self.skip.min(payload.len()));
                self.skip = self.skip.saturating_sub(now.len());
                payload = later;
                completed |= self.skip == 0;
                continue;
            }
            let length = self.length()?;
            let wanted = length.unwrap_or(HEADER_LEN).min(MAX_MESSAGE).saturating_sub(self.kept.len());
            let (now, later) = payload.split_at(wanted.min(payload.len()));
            self.kept.extend_from_slice(now);
            payload = later;
            let Some(length) = self.length()? else { continue };
            if self.kept.len() < length.min(MAX_MESSAGE) {
                continue;
            }
            if let Some(function) = self.kept.get(HEADER_LEN - 1) {
                check(*function, self.kept.get(HEADER_LEN..).unwrap_or_default())?;
            }
            self.kept.clear();
            self.skip = length.saturating_sub(MAX_MESSAGE);
            completed |= self.skip == 0;
        }
        Ok(completed)
    }

    /// Octets of the current message, when its prefix has come.
    fn length(&self) -> Result<Option<usize>, &'static str> {
        let Some([high, low]) = self.kept.get(4..).and_then(<[u8]>::first_chunk::<2>) else {
            return Ok(None);
        };
        let length = PREFIX_LEN.saturating_add(usize::from(u16::from_be_bytes([*high, *low])));
        if length < HEADER_LEN { Err("message too short") } else { Ok(Some(length)) }
    }
}

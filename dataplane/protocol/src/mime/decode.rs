//! Content transfer encodings: base64 and quoted-printable, decoded as the octets come.

/// Decoder of base64. Octets that are not of its alphabet are skipped.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Base64 {
    bits: u32,
    count: u8,
    ended: bool,
}

impl Base64 {
    /// Decodes `data`, giving the octets to `out` in pieces.
    pub(crate) fn decode(&mut self, data: &[u8], mut out: impl FnMut(&[u8])) {
        for group in data.chunks(128) {
            let mut decoded = [0_u8; 128];
            let mut length = 0;
            for octet in group {
                let Some(value) = self.value(*octet) else { continue };
                self.bits = self.bits << 6 | u32::from(value);
                self.count += 1;
                if self.count == 4 {
                    for octet in self.bits.to_be_bytes().into_iter().skip(1) {
                        if let Some(place) = decoded.get_mut(length) {
                            *place = octet;
                            length += 1;
                        }
                    }
                    self.count = 0;
                    self.bits = 0;
                }
            }
            if let Some(decoded) = decoded.get(..length).filter(|decoded| !decoded.is_empty()) {
                out(decoded);
            }
        }
    }

    /// What an incomplete last group holds.
    pub(crate) fn finish(&mut self, mut out: impl FnMut(&[u8])) {
        let bits = self.bits << (6 * (4 - u32::from(self.count.min(4))));
        let [_, first, second, _] = bits.to_be_bytes();
        match self.count {
            2 => out(&[first]),
            3 => out(&[first, second]),
            _ => {}
        }
        *self = Self::default();
    }

    fn value(&mut self, octet: u8) -> Option<u8> {
        if self.ended {
            return None;
        }
        match octet {
            b'A'..=b'Z' => Some(octet - b'A'),
            b'a'..=b'z' => Some(octet - b'a' + 26),
            b'0'..=b'9' => Some(octet - b'0' + 52),
            b'+' => Some(62),
            b'/' => Some(63),
            b'=' => {
                self.ended = true;
                None
            }
            _ => None,
        }
    }
}

/// Decodes all of `data` as base64.
pub(crate) fn base64(data: &[u8]) -> Vec<u8> {
    let mut decoder = Base64::default();
    let mut decoded = Vec::with_capacity(data.len() / 4 * 3 + 3);
    decoder.decode(data, |octets| decoded.extend_from_slice(octets));
    decoder.finish(|octets| decoded.extend_from_slice(octets));
    decoded
}

/// Decodes a line of quoted-printable (RFC 2045, section 6.7), giving the octets to `out` in pieces.
pub(crate) fn quoted_printable(line: &[u8], mut out: impl FnMut(&[u8])) {
    let blanks = line.iter().rev().take_while(|octet| super::header::is_blank(**octet)).count();
    let mut rest = line.get(..line.len() - blanks).unwrap_or_default();
    let mut soft_break = false;
    while let Some(at) = memchr::memchr(b'=', rest) {
        let (text, escape) = rest.split_at(at);
        if !text.is_empty() {
            out(text);
        }
        match escape {
            [_, high, low, after @ ..] if hex(*high).is_some() && hex(*low).is_some() => {
                out(&[hex(*high).unwrap_or(0) << 4 | hex(*low).unwrap_or(0)]);
                rest = after;
            }
            [_] => {
                soft_break = true;
                rest = &[];
            }
            [equals, after @ ..] => {
                out(&[*equals]);
                rest = after;
            }
            [] => rest = &[],
        }
    }
    if !rest.is_empty() {
        out(rest);
    }
    if !soft_break {
        out(b"\r\n");
    }
}

fn hex(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).map(|digit| digit as u8)
}

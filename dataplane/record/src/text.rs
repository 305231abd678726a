//! Escaping of byte strings, and numbers as text, for the JSON and TSV encoders.

use crate::{Interval, Time};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// What a byte needs in a JSON string: 0 nothing, 1 a `\xNN` escape (Zeek's way with bytes that are no text),
/// 2 the start of a UTF-8 sequence to be checked, any other value the letter of a two-character JSON escape.
const JSON_CLASS: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'"' => b'"',
            b'\\' => b'\\',
            0x08 => b'b',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x00..=0x1f | 0x7f => 1,
            0x80..=0xff => 2,
            _ => 0,
        };
        byte += 1;
    }
    table
};

/// Appends `bytes` as a JSON string with quotes. Control characters become `\\xNN` in the JSON text, as Zeek's JSON
/// writer has them. UTF-8 stays; but when any of it is no text, every byte above ASCII becomes `\\xNN`, so that no
/// half of a binary value is mistaken for letters.
pub(crate) fn json_string(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = bytes;
    let mut is_text = None;
    while !rest.is_empty() {
        let plain = rest.iter().position(|b| JSON_CLASS[usize::from(*b)] != 0).unwrap_or(rest.len());
        let (head, tail) = rest.split_at(plain);
        out.extend_from_slice(head);
        rest = tail;
        let Some((&byte, after)) = rest.split_first() else { break };
        match JSON_CLASS[usize::from(byte)] {
            1 => {
                json_hex(byte, out);
                rest = after;
            }
            2 => {
                if *is_text.get_or_insert_with(|| is_utf8_text(rest)) {
                    let (sequence, after) = rest.split_at(utf8_sequence(rest).max(1));
                    out.extend_from_slice(sequence);
                    rest = after;
                } else {
                    json_hex(byte, out);
                    rest = after;
                }
            }
            letter => {
                out.extend_from_slice(&[b'\\', letter]);
                rest = after;
            }
        }
    }
    out.push(b'"');
}

fn json_hex(byte: u8, out: &mut Vec<u8>) {
    let [high, low] = hex_digits(byte);
    out.extend_from_slice(&[b'\\', b'\\', b'x', high, low]);
}

fn hex_digits(byte: u8) -> [u8; 2] {
    [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]
}

/// Whether all that is above ASCII in `bytes` is text in UTF-8.
fn is_utf8_text(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        let length = if first.is_ascii() { 1 } else { utf8_sequence(rest) };
        match rest.get(length..) {
            Some(after) if length > 0 => rest = after,
            _ => return false,
        }
    }
    true
}

/// Length of the valid multi-byte UTF-8 sequence at the start of `bytes`, or 0. C1 controls (U+0080 to U+009F),
/// private use and specials count as invalid, since they are no printable text.
fn utf8_sequence(bytes: &[u8]) -> usize {
    let length = match bytes.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return 0,
    };
    match bytes.get(..length).map(std::str::from_utf8) {
        Some(Ok(text)) if text.chars().all(is_printable) => length,
        _ => 0,
    }
}

fn is_printable(letter: char) -> bool {
    !letter.is_control() && !matches!(letter, '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{ffff}')
}

/// Appends a string for a TSV column. In a container `,` is escaped too.
pub(crate) fn tsv_string(bytes: &[u8], in_container: bool, out: &mut Vec<u8>) {
    // A value that would read as "unset" or "empty" is told apart by an escaped first character.
    let mut rest = bytes;
    if bytes == b"-" || bytes == b"(empty)" {
        tsv_hex(bytes[0], out);
        rest = &bytes[1..];
    }
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b',' if in_container => tsv_hex(byte, out),
            0x20..=0x7e => out.push(byte),
            0x80.. => {
                let length = utf8_sequence(rest);
                if length > 0 {
                    let (sequence, after) = rest.split_at(length);
                    out.extend_from_slice(sequence);
                    rest = after;
                    continue;
                }
                tsv_hex(byte, out);
            }
            _ => tsv_hex(byte, out),
        }
        rest = after;
    }
}

fn tsv_hex(byte: u8, out: &mut Vec<u8>) {
    let [high, low] = hex_digits(byte);
    out.extend_from_slice(&[b'\\', b'x', high, low]);
}

/// Appends an unsigned integer in decimal.
pub(crate) fn unsigned(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends nanoseconds as seconds with six decimals.
pub(crate) fn seconds(nanoseconds: u64, out: &mut Vec<u8>) {
    unsigned(nanoseconds / 1_000_000_000, out);
    let mut micros = (nanoseconds % 1_000_000_000 / 1_000) as u32;
    let mut digits = *b".000000";
    for digit in digits[1..].iter_mut().rev() {
        *digit = b'0' + (micros % 10) as u8;
        micros /= 10;
    }
    out.extend_from_slice(&digits);
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000_000, self.0 % 1_000_000_000 / 1_000)
    }
}

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000_000, self.0 % 1_000_000_000 / 1_000)
    }
}

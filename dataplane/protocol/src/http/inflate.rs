//! Content codings gzip (RFC 1952), zlib (RFC 1950) and raw deflate (RFC 1951), told apart by content.
//!
//! Follows what zlib's `inflate` does call by call, since it depends on that how much of a damaged body is seen:
//! what one call decodes before it finds an error is lost. Memory is bounded by deflate's window, output by
//! [`MAX_OUTPUT`].

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// Octets that one call gives at most.
const CALL_OUTPUT: usize = 4096;
/// A body is decoded up to so many octets.
const MAX_OUTPUT: u64 = 4 << 30;

/// Decoder of one body.
#[derive(Debug)]
pub(super) struct Inflate {
    stage: Stage,
    decoder: Decompress,
    wrapper: Wrapper,
    crc: Crc,
    adler: Adler32,
    given: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Collects the first two octets.
    Start(Option<u8>),
    /// Octets of the gzip header after the magic, counted; flags and rest of the current optional field.
    GzipHeader {
        at: u8,
        flags: u8,
        left: u16,
        low: u8,
    },
    Body,
    /// Octets of the trailer.
    Trailer {
        at: u8,
        value: u64,
    },
    Ended,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrapper {
    Gzip,
    Zlib,
    Raw,
}

/// What came of a piece of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Go on with the next piece; ignored from the end on.
    Fine,
    /// It cannot be decoded; reported once.
    Failed,
}

/// What one call came to.
enum Call {
    /// The input is used up, or the output full.
    More,
    End,
    DataError,
    /// Another error, after which no other format is tried.
    Error,
}

impl Default for Inflate {
    fn default() -> Self {
        Self {
            stage: Stage::Start(None),
            decoder: Decompress::new(false),
            wrapper: Wrapper::Raw,
            crc: Crc::new(),
            adler: Adler32::default(),
            given: 0,
        }
    }
}

impl Inflate {
    /// Decodes a piece of the body, giving what comes out to `out`.
    pub(super) fn data(&mut self, data: &[u8], mut out: impl FnMut(&[u8])) -> Outcome {
        if matches!(self.stage, Stage::Ended | Stage::Failed) || data.is_empty() {
            return Outcome::Fine;
        }
        let mut rest = data;
        let mut may_restart = true;
        let mut buffer = [0; CALL_OUTPUT];
        loop {
            let (call, length) = self.call(&mut rest, &mut buffer);
            match call {
                Call::More | Call::End => {
                    may_restart = false;
                    if let Some(output) = buffer.get(..length).filter(|output| !output.is_empty()) {
                        self.given = self.given.saturating_add(length as u64);
                        out(output);
                    }
                    if matches!(call, Call::End) || self.given >= MAX_OUTPUT {
                        self.stage = Stage::Ended;
                        return Outcome::Fine;
                    }
                    if rest.is_empty() {
                        return Outcome::Fine;
                    }
                }
                Call::DataError if may_restart => {
                    // Some servers send deflate without the wrapper that RFC 9110 asks for.
                    may_restart = false;
                    self.decoder = Decompress::new(false);
                    self.wrapper = Wrapper::Raw;
                    self.stage = Stage::Body;
                    rest = data;
                }
                Call::DataError | Call::Error => {
                    self.stage = Stage::Failed;
                    return Outcome::Failed;
                }
            }
        }
    }

    /// One call: goes on until the input is used up, the output full, or the end or an error found.
    fn call(&mut self, input: &mut &[u8], output: &mut [u8; CALL_OUTPUT]) -> (Call, usize) {
        let mut filled = 0;
        loop {
            match self.stage {
                Stage::Body => {
                    let before = (self.decoder.total_in(), self.decoder.total_out());
                    let Some(room) = output.get_mut(filled..).filter(|room| !room.is_empty()) else {
                        return (Call::More, filled);
                    };
                    let status = self.decoder.decompress(input, room, FlushDecompress::Sync);
                    let taken = self.decoder.total_in().saturating_sub(before.0) as usize;
                    let given = self.decoder.total_out().saturating_sub(before.1) as usize;
                    *input = input.get(taken..).unwrap_or_default();
                    let produced = output.get(filled..filled + given).unwrap_or_default();
                    match self.wrapper {
                        Wrapper::Gzip => self.crc.update(produced),
                        Wrapper::Zlib => self.adler.update(produced),
                        Wrapper::Raw => {}
                    }
                    filled += given;
                    match status {
                        Ok(Status::StreamEnd) if self.wrapper == Wrapper::Raw => return (Call::End, filled),
                        Ok(Status::StreamEnd) => self.stage = Stage::Trailer { at: 0, value: 0 },
                        Ok(Status::Ok | Status::BufError) => {
                            if input.is_empty() || filled >= CALL_OUTPUT {
                                return (Call::More, filled);
                            }
                            if taken == 0 && given == 0 {
                                return (Call::Error, filled);
                            }
                        }
                        Err(_) => return (Call::DataError, filled),
                    }
                }
                Stage::Ended | Stage::Failed => return (Call::End, filled),
                stage => {
                    let Some((&octet, rest)) = input.split_first() else { return (Call::More, filled) };
                    *input = rest;
                    match self.wrapper_octet(stage, octet) {
                        Ok(next) => self.stage = next,
                        Err(call) => return (call, filled),
                    }
                    if self.stage == Stage::Ended {
                        return (Call::End, filled);
                    }
                }
            }
        }
    }

    /// The next stage after an octet of header or trailer.
    fn wrapper_octet(&mut self, stage: Stage, octet: u8) -> Result<Stage, Call> {
        match stage {
            Stage::Start(None) => Ok(Stage::Start(Some(octet))),
            Stage::Start(Some(0x1f)) if octet == 0x8b => {
                self.wrapper = Wrapper::Gzip;
                Ok(Stage::GzipHeader { at: 0, flags: 0, left: 0, low: 0 })
            }
            Stage::Start(Some(first)) => {
                let is_zlib = (u16::from(first) << 8 | u16::from(octet)) % 31 == 0
                    && first & 0x0f == 8
                    && first >> 4 <= 7;
                if !is_zlib {
                    return Err(Call::DataError);
                }
                if octet & 0x20 != 0 {
                    return Err(Call::Error);
                }
                self.wrapper = Wrapper::Zlib;
                Ok(Stage::Body)
            }
            Stage::GzipHeader { at, flags, left, low } => gzip_header(at, flags, left, low, octet),
            Stage::Trailer { at, value } => {
                let value = value << 8 | u64::from(octet);
                match (self.wrapper, at) {
                    (Wrapper::Gzip, 7) => {
                        let [crc, size] = [(value >> 32) as u32, value as u32].map(u32::swap_bytes);
                        let good = crc == self.crc.sum() && size == self.crc.amount();
                        if good { Ok(Stage::Ended) } else { Err(Call::DataError) }
                    }
                    (Wrapper::Zlib, 3) => {
                        if value as u32 == self.adler.sum() {
                            Ok(Stage::Ended)
                        } else {
                            Err(Call::DataError)
                        }
                    }
                    _ => Ok(Stage::Trailer { at: at + 1, value }),
                }
            }
            Stage::Body | Stage::Ended | Stage::Failed => Ok(stage),
        }
    }
}

/// Fields of the gzip header that the flags ask for, in order: extra, name, comment, check sum.
const EXTRA: u8 = 0x04;
const NAME: u8 = 0x08;
const COMMENT: u8 = 0x10;
const CHECK: u8 = 0x02;

/// One octet of the gzip header after its magic. `at` counts the octets of the fixed part, then the optional fields.
fn gzip_header(at: u8, flags: u8, left: u16, low: u8, octet: u8) -> Result<Stage, Call> {
    const FIXED: u8 = 7;
    let next_field = |flags: u8| {
        if flags & (EXTRA | NAME | COMMENT | CHECK) == 0 {
            Stage::Body
        } else {
            Stage::GzipHeader { at: FIXED + 1, flags, left: 0, low: 0 }
        }
    };
    match at {
        0 if octet != 8 => Err(Call::DataError),
        1 if octet & 0xe0 != 0 => Err(Call::DataError),
        1 => Ok(Stage::GzipHeader { at: 2, flags: octet, left, low }),
        FIXED => Ok(next_field(flags)),
        0..FIXED => Ok(Stage::GzipHeader { at: at + 1, flags, left, low }),
        _ if flags & EXTRA != 0 => match at {
            8 => Ok(Stage::GzipHeader { at: 9, flags, left, low: octet }),
            9 => {
                let left = u16::from_le_bytes([low, octet]);
                if left == 0 {
                    Ok(next_field(flags & !EXTRA))
                } else {
                    Ok(Stage::GzipHeader { at: 10, flags, left, low })
                }
            }
            _ if left <= 1 => Ok(next_field(flags & !EXTRA)),
            _ => Ok(Stage::GzipHeader { at, flags, left: left - 1, low }),
        },
        _ if flags & NAME != 0 => Ok(if octet == 0 { next_field(flags & !NAME) } else { same(at, flags) }),
        _ if flags & COMMENT != 0 => {
            Ok(if octet == 0 { next_field(flags & !COMMENT) } else { same(at, flags) })
        }
        _ if at == FIXED + 1 => Ok(Stage::GzipHeader { at: at + 1, flags, left, low }),
        _ => Ok(Stage::Body),
    }
}

const fn same(at: u8, flags: u8) -> Stage {
    Stage::GzipHeader { at, flags, left: 0, low: 0 }
}

/// The check sum of zlib.
#[derive(Debug, Clone, Copy)]
struct Adler32 {
    a: u32,
    b: u32,
}

impl Default for Adler32 {
    fn default() -> Self {
        Self { a: 1, b: 0 }
    }
}

impl Adler32 {
    fn update(&mut self, data: &[u8]) {
        const MODULUS: u32 = 65521;
        // So many octets cannot overflow 32 bits.
        for block in data.chunks(5552) {
            for octet in block {
                self.a += u32::from(*octet);
                self.b += self.a;
            }
            self.a %= MODULUS;
            self.b %= MODULUS;
        }
    }

    const fn sum(self) -> u32 {
        self.b << 16 | self.a
    }
}

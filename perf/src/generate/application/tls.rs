//! TLS 1.2 (RFC 5246) and 1.3 (RFC 8446): hellos that a parser takes for a browser's and a server's, a certificate, and
//! records of noise.

use std::io::Write;

use super::super::conversation::{Closing, Conversation, MICROSECOND};
use super::super::filler::{Kind, records};
use super::super::frame::Side;
use super::super::names;
use super::super::random::{Random, Sizes};
use super::thinking;

/// A certificate made for this program (RSA 2048, for `host-00000000.example.net`), and its issuer's.
const LEAF: &[u8] = include_bytes!("certificates/leaf.der");
const ISSUER: &[u8] = include_bytes!("certificates/ca.der");
/// What of the certificate is another for each server: digits of names and of the serial number. Its signature then is
/// wrong, its structure is not.
const NAME: &[u8] = b"-00000000.example.net";
const SERIAL: &[u8] = b"BA0000000000LEEN";
/// Digits of both.
const DIGITS: usize = 8;

const HANDSHAKE: u8 = 22;
const CHANGE_CIPHER_SPEC: [u8; 6] = [20, 3, 3, 0, 1, 1];
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const NEW_SESSION_TICKET: u8 = 4;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const SERVER_HELLO_DONE: u8 = 14;
const CLIENT_KEY_EXCHANGE: u8 = 16;

const SUITES_12: [u16; 4] = [0xc02f, 0xc030, 0xcca8, 0xc013];
const SUITES_13: [u16; 3] = [0x1301, 0x1302, 0x1303];
/// Reserved values that clients strew in (RFC 8701).
const GREASE: [u16; 4] = [0x0a0a, 0x1a1a, 0x5a5a, 0xcaca];

/// The certificate, and where its digits are.
#[derive(Debug)]
pub(super) struct Certificates {
    digits: Vec<usize>,
}

impl Certificates {
    /// Looks for the digits.
    pub(super) fn new() -> Self {
        let starts = |mark: &'static [u8], skip: usize| {
            let found = LEAF.windows(mark.len()).enumerate().filter(move |(_, window)| *window == mark);
            found.map(move |(at, _)| at + skip)
        };
        Self { digits: starts(NAME, 1).chain(starts(SERIAL, 2)).collect() }
    }

    /// Appends the certificate of a server.
    fn leaf(&self, to: &mut Vec<u8>, server: u32) {
        let start = to.len();
        to.extend_from_slice(LEAF);
        let digits = format!("{server:0width$}", width = DIGITS);
        for at in &self.digits {
            if let Some(to) = to.get_mut(start + at..start + at + DIGITS) {
                to.copy_from_slice(digits.as_bytes().get(..DIGITS).unwrap_or(b"00000000"));
            }
        }
    }
}

/// A connection of TLS 1.2.
pub(super) fn tls12(random: &mut Random, server: u32, body: Sizes, certificates: &Certificates) -> Conversation {
    let mut conversation = Conversation::tcp();
    conversation.segment_gap = 0;
    let protocol = random.chance(0.6);
    let mut name = Vec::new();
    let _ = write!(name, "host-{server:0width$}.example.net", width = DIGITS);
    let hello = Hello { name: &name, is_13: false, http2: protocol, session: random.octets() };
    conversation.say(false, 100 * MICROSECOND, |to| client_hello(to, random, &hello));
    let suite = random.pick(&SUITES_12);
    let resumed = random.chance(0.2);
    let pause = thinking(random, 3);
    conversation.say(true, pause, |to| {
        server_hello(to, random, &hello, suite, resumed);
        if resumed {
            finished_12(to, random);
            return;
        }
        handshake(to, CERTIFICATE, |to| {
            length24(to, |to| {
                length24(to, |to| certificates.leaf(to, server));
                length24(to, |to| to.extend_from_slice(ISSUER));
            });
        });
        handshake(to, SERVER_KEY_EXCHANGE, |to| {
            // A named curve, x25519, with its point, signed with RSA-PSS (RFC 8422, section 5.4).
            to.extend_from_slice(&[3, 0, 0x1d, 32]);
            to.extend_from_slice(&random.octets::<32>());
            to.extend_from_slice(&[8, 4, 1, 0]);
            to.extend_from_slice(&random.octets::<256>());
        });
        handshake(to, SERVER_HELLO_DONE, |_| {});
    });
    let pause = thinking(random, 2);
    if resumed {
        conversation.say(false, pause, |to| finished_12(to, random));
    } else {
        conversation.say(false, pause, |to| {
            handshake(to, CLIENT_KEY_EXCHANGE, |to| {
                to.push(32);
                to.extend_from_slice(&random.octets::<32>());
            });
            finished_12(to, random);
        });
        let pause = thinking(random, 2);
        conversation.say(true, pause, |to| {
            handshake(to, NEW_SESSION_TICKET, |to| {
                to.extend_from_slice(&7_200_u32.to_be_bytes());
                to.extend_from_slice(&[0, 192]);
                for _ in 0..6 {
                    to.extend_from_slice(&random.octets::<32>());
                }
            });
            finished_12(to, random);
        });
    }
    application_data(&mut conversation, random, body);
    conversation.closed(Closing::Fin(if random.chance(0.7) { Side::Originator } else { Side::Responder }))
}

/// A connection of TLS 1.3.
pub(super) fn tls13(random: &mut Random, server: u32, body: Sizes) -> Conversation {
    let mut conversation = Conversation::tcp();
    conversation.segment_gap = 0;
    let http2 = random.chance(0.8);
    let mut name = Vec::new();
    names::host(&mut name, server, random.below(8) as u32);
    let hello = Hello { name: &name, is_13: true, http2, session: random.octets() };
    conversation.say(false, 100 * MICROSECOND, |to| client_hello(to, random, &hello));
    let suite = random.pick(&SUITES_13);
    let resumed = random.chance(0.3);
    let pause = thinking(random, 3);
    conversation.say(true, pause, |to| {
        server_hello(to, random, &hello, suite, resumed);
        to.extend_from_slice(&CHANGE_CIPHER_SPEC);
    });
    // Extensions, certificates and the rest are under encryption.
    let flight = if resumed { 150 } else { random.between(2_200, 4_800) };
    conversation.fill(Kind::Records, records(flight));
    let pause = thinking(random, 1);
    conversation.say(false, pause, |to| to.extend_from_slice(&CHANGE_CIPHER_SPEC));
    conversation.fill(Kind::Records, records(53));
    application_data(&mut conversation, random, body);
    conversation.closed(Closing::Fin(if random.chance(0.7) { Side::Originator } else { Side::Responder }))
}

/// Requests and responses, and the alert that closes.
fn application_data(conversation: &mut Conversation, random: &mut Random, body: Sizes) {
    let requests = if random.chance(0.5) { 1 } else { random.between(2, 6) };
    for _ in 0..requests {
        let request = random.between(120, 900);
        conversation.request(thinking(random, 10), &[]).fill(Kind::Records, records(request));
        let octets = body.draw(random);
        conversation.response(thinking(random, 8), &[]).fill(Kind::Records, records(octets));
    }
}

/// What a hello says.
struct Hello<'n> {
    name: &'n [u8],
    is_13: bool,
    http2: bool,
    session: [u8; 32],
}

pub(super) fn put(to: &mut Vec<u8>, value: u16) {
    to.extend_from_slice(&value.to_be_bytes());
}

/// Writes what `write` appends behind its length of 16 bits.
pub(super) fn length16(to: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = to.len();
    to.extend_from_slice(&[0; 2]);
    write(to);
    let length = (to.len() - at - 2) as u16;
    if let Some(field) = to.get_mut(at..at + 2) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}

/// The same with 24 bits.
pub(super) fn length24(to: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = to.len();
    to.extend_from_slice(&[0; 3]);
    write(to);
    let [_, high, middle, low] = ((to.len() - at - 3) as u32).to_be_bytes();
    if let Some(field) = to.get_mut(at..at + 3) {
        field.copy_from_slice(&[high, middle, low]);
    }
}

/// A handshake message in a record of its own.
fn handshake(to: &mut Vec<u8>, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
    to.extend_from_slice(&[HANDSHAKE, 3, if kind == CLIENT_HELLO { 1 } else { 3 }]);
    length16(to, |to| {
        to.push(kind);
        length24(to, write);
    });
}

/// Change of the cipher and a finished message under encryption.
fn finished_12(to: &mut Vec<u8>, random: &mut Random) {
    to.extend_from_slice(&CHANGE_CIPHER_SPEC);
    to.extend_from_slice(&[HANDSHAKE, 3, 3, 0, 40]);
    to.extend_from_slice(&random.octets::<40>());
}

fn extension(to: &mut Vec<u8>, kind: u16, write: impl FnOnce(&mut Vec<u8>)) {
    put(to, kind);
    length16(to, write);
}

fn client_hello(to: &mut Vec<u8>, random: &mut Random, hello: &Hello<'_>) {
    handshake(to, CLIENT_HELLO, |to| client_hello_body(to, random, hello));
}

fn client_hello_body(to: &mut Vec<u8>, random: &mut Random, hello: &Hello<'_>) {
    let grease = random.pick(&GREASE);
    // Four sorts of clients: with or without reserved values, one order of extensions or another.
    let (with_grease, turn) = (random.chance(0.5), random.below(8) as usize);
    to.extend_from_slice(&[3, 3]);
    to.extend_from_slice(&random.octets::<32>());
    to.push(32);
    to.extend_from_slice(&hello.session);
    length16(to, |to| {
        if with_grease {
            put(to, grease);
        }
        if hello.is_13 {
            SUITES_13.iter().for_each(|suite| put(to, *suite));
        }
        SUITES_12.iter().for_each(|suite| put(to, *suite));
        [0xc014, 0x009c, 0x009d, 0x002f].iter().for_each(|suite| put(to, *suite));
    });
    to.extend_from_slice(&[1, 0]);
    length16(to, |to| {
        if with_grease {
            extension(to, grease, |_| {});
        }
        for index in 0..8 {
            client_extension(to, random, hello, (index + turn) % 8);
        }
        if hello.is_13 {
            extension(to, 43, |to| to.extend_from_slice(&[4, 3, 4, 3, 3]));
            extension(to, 45, |to| to.extend_from_slice(&[1, 1]));
            extension(to, 51, |to| {
                length16(to, |to| {
                    put(to, 0x001d);
                    length16(to, |to| to.extend_from_slice(&random.octets::<32>()));
                });
            });
        }
    });
}

/// The extensions that every client sends, by number.
fn client_extension(to: &mut Vec<u8>, random: &mut Random, hello: &Hello<'_>, number: usize) {
    match number {
        // server_name
        0 => extension(to, 0, |to| {
            length16(to, |to| {
                to.push(0);
                length16(to, |to| to.extend_from_slice(hello.name));
            });
        }),
        // extended_master_secret
        1 => extension(to, 23, |_| {}),
        // supported_groups
        2 => extension(to, 10, |to| {
            length16(to, |to| [0x001d, 0x0017, 0x0018].iter().for_each(|group| put(to, *group)));
        }),
        // ec_point_formats
        3 => extension(to, 11, |to| to.extend_from_slice(&[1, 0])),
        // session_ticket
        4 => extension(to, 35, |_| {}),
        // application_layer_protocol_negotiation
        5 => extension(to, 16, |to| {
            length16(to, |to| {
                if hello.http2 {
                    to.extend_from_slice(b"\x02h2");
                }
                to.extend_from_slice(b"\x08http/1.1");
            });
        }),
        // status_request
        6 => extension(to, 5, |to| to.extend_from_slice(&[1, 0, 0, 0, 0])),
        // signature_algorithms
        _ => extension(to, 13, |to| {
            let count = 4 + random.below(3) as usize;
            length16(to, |to| {
                [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806].iter().take(count).for_each(|s| put(to, *s));
            });
        }),
    }
}

fn server_hello(to: &mut Vec<u8>, random: &mut Random, hello: &Hello<'_>, suite: u16, resumed: bool) {
    handshake(to, SERVER_HELLO, |to| {
        to.extend_from_slice(&[3, 3]);
        to.extend_from_slice(&random.octets::<32>());
        to.push(32);
        // The client's identifier comes back with TLS 1.3 and with a resumed session.
        let session = if hello.is_13 || resumed { hello.session } else { random.octets() };
        to.extend_from_slice(&session);
        put(to, suite);
        to.push(0);
        length16(to, |to| {
            if hello.is_13 {
                extension(to, 43, |to| put(to, 0x0304));
                extension(to, 51, |to| {
                    put(to, 0x001d);
                    length16(to, |to| to.extend_from_slice(&random.octets::<32>()));
                });
                if resumed {
                    extension(to, 41, |to| put(to, 0));
                }
                return;
            }
            extension(to, 23, |_| {});
            extension(to, 0xff01, |to| to.push(0));
            extension(to, 11, |to| to.extend_from_slice(&[1, 0]));
            extension(to, 16, |to| {
                length16(to, |to| to.extend_from_slice(if hello.http2 { b"\x02h2" } else { b"\x08http/1.1" }));
            });
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_its_own_name_and_serial_number() {
        let certificates = Certificates::new();
        assert_eq!(certificates.digits.len(), 4, "subject, two alternative names, serial number");
        let mut leaf = Vec::new();
        certificates.leaf(&mut leaf, 42);
        let contains = |text: &[u8]| leaf.windows(text.len()).any(|window| window == text);
        assert!(contains(b"host-00000042.example.net"));
        assert!(contains(b"BA0000004200LEEN"));
        assert!(!contains(NAME));
    }
}

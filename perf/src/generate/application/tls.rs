//! TLS 1.2 (RFC 5246) and 1.3 (RFC 8446): hellos that a parser takes for a browser's and a server's, a certificate, and
//! records of noise.

use std::io::Write;

use super::super::conversation::{Closing, Conversation, MICROSECOND};
use super::super::filler::{Kind, records};
use super::super::frame::Side;
use super::super::names;
use super::super::random::{Random, Sizes};
use super::hello::{
    HANDSHAKE, Hello, SUITES_12, SUITES_13, Variant, client_hello, handshake, length24, record, server_hello,
};
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

const CHANGE_CIPHER_SPEC: [u8; 6] = [20, 3, 3, 0, 1, 1];
const NEW_SESSION_TICKET: u8 = 4;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const SERVER_HELLO_DONE: u8 = 14;
const CLIENT_KEY_EXCHANGE: u8 = 16;

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
        let digits = format!("{server:0DIGITS$}");
        for at in &self.digits {
            if let Some(to) = to.get_mut(start + at..start + at + DIGITS) {
                to.copy_from_slice(digits.as_bytes().get(..DIGITS).unwrap_or(b"00000000"));
            }
        }
    }
}

/// A connection of TLS 1.2.
pub(super) fn tls12(
    random: &mut Random,
    server: u32,
    body: Sizes,
    certificates: &Certificates,
) -> Conversation {
    let mut conversation = Conversation::tcp();
    conversation.segment_gap = 0;
    let http2 = random.chance(0.6);
    let mut name = Vec::new();
    let _ = write!(name, "host-{server:0DIGITS$}.example.net");
    let hello = Hello { name: &name, variant: Variant::Tls12 { http2 }, session: random.octets() };
    conversation.say(false, 100 * MICROSECOND, |to| record(to, |to| client_hello(to, random, &hello)));
    let suite = random.pick(&SUITES_12);
    let resumed = random.chance(0.2);
    let pause = thinking(random, 3);
    conversation.say(true, pause, |to| {
        record(to, |to| server_hello(to, random, &hello, suite, resumed));
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
    let hello = Hello { name: &name, variant: Variant::Tls13 { http2 }, session: random.octets() };
    conversation.say(false, 100 * MICROSECOND, |to| record(to, |to| client_hello(to, random, &hello)));
    let suite = random.pick(&SUITES_13);
    let resumed = random.chance(0.3);
    let pause = thinking(random, 3);
    conversation.say(true, pause, |to| {
        record(to, |to| server_hello(to, random, &hello, suite, resumed));
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

/// Change of the cipher and a finished message under encryption.
fn finished_12(to: &mut Vec<u8>, random: &mut Random) {
    to.extend_from_slice(&CHANGE_CIPHER_SPEC);
    to.extend_from_slice(&[HANDSHAKE, 3, 3, 0, 40]);
    to.extend_from_slice(&random.octets::<40>());
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

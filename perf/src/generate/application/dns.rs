//! DNS over UDP (RFC 1035): queries and responses with compressed names, some with EDNS (RFC 6891).

use super::super::conversation::Conversation;
use super::super::names;
use super::super::random::Random;
use super::thinking;

const A: u16 = 1;
const SOA: u16 = 6;
const MX: u16 = 15;
const AAAA: u16 = 28;
const OPT: u16 = 41;

/// How many sites are looked up.
const SITES: u64 = 60_000;
/// A pointer to the name at octet 12: the question's (RFC 1035, section 4.1.4).
const QUESTION: [u8; 2] = [0xc0, 12];

/// One query, and mostly the response.
pub(super) fn lookup(random: &mut Random) -> Conversation {
    let kind = random.pick(&[A, A, A, A, A, AAAA, AAAA, AAAA, MX]);
    let exists = random.chance(0.9);
    let skew = random.unit();
    let number = (skew * skew * SITES as f64) as u32;
    let host = random.below(8) as u32;
    let with_edns = random.chance(0.5);
    let answers = if exists { random.between(1, 4) as u16 } else { 0 };
    let id = random.bits() as u16;
    let answer = thinking(random, 6);
    let question = |to: &mut Vec<u8>, random: &mut Random| {
        let mut name = Vec::with_capacity(64);
        match (exists, kind) {
            (true, MX) => names::site(&mut name, number),
            (true, _) => names::host(&mut name, number, host),
            (false, _) => {
                label(&mut name, random);
                name.push(b'.');
                names::site(&mut name, number);
            }
        }
        write_name(to, &name);
        put(to, kind);
        put(to, 1);
    };
    let mut asked = Vec::with_capacity(80);
    question(&mut asked, random);
    let mut conversation = Conversation::udp();
    conversation.say(false, 0, |to| {
        header(to, id, 0x0100, 0, 0, with_edns);
        to.extend_from_slice(&asked);
        edns(to, with_edns);
    });
    if random.chance(0.01) {
        return conversation;
    }
    let values = random.octets::<16>();
    conversation.say(true, answer, |to| {
        let flags = if exists { 0x8180 } else { 0x8183 };
        header(to, id, flags, answers, u16::from(!exists), with_edns);
        to.extend_from_slice(&asked);
        for index in 0..answers {
            record(to, kind, index, &values);
        }
        if !exists {
            // The zone's name is the question's without its first label.
            let first = asked.first().copied().unwrap_or(0);
            to.extend_from_slice(&[0xc0, 12 + first + 1]);
            start_of_authority(to);
        }
        edns(to, with_edns);
    });
    conversation
}

/// A query of a name that nobody has, and the refusal or no response.
pub(super) fn flood(random: &mut Random) -> Conversation {
    let id = random.bits() as u16;
    let mut asked = Vec::with_capacity(64);
    let mut name = Vec::with_capacity(48);
    label(&mut name, random);
    name.extend_from_slice(b".victim.example.com");
    write_name(&mut asked, &name);
    put(&mut asked, A);
    put(&mut asked, 1);
    let mut conversation = Conversation::udp();
    conversation.say(false, 0, |to| {
        header(to, id, 0x0100, 0, 0, false);
        to.extend_from_slice(&asked);
    });
    if random.chance(0.5) {
        let pause = thinking(random, 1);
        conversation.say(true, pause, |to| {
            header(to, id, 0x8183, 0, 0, false);
            to.extend_from_slice(&asked);
        });
    }
    conversation
}

fn put(to: &mut Vec<u8>, value: u16) {
    to.extend_from_slice(&value.to_be_bytes());
}

fn header(to: &mut Vec<u8>, id: u16, flags: u16, answers: u16, authorities: u16, with_edns: bool) {
    for value in [id, flags, 1, answers, authorities, u16::from(with_edns)] {
        put(to, value);
    }
}

/// A random label of 8 to 16 letters and digits.
fn label(to: &mut Vec<u8>, random: &mut Random) {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let length = random.between(8, 16);
    let mut bits = u128::from(random.bits()) << 64 | u128::from(random.bits());
    for _ in 0..length {
        to.push(LETTERS.get((bits & 31) as usize).copied().unwrap_or(b'a'));
        bits >>= 5;
    }
}

fn write_name(to: &mut Vec<u8>, name: &[u8]) {
    for label in name.split(|octet| *octet == b'.') {
        to.push(label.len() as u8);
        to.extend_from_slice(label);
    }
    to.push(0);
}

/// A record of the question's name.
fn record(to: &mut Vec<u8>, kind: u16, index: u16, values: &[u8; 16]) {
    to.extend_from_slice(&QUESTION);
    put(to, kind);
    put(to, 1);
    to.extend_from_slice(&300_u32.to_be_bytes());
    let [v0, v1, v2, v3, ..] = *values;
    match kind {
        AAAA => {
            put(to, 16);
            to.extend_from_slice(&[
                0x20,
                0x01,
                0x0d,
                0xb8,
                0,
                0x20,
                v0,
                v1,
                0,
                0,
                0,
                0,
                v2,
                v3,
                0,
                index as u8 + 1,
            ]);
        }
        MX => {
            put(to, 2 + 4 + 2);
            put(to, (index + 1) * 10);
            to.extend_from_slice(&[3, b'm', b'x', b'1' + (index % 9) as u8]);
            to.extend_from_slice(&QUESTION);
        }
        _ => {
            put(to, 4);
            to.extend_from_slice(&[198, 18 + (v0 & 1), v1, v2.wrapping_add(index as u8)]);
        }
    }
}

/// The rest of a SOA record behind its name (RFC 2308: how a name that does not exist is told).
fn start_of_authority(to: &mut Vec<u8>) {
    put(to, SOA);
    put(to, 1);
    to.extend_from_slice(&900_u32.to_be_bytes());
    let mut data = Vec::with_capacity(64);
    write_name(&mut data, b"ns1.example.net");
    write_name(&mut data, b"hostmaster.example.net");
    for value in [2_027_011_500_u32, 7_200, 900, 1_209_600, 900] {
        data.extend_from_slice(&value.to_be_bytes());
    }
    put(to, data.len() as u16);
    to.extend_from_slice(&data);
}

fn edns(to: &mut Vec<u8>, with_edns: bool) {
    if with_edns {
        to.push(0);
        put(to, OPT);
        put(to, 1232);
        to.extend_from_slice(&[0; 6]);
    }
}

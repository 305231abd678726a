//! Traffic of no protocol in particular: long transfers, dialogues, idle flows, fixed sizes.

use super::super::conversation::{Closing, Conversation, MICROSECOND, MILLISECOND, Message};
use super::super::filler::Kind;
use super::super::frame::Side;
use super::super::random::{Random, Sizes};
use super::thinking;

/// First octets of what no protocol begins with.
const GREETING: [u8; 8] = [0x00, 0x00, 0x00, 0x24, 0xb1, 0x0b, 0x00, 0x01];

/// A long transfer: a request of 200 octets, then the responder sends.
pub(super) fn transfer(random: &mut Random, size: Sizes) -> Conversation {
    let mut conversation = Conversation::tcp();
    // 100 Mbit/s to 1 Gbit/s.
    conversation.segment_gap = random.between(10, 110) * MICROSECOND;
    conversation.request(100 * MICROSECOND, &GREETING).fill(Kind::Noise, 192);
    let octets = size.draw(random);
    conversation.response(thinking(random, 2), &GREETING).fill(Kind::Noise, octets);
    conversation.closed(Closing::Fin(Side::Responder))
}

/// Requests of 40 to 200 octets and responses, as of a data base or a terminal server.
pub(super) fn dialogue(random: &mut Random, response: Sizes) -> Conversation {
    let mut conversation = Conversation::tcp();
    conversation.segment_gap = 0;
    for _ in 0..random.between(3, 20) {
        let pause = thinking(random, 8);
        conversation.request(pause, &GREETING).fill(Kind::Noise, random.between(32, 192));
        let pause = thinking(random, 4);
        conversation.response(pause, &GREETING).fill(Kind::Noise, response.draw(random));
    }
    conversation
}

/// A connection that exchanges a few octets, is silent, and then sends one segment more; it never ends.
pub(super) fn idle_tcp(silence: u64) -> Conversation {
    let mut conversation = Conversation::tcp();
    conversation.request(MILLISECOND, &GREETING).response(MILLISECOND, &GREETING).request(silence, &GREETING);
    conversation.closed(Closing::Open)
}

/// Two datagrams, silence, and one more.
pub(super) fn idle_udp(silence: u64) -> Conversation {
    let mut conversation = Conversation::udp();
    conversation.request(0, &GREETING).response(MILLISECOND, &GREETING).request(silence, &GREETING);
    conversation
}

/// Packets of UDP in the sizes of the simple IMIX: seven of 64 octets, four of 570, one of 1518, all with the frame's
/// check sequence, which a capture has not.
pub(super) fn imix(random: &mut Random, is_v6: bool) -> Conversation {
    const CHECK_SEQUENCE: u64 = 4;
    const SIZES: [u64; 12] = [64, 570, 64, 64, 570, 64, 1518, 64, 570, 64, 570, 64];
    let headers = 14 + 8 + if is_v6 { 40 } else { 20 };
    let mut conversation = Conversation::udp();
    let pause = random.between(20, 200) * MICROSECOND;
    let turn = random.below(SIZES.len() as u64) as usize;
    let (end, begin) = SIZES.split_at(turn);
    for size in begin.iter().chain(end) {
        let filler = size.saturating_sub(CHECK_SEQUENCE + headers);
        conversation.messages.push(Message { pause, kind: Kind::Noise, filler, ..Message::default() });
    }
    conversation.repeat(0, random.between(1, 16) as u32);
    conversation
}

//! What looks like QUIC (RFC 9000): packets with the short header to UDP port 443, as of connections whose begin was not
//! captured; their contents are encrypted in any case.

use super::super::conversation::{Conversation, MICROSECOND, Message};
use super::super::filler::Kind;
use super::super::random::{Random, Sizes};
use super::thinking;

/// A request, the response in datagrams of 1,252 octets, an acknowledgment for every eight of them.
pub(super) fn conversation(random: &mut Random, _server: u32, body: Sizes) -> Conversation {
    let mut conversation = Conversation::udp();
    let octets = body.draw(random);
    let first = [0x40 | (random.bits() as u8 & 0x3f)];
    conversation.request(0, &first).fill(Kind::Noise, random.between(80, 1_200));
    let pause = thinking(random, 10);
    conversation.response(pause, &first).fill(Kind::Noise, random.between(40, 1_251));
    let gap = random.between(8, 80) * MICROSECOND;
    let lap_start = conversation.messages.len();
    conversation.request(gap, &first).fill(Kind::Noise, 34);
    let datagrams = (octets / 1_252).clamp(1, 8);
    conversation.response(gap, &first).fill(Kind::Noise, 1_251);
    let datagram = conversation.messages.last().cloned();
    for _ in 1..datagrams {
        conversation.messages.extend(datagram.clone().into_iter().map(|message| Message { ..message }));
    }
    conversation.repeat(lap_start, (octets / 1_252 / datagrams) as u32);
    conversation
}

//! Media over UDP, with headers of RTP (RFC 3550): both ways for small packets, as of a call, one way for large ones, as
//! of a video.

use super::super::conversation::{Conversation, MICROSECOND, Message};
use super::super::filler::Kind;
use super::super::random::{Random, Sizes};

/// Packets of `payload` octets; up to 300 octets it is a voice call of two sides, above one side sends video.
pub(super) fn conversation(random: &mut Random, payload: u64, packets: Sizes) -> Conversation {
    let mut conversation = Conversation::udp();
    let is_call = payload <= 300;
    // Minutes of a call are shortened to the seconds of a capture.
    let pause = if is_call { 800 * MICROSECOND } else { 400 * MICROSECOND };
    let message = Message { pause, kind: Kind::Media, filler: payload, ..Message::default() };
    conversation.messages.push(message.clone());
    if is_call {
        conversation.messages.push(Message { is_response: true, pause: pause / 2, ..message });
    }
    let laps = packets.draw(random) / conversation.messages.len() as u64;
    conversation.repeat(0, laps as u32);
    conversation
}

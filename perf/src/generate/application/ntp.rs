//! NTP (RFC 5905): a client's request and a server's response.

use super::super::conversation::Conversation;
use super::super::random::Random;
use super::thinking;

/// Seconds since 1900 of the captures' first day.
const ERA: u32 = 4_008_988_800;

/// One exchange.
pub(super) fn conversation(random: &mut Random) -> Conversation {
    let mut conversation = Conversation::udp();
    let sent = stamp(random);
    let mut request = [0_u8; 48];
    // Version 4, client.
    request[0] = 0x23;
    request[2] = 6;
    request[40..].copy_from_slice(&sent);
    conversation.request(0, &request);
    let pause = thinking(random, 10);
    let mut response = [0_u8; 48];
    // Version 4, server, of the second stratum.
    response[..4].copy_from_slice(&[0x24, 2, 6, 0xe9]);
    response[4..12].copy_from_slice(&[0, 0, 2, 0x10, 0, 0, 3, 0x20]);
    response[12..16].copy_from_slice(&[192, 0, 2, 1]);
    response[16..24].copy_from_slice(&stamp(random));
    response[24..32].copy_from_slice(&sent);
    response[32..40].copy_from_slice(&stamp(random));
    response[40..].copy_from_slice(&stamp(random));
    conversation.response(pause, &response);
    conversation
}

fn stamp(random: &mut Random) -> [u8; 8] {
    let bits = random.bits();
    let [s3, s2, s1, s0] = ERA.wrapping_add((bits >> 32) as u32 % 3_600).to_be_bytes();
    let [f3, f2, f1, f0] = (bits as u32).to_be_bytes();
    [s3, s2, s1, s0, f3, f2, f1, f0]
}

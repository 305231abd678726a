//! SMB is confirmed by its third piece of payload, and what it carries is found.

use proptest::prelude::*;

use crate::Direction::{self, Originator, Responder};
use crate::testing::Harness;

fn frame(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes()[..], message].concat()
}

/// A message of SMB 2.
fn v2(command: u16, message_id: u64, tree: u32, body: &[u8]) -> Vec<u8> {
    let mut header = b"\xfeSMB\x40\0\0\0".to_vec();
    header.extend([0; 4]);
    header.extend(command.to_le_bytes());
    header.extend([0; 10]);
    header.extend(message_id.to_le_bytes());
    header.extend([0; 4]);
    header.extend(tree.to_le_bytes());
    header.resize(64, 0);
    [header, body.to_vec()].concat()
}

/// The body of a session setup with a token.
fn session_setup(token: &[u8]) -> Vec<u8> {
    let mut body = vec![25, 0];
    body.resize(12, 0);
    body.extend(88u16.to_le_bytes());
    body.extend((token.len() as u16).to_le_bytes());
    body.resize(24, 0);
    [body, token.to_vec()].concat()
}

#[test]
fn the_third_piece_confirms() {
    let mut harness = Harness::tcp(445);
    let flush = frame(&v2(7, 1, 0, &[0; 24]));
    harness.data(Originator, &flush);
    harness.data(Responder, &flush);
    assert_eq!(harness.services(), "");
    harness.data(Originator, &flush);
    assert_eq!(harness.services(), "smb");
}

#[test]
fn a_token_is_read_however_the_message_is_cut() {
    let token = crate::gssapi::tests::spnego(&crate::gssapi::tests::ntlm());
    let message = frame(&v2(1, 1, 0, &session_setup(&token)));
    for cut in [8, 30, 70, message.len()] {
        let mut harness = Harness::tcp(445);
        let (first, second) = message.split_at(cut);
        harness.data(Originator, first);
        if !second.is_empty() {
            harness.data(Originator, second);
        }
        assert_eq!(harness.services(), "ntlm,gssapi", "cut at {cut}");
    }
}

#[test]
fn ntlm_may_come_without_gssapi() {
    let mut harness = Harness::tcp(445);
    harness.data(Originator, &frame(&v2(1, 1, 0, &session_setup(&crate::gssapi::tests::ntlm()))));
    assert_eq!(harness.services(), "ntlm");
}

#[test]
fn a_pipe_carries_dce_rpc() {
    let pdu = crate::dce_rpc::tests::bind(0, &[]);
    let mut write = vec![49, 0];
    write.extend(112u16.to_le_bytes());
    write.extend((pdu.len() as u32).to_le_bytes());
    write.resize(48, 0);
    write.extend(&pdu);
    let connect = |share: u8| {
        let mut harness = Harness::tcp(4450);
        harness.data(Responder, &frame(&v2(3, 1, 5, &[16, 0, share, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])));
        harness.data(Originator, &frame(&v2(9, 2, 5, &write)));
        harness.services()
    };
    assert_eq!(connect(2), "dce_rpc");
    assert_eq!(connect(1), "");
}

#[test]
fn smb_1_pipes_are_told_by_the_name_of_a_transaction() {
    let pdu = crate::dce_rpc::tests::bind(0, &[]);
    let mut message = b"\xffSMB\x25".to_vec();
    message.resize(32, 0);
    message.push(16);
    message.resize(32 + 1 + 22, 0);
    message.extend((pdu.len() as u16).to_le_bytes());
    message.extend(80u16.to_le_bytes());
    message.resize(32 + 1 + 32, 0);
    message.extend((13 + pdu.len() as u16).to_le_bytes());
    message.extend(b"\\PIPE\\\0");
    message.resize(80, 0);
    message.extend(&pdu);
    let mut harness = Harness::tcp(139);
    harness.data(Originator, &frame(&message));
    assert_eq!(harness.services(), "dce_rpc");
}

#[test]
fn bulk_is_skipped_and_what_follows_is_read() {
    let mut harness = Harness::tcp(445);
    let write = frame(&v2(9, 1, 7, &vec![0; 100_000]));
    let token = crate::gssapi::tests::spnego(&crate::gssapi::tests::ntlm());
    let stream = [write, frame(&v2(1, 2, 0, &session_setup(&token)))].concat();
    for piece in stream.chunks(1460) {
        harness.data(Originator, piece);
    }
    assert_eq!(harness.services(), "smb,ntlm,gssapi");
}

#[test]
fn after_a_gap_a_message_is_waited_for() {
    let mut harness = Harness::tcp(445);
    harness.data(Originator, &frame(&v2(7, 1, 0, &[0; 24])));
    harness.gap(Originator, 100);
    harness.data(Originator, &[0; 50]);
    harness.data(Originator, &[0; 50]);
    assert_eq!(harness.services(), "");
}

proptest! {
    #[test]
    fn any_stream_is_survived(
        messages in proptest::collection::vec((any::<bool>(), any::<bool>(), 0u16..20, proptest::collection::vec(any::<u8>(), 0..120)), 0..8),
        cut in 1usize..90,
    ) {
        let mut harness = Harness::tcp(445);
        harness.data(Responder, &frame(&v2(3, 1, 0, &[16, 0, 2, 0])));
        for (orig, is_v1, command, octets) in messages {
            let direction: Direction = if orig { Originator } else { Responder };
            let message = if is_v1 {
                [&b"\xffSMB"[..], &[[0x25, 0x2e, 0x2f, 0x71, 0x72, 0x73, 0x75][usize::from(command) % 7]], &octets].concat()
            } else {
                v2(command, 1, 0, &octets)
            };
            for piece in frame(&message).chunks(cut) {
                harness.data(direction, piece);
            }
        }
        harness.end();
    }
}

//! HTTP: what becomes of well-formed and of broken exchanges.

use proptest::prelude::*;
use serde_json::Value;

use super::inflate::{Inflate, Outcome};
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

/// Runs an exchange on port 80; returns the records of a log.
fn exchange(pieces: &[(crate::Direction, &[u8])], log: &str) -> Vec<Value> {
    let mut harness = Harness::tcp(80);
    for (direction, payload) in pieces {
        harness.data(*direction, payload);
    }
    harness.end_of_stream(Originator);
    harness.end_of_stream(Responder);
    records(&mut harness, log)
}

fn records(harness: &mut Harness, log: &str) -> Vec<Value> {
    harness
        .end()
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|record| record["_path"] == log)
        .collect()
}

#[test]
fn request_and_response_make_one_record() {
    let http = exchange(
        &[
            (Originator, b"GET /a%20b HTTP/1.1\r\nHost: x.example:8080\r\nUser-Agent: t\r\n\r\n"),
            (Responder, b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello, world"),
        ],
        "http",
    );
    let [record] = http.as_slice() else { panic!("{http:?}") };
    assert_eq!(record["method"], "GET");
    assert_eq!(record["uri"], "/a b");
    assert_eq!(record["host"], "x.example:8080");
    assert_eq!(record["status_code"], 200);
    assert_eq!(record["response_body_len"], 12);
    assert_eq!(record["resp_mime_types"][0], "text/plain");
}

#[test]
fn pipelined_requests_meet_their_responses() {
    let http = exchange(
        &[
            (Originator, b"GET /1 HTTP/1.1\r\n\r\nHEAD /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n"),
            (
                Responder,
                b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
            ),
            (Responder, b"HTTP/1.1 304 Not Modified\r\n\r\n"),
        ],
        "http",
    );
    let seen: Vec<_> = http.iter().map(|r| (r["uri"].as_str(), r["status_code"].as_u64())).collect();
    assert_eq!(seen, [(Some("/1"), Some(200)), (Some("/2"), Some(200)), (Some("/3"), Some(304))]);
}

#[test]
fn chunks_are_joined_whatever_the_segments() {
    let response = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;x\r\n, world\r\n0\r\nA: b\r\n\r\n";
    for size in 1..response.len() {
        let mut harness = Harness::tcp(80);
        harness.data(Originator, b"GET / HTTP/1.1\r\n\r\n");
        for piece in response.chunks(size) {
            harness.data(Responder, piece);
        }
        let files = records(&mut harness, "files");
        let [file] = files.as_slice() else { panic!("{size}: {files:?}") };
        assert_eq!(file["seen_bytes"], 12);
        assert_eq!(file["md5"], "e4d7f1b4ed2e42d15898f4b27b019da4");
    }
}

#[test]
fn gzip_is_decoded_and_counted_decoded() {
    let body = gzip(&[b'a'; 5000]);
    let mut response =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len())
            .into_bytes();
    response.extend_from_slice(&body);
    let http = exchange(&[(Originator, b"GET / HTTP/1.1\r\n\r\n"), (Responder, &response)], "http");
    assert_eq!(http[0]["response_body_len"], 5000);
}

#[test]
fn damaged_gzip_is_reported() {
    let mut body = gzip(b"hello");
    let end = body.len();
    body[end - 1] ^= 1;
    assert_eq!(Inflate::default().data(&body, |_| {}), Outcome::Failed);
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut compress = flate2::Compress::new(flate2::Compression::fast(), false);
    let mut deflated = Vec::with_capacity(data.len() + 64);
    compress.compress_vec(data, &mut deflated, flate2::FlushCompress::Finish).unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(data);
    let mut body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    body.extend_from_slice(&deflated);
    body.extend_from_slice(&crc.sum().to_le_bytes());
    body.extend_from_slice(&(data.len() as u32).to_le_bytes());
    body
}

#[test]
fn parts_of_a_multipart_body_are_files() {
    let body = b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nfirst part\r\n--b\r\n\r\nsecond part\r\n--b--\r\n";
    let mut request = format!(
        "POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    let http = exchange(&[(Originator, &request)], "http");
    assert_eq!(http[0]["orig_fuids"].as_array().map(Vec::len), Some(2));
    assert_eq!(http[0]["orig_filenames"][0], "a.txt");
    let files = exchange(&[(Originator, &request)], "files");
    assert_eq!(
        files.iter().map(|file| file["seen_bytes"].as_u64()).collect::<Vec<_>>(),
        [Some(10), Some(11)]
    );
}

#[test]
fn gap_in_a_body_of_known_length_is_skipped() {
    let mut harness = Harness::tcp(80);
    harness.data(Originator, b"GET / HTTP/1.1\r\n\r\n");
    harness.data(Responder, b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n01234");
    harness.gap(Responder, 10);
    harness.data(Responder, b"56789HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let http = records(&mut harness, "http");
    assert_eq!(http.len(), 2);
    assert_eq!(http[0]["response_body_len"], 20);
}

#[test]
fn connect_hands_over_and_logs_the_tunnel() {
    let mut harness = Harness::tcp(8080);
    harness.data(Originator, b"CONNECT a:22 HTTP/1.1\r\n\r\n");
    harness.data(Responder, b"HTTP/1.1 200 OK\r\n\r\n");
    harness.data(Responder, b"SSH-2.0-a\r\n");
    harness.data(Originator, b"SSH-2.0-b\r\n");
    let tunnels = records(&mut harness, "tunnel");
    assert_eq!(tunnels[0]["tunnel_type"], "Tunnel::HTTP");
}

#[test]
fn websocket_is_confirmed_by_its_first_message() {
    let mut harness = Harness::tcp(80);
    harness.data(Originator, b"GET /c HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    harness.data(Responder, b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(harness.services(), "http");
    harness.data(Originator, &[0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2]);
    assert_eq!(harness.services(), "http,websocket");
}

#[test]
fn what_is_no_http_is_a_violation() {
    let mut harness = Harness::tcp(80);
    harness.data(Originator, b"\x16\x03\x01 nothing\r\n");
    assert_eq!(harness.services(), "");
}

#[test]
fn basic_credentials_are_taken_apart() {
    let http =
        exchange(&[(Originator, b"GET / HTTP/1.1\r\nAuthorization: Basic dXNlcjpwYXNz\r\n\r\n")], "http");
    assert_eq!(http[0]["username"], "user");
    assert!(http[0].get("password").is_none());
}

proptest! {
    #[test]
    fn any_octets_are_survived(
        pieces in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..60)), 0..12)
    ) {
        let mut harness = Harness::tcp(80);
        for (from_client, payload) in &pieces {
            harness.data(if *from_client { Originator } else { Responder }, payload);
        }
        harness.end();
    }

    #[test]
    fn any_broken_exchange_is_survived(
        pieces in proptest::collection::vec(
            (0..3_u8, "(GET /|HTTP/1.1|HTTP/1.1 200 OK|\r\n|\r|\n|Content-Length: [0-9]{1,3}|Transfer-Encoding: chunked|Content-Type: multipart/mixed; boundary=b|--b|--b--|Content-Encoding: gzip|[0-9a-f]|x|: | ){0,12}"),
            0..12,
        )
    ) {
        let mut harness = Harness::tcp(80);
        for (kind, payload) in &pieces {
            match kind {
                0 => harness.data(Originator, payload.as_bytes()),
                1 => harness.data(Responder, payload.as_bytes()),
                _ => harness.gap(Responder, payload.len() as u64 + 1),
            }
        }
        harness.end_of_stream(Responder);
        harness.end();
    }

    #[test]
    fn any_octets_are_inflated_or_refused(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut inflate = Inflate::default();
        for piece in data.chunks(7) {
            inflate.data(piece, |_| {});
        }
    }
}

/// A stored block of deflate (RFC 1951, section 3.2.4), not the last.
fn stored(data: &[u8]) -> Vec<u8> {
    let length = data.len() as u16;
    [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), data].concat()
}

#[test]
fn a_coded_part_of_a_coded_body_is_decoded_once() {
    let lines = [
        stored(b"--b"),
        stored(b"Content-Encoding: deflate"),
        // A line that begins with NUL ends a header as an empty one does.
        stored(b"\0"),
        stored(&stored(b"sixteen octets..")),
    ];
    let mut response = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: multipart/x; boundary=b\r\n\
        Content-Encoding: deflate\r\n\r\n"
        .to_vec();
    for line in &lines {
        response.extend_from_slice(line);
        response.extend_from_slice(b"\r\n");
    }
    let files = exchange(&[(Originator, b"GET / HTTP/1.1\r\n\r\n"), (Responder, &response)], "files");
    let [file] = files.as_slice() else { panic!("{files:?}") };
    assert_eq!(file["seen_bytes"], 21);
}

#[test]
fn websockets_inside_of_each_other_are_followed_to_a_depth() {
    const LEVELS: usize = 200;
    let request = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
        Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let response = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
        Sec-WebSocket-Accept: AAAA\r\n\r\n";
    let frames = |data: &[u8], level: usize| {
        (0..level).fold(data.to_vec(), |data, _| {
            [&[0x82, 126][..], &(data.len() as u16).to_be_bytes(), &data].concat()
        })
    };
    let mut harness = Harness::tcp(80);
    for level in 0..LEVELS {
        // The first octet alone is not recognized as HTTP at once, so that detection looks at the rest.
        for piece in [&request[..1], &request[1..]] {
            harness.data(Originator, &frames(piece, level));
        }
        harness.data(Responder, &frames(response, level));
    }
    assert!(records(&mut harness, "http").len() <= 8);
}

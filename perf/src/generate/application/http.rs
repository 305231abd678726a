//! HTTP/1.1 (RFC 9112): requests of all usual methods, persistent connections, bodies by length and chunked.

use std::io::Write;

use super::super::conversation::{Closing, Conversation};
use super::super::filler::Kind;
use super::super::frame::Side;
use super::super::names;
use super::super::random::{Random, Sizes};
use super::thinking;

const AGENTS: [&str; 5] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    "curl/8.8.0",
    "python-requests/2.32.3",
];
const SERVERS: [&str; 4] = ["nginx", "Apache", "nginx/1.26.1", "cloudserver"];

/// A kind of content: its type, how its octets begin, and what follows.
#[derive(Debug, Clone, Copy)]
struct Content {
    path: &'static str,
    media_type: &'static str,
    begin: &'static [u8],
    kind: Kind,
}

const CONTENTS: [Content; 5] = [
    Content {
        path: "html",
        media_type: "text/html; charset=utf-8",
        begin: b"<!DOCTYPE html>\n<html><head><title>Page</title></head><body><p>\n",
        kind: Kind::Text,
    },
    Content {
        path: "json",
        media_type: "application/json",
        begin: b"{\"status\":\"ok\",\"items\":[],\"text\":\"\"}\n",
        kind: Kind::Text,
    },
    Content {
        path: "jpg",
        media_type: "image/jpeg",
        begin: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00",
        kind: Kind::Noise,
    },
    Content {
        path: "png",
        media_type: "image/png",
        begin: b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00\x00\x00\x01\x00\x08\x06\x00\x00\x00",
        kind: Kind::Noise,
    },
    Content {
        path: "bin",
        media_type: "application/octet-stream",
        begin: b"\x00\x01\xfe\xff",
        kind: Kind::Noise,
    },
];

/// One connection with one to eight requests.
pub(super) fn conversation(random: &mut Random, server: u32, body: Sizes) -> Conversation {
    let mut conversation = Conversation::tcp();
    conversation.segment_gap = 0;
    let requests = if random.chance(0.5) { 1 } else { random.between(2, 8) };
    let agent = pick(random, &AGENTS);
    let software = pick(random, &SERVERS);
    let host = random.below(8) as u32;
    for number in 0..requests {
        let pause = if number == 0 { 50_000 } else { thinking(random, 20) };
        exchange(&mut conversation, random, pause, (server, host), (agent, software), body);
    }
    let closer = if random.chance(0.7) { Side::Originator } else { Side::Responder };
    // Some clients reset when they have what they want.
    let closing = if random.chance(0.03) { Closing::Reset(Side::Originator) } else { Closing::Fin(closer) };
    conversation.closed(closing)
}

fn pick(random: &mut Random, items: &[&'static str]) -> &'static str {
    random.pick(items)
}

fn exchange(
    conversation: &mut Conversation,
    random: &mut Random,
    pause: u64,
    (server, host): (u32, u32),
    (agent, software): (&str, &str),
    body: Sizes,
) {
    let content = CONTENTS.get(random.below(CONTENTS.len() as u64) as usize).copied();
    let Some(content) = content else { return };
    let posted = if random.chance(0.12) { random.between(20, 3_000) } else { 0 };
    let method = match posted {
        0 if random.chance(0.03) => "HEAD",
        0 => "GET",
        _ => "POST",
    };
    let (page, query) = (random.bits() as u32, random.bits() as u16);
    conversation.say(false, pause, |to| {
        // Writing to a vector cannot fail.
        let _ =
            write!(to, "{method} /{:x}/{page:08x}.{}?q={query} HTTP/1.1\r\nHost: ", page >> 28, content.path);
        names::host(to, server, host);
        let _ = write!(to, "\r\nUser-Agent: {agent}\r\nAccept: */*\r\nAccept-Language: en\r\n");
        if posted > 0 {
            let _ = write!(to, "Content-Type: text/plain\r\nContent-Length: {posted}\r\n");
        }
        let _ = write!(to, "Connection: keep-alive\r\n\r\n");
    });
    conversation.fill(Kind::Text, posted);
    let (status, reason) = random.pick(&[
        (200, "OK"),
        (200, "OK"),
        (200, "OK"),
        (200, "OK"),
        (200, "OK"),
        (200, "OK"),
        (304, "Not Modified"),
        (404, "Not Found"),
    ]);
    let octets = match status {
        304 => 0,
        200 => body.draw(random).max(content.begin.len() as u64),
        _ => 150,
    };
    let has_body = method != "HEAD" && octets > 0;
    let is_chunked = has_body && octets < 1 << 20 && random.chance(0.15);
    let answer = thinking(random, 8);
    let begin = content.begin.get(..content.begin.len().min(octets as usize)).unwrap_or_default();
    conversation.say(true, answer, |to| {
        let _ = write!(
            to,
            "HTTP/1.1 {status} {reason}\r\nServer: {software}\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\n"
        );
        let _ = match (status, is_chunked) {
            (304, _) => write!(to, "ETag: \"{page:x}\"\r\n\r\n"),
            (_, true) => {
                let media_type = content.media_type;
                write!(to, "Content-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n\r\n{octets:x}\r\n")
            }
            (_, false) => {
                write!(to, "Content-Type: {}\r\nContent-Length: {octets}\r\n\r\n", content.media_type)
            }
        };
        if has_body {
            to.extend_from_slice(begin);
        }
    });
    if has_body {
        conversation.fill(content.kind, octets - begin.len() as u64);
    }
    if is_chunked {
        conversation.response(20_000, b"\r\n0\r\n\r\n");
    }
}

//! SMTP (RFC 5321): one mail of one sender to a few receivers.

use std::io::Write;

use super::super::conversation::{Closing, Conversation, MILLISECOND};
use super::super::filler::Kind;
use super::super::frame::Side;
use super::super::names;
use super::super::random::{Random, Sizes};
use super::thinking;

/// One connection that hands over a mail with a body of text.
pub(super) fn conversation(random: &mut Random, server: u32, body: Sizes) -> Conversation {
    let mut conversation = Conversation::tcp();
    conversation.segment_gap = 0;
    let number = random.bits() as u32;
    let sender = number % 40_000;
    let mut site = Vec::new();
    names::site(&mut site, server);
    let site = String::from_utf8_lossy(&site).into_owned();
    let mut from = Vec::new();
    names::site(&mut from, sender);
    let from = String::from_utf8_lossy(&from).into_owned();
    let user = number >> 20;
    // Writing to a vector cannot fail.
    let mut say = |is_response: bool, text: std::fmt::Arguments<'_>| {
        let pause = thinking(random, 5);
        conversation.say(is_response, pause, |to| {
            let _ = to.write_fmt(text);
        });
    };
    say(true, format_args!("220 mx1.{site} ESMTP ready\r\n"));
    say(false, format_args!("EHLO mail.{from}\r\n"));
    say(true, format_args!("250-mx1.{site}\r\n250-SIZE 52428800\r\n250-8BITMIME\r\n250 HELP\r\n"));
    say(false, format_args!("MAIL FROM:<user{user}@{from}>\r\n"));
    say(true, format_args!("250 2.1.0 Ok\r\n"));
    let receivers = 1 + number % 3;
    for receiver in 0..receivers {
        say(false, format_args!("RCPT TO:<reader{}@{site}>\r\n", user + receiver));
        say(true, format_args!("250 2.1.5 Ok\r\n"));
    }
    say(false, format_args!("DATA\r\n"));
    say(true, format_args!("354 End data with <CR><LF>.<CR><LF>\r\n"));
    say(
        false,
        format_args!(
            "From: User {user} <user{user}@{from}>\r\nTo: <reader{user}@{site}>\r\nSubject: report {number}\r\n\
             Date: Fri, 15 Jan 2027 08:00:00 +0000\r\nMessage-ID: <{number:08x}@{from}>\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=us-ascii\r\n\r\n"
        ),
    );
    let octets = body.draw(random);
    conversation.fill(Kind::Text, octets);
    conversation.request(MILLISECOND / 10, b"\r\n.\r\n");
    conversation.response(thinking(random, 20), b"250 2.0.0 Ok: queued\r\n");
    conversation.request(thinking(random, 5), b"QUIT\r\n");
    conversation.response(thinking(random, 5), b"221 2.0.0 Bye\r\n");
    conversation.closed(Closing::Fin(Side::Responder))
}

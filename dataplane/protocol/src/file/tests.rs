//! MIME types, hashes and files in pieces.

use proptest::prelude::*;

use super::magic::mime_type;
use super::signatures::SIGNATURES;

#[test]
fn signatures_are_ordered_by_strength_then_name() {
    assert!(SIGNATURES.windows(2).all(|pair| match pair {
        [a, b] => (-a.strength, a.mime) <= (-b.strength, b.mime),
        _ => true,
    }));
}

#[test]
fn binary_formats_are_told_by_their_marks() {
    for (data, mime) in [
        (b"\x89PNG\r\n\x1a\n".as_slice(), "image/png"),
        (b"GIF89a", "image/gif"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"MZ\x90\x00", "application/x-dosexec"),
        (b"PK\x03\x04\x0a\x00\x00", "application/zip"),
        (b"%PDF-1.4", "application/pdf"),
        (b"\x1f\x8b\x08", "application/x-gzip"),
        (b"\xd4\xc3\xb2\xa1\x02\x00", "application/vnd.tcpdump.pcap"),
        (b"FWS\x06", "application/x-shockwave-flash"),
        (b"BZh91", "application/x-bzip2"),
    ] {
        assert_eq!(mime_type(data), Some(mime));
    }
}

#[test]
fn text_formats_are_told_by_their_first_words() {
    for (data, mime) in [
        (b"hello, world".as_slice(), "text/plain"),
        (b"<html><body>", "text/html"),
        (b"  <!-- a -- b --> <!doctype  HTML>", "text/html"),
        (b"<?xml version=\"1.0\"?>\n<html>", "text/html"),
        (b"<?xml version=\"1.0\"?>\n<x/>", "application/xml"),
        (b"\xef\xbb\xbf{\"a\" : 1}", "text/json"),
        (b"[{\"a\":1}]", "text/json"),
        (b"[]", "text/json"),
        (b"<head><title>x", "text/html"),
        (b"#!/usr/bin/env python\n", "text/x-python"),
        (b"<?php echo 1; ?>", "text/x-php"),
        (b"[section]\r\nkey=value", "text/ini"),
    ] {
        assert_eq!(mime_type(data), Some(mime), "{}", String::from_utf8_lossy(data));
    }
}

#[test]
fn short_text_has_no_type() {
    assert_eq!(mime_type(b"ok"), None);
    assert_eq!(mime_type(b""), None);
}

proptest! {
    #[test]
    fn any_octets_are_survived(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = mime_type(&data);
    }

    #[test]
    fn any_markup_is_survived(data in "(<!--|-->|<\\?xml |\\?>|<html|[ \\[\\]{}\":,a1\n]|<rss xmlns:atom){0,20}") {
        let _ = mime_type(data.as_bytes());
    }
}

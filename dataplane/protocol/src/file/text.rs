//! Signatures of text formats, and of those whose mark does not stand at a fixed place.
//!
//! Each function looks at the beginning of a file and gives every type that it finds to a callback with its strength.

use memchr::memmem;

/// Gives `found` each type whose mark is in `data`.
pub(super) fn scan(data: &[u8], mut found: impl FnMut(i16, &'static str)) {
    let found = &mut found as &mut dyn FnMut(i16, &'static str);
    markup(data, found);
    json(data, found);
    scripts(data, found);
    javascript(data, found);
    containers(data, found);
    anywhere(data, found);
    if ini(data) {
        found(20, "text/ini");
    }
    if plain(data) {
        found(-20, "text/plain");
    }
}

type Found<'f> = &'f mut dyn FnMut(i16, &'static str);

fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

fn skip_while(data: &[u8], skip: impl Fn(u8) -> bool) -> &[u8] {
    let end = data.iter().position(|octet| !skip(*octet)).unwrap_or(data.len());
    data.get(end..).unwrap_or_default()
}

fn strip_any_case<'d>(data: &'d [u8], prefix: &[u8]) -> Option<&'d [u8]> {
    let (head, tail) = data.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(tail)
}

fn without_bom(data: &[u8]) -> &[u8] {
    [b"\xef\xbb\xbf".as_slice(), b"\xff\xfe", b"\xfe\xff"]
        .iter()
        .find_map(|bom| data.strip_prefix(*bom))
        .unwrap_or(data)
}

/// At least ten printable characters or spaces, after a byte order mark if there is one.
fn plain(data: &[u8]) -> bool {
    const BOMS: [&[u8]; 6] =
        [b"", b"\xef\xbb\xbf", b"\x00\x00\xfe\xff", b"\xfe\xff", b"\xff\xfe\x00\x00", b"\xff\xfe"];
    BOMS.iter().any(|bom| {
        data.strip_prefix(*bom).and_then(|rest| rest.get(..10)).is_some_and(|head| {
            head.iter().all(|octet| matches!(octet, 0x20..=0x7e | b'\t' | b'\n' | 0x0b | 0x0c | b'\r'))
        })
    })
}

/// A section in brackets on a line of its own.
fn ini(data: &[u8]) -> bool {
    let rest = skip_while(without_bom(data), |octet| octet == 0 || is_space(octet));
    let Some(rest) = rest.strip_prefix(b"[") else { return false };
    let Some(end) = rest.iter().position(|octet| matches!(octet, b'\r' | b'\n')) else { return false };
    let line = rest.get(..end).unwrap_or_default();
    let blanks = line.iter().rev().take_while(|octet| **octet == 0 || is_blank(**octet)).count();
    line.len()
        .checked_sub(blanks)
        .and_then(|end| line.get(..end))
        .is_some_and(|line| line.len() > 1 && line.last() == Some(&b']'))
}

fn json(data: &[u8], found: Found<'_>) {
    let rest = skip_while(without_bom(data), is_space);
    if let Some(rest) = rest.strip_prefix(b"{") {
        let rest = skip_while(rest, is_space);
        if let Some(rest) = json_string(rest).or_else(|| json_name(rest))
            && let Some(rest) = skip_while(rest, is_space).strip_prefix(b":")
        {
            let rest = skip_while(rest, is_space);
            let value = rest.first().is_some_and(|octet| matches!(octet, b'"' | b'[' | b'{' | b'0'..=b'9'));
            if value || rest.starts_with(b"true") || rest.starts_with(b"false") {
                found(1, "text/json");
            }
        }
    }
    if let Some(rest) = rest.strip_prefix(b"[") {
        let rest = skip_while(rest, is_space);
        let element = json_string(rest)
            .or_else(|| json_number(rest))
            .or_else(|| rest.strip_prefix(b"true"))
            .or_else(|| rest.strip_prefix(b"false"));
        let listed = element.is_some_and(|rest| skip_while(rest, is_space).first() == Some(&b','));
        if listed || matches!(rest.first(), Some(b'{' | b'[')) {
            found(1, "text/json");
        }
    }
    if let Some(rest) = rest.strip_prefix(b"[]").or_else(|| rest.strip_prefix(b"{}"))
        && skip_while(rest, is_space).is_empty()
    {
        found(0, "text/json");
    }
}

fn json_string(data: &[u8]) -> Option<&[u8]> {
    let rest = data.strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', rest).filter(|end| *end > 0)?;
    rest.get(end + 1..)
}

fn json_name(data: &[u8]) -> Option<&[u8]> {
    data.first().filter(|octet| octet.is_ascii_alphabetic())?;
    Some(skip_while(data, |octet| octet.is_ascii_alphanumeric() || matches!(octet, b'\\' | b'_')))
}

fn json_number(data: &[u8]) -> Option<&[u8]> {
    let rest = skip_while(data, |octet| octet.is_ascii_digit());
    if rest.len() == data.len() {
        return None;
    }
    let fraction =
        rest.strip_prefix(b".").map(|rest| (rest, skip_while(rest, |octet| octet.is_ascii_digit())));
    match fraction {
        Some((digits, rest)) if digits.len() > rest.len() => Some(rest),
        _ => Some(rest),
    }
}

/// XML and HTML: the first tag after comments and an XML declaration. Since a comment may contain anything, every
/// later end of a comment is a place where the tag may stand.
fn markup(data: &[u8], found: Found<'_>) {
    let mut rest = skip_while(without_bom(data), is_space);
    tag(rest, found);
    xml_declaration(rest, found);
    let mut declaration = rest.strip_prefix(b"<?xml ");
    if let Some(comment) = rest.strip_prefix(b"<!--") {
        rest = comment;
        while let Some(after) = after(rest, b"-->") {
            let place = skip_while(after, is_space);
            tag(place, found);
            xml_declaration(place, found);
            declaration = declaration.or_else(|| place.strip_prefix(b"<?xml "));
            rest = after;
        }
    }
    let mut comment = None;
    while let Some(after) = declaration.and_then(|rest| after(rest, b"?>")) {
        let place = skip_while(after, is_space);
        tag(place, found);
        comment = comment.or_else(|| place.strip_prefix(b"<!--"));
        declaration = Some(after);
    }
    while let Some(after) = comment.and_then(|rest| after(rest, b"-->")) {
        tag(skip_while(after, is_space), found);
        comment = Some(after);
    }
    xml_documents(data, found);
}

fn after<'d>(data: &'d [u8], mark: &[u8]) -> Option<&'d [u8]> {
    memmem::find(data, mark).and_then(|at| data.get(at + mark.len()..))
}

/// `<?xml `, in one or two octets a character.
fn xml_declaration(data: &[u8], found: Found<'_>) {
    let mut rest = data.strip_prefix(b"\0").unwrap_or(data);
    for octet in b"<?xml " {
        let Some(tail) = rest.strip_prefix(std::slice::from_ref(octet)) else { return };
        rest = tail.strip_prefix(b"\0").unwrap_or(tail);
    }
    found(10, "application/xml");
}

fn tag(data: &[u8], found: Found<'_>) {
    let Some(tag) = data.strip_prefix(b"<") else { return };
    if let Some(rest) = strip_any_case(tag, b"!doctype").filter(|rest| rest.first() == Some(&b' ')) {
        let rest = skip_while(rest, |octet| octet == b' ');
        if strip_any_case(rest, b"html").is_some() {
            found(100, "text/html");
        }
        if strip_any_case(rest, b"cross-domain-policy").is_some() {
            found(49, "text/x-cross-domain-policy");
        }
    }
    if let Some(rest) = strip_any_case(tag, b"meta").filter(|rest| rest.first() == Some(&b' '))
        && strip_any_case(skip_while(rest, |octet| octet == b' '), b"http-equiv").is_some()
    {
        found(100, "text/html");
    }
    for (name, strength, mime) in [
        (b"html".as_slice(), 100, "text/html"),
        (b"head", 20, "text/html"),
        (b"title", 20, "text/html"),
        (b"body", 20, "text/html"),
        (b"rss", 90, "text/rss"),
        (b"soap:envelope", 49, "application/soap+xml"),
        (b"soap-env:envelope", 49, "application/soap+xml"),
        (b"cross-domain-policy", 49, "text/x-cross-domain-policy"),
        (b"methodresponse>", 49, "application/xml-rpc"),
    ] {
        if strip_any_case(tag, name).is_some() {
            found(strength, mime);
        }
    }
    let attributes = tag.get(..memchr::memchr(b'>', tag).unwrap_or(tag.len())).unwrap_or_default();
    if strip_any_case(attributes, b"rss").is_some_and(|rest| memmem::find(rest, b"xmlns:atom").is_some()) {
        found(100, "text/atom");
    }
    if let Some(rest) = strip_any_case(attributes, b"feed")
        && let Some(rest) = after(rest, b"xmlns=")
        && rest
            .strip_prefix(b"\"")
            .or_else(|| rest.strip_prefix(b"'"))
            .unwrap_or(rest)
            .starts_with(b"http://www.w3.org/2005/Atom")
    {
        found(100, "text/atom");
    }
    if let Some(rest) =
        strip_any_case(tag, b"manifest").filter(|rest| rest.first().copied().is_some_and(is_space))
        && skip_while(rest, is_space).starts_with(b"xmlns=\"http://ns.adobe.com/f4m/")
    {
        found(49, "application/f4m");
    }
    if [b"CFPARAM".as_slice(), b"CFSET", b"CFIF"].iter().any(|name| tag.starts_with(name)) {
        found(20, "magnus-internal/cold-fusion");
    }
}

/// XML vocabularies known by an element anywhere.
fn xml_documents(data: &[u8], found: Found<'_>) {
    if !data.starts_with(b"<?xml") {
        return;
    }
    if let Some(rest) = data.strip_prefix(b"<?xml version=\"").filter(|rest| rest.first() != Some(&0)) {
        let rest = rest.get(4..).unwrap_or_default();
        for (mark, strength, mime) in [
            (b"<!DOCTYPE X3D".as_slice(), 43, "model/x3d"),
            (b"<svg", 38, "image/svg+xml"),
            (b"<gnc-v2", 37, "application/x-gnucash"),
            (b"<urlset", 37, "application/xml-sitemap"),
        ] {
            if memmem::find(rest, mark).is_some() {
                found(strength, mime);
            }
        }
    }
    for (mark, strength) in [
        (b" xmlns=\"http://earth.google.com/kml".as_slice(), 61),
        (b" xmlns='http://earth.google.com/kml", 61),
        (b" xmlns=\"http://www.opengis.net/kml", 60),
        (b" xmlns='http://www.opengis.net/kml", 60),
    ] {
        if memmem::find(data.get(20..).unwrap_or_default(), mark).is_some() {
            found(strength, "application/vnd.google-earth.kml+xml");
        }
    }
}

/// Scripts by the interpreter that their first line names.
fn scripts(data: &[u8], found: Found<'_>) {
    const INTERPRETERS: [(&[u8], i16, &str); 19] = [
        (b"sh", 250, "text/x-shellscript"),
        (b"bash", 250, "text/x-shellscript"),
        (b"tcsh", 250, "text/x-shellscript"),
        (b"csh", 250, "text/x-shellscript"),
        (b"zsh", 250, "text/x-shellscript"),
        (b"fash", 250, "text/x-shellscript"),
        (b"aesh", 250, "text/x-shellscript"),
        (b"ksh", 250, "text/x-shellscript"),
        (b"perl", 60, "text/x-perl"),
        (b"ruby", 60, "text/x-ruby"),
        (b"python", 60, "text/x-python"),
        (b"awk", 60, "text/x-awk"),
        (b"gawk", 60, "text/x-awk"),
        (b"nawk", 60, "text/x-awk"),
        (b"wish", 60, "text/x-tcl"),
        (b"tcl", 60, "text/x-tcl"),
        (b"node", 60, "application/javascript"),
        (b"php", 60, "text/x-php"),
        (b"lua", 49, "text/x-lua"),
    ];
    if let Some(rest) = data.strip_prefix(b"#!") {
        for start in 1..=15 {
            let Some((path, rest)) = rest.split_at_checked(start) else { break };
            if path.contains(&b'\n') {
                break;
            }
            let Some(rest) = rest.strip_prefix(b"bin/") else { continue };
            let by_env = rest.strip_prefix(b"env").map_or(rest, |rest| skip_while(rest, is_space));
            for (name, strength, mime) in &INTERPRETERS {
                if rest.starts_with(name) || by_env.starts_with(name) {
                    found(*strength, mime);
                }
            }
        }
    }
    if let Some(rest) = data.strip_prefix(b"@") {
        let command = skip_while(rest, |octet| octet == b' ');
        if let Some(rest) = strip_any_case(command, b"echo").filter(|rest| rest.first() == Some(&b' '))
            && strip_any_case(skip_while(rest, |octet| octet == b' '), b"off").is_some()
        {
            found(110, "text/x-msdos-batch");
        }
        if strip_any_case(rest, b"set").is_some_and(|rest| rest.first() == Some(&b' ')) {
            found(70, "text/x-msdos-batch");
        }
        if strip_any_case(rest, b"rem").is_some() {
            found(60, "text/x-msdos-batch");
        }
    }
}

fn javascript(data: &[u8], found: Found<'_>) {
    let rest = skip_while(data, is_space);
    let by_element = || {
        let rest = strip_any_case(rest, b"<script")?;
        rest.first().copied().filter(|octet| is_blank(*octet))?;
        let rest = skip_while(rest, is_blank);
        let rest = strip_any_case(rest, b"type=").or_else(|| strip_any_case(rest, b"language="))?;
        let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
        let rest = strip_any_case(rest, b"text/").unwrap_or(rest);
        strip_any_case(rest, b"javascript")
    };
    let by_write = || {
        let rest = rest.strip_prefix(b"document.write")?;
        let rest = rest.strip_prefix(b"ln").unwrap_or(rest);
        rest.strip_prefix(b"(").or_else(|| rest.get(1..)?.strip_prefix(b"("))
    };
    let by_function = || {
        let rest = data.strip_prefix(b"(function()")?;
        skip_while(rest, |octet| is_blank(octet) || octet == b'\n').strip_prefix(b"{")
    };
    let by_statement = || {
        let rest = skip_while(rest.strip_prefix(b"<script>")?, is_space);
        rest.strip_prefix(b"var ").or_else(|| rest.strip_prefix(b"function "))
    };
    if rest.starts_with(b"for (;;);")
        || by_element().is_some()
        || by_write().is_some()
        || by_function().is_some()
        || by_statement().is_some()
    {
        found(60, "application/javascript");
    }
}

/// Formats inside of others, or with a mark at one of several places.
fn containers(data: &[u8], found: Found<'_>) {
    if let Some(rest) = data.strip_prefix(b"PK\x03\x04") {
        for (folder, mime) in [
            (b"word/".as_slice(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ] {
            let Some(name) = rest.get(26..) else { break };
            let first = [b"[Content_Types].xml".as_slice(), b"_rels/.rels", folder];
            if first.iter().any(|first| name.starts_with(first))
                && memmem::find_iter(name, b"PK\x03\x04")
                    .any(|at| name.get(at + 30..).is_some_and(|name| name.starts_with(folder)))
            {
                found(80, mime);
            }
        }
        let near = rest.get(..rest.len().min(224)).unwrap_or_default();
        if memmem::find_iter(near, b"META-INF/MANIFEST.MF")
            .any(|at| at >= 5 && near.get(at - 4..at - 2) == Some(b"\x14\x00"))
        {
            found(100, "application/java-archive");
        }
    }
    for (oid, mime) in [
        (b"\x06\x05\x2b\x0e\x03\x02\x1a".as_slice(), "application/ocsp-request"),
        (b"\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01", "application/ocsp-response"),
    ] {
        if (11..=19).any(|start| data.get(start..).is_some_and(|rest| rest.starts_with(oid))) {
            found(71, mime);
        }
    }
    if let Some(rest) = data.strip_prefix(b"\x1a\x45\xdf\xa3") {
        for at in memmem::find_iter(rest, b"B\x82") {
            match rest.get(at + 3..) {
                Some(kind) if kind.starts_with(b"webm") => found(70, "video/webm"),
                Some(kind) if kind.starts_with(b"matroska") => found(110, "video/x-matroska"),
                _ => {}
            }
        }
    }
    if tar(data) {
        found(100, "application/x-tar");
    }
}

/// The header of a tar archive: name, then numbers in octal digits.
fn tar(data: &[u8]) -> bool {
    let digits = |octet: &u8| matches!(octet, b'0'..=b'9' | b' ');
    let number = |start: usize, length: usize| {
        data.get(start..start + length).is_some_and(|field| field.iter().all(digits))
            && data.get(start + length) == Some(&0)
    };
    data.get(..100).is_some_and(|name| name.iter().all(|octet| matches!(octet, 0 | 0x20..=0x7e)))
        && number(100, 7)
        && number(108, 7)
        && number(116, 7)
        && number(124, 11)
        && number(136, 11)
        && data.get(148..155).is_some_and(|sum| sum.iter().all(|octet| *octet == 0 || digits(octet)))
        && matches!(data.get(155), Some(0 | b' '))
        && matches!(data.get(156), Some(0 | b'0'..=b'7'))
}

/// Marks that may stand anywhere in the beginning of a file.
fn anywhere(data: &[u8], found: Found<'_>) {
    if memmem::find(data, b"<?php").is_some() {
        found(40, "text/x-php");
    }
    let diff = after(data, b"--- ")
        .and_then(|rest| after(rest, b"\n"))
        .and_then(|rest| after(rest, b"+++ "))
        .and_then(|rest| after(rest, b"\n"))
        .and_then(|rest| after(rest, b"@@"));
    if diff.is_some() {
        found(55, "text/x-diff");
    }
    if data.starts_with(b"MIME-Version:")
        && memmem::find(data, b"protocol=\"application/pkcs7-signature\"").is_some()
    {
        found(100, "application/pkcs7-signature");
    }
}

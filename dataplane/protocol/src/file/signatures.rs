//! The table of file signatures with a fixed layout: MIME type, strength, and what stands at the start of the file.
//!
//! Names and strengths are Zeek's (`base/frameworks/files/magic`), because people filter by them; the patterns are
//! the formats' well-known marks. Ordered by descending strength, then by name, so that the first match is the
//! answer. Formats whose mark may stand anywhere, and text formats, are in `text.rs`.

/// A piece of a pattern.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// These octets.
    Is(&'static [u8]),
    /// These ASCII letters in either case; others as they are.
    Like(&'static [u8]),
    /// So many octets of any value.
    Skip(usize),
    /// One octet out of these.
    OneOf(&'static [u8]),
    /// One octet in this range, both ends included.
    Range(u8, u8),
}

use Part::{Is, Like, OneOf, Range, Skip};

/// One signature.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signature {
    /// The stronger signature wins where several match.
    pub(super) strength: i16,
    /// MIME type.
    pub(super) mime: &'static str,
    parts: &'static [Part],
}

impl Signature {
    /// Whether `data`, the beginning of a file, carries this signature.
    pub(super) fn matches(&self, data: &[u8]) -> bool {
        let mut rest = data;
        for part in self.parts {
            let length = match part {
                Is(octets) | Like(octets) => octets.len(),
                Skip(length) => *length,
                OneOf(_) | Range(..) => 1,
            };
            let Some((head, tail)) = rest.split_at_checked(length) else { return false };
            let found = match part {
                Is(octets) => head == *octets,
                Like(octets) => head.eq_ignore_ascii_case(octets),
                Skip(_) => true,
                OneOf(octets) => head.first().is_some_and(|octet| octets.contains(octet)),
                Range(low, high) => head.first().is_some_and(|octet| (*low..=*high).contains(octet)),
            };
            if !found {
                return false;
            }
            rest = tail;
        }
        true
    }
}

const fn signature(strength: i16, mime: &'static str, parts: &'static [Part]) -> Signature {
    Signature { strength, mime, parts }
}

macro_rules! signatures {
    ($( $strength:literal $mime:literal: $($part:expr),+ ; )*) => {
        /// Every signature with a fixed layout.
        pub(super) const SIGNATURES: &[Signature] =
            &[$( signature($strength, $mime, &[$($part),+]) ),*];
    };
}

/// What an OpenDocument or EPUB file starts with, after the local file header's first 26 octets.
const MIMETYPE: Part = Is(b"\x08\x00\x00\x00mimetypeapplication/");
const ZIP: Part = Is(b"PK\x03\x04");
const JPEG_2000: Part = Is(b"\x00\x00\x00\x0cjP  \r\n\x87\n");

signatures! {
    340 "application/zip": Is(b"MZ"), Skip(28), Is(b"Copyright 1989-1990 PKWARE Inc.");
    340 "application/zip": Is(b"MZ"), Skip(28), Is(b"PKLITE Copr.");
    330 "application/pgp-keys": Skip(2), Is(b"---BEGIN PGP PUBLIC KEY BLOCK-");
    320 "application/mac-binhex40": Skip(11), Is(b"must be converted with BinHex");
    280 "application/pgp-signature": Is(b"-----BEGIN PGP SIGNATURE-");
    280 "application/x-shar": Skip(10), Is(b"# This is a shell archive");
    260 "application/pgp": Is(b"-----BEGIN PGP MESSAGE-");
    260 "application/x-freeplane": Is(b"<map version=\"freeplane");
    260 "application/x-scribus": Is(b"<SCRIBUSUTF8NEW Version");
    230 "application/x-svr4-package": Is(b"# PaCkAgE DaTaStReAm");
    220 "application/x-kdelnk": Is(b"[KDE Desktop Entry]");
    200 "application/x-kdelnk": Is(b"# KDE Config File");
    190 "application/x-dosexec": Skip(369), Is(b"MICROSOFT PIFEX\x00");
    190 "application/x-mif": Is(b"<MakerScreenFont");
    190 "audio/x-mod": Is(b"Extended Module:");
    190 "audio/x-w64": Is(b"riff.\x91\xcf\x11\xa5\xd6(\xdb\x04\xc1\x00\x00"), Skip(8), Is(b"wave\xf3\xac\xd3\x11\x8c\xd1\x00\xc0O\x8e\xdb\x8a");
    190 "audio/x-wav": Is(b"RF64\xff\xff\xff\xffWAVEds64");
    190 "model/vrml": Is(b"#VRML V1.0 ascii");
    180 "application/x-msaccess": Skip(4), Is(b"Standard ACE DB\x00");
    180 "application/x-msaccess": Skip(4), Is(b"Standard Jet DB\x00");
    180 "model/vrml": Is(b"#VRML V2.0 utf8");
    180 "text/calendar": Is(b"BEGIN:VCALENDAR");
    171 "application/x-debian-package": Is(b"!<arch>\ndebian");
    170 "image/x-canon-crw": Is(b"II\x1a\x00\x00\x00HEAPCCDR");
    170 "message/rfc822": Is(b"Relay-Version:");
    160 "application/vnd.font-fontforge-sfd": Is(b"SplineFontDB:");
    160 "application/x-gnumeric": Skip(39), Is(b"<gmr:Workbook");
    160 "image/x-polar-monitor-bitmap": Is(b"[BitmapInfo2]");
    160 "message/rfc822": Like(b"delivered-to:");
    150 "application/x-freemind": Is(b"<map version");
    150 "message/rfc822": Like(b"return-path:");
    140 "application/x-bittorrent": Is(b"d8:announce");
    140 "application/x-ia-arc": Is(b"filedesc://");
    140 "application/x-sc": Skip(38), Is(b"Spreadsheet");
    140 "text/x-vcard": Is(b"BEGIN:VCARD");
    130 "application/x-mif": Is(b"<MakerFile");
    130 "image/x-canon-cr2": Is(b"II*\x00\x10\x00\x00\x00CR");
    130 "message/rfc822": Is(b"Forward to");
    120 "application/vnd.lotus-wordpro": Is(b"WordPro\r\xfb");
    120 "application/vnd.oasis.opendocument.chart-template": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.chart-template");
    120 "application/vnd.oasis.opendocument.formula-template": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.formula-template");
    120 "application/vnd.oasis.opendocument.graphics-template": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.graphics-template");
    120 "application/vnd.oasis.opendocument.image-template": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.image-template");
    120 "application/vnd.oasis.opendocument.presentation-template": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.presentation-template");
    120 "application/vnd.oasis.opendocument.spreadsheet-template": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.spreadsheet-template");
    120 "application/vnd.oasis.opendocument.text-template": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.text-template");
    120 "application/x-lha": Is(b"MZ"), Skip(34), Is(b"LH"), OneOf(b"aA"), Is(b"'s SFX");
    120 "application/x-mif": Is(b"<BookFile");
    120 "message/rfc822": Is(b"N#! rnews");
    110 "application/epub+zip": ZIP, Skip(22), MIMETYPE, Is(b"epub+zip");
    110 "application/vnd.lotus-wordpro": Is(b"WordPro\x00");
    110 "application/vnd.ms-cab-compressed": Is(b"MSCF\x00\x00\x00\x00");
    110 "application/vnd.oasis.opendocument.chart": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.chart"), Skip(1);
    110 "application/vnd.oasis.opendocument.database": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.database");
    110 "application/vnd.oasis.opendocument.formula": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.formula"), Skip(1);
    110 "application/vnd.oasis.opendocument.graphics": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.graphics"), Skip(1);
    110 "application/vnd.oasis.opendocument.image": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.image"), Skip(1);
    110 "application/vnd.oasis.opendocument.presentation": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.presentation"), Skip(1);
    110 "application/vnd.oasis.opendocument.spreadsheet": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.spreadsheet"), Skip(1);
    110 "application/vnd.oasis.opendocument.text": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.text"), Range(0x00, b',');
    110 "application/vnd.oasis.opendocument.text": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.text"), Range(b'.', 0xff);
    110 "application/x-hdf": Is(b"\x89HDF\r\n\x1a\n");
    110 "application/x-mif": Is(b"<MIFFile");
    110 "audio/x-mod": Skip(21), Is(b"!SCREAM!");
    110 "audio/x-mod": Skip(21), Is(b"BMOD2STM");
    110 "image/png": Is(b"\x89PNG");
    110 "image/x-xcf": Is(b"gimp xcf");
    110 "message/rfc822": Is(b"#! rnews");
    100 "application/bindiff": Is(b"DIFF");
    100 "application/bplist": Is(b"bplist");
    100 "application/bsdiff": Is(b"BSDIFF");
    100 "application/chrome-ext": Is(b"Cr24");
    100 "application/map-tile": Is(b"VMP4");
    100 "application/mshelp": Is(b"ITSF");
    100 "application/msqm": Is(b"MSQM");
    100 "application/mssql-bak": Is(b"MSSQLBAK");
    100 "application/mtf": Is(b"TAPE");
    100 "application/skp": Is(b"\xff\xfe\xff\x0eS\x00k\x00e\x00t\x00c\x00h\x00U\x00p\x00 \x00M\x00o\x00d\x00e\x00l\x00");
    100 "application/vnd.google-earth.kmz": ZIP, Is(b"\x14"), Skip(25), Is(b"doc.kml");
    100 "application/vnd.ms-tnef": Is(b"\x78\x9f\x3e\x22");
    100 "application/vnd.oasis.opendocument.text-master": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.text-master");
    100 "application/vnd.rn-realmedia": Is(b".RMF\x00\x00\x00");
    100 "application/vnd.tcpdump.pcap": Is(b"\n\r\r\n"), Skip(4), Is(b"\x1a\x2b\x3c\x4d");
    100 "application/vnd.tcpdump.pcap": Is(b"\n\r\r\n"), Skip(4), Is(b"\x4d\x3c\x2b\x1a");
    100 "application/x-ace": Skip(7), Is(b"**ACE**");
    100 "application/x-blizgame": Is(b"BLTE");
    100 "application/x-dmg": Is(b"\x78\x01\x63\x60\x18\x05");
    100 "application/x-dmg": Is(b"\x78\x01\x73\x0d\x62\x62\x60");
    100 "application/x-dmg": Is(b"\x78\xda\x63\x60\x18\x05");
    100 "application/x-dmg": Is(b"\x78\xda\x73\x0d");
    100 "application/x-dmg": Is(b"\x78"), OneOf(b"\x01\xda"), Is(b"\xed"), Range(0xd0, 0xd9);
    100 "application/x-game-mpq": Is(b"MPQ\x1a");
    100 "application/x-gzip": Is(b"\x1f\x8b");
    100 "application/x-java-jnlp-file": Is(b"<jnlp ");
    100 "application/x-kaspavdb": Is(b"KLZF");
    100 "application/x-kaspavupdate": Is(b"KLD2");
    100 "application/x-mach-o-executable": OneOf(b"\xce\xcf"), Is(b"\xfa\xed\xfe");
    100 "application/x-mach-o-executable": Is(b"\xca\xfe\xba\xbe"), Skip(2), Is(b"\x00"), Range(1, 0x14);
    100 "application/x-ms-dds": Is(b"DDS");
    100 "application/x-vim-tmp": Is(b"b0VIM");
    100 "application/x-xar": Is(b"xar!");
    100 "message/news": Is(b"Article");
    100 "message/rfc822": Is(b"Pipe to");
    99 "application/x-iso9660-image": Is(b"CD001");
    90 "application/x-mif": Is(b"<Maker");
    90 "application/x-quark-xpress-3": Skip(2), Is(b"MMXPR3");
    90 "application/x-xz": Is(b"\xfd7zXZ\x00");
    90 "image/vnd.dwg": Is(b"AC"), OneOf(b"12"), Is(b".");
    90 "image/vnd.dwg": Is(b"AC10");
    90 "text/x-xmcd": Is(b"# xmcd");
    80 "application/pdf": Is(b"%PDF-");
    80 "application/vnd.fdf": Is(b"%FDF-");
    80 "application/x-font-ttf": Is(b"\x00\x01\x00\x00\x00");
    80 "application/x-lzh": Skip(2), Is(b"-lh"), OneOf(b" abcdex0123456789"), Is(b"-");
    80 "application/x-lzh": Skip(2), Is(b"-lz"), OneOf(b"s2345678"), Is(b"-");
    80 "application/x-lzh": Skip(2), Is(b"-pc1-");
    80 "application/x-lzh": Skip(2), Is(b"-pm"), OneOf(b"s012"), Is(b"-");
    80 "application/x-python-bytecode": Is(b"\xfc\xc4\r\n");
    80 "application/x-python-bytecode": Is(b"\x99\x4e\r\n");
    80 "application/x-python-bytecode": Is(b"\x87\xc6\r\n");
    80 "application/x-python-bytecode": Is(b"\x03\xf3\r\n");
    80 "application/x-python-bytecode": OneOf(b"\x2a\x2d"), Is(b"\xed\r\n");
    80 "application/x-python-bytecode": OneOf(b"\x3b\x45\x59\x63\x6d\x77\x81\x8b\x8c\x95\x9f\xa9\xb3\xc7\xd1\xdb\xe5\xef\xf9"), Is(b"\xf2\r\n");
    80 "application/x-python-bytecode": OneOf(b"\xb8\xc2\xcc\xd6\xe0\xea\xf4\xf5\xff"), Is(b"\x0b\r\n");
    80 "application/x-python-bytecode": OneOf(b"\x09\x13\x1d\x1f\x27\x3b\x45\x4f\x58\x62\x6c\x76\x80\x94\x9e\xb2\xcc\xc6\xd0\xda\xe4\xee\xf8"), Is(b"\x0c\r\n");
    80 "application/x-python-bytecode": OneOf(b"\x02\x0c\x16\x17\x20\x21\x2a\x2b\x2c\x2d\x2f\x30\x31\x32\x33\x3e\x3f\x40\x41\x42\x48\x49\x52\x53\x54\x55"), Is(b"\r\r\n");
    80 "application/x-python-bytecode": Range(0x5c, 0x61), Is(b"\r\r\n");
    80 "application/x-python-bytecode": Range(0x66, 0x6f), Is(b"\r\r\n");
    80 "application/x-python-bytecode": Range(0x7a, 0xa7), Is(b"\r\r\n");
    80 "application/x-python-bytecode": Range(0xac, 0xcb), Is(b"\r\r\n");
    80 "application/x-python-bytecode": Range(0xde, 0xf3), Is(b"\r\r\n");
    80 "application/x-python-bytecode": Range(0x10, 0x19), Is(b"\x0e\r\n");
    80 "message/news": Is(b"Path:");
    80 "message/news": Is(b"Xref:");
    80 "message/rfc822": Is(b"From:");
    80 "text/rtf": Is(b"{\\rtf");
    71 "application/x-java-applet": Is(b"\xca\xfe\xba\xbe"), Skip(3), Range(0x2d, 0x34);
    71 "application/x-lzma": Is(b"\x5d\x00\x00");
    71 "video/mpv": Is(b"\x00\x00\x01\xb3");
    70 "application/chrome-ext-upd": Is(b"CrOD");
    70 "application/dicom": Skip(128), Is(b"DICM");
    70 "application/font-woff": Is(b"wOFF");
    70 "application/font-woff2": Is(b"wOF2");
    70 "application/ogg": Is(b"OggS");
    70 "application/vnd.ms-opentype": Is(b"OTTO");
    70 "application/vnd.oasis.opendocument.text-web": ZIP, Skip(22), MIMETYPE, Is(b"vnd.oasis.opendocument.text-web");
    70 "application/vnd.symbian.install": Skip(8), Is(b"\x19\x04\x00\x10");
    70 "application/vnd.tcpdump.pcap": Is(b"\xa1\xb2\xc3\xd4");
    70 "application/vnd.tcpdump.pcap": Is(b"\xd4\xc3\xb2\xa1");
    70 "application/x-arc": Range(0, 0x7f), Range(0, 0x7f), Range(0x02, 0x0a), Is(b"\x1a");
    70 "application/x-arc": Range(0, 0x7f), Range(0, 0x7f), OneOf(b"\x14\x48"), Is(b"\x1a");
    70 "application/x-archive": Is(b"!<ar>");
    70 "application/x-archive": Is(b"!<arch>");
    70 "application/x-archive": Is(b"<ar>");
    70 "application/x-archive": Is(b"<arch>");
    70 "application/x-dbm": Is(b"\x00\x06\x15\x61");
    70 "application/x-dbm": Is(b"\x61\x15\x06\x00");
    70 "application/x-eet": Is(b"\x1e\xe7\xff\x00");
    70 "application/x-epoc-agenda": Is(b"\x50\x00\x00\x10\x6d\x00\x00\x10\x84\x00\x00\x10");
    70 "application/x-epoc-app": Is(b"\x37\x00\x00\x10\x74\x00\x00\x10");
    70 "application/x-epoc-data": Is(b"\x50\x00\x00\x10\x6d\x00\x00\x10\x86\x00\x00\x10");
    70 "application/x-epoc-jotter": Is(b"\x50\x00\x00\x10\x6d\x00\x00\x10\xea\x0c\x00\x10");
    70 "application/x-epoc-opl": Is(b"\x37\x00\x00\x10\x6d\x00\x00\x10\x85\x00\x00\x10");
    70 "application/x-epoc-opo": Is(b"\x37\x00\x00\x10\x73\x00\x00\x10");
    70 "application/x-epoc-sheet": Is(b"\x37\x00\x00\x10\x6d\x00\x00\x10\x88\x00\x00\x10");
    70 "application/x-epoc-word": Is(b"\x37\x00\x00\x10\x6d\x00\x00\x10\x7f\x00\x00\x10");
    70 "application/x-font-sfn": Is(b"\x00\x00\x00\x04"), Skip(100), OneOf(b"\x00\x04"), Is(b"\x00\x00"), OneOf(b"\x00\x04");
    70 "application/x-font-sfn": Is(b"\x04\x00\x00\x00"), Skip(100), OneOf(b"\x00\x04"), Is(b"\x00\x00"), OneOf(b"\x00\x04");
    70 "application/x-gdbm": Is(b"GDBM");
    70 "application/x-gdbm": Is(b"\x13\x57\x9a\xce");
    70 "application/x-gdbm": Is(b"\xce\x9a\x57\x13");
    70 "application/x-hdf": Is(b"\x0e\x03\x13\x01");
    70 "application/x-java-jce-keystore": Is(b"\xce\xce\xce\xce");
    70 "application/x-java-keystore": Is(b"\xfe\xed\xfe\xed");
    70 "application/x-lz4": Is(b"\x02\x21\x4c\x18");
    70 "application/x-lz4": Is(b"\x04\x22\x4d\x18");
    70 "application/x-lzip": Is(b"LZIP");
    70 "application/x-mif": Is(b"<MML");
    70 "application/x-quicktime-player": Skip(4), Is(b"pckg");
    70 "application/x-rar": Is(b"Rar!");
    70 "application/x-rpm": Is(b"\xed\xab\xee\xdb");
    70 "application/x-rpm": Is(b"drpm");
    70 "application/x-stuffit": Is(b"SIT!");
    70 "application/x-stuffit": Is(b"StuffIt");
    70 "application/x-zoo": Skip(20), Is(b"\xdc\xa7\xc4\xfd");
    70 "audio/basic": Is(b".snd"), Skip(8), Is(b"\x00\x00\x00"), Range(1, 7);
    70 "audio/m4a": Skip(4), Is(b"ftypm4a");
    70 "audio/midi": Is(b"MThd");
    70 "audio/x-adpcm": Is(b".snd"), Skip(8), Is(b"\x00\x00\x00\x17");
    70 "audio/x-aiff": Is(b"FORM"), Skip(4), Is(b"8SVX");
    70 "audio/x-aiff": Is(b"FORM"), Skip(4), Is(b"AIFC");
    70 "audio/x-aiff": Is(b"FORM"), Skip(4), Is(b"AIFF");
    70 "audio/x-ape": Is(b"MAC ");
    70 "audio/x-dec-basic": Is(b".sd\x00"), Skip(8), OneOf(b"\x01\x02\x03\x04\x05\x06\x07\x17"), Is(b"\x00\x00\x00");
    70 "audio/x-flac": Is(b"fLaC");
    70 "audio/x-hx-aac-adif": Is(b"ADIF");
    70 "audio/x-mod": Is(b"IMPM");
    70 "audio/x-pn-realaudio": Is(b".ra\xfd");
    70 "audio/x-wav": Is(b"RIFF"), Skip(4), Is(b"WAVE");
    70 "image/gif": Is(b"GIF8");
    70 "image/jp2": JPEG_2000, Skip(8), Is(b"jp2 ");
    70 "image/jpm": JPEG_2000, Skip(8), Is(b"jpm ");
    70 "image/jpx": JPEG_2000, Skip(8), Is(b"jpx ");
    70 "image/tiff": Is(b"II"), OneOf(b"*+"), Is(b"\x00");
    70 "image/tiff": Is(b"MM\x00"), OneOf(b"*+");
    70 "image/vnd.adobe.photoshop": Is(b"8BPS");
    70 "image/vnd.djvu": Is(b"AT&TFORM"), Skip(4), Is(b"DJV"), OneOf(b"MUI");
    70 "image/vnd.djvu": Is(b"AT&TFORM"), Skip(4), Is(b"THUM");
    70 "image/webp": Is(b"RIFF"), Skip(4), Is(b"WEBP");
    70 "image/x-coreldraw": Is(b"RIFF"), Skip(4), Is(b"CDR"), OneOf(b"A6");
    70 "image/x-cpi": Is(b"CPC\xb2");
    70 "image/x-cursor": Is(b"\x00\x00\x02\x00");
    70 "image/x-dpx": Is(b"SDPX");
    70 "image/x-epoc-mbm": Is(b"\x37\x00\x00\x10\x42\x00\x00\x10");
    70 "image/x-epoc-sketch": Is(b"\x37\x00\x00\x10\x6d\x00\x00\x10\x7d\x00\x00\x10");
    70 "image/x-exr": Is(b"\x76\x2f\x31\x01");
    70 "image/x-icon": Is(b"\x00\x00\x01\x00");
    70 "image/x-lss16": Is(b"\x3d\xf3\x13\x14");
    70 "image/x-niff": Is(b"IIN1");
    70 "image/x-olympus-orf": Is(b"IIR"), OneOf(b"OS");
    70 "image/x-olympus-orf": Is(b"MMOR");
    70 "image/x-paintnet": Is(b"PDN3");
    70 "image/x-quicktime": Skip(4), Is(b"idsc");
    70 "image/x-x3f": Is(b"FOVb");
    70 "image/x-xcursor": Is(b"Xcur");
    70 "video/mj2": JPEG_2000, Skip(8), Is(b"mjp2");
    70 "video/mp4": Skip(4), Is(b"ftypisom");
    70 "video/mp4": Skip(4), Is(b"ftypmp4"), OneOf(b"12");
    70 "video/quicktime": Skip(4), Is(b"mdat");
    70 "video/quicktime": Skip(4), Is(b"moov");
    70 "video/x-jng": Is(b"\x8bJNG");
    70 "video/x-mng": Is(b"\x8aMNG");
    70 "video/x-ms-asf": Is(b"\x30\x26\xb2\x75");
    70 "video/x-msvideo": Is(b"RIFF"), Skip(4), Is(b"AVI ");
    70 "video/x-sgi-movie": Is(b"MOVI");
    70 "x-epoc/x-sisx-app": Is(b"\x7a\x1a\x20\x10");
    60 "application/postscript": Is(b"\x04%!");
    60 "application/x-bzip2": Is(b"BZh");
    60 "application/x-shockwave-flash": OneOf(b"FCZ"), Is(b"WS");
    60 "audio/mp4": Skip(4), Is(b"ftypM4A");
    60 "audio/x-musepack": Is(b"MP+");
    60 "image/jp2": Skip(4), Is(b"ftypjp2");
    60 "video/3gpp": Skip(4), Is(b"ftyp3g"), OneOf(b"egps2");
    60 "video/3gpp": Skip(4), Is(b"ftypavc1");
    60 "video/3gpp": Skip(4), Is(b"ftypmmp4");
    60 "video/mp4": Skip(4), Is(b"ftypM4V");
    60 "video/x-flv": Is(b"FLV");
    52 "image/jpeg": Is(b"\xff\xd8");
    51 "application/x-dosexec": Is(b"MZ");
    50 "application/msword": Is(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    50 "application/postscript": Is(b"%!");
    50 "application/vnd.ms-fontobject": Skip(34), Is(b"LP");
    50 "application/vnd.openxmlformats-officedocument": ZIP, Is(b"\x14\x00\x06\x00");
    50 "application/warc": Is(b"WARC/");
    50 "application/x-7z-compressed": Is(b"7z\xbc\xaf\x27\x1c");
    50 "application/x-arj": Is(b"\x60\xea");
    50 "application/x-compress": Is(b"\x1f\x9d");
    50 "application/x-coredump": Is(b"\x7fELF"), OneOf(b"\x01\x02"), Is(b"\x01"), Skip(10), Is(b"\x04\x00");
    50 "application/x-coredump": Is(b"\x7fELF"), OneOf(b"\x01\x02"), Is(b"\x02"), Skip(10), Is(b"\x00\x04");
    50 "application/x-cpio": Is(b"\x71\xc7");
    50 "application/x-cpio": Is(b"\xc7\x71");
    50 "application/x-dvi": Is(b"\xf7\x02");
    50 "application/x-executable": Is(b"\x7fELF"), OneOf(b"\x01\x02"), Is(b"\x01"), Skip(10), Is(b"\x02\x00");
    50 "application/x-executable": Is(b"\x7fELF"), OneOf(b"\x01\x02"), Is(b"\x02"), Skip(10), Is(b"\x00\x02");
    50 "application/x-gnupg-keyring": Is(b"\x99\x01");
    50 "application/x-object": Is(b"\x7fELF"), OneOf(b"\x01\x02"), Is(b"\x01"), Skip(10), Is(b"\x01\x00");
    50 "application/x-object": Is(b"\x7fELF"), OneOf(b"\x01\x02"), Is(b"\x02"), Skip(10), Is(b"\x00\x01");
    50 "application/x-pgp-keyring": Is(b"\x95\x00");
    50 "application/x-pgp-keyring": Is(b"\x95\x01");
    50 "application/x-pgp-keyring": Is(b"\x99\x00");
    50 "application/x-sharedlib": Is(b"\x7fELF"), OneOf(b"\x01\x02"), Is(b"\x01"), Skip(10), Is(b"\x03\x00");
    50 "application/x-sharedlib": Is(b"\x7fELF"), OneOf(b"\x01\x02"), Is(b"\x02"), Skip(10), Is(b"\x00\x03");
    50 "application/x-windows-minidump": Is(b"MDMP");
    50 "audio/vnd.dolby.dd-raw": Is(b"\x0b\x77");
    50 "audio/x-hx-aac-adts": Is(b"\xff"), OneOf(b"\xf0\xf1\xf8\xf9");
    50 "audio/x-mp4a-latm": Is(b"\x56"), Range(0xe0, 0xff);
    50 "image/jp2": Skip(4), Is(b"jP");
    50 "image/x-award-bioslogo": Is(b"\x11"), OneOf(b"\x06\x09");
    50 "image/x-ms-bmp": Is(b"BM"), Skip(12), OneOf(b"\x0c\x28\x40\x6c\x7c\x80"), Is(b"\x00");
    50 "image/x-portable-pixmap": Is(b"P7");
    50 "text/PGP": Is(b"\x85\x02");
    50 "text/PGP": Is(b"\xa6\x00");
    50 "video/mpeg": Is(b"\x00\x00\x01"), Range(0xb0, 0xbb);
    50 "video/quicktime": Skip(4), Is(b"ftypqt");
    50 "video/x-flc": Skip(4), Is(b"\x12\xaf");
    50 "video/x-fli": Skip(4), Is(b"\x11\xaf");
    49 "application/vnd.ms-outlook": Is(b"!BDN"), Skip(6), OneOf(b"\x0e\x0f\x15\x17"), Range(0, 2);
    49 "application/vnd.ms-pol": Is(b"PReg");
    49 "application/vnd.ms-reg": Is(b"REGEDIT4");
    49 "application/vnd.ms-reg": Is(b"\xff\xfeW\x00i\x00n\x00d\x00o\x00w\x00s\x00 \x00R\x00e\x00g\x00i\x00s\x00t\x00r\x00y\x00 \x00E\x00d\x00i\x00t\x00o\x00r\x00 \x00V\x00e\x00r\x00s\x00i\x00o\x00n\x00 \x005\x00.\x000\x000");
    49 "application/vnd.ms-regf": Is(b"regf");
    49 "application/x-ms-shortcut": Is(b"\x4c\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46");
    41 "video/h264": Is(b"\x00\x00\x00\x01"), OneOf(b"\x07\x27\x47\x67\x87\xa7\xc7\xe7");
    40 "application/vnd.cups-raster": Is(b"3SaR");
    40 "application/vnd.cups-raster": Is(b"RaS3");
    40 "application/x-ichitaro4": Is(b"DOC"), Skip(40), Is(b"\x14");
    40 "application/x-ichitaro5": Is(b"DOC"), Skip(40), Is(b"\x15");
    40 "application/x-ichitaro6": Is(b"DOC"), Skip(40), Is(b"\x16");
    40 "application/x-tokyocabinet-btree": Is(b"ToKyO CaBiNeT\n"), Skip(18), Is(b"\x01");
    40 "application/x-tokyocabinet-fixed": Is(b"ToKyO CaBiNeT\n"), Skip(18), Is(b"\x02");
    40 "application/x-tokyocabinet-hash": Is(b"ToKyO CaBiNeT\n"), Skip(18), Is(b"\x00");
    40 "application/x-tokyocabinet-table": Is(b"ToKyO CaBiNeT\n"), Skip(18), Is(b"\x03");
    40 "text/x-m4": Is(b"dnl ");
    40 "video/mp2t": Is(b"\x47"), Skip(187), Is(b"\x47"), Skip(187), Is(b"\x47"), Skip(187), Is(b"\x47"), Skip(187);
    37 "text/x-po": Is(b"msgid ");
    21 "video/mp2p": Is(b"\x00\x00\x01\xba"), Range(0x40, 0x7f);
    21 "video/mp2p": Is(b"\x00\x00\x01\xba"), Range(0xc0, 0xff);
    20 "audio/mpeg": Is(b"\xff"), OneOf(b"\xe2\xe3\xf2\xf3\xf6\xf7\xfa\xfb\xfc\xfd");
    20 "audio/mpeg": Is(b"ID3");
    20 "image/x-award-bmp": Is(b"AWBM");
    10 "application/sla": Is(b"solid ");
    10 "application/x-elc": Is(b";ELC");
    10 "application/zip": ZIP, Skip(2);
    10 "application/zip": Is(b"PK\x07\x08PK\x03\x04");
    1 "application/x-java-pack200": Is(b"\xca\xfe\xd0\x0d"), Skip(1);
    1 "application/x-lrzip": Is(b"LRZI");
    1 "application/x-ms-reader": Is(b"ITOLITLS"), Skip(4);
    0 "application/vnd.apple-afpinfo": Is(b"AFP");
    0 "application/x-pem": Is(b"-----BEGIN CERTIFICATE-----");
}

//! Message header, names and a checked reader (RFC 1035, sections 4.1 and 4.1.4).
//!
//! The reader follows Zeek in what it makes of short messages: a number that is not all there reads as zero and
//! consumes nothing.

use record::Addr;

/// Octets of the header.
const HEADER_LEN: usize = 12;
/// A name may have so many octets, with dots.
pub(super) const MAX_NAME: usize = 512;
/// So many compression pointers of one name are followed (Zeek: `dns_max_compression_chain_depth`).
pub(super) const MAX_POINTERS: usize = 20;
/// Longest label of a DNS name; the two high bits of its length mean a pointer.
const MAX_LABEL: usize = 63;
/// Longest name of DNS (RFC 1035, section 2.3.4).
const LONG_NAME: usize = 255;

/// An anomaly, under Zeek's name for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Oddity {
    /// Zeek's name.
    pub(super) name: &'static str,
    /// More about it.
    pub(super) addl: Option<String>,
}

impl Oddity {
    /// An anomaly that its name tells all of.
    pub(super) const fn plain(name: &'static str) -> Self {
        Self { name, addl: None }
    }

    /// An anomaly with a number.
    pub(super) fn number(name: &'static str, number: impl Into<u32>) -> Self {
        Self { name, addl: Some(number.into().to_string()) }
    }
}

/// The message cannot be read on; the reasons are among the oddities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged;

/// Operation of a message (RFC 6895, section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opcode(pub(super) u8);

impl Opcode {
    /// Standard query.
    pub(super) const QUERY: Self = Self(0);
    /// Zone change (RFC 1996).
    pub(super) const NOTIFY: Self = Self(4);
    /// Dynamic update (RFC 2136); registration in NetBIOS.
    pub(super) const UPDATE: Self = Self(5);

    /// Whether messages of this operation are logged.
    pub(super) const fn is_logged(self) -> bool {
        matches!(self, Self::QUERY | Self::NOTIFY | Self::UPDATE)
    }
}

/// The header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of the header")]
pub(super) struct Header {
    /// Identifier.
    pub(super) id: u16,
    /// QR: a response.
    pub(super) is_response: bool,
    /// Operation.
    pub(super) opcode: Opcode,
    /// AA: authoritative answer.
    pub(super) authoritative: bool,
    /// TC: truncated.
    pub(super) truncated: bool,
    /// RD: recursion desired.
    pub(super) recursion_desired: bool,
    /// RA: recursion available.
    pub(super) recursion_available: bool,
    /// The three bits after RA, of which AD and CD have a meaning today.
    pub(super) reserved: u8,
    /// Response code.
    pub(super) rcode: u8,
    /// Questions; zones of an update.
    pub(super) questions: u16,
    /// Answers; prerequisites of an update.
    pub(super) answers: u16,
    /// Authority records; changes of an update.
    pub(super) authorities: u16,
    /// Additional records.
    pub(super) additionals: u16,
}

impl Header {
    /// Reads the header; `None` when the message is too short for one.
    pub(super) fn parse(message: &[u8]) -> Option<Self> {
        let [i0, i1, f0, f1, q0, q1, a0, a1, n0, n1, r0, r1] = *message.first_chunk::<HEADER_LEN>()?;
        Some(Self {
            id: u16::from_be_bytes([i0, i1]),
            is_response: f0 & 0x80 != 0,
            opcode: Opcode(f0 >> 3 & 0xf),
            authoritative: f0 & 0x04 != 0,
            truncated: f0 & 0x02 != 0,
            recursion_desired: f0 & 0x01 != 0,
            recursion_available: f1 & 0x80 != 0,
            reserved: f1 >> 4 & 7,
            rcode: f1 & 0xf,
            questions: u16::from_be_bytes([q0, q1]),
            answers: u16::from_be_bytes([a0, a1]),
            authorities: u16::from_be_bytes([n0, n1]),
            additionals: u16::from_be_bytes([r0, r1]),
        })
    }
}

/// How a name is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct NameStyle {
    /// Labels of more than 63 octets are allowed: NetBIOS.
    pub(super) long_labels: bool,
    /// Write capital letters small. What a compression pointer leads to is written small in any case.
    pub(super) lower_case: bool,
}

/// Reads a message from its header's end on.
#[derive(Debug, Clone)]
pub(super) struct Reader<'m> {
    message: &'m [u8],
    position: usize,
}

impl<'m> Reader<'m> {
    /// A reader of `message`, after its header.
    pub(super) const fn new(message: &'m [u8]) -> Self {
        Self { message, position: HEADER_LEN }
    }

    /// Octets left.
    pub(super) const fn len(&self) -> usize {
        self.message.len().saturating_sub(self.position)
    }

    /// Where the reader is, from the start of the message.
    pub(super) const fn position(&self) -> usize {
        self.position
    }

    /// Goes on at `position`, unless that is behind or after the end.
    pub(super) fn advance_to(&mut self, position: usize) {
        self.position = self.position.max(position.min(self.message.len()));
    }

    /// The next `N` octets; zeros, without going on, when there are less.
    fn array<const N: usize>(&mut self) -> [u8; N] {
        let octets = self.message.get(self.position..).and_then(<[u8]>::first_chunk::<N>);
        if octets.is_some() {
            self.position = self.position.saturating_add(N);
        }
        octets.copied().unwrap_or([0; N])
    }

    /// An octet.
    pub(super) fn u8(&mut self) -> u8 {
        let [octet] = self.array();
        octet
    }

    /// A 16-bit number.
    pub(super) fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    /// A 32-bit number.
    pub(super) fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.array())
    }

    /// An IPv4 address.
    pub(super) fn v4(&mut self) -> Addr {
        Addr::v4(self.array())
    }

    /// An IPv6 address.
    pub(super) fn v6(&mut self) -> Addr {
        Addr::v6(self.array())
    }

    /// At most `count` octets.
    pub(super) fn octets(&mut self, count: usize) -> &'m [u8] {
        let rest = self.message.get(self.position..).unwrap_or_default();
        let octets = rest.get(..count).unwrap_or(rest);
        self.position = self.position.saturating_add(octets.len());
        octets
    }

    /// A character string (RFC 1035, section 3.3) inside of what ends at `end`.
    pub(super) fn character_string(&mut self, end: usize, oddities: &mut Vec<Oddity>) -> Option<&'m [u8]> {
        if self.position >= end {
            return None;
        }
        let length = usize::from(self.u8());
        if length > end.saturating_sub(self.position) {
            oddities.push(Oddity::plain("DNS_TXT_char_str_past_rdlen"));
            return None;
        }
        Some(self.octets(length))
    }

    /// Appends a name to `out`, labels joined with dots; the root is empty.
    pub(super) fn name(
        &mut self,
        style: NameStyle,
        out: &mut Vec<u8>,
        oddities: &mut Vec<Oddity>,
    ) -> Result<(), Damaged> {
        let start = out.len();
        // Where each run of labels between two pointers starts in `out`; a run loses its last dot on its own.
        let mut runs = [start; MAX_POINTERS + 2];
        let mut depth = 0;
        let mut at = self.position;
        let mut end = self.message.len();
        loop {
            let Some(&first) = self.message.get(at).filter(|_| at < end) else {
                oddities.push(Oddity::plain("dns_invalid_name"));
                return Err(Damaged);
            };
            let label_at = at;
            at = at.saturating_add(1);
            if first == 0 {
                break;
            }
            if first & 0xc0 == 0xc0 {
                let Some(&low) = self.message.get(at).filter(|_| at < end) else {
                    oddities.push(Oddity::plain("dns_invalid_name"));
                    return Err(Damaged);
                };
                if depth == 0 {
                    self.position = at.saturating_add(1);
                }
                let target = usize::from(u16::from_be_bytes([first & 0x3f, low]));
                if target >= label_at {
                    oddities.push(Oddity::plain("DNS_label_forward_compress_offset"));
                    return Err(Damaged);
                }
                depth += 1;
                if depth > MAX_POINTERS {
                    oddities.push(Oddity::plain("DNS_max_compression_chain_depth_exceeded"));
                    depth -= 1;
                    finish(out, &runs, depth, style, oddities);
                    return Ok(());
                }
                if let Some(run) = runs.get_mut(depth) {
                    *run = out.len();
                }
                at = target;
                end = label_at;
                continue;
            }
            let length = usize::from(first);
            let Some(label) =
                at.checked_add(length).filter(|to| *to <= end).and_then(|to| self.message.get(at..to))
            else {
                oddities.push(Oddity::plain("DNS_label_len_gt_pkt"));
                return Err(Damaged);
            };
            if length > MAX_LABEL && !style.long_labels {
                oddities.push(Oddity::plain("DNS_label_too_long"));
                return Err(Damaged);
            }
            if out.len().saturating_sub(start).saturating_add(length) >= MAX_NAME {
                oddities.push(Oddity::plain("DNS_label_len_gt_name_len"));
                return Err(Damaged);
            }
            out.extend_from_slice(label);
            out.push(b'.');
            at = at.saturating_add(length);
        }
        if depth == 0 {
            self.position = at;
        }
        finish(out, &runs, depth, style, oddities);
        Ok(())
    }
}

/// Ends a name: every run of labels, the innermost first, loses the dot that it ends with.
fn finish(out: &mut Vec<u8>, runs: &[usize], depth: usize, style: NameStyle, oddities: &mut Vec<Oddity>) {
    for (level, run) in runs.iter().enumerate().take(depth.saturating_add(1)).rev() {
        let length = out.len().saturating_sub(*run);
        if length >= LONG_NAME {
            oddities.push(Oddity::plain("DNS_NAME_too_long"));
        }
        if length >= 2 && out.last() == Some(&b'.') {
            out.pop();
        }
        if (level > 0 || style.lower_case)
            && let Some(labels) = out.get_mut(*run..)
        {
            labels.make_ascii_lowercase();
        }
    }
}

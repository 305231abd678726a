//! Payload that nobody looks at closely: noise as of encrypted data, text, and the framing of TLS records over it.
//!
//! Filler is a function of a flow's seed and of the offset in its message, so that no flow has to keep any of it.

use super::random::Random;

/// Seed of the pools: they are the same in all captures.
const SEED: u64 = 0xba1e_e4f1_11e5;
/// Where reading from a pool may begin; a power of two.
const STARTS: usize = 1 << 16;
/// Octets of a pool: the largest packet fits behind every start.
const POOL: usize = STARTS * 2;
/// Octets of a TLS record's header (RFC 8446, section 5.1).
const RECORD_HEADER: u64 = 5;
/// Largest fragment that is sent: 2^14 octets of content, one of its type, 16 of authentication.
const RECORD_FRAGMENT: u64 = (1 << 14) + 17;

/// What kind of octets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Random octets.
    #[default]
    Noise,
    /// Lines of words.
    Text,
    /// TLS records of application data with random contents.
    Records,
    /// A media packet: a header of RTP (RFC 3550, section 5.1), whose numbers are those of the lap, and noise.
    Media,
}

/// A part of a message's filler.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// What the message's filler is.
    pub(crate) kind: Kind,
    /// Seed of the flow.
    pub(crate) seed: u32,
    /// How often the message was said before.
    pub(crate) lap: u32,
    /// Octets of the message's filler.
    pub(crate) total: u64,
    /// Where the part begins.
    pub(crate) offset: u64,
    /// Octets of the part, at most 65,535.
    pub(crate) length: usize,
}

/// Pools of filler.
#[derive(Debug)]
pub(crate) struct Filler {
    noise: Vec<u8>,
    text: Vec<u8>,
}

impl Filler {
    /// Makes the pools.
    pub(crate) fn new() -> Self {
        let mut random = Random::new(SEED);
        let mut noise = vec![0; POOL];
        random.fill(&mut noise);
        Self { noise, text: text(&mut random) }
    }

    /// Appends a part of a message's filler.
    pub(crate) fn append(&self, to: &mut Vec<u8>, part: Part) {
        let Part { kind, seed, lap, total, offset, length } = part;
        let pool = if kind == Kind::Text { &self.text } else { &self.noise };
        // Laps differ by an odd number, so that a repeated message is not the same octets.
        let start =
            u64::from(seed).wrapping_add(u64::from(lap) * 1447).wrapping_add(offset) as usize & (STARTS - 1);
        let begin = to.len();
        to.extend_from_slice(pool.get(start..start + length).unwrap_or_default());
        let Some(written) = to.get_mut(begin..) else { return };
        match kind {
            Kind::Records => frame_records(written, total, offset),
            Kind::Media => head_media(written, seed, lap),
            // Not within a line's end: what follows the text may be the end of a line too.
            Kind::Text if offset + length as u64 == total => {
                if let Some(last) = written.last_mut() {
                    *last = b'e';
                }
            }
            Kind::Noise | Kind::Text => {}
        }
    }
}

/// Writes the header of a media packet: version 2, G.711 (RFC 3551), 160 samples a packet.
fn head_media(packet: &mut [u8], seed: u32, lap: u32) {
    if let Some((header, _)) = packet.split_first_chunk_mut::<12>() {
        let [seq_high, seq_low] = (seed.wrapping_add(lap) as u16).to_be_bytes();
        let [t3, t2, t1, t0] = seed.wrapping_add(lap.wrapping_mul(160)).to_be_bytes();
        let [s3, s2, s1, s0] = seed.to_be_bytes();
        *header = [0x80, 0, seq_high, seq_low, t3, t2, t1, t0, s3, s2, s1, s0];
    }
}

/// Octets of a message of TLS records with so many octets of fragments.
pub(crate) const fn records(fragments: u64) -> u64 {
    fragments + RECORD_HEADER * fragments.div_ceil(RECORD_FRAGMENT)
}

/// Writes the headers of records into the part of a message that begins at `offset`.
fn frame_records(part: &mut [u8], total: u64, offset: u64) {
    let cycle = RECORD_HEADER + RECORD_FRAGMENT;
    let end = offset + part.len() as u64;
    let mut record = offset - offset % cycle;
    while record < end {
        let fragment = RECORD_FRAGMENT.min(total.saturating_sub(record + RECORD_HEADER)) as u16;
        let [high, low] = fragment.to_be_bytes();
        for (octet, at) in [23, 3, 3, high, low].into_iter().zip(record..) {
            if let Some(to) = at.checked_sub(offset).and_then(|at| part.get_mut(at as usize)) {
                *to = octet;
            }
        }
        record += cycle;
    }
}

/// Lines of words, as in a mail or a page.
fn text(random: &mut Random) -> Vec<u8> {
    const WORDS: [&str; 24] = [
        "the", "of", "and", "harbour", "whale", "water", "ship", "in", "long", "sea", "under", "light",
        "from", "captain", "with", "island", "day", "north", "many", "sail", "a", "to", "over", "wind",
    ];
    let mut text = Vec::with_capacity(POOL);
    while text.len() < POOL {
        for _ in 0..random.between(5, 12) {
            text.extend_from_slice(random.pick(&WORDS).as_bytes());
            text.push(b' ');
        }
        text.extend_from_slice(b"\r\n");
    }
    text.truncate(POOL);
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn records_do_not_depend_on_where_a_message_is_cut(fragments in 1..60_000_u64, segment in 1..2000_u64) {
            let filler = Filler::new();
            let total = records(fragments);
            let mut whole = Vec::new();
            let mut offset = 0;
            while offset < total {
                let length = segment.min(total - offset);
                let part = Part { kind: Kind::Records, seed: 7, lap: 0, total, offset, length: length as usize };
                filler.append(&mut whole, part);
                offset += length;
            }
            let mut rest = whole.as_slice();
            let mut content = 0;
            while let [23, 3, 3, high, low, behind @ ..] = rest {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                prop_assert!(length > 0);
                content += length as u64;
                rest = behind.get(length..).unwrap();
            }
            prop_assert!(rest.is_empty());
            prop_assert_eq!(content, fragments);
        }
    }
}

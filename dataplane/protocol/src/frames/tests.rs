//! Messages are found however the stream is cut.

use proptest::prelude::*;

use super::{Frames, MAX_KEPT};

/// A message here: its length after the first two octets, in these.
fn measure(octets: &[u8]) -> Result<Option<u64>, &'static str> {
    match octets {
        [0xff, ..] => Err("not a message"),
        [high, low, ..] => Ok(Some(u64::from(u16::from_be_bytes([*high, *low])) + 2)),
        _ => Ok(None),
    }
}

fn all(stream: &[u8], cut: usize) -> Vec<(Vec<u8>, bool)> {
    let mut frames = Frames::default();
    let mut found = Vec::new();
    for mut piece in stream.chunks(cut.max(1)) {
        while let Some(frame) = frames.next(&mut piece, measure).unwrap() {
            found.push((frame.octets.to_vec(), frame.is_truncated));
            frames.reuse(frame);
        }
    }
    found
}

#[test]
fn of_a_long_message_in_pieces_the_beginning_is_kept() {
    let mut stream = vec![0xef, 0xff];
    stream.resize(0xefff + 2, 7);
    stream.extend([0, 1, 9]);
    let found = all(&stream, 1000);
    assert_eq!(found.iter().map(|(octets, _)| octets.len()).collect::<Vec<_>>(), [MAX_KEPT, 3]);
    assert_eq!(found.iter().map(|(_, truncated)| *truncated).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn what_is_no_message_is_refused() {
    assert_eq!(Frames::default().next(&mut [0xff, 1].as_slice(), measure).err(), Some("not a message"));
    let never = |_: &[u8]| Ok(None);
    assert!(Frames::default().next(&mut [0; 100].as_slice(), never).is_err());
}

proptest! {
    #[test]
    fn cuts_do_not_matter(messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..9), cut in 1_usize..400) {
        let mut stream = Vec::new();
        for message in &messages {
            stream.extend(u16::try_from(message.len()).unwrap().to_be_bytes());
            stream.extend(message);
        }
        let found: Vec<_> = all(&stream, cut).into_iter().map(|(octets, _)| octets[2..].to_vec()).collect();
        prop_assert_eq!(found, messages);
    }
}

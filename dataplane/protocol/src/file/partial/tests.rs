//! What pieces that wait cost.

use record::{Endpoints, Format, IdSource, LogSet};

use super::*;
use crate::Direction;
use crate::file::Origin;

#[test]
fn small_pieces_that_wait_count_what_they_cost() {
    let ids = IdSource::seeded(1);
    let client = Addr::v4([10, 0, 0, 1]);
    let id = Endpoints { orig_h: client, orig_p: 40000, resp_h: Addr::v4([10, 0, 0, 2]), resp_p: 80 };
    let uid = ids.uid(Time(0), &id, 6, 0);
    let carrier = Carrier { uid, id };
    let origin = Origin {
        id: ids.file_id(uid, 1),
        source: "HTTP",
        direction: Direction::Responder,
        depth: 0,
        filename: None,
    };
    let file = File {
        origin,
        carrier,
        first: Time(0),
        last: Time(0),
        seen: 0,
        missing: 0,
        overflow: 0,
        total: None,
        mime: None,
        inferred: false,
        beginning: Vec::new(),
        digests: None,
        hash_limit: u64::MAX,
    };
    let settings = Settings::default();
    let mut out = RecordBuffer::new(Format::Json, LogSet::ALL);
    let key = PartialFile { client, url: b"example.com:80/".as_slice().into() };
    let mut files = PartialFiles::default();
    files.begin(key.clone(), 0, file, &settings, &mut out);
    for number in 1..=1000 {
        files.piece(&key, carrier, Time(0), Piece::Data(2 * number, b"x"), &settings, &mut out);
    }
    assert_eq!(files.waiting, 1000 * (1 + PIECE_COST));
    files.piece(&key, carrier, Time(0), Piece::Data(0, b"xxx"), &settings, &mut out);
    assert_eq!(files.waiting, 999 * (1 + PIECE_COST));
    files.end(&key, &settings, &mut out, false);
    assert_eq!(files.waiting, 0);
}

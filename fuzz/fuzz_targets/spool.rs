//! Spool segments: whatever is in them, reading ends and never gives half a block.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spool::{Item, SpoolReader, Start};

fuzz_target!(|input: &[u8]| {
    let Ok(directory) = tempfile::tempdir() else { return };
    if std::fs::write(directory.path().join("00000001700000000000.ndjson"), input).is_err() {
        return;
    }
    let Ok(mut reader) = SpoolReader::open(directory.path(), "fuzz", Start::Oldest) else { return };
    while let Ok(Some(item)) = reader.next() {
        if let Item::Records(records) = item {
            for line in records.iter() {
                assert!(!line.contains(&b'\n'));
            }
        }
    }
});

//! Capture files.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use pcap::{Burst, Reader};

fuzz_target!(|input: &[u8]| {
    let Ok(mut file) = tempfile::NamedTempFile::new() else { return };
    if file.write_all(input).is_err() {
        return;
    }
    let Ok(mut reader) = Reader::open(file.path()) else { return };
    loop {
        let mut burst = Burst::new();
        match reader.next_burst(&mut burst) {
            Ok(0) | Err(_) => return,
            Ok(count) => assert_eq!(count, burst.frames().len()),
        }
    }
});

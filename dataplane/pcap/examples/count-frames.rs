//! Counts the frames of capture files, touching each header, and says how long one took.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use pcap::{Burst, Reader};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in std::env::args_os().skip(1) {
        let start = Instant::now();
        let mut reader = Reader::open(&path)?;
        let (mut frames, mut bytes, mut first) = (0_u64, 0_u64, 0_u64);
        let damage = loop {
            let mut burst = Burst::new();
            match reader.next_burst(&mut burst) {
                Ok(0) => break None,
                Ok(count) => frames += count as u64,
                Err(damage) => break Some(damage),
            }
            for frame in burst.frames() {
                bytes += u64::from(frame.wire_len);
                first += u64::from(frame.data.first().copied().unwrap_or_default());
            }
        };
        let took = start.elapsed();
        let each = took.as_nanos() as f64 / frames.max(1) as f64;
        println!(
            "{}: {frames} frames, {bytes} bytes, check {first}, {took:.3?}, {each:.1} ns a frame",
            path.display()
        );
        if let Some(damage) = damage {
            println!("{}: {damage}", path.display());
        }
    }
    Ok(())
}

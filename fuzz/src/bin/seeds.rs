//! Makes seeds for the fuzz targets from captures: `seeds OUTPUT CAPTURE...`.

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use packet::{DecodeOptions, Decoded, LinkType, Transport, WeirdList};
use pcap::{Burst, Reader};
use protocol::Direction;

/// Captures above this size are passed over, in octets.
const MAX_CAPTURE: u64 = 200_000;
/// Seeds are cut to this size.
const MAX_SEED: usize = 8192;
/// Connections taken from one capture.
const MAX_SESSIONS: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let output = arguments.next().ok_or("usage: seeds OUTPUT CAPTURE...")?;
    let output = Path::new(&output);
    for target in ["worker", "pcap", "tcp_session", "udp_session"] {
        fs::create_dir_all(output.join(target))?;
    }
    for (index, capture) in arguments.enumerate() {
        if fs::metadata(&capture)?.len() <= MAX_CAPTURE {
            fs::copy(&capture, output.join("pcap").join(format!("{index}")))?;
            seeds(Path::new(&capture), output, index)?;
        }
    }
    Ok(())
}

fn seeds(capture: &Path, output: &Path, index: usize) -> Result<(), Box<dyn Error>> {
    let Ok(mut reader) = Reader::open(capture) else { return Ok(()) };
    let mut frames = Vec::new();
    // Input by connection: both addresses and ports, smaller first, and who sent first.
    let mut sessions: HashMap<_, (bool, Vec<u8>, _)> = HashMap::new();
    loop {
        let mut burst = Burst::new();
        if !matches!(reader.next_burst(&mut burst), Ok(1..)) {
            break;
        }
        for frame in burst.frames() {
            if frames.is_empty() {
                frames.extend_from_slice(&[burst.link_type() as u8, 0]);
            }
            if frames.len() + frame.data.len() < MAX_SEED {
                frames.extend_from_slice(&(frame.data.len() as u16).to_be_bytes());
                frames.extend_from_slice(frame.data);
            }
            let options = DecodeOptions { verify_checksums: false };
            let link = LinkType::from_dlt(u32::from(burst.link_type()));
            let Decoded::Flow(packet) = packet::decode(link, frame, &options, &mut WeirdList::new()) else { continue };
            let (source_port, destination_port, is_tcp) = match packet.transport {
                Transport::Tcp(tcp) => (tcp.source_port, tcp.destination_port, true),
                Transport::Udp { source_port, destination_port, .. } => (source_port, destination_port, false),
                _ => continue,
            };
            let (from, to) = ((packet.ip.source, source_port), (packet.ip.destination, destination_port));
            let key = (from.min(to), from.max(to), is_tcp);
            if sessions.len() >= MAX_SESSIONS && !sessions.contains_key(&key) {
                continue;
            }
            let (_, input, originator) = sessions
                .entry(key)
                .or_insert_with(|| (is_tcp, destination_port.to_be_bytes().to_vec(), from));
            let direction = if *originator == from { Direction::Originator } else { Direction::Responder };
            if !packet.payload.is_empty() && input.len() + packet.payload.len() < MAX_SEED {
                baleen_fuzz::push_piece(input, direction, packet.payload);
            }
        }
    }
    fs::write(output.join("worker").join(format!("{index}")), &frames)?;
    for (number, (is_tcp, input, _)) in sessions.into_values().enumerate() {
        let target = if is_tcp { "tcp_session" } else { "udp_session" };
        if input.len() > 2 {
            fs::write(output.join(target).join(format!("{index}-{number}")), &input)?;
        }
    }
    Ok(())
}

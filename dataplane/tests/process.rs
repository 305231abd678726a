//! The process as `baleen` runs it: settings on standard input, requests over the control
//! socket, records in the spool. Needs no privilege.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use control_socket::{Client, Memory, Port, Settings, Spool, State, Statistics};
use spool::{Item, SpoolReader, Start};

/// Longest that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// Frames of so many UDP flows, request and reply, and as many that are not IP.
const FLOWS: u8 = 100;

/// A pcap file of the flows.
fn capture() -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65535, 1] {
        file.extend(word.to_le_bytes());
    }
    for flow in 0..FLOWS {
        let mut arp = vec![0xff; 12];
        arp.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        arp.resize(60, 0);
        for (number, frame) in (0..).zip([datagram(flow, false), datagram(flow, true), arp]) {
            for word in [1_700_000_000, 10 * u32::from(flow) + number, frame.len() as u32, frame.len() as u32]
            {
                file.extend(word.to_le_bytes());
            }
            file.extend(frame);
        }
    }
    file
}

fn datagram(flow: u8, reply: bool) -> Vec<u8> {
    let (client, server) = ([10, 1, 0, flow], [10, 2, 0, flow]);
    let (source, destination) = if reply { (server, client) } else { (client, server) };
    let ports: [u8; 4] = if reply { [0x1b, 0x58, 0x17, 0x70] } else { [0x17, 0x70, 0x1b, 0x58] };
    let mut ip = vec![0x45, 0, 0, 48, 0, 1, 0x40, 0, 64, 17, 0, 0];
    ip.extend(source);
    ip.extend(destination);
    let sum: u32 = ip.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    frame.extend(ip);
    frame.extend(ports);
    frame.extend([0, 28, 0, 0]);
    frame.extend([flow; 20]);
    frame
}

fn settings(source: &str, directory: &Path) -> Settings {
    let port = Port {
        source: source.to_owned(),
        name: "test".to_owned(),
        queues: 0,
        descriptors: 256,
        promiscuous: true,
    };
    let spool = Spool {
        directory: directory.join("spool"),
        bytes: 64 << 20,
        segment_bytes: 1 << 20,
        segment_seconds: 60,
    };
    let mut settings = Settings::new(vec![port], spool);
    settings.memory = Memory { no_hugepages: true, megabytes: 128, buffers: 0 };
    settings.workers = 2;
    settings.seed = Some(1);
    settings
}

fn start(settings: &Settings, socket: &Path) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_baleen-dataplane"))
        .arg("--socket")
        .arg(socket)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&serde_json::to_vec(settings).unwrap()).unwrap();
    child
}

fn connect(socket: &Path) -> Client {
    let deadline = Instant::now() + PATIENCE;
    loop {
        // The socket is there before the process answers.
        match Client::connect(socket, PATIENCE) {
            Ok(client) => return client,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn wait(mut child: Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap()
}

fn received(client: &mut Client, packets: u64) -> Statistics {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let statistics = client.netstats().unwrap();
        let workers: u64 =
            statistics.lcores.iter().filter(|lcore| lcore.flows_begun > 0).map(|lcore| lcore.received).sum();
        if workers == packets || Instant::now() > deadline {
            return statistics;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn records_of_a_file_are_in_the_spool_and_the_books_balance() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("flows.pcap");
    fs::write(&file, capture()).unwrap();
    let socket = directory.path().join("dataplane.sock");
    let settings = settings(&format!("pcap:{}", file.display()), directory.path());
    let child = start(&settings, &socket);
    let mut client = connect(&socket);
    let status = client.status().unwrap();
    assert_eq!((status.state, status.workers, status.ports), (State::Running, 2, vec!["test".to_owned()]));
    assert_eq!(status.pid, child.id());

    let statistics = received(&mut client, 3 * u64::from(FLOWS));
    assert_eq!(statistics.imbalances(), []);
    let port = &statistics.ports["test"];
    assert_eq!((port.received, port.analyzed), (3 * u64::from(FLOWS), 3 * u64::from(FLOWS)));
    // One receiver, two workers.
    assert_eq!(statistics.lcores.len(), 3);
    let not_ip: u64 = statistics.lcores.iter().filter_map(|lcore| lcore.dropped.get("not_ip")).sum();
    assert_eq!(not_ip, u64::from(FLOWS));

    let mut new = settings.clone();
    new.name = "edge".to_owned();
    client.apply(new.clone()).unwrap();
    assert_eq!(client.settings().unwrap(), new);
    new.workers = 1;
    assert!(client.apply(new).is_err());

    client.stop().unwrap();
    assert!(wait(child).success());
    let mut reader = SpoolReader::open(directory.path().join("spool"), "test", Start::Oldest).unwrap();
    let mut conn = 0;
    while let Some(item) = reader.next().unwrap() {
        let Item::Records(records) = item else { continue };
        for line in records.iter() {
            let record: serde_json::Value = serde_json::from_slice(line).unwrap();
            if record["_path"] == "conn" {
                assert_eq!(
                    (&record["orig_bytes"], &record["resp_bytes"]),
                    (&20.into(), &20.into()),
                    "{record}"
                );
                conn += 1;
            }
        }
    }
    assert_eq!(conn, u32::from(FLOWS));
}

#[test]
fn settings_that_can_not_be_used_end_the_process_with_status_two() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("dataplane.sock");
    for source in ["wlan:x", "pcap:/no/such/file.pcap", "af_packet:no-such-if"] {
        let child = start(&settings(source, directory.path()), &socket);
        assert_eq!(wait(child).code(), Some(2), "{source}");
    }
}

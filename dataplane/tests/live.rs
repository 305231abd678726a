//! Live traffic over veth pairs, in network namespaces of the tests' own. Needs root and
//! the program `ip`; without, the tests say that they are skipped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use baleen_dataplane::analysis::WorkerShared;
use baleen_dataplane::ports::{Layout, PortSettings, PortSpec};
use baleen_dataplane::sensor::{Sensor, Settings};
use dpdk::interface::{Offload, set_offload};
use dpdk::test_support::eal;
use dpdk::{MbufArray, Mempool, Port, PortConfig, lcore};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::gettid;
use packet::{Frame, LinkType};
use record::{Format, Log, LogSet, RecordBuffer, Time};

/// Longest that a test waits for packets.
const PATIENCE: Duration = Duration::from_secs(20);

fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a test on a thread in a network namespace of its own, if that is allowed here.
fn in_namespace(name: &str, test: impl FnOnce() + Send) {
    // Before the namespace, which the environment's threads would share for good.
    eal();
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if !enter_namespace() {
                println!("skipped: {name}: needs root and the program ip");
                return;
            }
            test();
        });
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

fn enter_namespace() -> bool {
    let allowed = Command::new("ip").arg("-V").output().is_ok() && unshare(CloneFlags::CLONE_NEWNET).is_ok();
    if allowed {
        // Kernels without IPv6 have no such file, and send none of its packets either.
        let _ = fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
        let _ = fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
        // The counters under /sys are those of the namespace that it was mounted in.
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
        mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), None::<&str>).unwrap();
    }
    allowed
}

fn all_offloads_off(interface: &str) {
    for offload in Offload::ALL {
        set_offload(interface, offload, false).unwrap();
    }
}

fn settings(port: &str, workers: u16) -> Settings {
    Settings {
        ports: PortSpec::resolve(&port.parse().unwrap()).unwrap(),
        port: PortSettings { ring_capacity: 2047, ..PortSettings::default() },
        workers,
        receivers: 1,
        cpus: lcore::affinity().unwrap(),
        idle: None,
        balance: baleen_dataplane::balance::Settings::default(),
        analysis: Arc::new(worker::Settings::default()),
        offload_rules: 0,
        format: Format::Json,
        logs: LogSet::NONE.with(Log::Conn),
    }
}

/// Collects `conn` records.
fn keep(lines: &mut Vec<serde_json::Value>) -> impl FnMut(&RecordBuffer) + '_ {
    |records| lines.extend(records.iter().map(|(_, line)| serde_json::from_slice(line).unwrap()))
}

/// Waits until the sensor has received so many packets.
fn wait_for(sensor: &Sensor, packets: u64) {
    let deadline = Instant::now() + PATIENCE;
    while sensor.books().received < packets && Instant::now() < deadline {
        assert!(sensor.is_healthy());
        thread::sleep(Duration::from_millis(1));
    }
}

/// An Ethernet frame with a UDP datagram between host `flow` of two networks.
fn datagram(flow: u8, reply: bool, payload: &[u8]) -> Vec<u8> {
    let (client, server) = ([10, 1, 0, flow], [10, 2, 0, flow]);
    let (source, destination) = if reply { (server, client) } else { (client, server) };
    let ports: [u16; 2] = if reply { [7000, 6000] } else { [6000, 7000] };
    let mut ip = vec![0x45, 0];
    ip.extend((28 + payload.len() as u16).to_be_bytes());
    ip.extend([0, 1, 0x40, 0, 64, 17, 0, 0]);
    ip.extend(source);
    ip.extend(destination);
    let sum: u32 = ip.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    frame.extend(ip);
    frame.extend(ports[0].to_be_bytes());
    frame.extend(ports[1].to_be_bytes());
    frame.extend((8 + payload.len() as u16).to_be_bytes());
    // No UDP checksum.
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}

/// So many packets fit into the smallest buffer of a port, the 32 slots of libpcap's: a sender that waits for the sensor
/// after as many loses none, however busy the machine is.
const WINDOW: u64 = 16;

/// Sends frames out of an interface, through DPDK; after each, `sent` is told how many there were.
fn send(interface: &str, frames: impl Iterator<Item = Vec<u8>>, mut sent: impl FnMut(u64)) -> u64 {
    let pool = Mempool::new(eal(), 1023, 2048, None).unwrap();
    let name = format!("af_packet:{interface},framecnt=512,blocksz=4096");
    let port = Port::attach(eal(), &name.parse().unwrap()).unwrap();
    let config = PortConfig { tx_queues: 1, promiscuous: false, ..PortConfig::default() };
    let mut queues = port.start(&config, pool).unwrap();
    let mut count = 0;
    for frame in frames {
        let mut mbuf = pool.alloc().unwrap();
        mbuf.append(&frame).unwrap();
        let mut one = MbufArray::<1>::new();
        one.push(mbuf).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while queues.tx[0].tx_burst(&mut one) == 0 {
            assert!(Instant::now() < deadline, "nothing can be sent");
            thread::yield_now();
        }
        count += 1;
        sent(count);
    }
    count
}

const FLOWS: u8 = 50;
const ROUNDS: usize = 40;

/// Sends `FLOWS` flows of `ROUNDS` datagrams each way to a sensor with two workers, and
/// checks that the books balance and each flow is one record.
fn flows_over_a_veth_pair(port: &str) {
    ip("link add veth-in type veth peer name veth-out");
    for interface in ["veth-in", "veth-out"] {
        ip(&format!("link set {interface} up"));
        all_offloads_off(interface);
    }
    let mut sensor = Sensor::start(eal(), &settings(port, 2)).unwrap();
    assert_eq!(sensor.layout(), Layout::Distribute);
    let frames = (0..ROUNDS).flat_map(|_| {
        (0..FLOWS).flat_map(|flow| [datagram(flow, false, &[flow; 100]), datagram(flow, true, &[flow; 200])])
    });
    let sent = send("veth-out", frames, |sent| {
        if sent % WINDOW == 0 {
            wait_for(&sensor, sent);
        }
    });
    assert_eq!(sent, 2 * u64::from(FLOWS) * ROUNDS as u64);
    wait_for(&sensor, sent);
    let mut lines = Vec::new();
    sensor.take_records(keep(&mut lines));
    let reports = sensor.ports();
    let driver = reports[0].driver.unwrap();
    let shares: Vec<u64> = sensor.workers().iter().map(|worker| worker.counters.analyzed.get()).collect();
    sensor.stop(keep(&mut lines)).unwrap();
    let books = sensor.books();

    assert_eq!(books.under_way(), 0, "{books:?}");
    assert_eq!(driver.rx_missed, 0, "{driver:?}");
    assert!(books.received >= sent, "{books:?}");
    assert_eq!(books.analyzed + books.shunted, sent, "{books:?}");
    assert!(shares.iter().all(|&share| share > 0), "{shares:?}");
    assert_eq!(lines.len(), usize::from(FLOWS));
    for line in lines {
        assert_eq!((&line["orig_pkts"], &line["resp_pkts"]), (&ROUNDS.into(), &ROUNDS.into()), "{line}");
        assert_eq!(line["orig_bytes"], ROUNDS * 100, "{line}");
        assert_eq!(line["resp_bytes"], ROUNDS * 200, "{line}");
    }
}

/// What the kernel counts of an interface.
fn kernel_counter(interface: &str, name: &str) -> u64 {
    let path = format!("/sys/class/net/{interface}/statistics/{name}");
    fs::read_to_string(path).unwrap().trim().parse().unwrap()
}

/// The kernel's own count of the interface is the truth here: every packet is received or lost
/// at the port, and every one received is analyzed, shunted or dropped for a reason.
#[test]
fn what_overloaded_workers_lose_is_counted_exactly() {
    const PACKETS: u64 = 100_000;
    in_namespace("what_overloaded_workers_lose_is_counted_exactly", || {
        ip("link add veth-in type veth peer name veth-out");
        for interface in ["veth-in", "veth-out"] {
            ip(&format!("link set {interface} up"));
            all_offloads_off(interface);
        }
        let mut settings = settings("pcap_live:veth-in", 2);
        settings.port.ring_capacity = 63;
        let mut sensor = Sensor::start(eal(), &settings).unwrap();
        let before = kernel_counter("veth-in", "rx_packets");
        send("veth-out", (0..PACKETS).map(|n| datagram(n as u8, false, &[0; 18])), |_| {});
        let arrived = kernel_counter("veth-in", "rx_packets") - before;
        assert!(arrived >= PACKETS);

        let missed = |sensor: &Sensor| sensor.ports()[0].driver.unwrap().rx_missed;
        let deadline = Instant::now() + PATIENCE;
        while sensor.books().received + missed(&sensor) < arrived && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        let missed = missed(&sensor);
        let mut lines = Vec::new();
        sensor.stop(keep(&mut lines)).unwrap();
        let books = sensor.books();
        let dropped: u64 = books.dropped().map(|(_, count)| count).sum();
        assert_eq!(books.received + missed, arrived, "{books:?}");
        assert_eq!(books.received, books.analyzed + books.shunted + dropped, "{books:?}");
        assert!(dropped + missed > 0, "the workers were not overloaded: {books:?}");
        let in_records: u64 = lines.iter().map(|line| line["orig_pkts"].as_u64().unwrap()).sum();
        assert_eq!(in_records, books.analyzed + books.shunted, "{books:?}");
    });
}

#[test]
fn flows_are_received_by_af_packet() {
    in_namespace("flows_are_received_by_af_packet", || flows_over_a_veth_pair("af_packet:veth-in,queues=2"));
}

#[test]
fn flows_are_received_by_libpcap() {
    in_namespace("flows_are_received_by_libpcap", || flows_over_a_veth_pair("pcap_live:veth-in"));
}

/// Most packets are of hosts whose buckets are the first worker's: some of these move.
#[test]
fn workers_of_a_live_port_are_evened_out() {
    in_namespace("workers_of_a_live_port_are_evened_out", || {
        ip("link add veth-in type veth peer name veth-out");
        for interface in ["veth-in", "veth-out"] {
            ip(&format!("link set {interface} up"));
            all_offloads_off(interface);
        }
        let mut settings = settings("af_packet:veth-in,queues=2", 2);
        settings.balance.interval = Duration::from_millis(50);
        let mut sensor = Sensor::start(eal(), &settings).unwrap();
        assert_eq!(sensor.layout(), Layout::Distribute);
        let (mut home, mut away) = (Vec::new(), Vec::new());
        for flow in 0..FLOWS {
            let data = datagram(flow, false, &[]);
            let frame = Frame { time: Time(0), clock: Time(0), number: 0, data: &data, wire_len: 0 };
            let is_home = worker::bucket(LinkType::Ethernet, &frame).is_multiple_of(2);
            if is_home { home.push(flow) } else { away.push(flow) }
        }
        const TURNS: usize = 400;
        let turn = |turn: usize| {
            let away: Vec<u8> = if turn.is_multiple_of(8) { away.clone() } else { Vec::new() };
            home.iter()
                .copied()
                .chain(away)
                .map(|flow| datagram(flow, false, &[flow; 100]))
                .collect::<Vec<_>>()
        };
        let taken = |sensor: &Sensor| -> Vec<u64> {
            let taken =
                |worker: &WorkerShared| worker.counters.analyzed.get() + worker.counters.shunted.get();
            sensor.workers().iter().map(|worker| taken(worker)).collect()
        };
        let mut before = Vec::new();
        let (mut lines, total) =
            (Vec::new(), (0..TURNS).map(|number| turn(number).len()).sum::<usize>() as u64);
        let sent = send("veth-out", (0..TURNS).flat_map(turn), |sent| {
            sensor.balance();
            sensor.take_records(keep(&mut lines));
            if sent % WINDOW == 0 {
                wait_for(&sensor, sent);
            }
            if sent == total * 3 / 4 {
                before = taken(&sensor);
            }
        });
        wait_for(&sensor, sent);
        let shares: Vec<u64> = taken(&sensor).iter().zip(&before).map(|(now, then)| now - then).collect();
        let report = sensor.balance_report().clone();
        sensor.stop(keep(&mut lines)).unwrap();
        let books = sensor.books();
        println!("{shares:?} {report:?}");
        assert_eq!((books.under_way(), books.analyzed + books.shunted), (0, sent), "{books:?}");
        assert!(report.moves > 0, "{report:?}");
        let most = shares.iter().max().unwrap();
        assert!(most * 2 * 100 <= shares.iter().sum::<u64>() * 115, "{shares:?}");
        assert_eq!(lines.len(), usize::from(FLOWS));
        let packets: u64 = lines.iter().map(|line| line["orig_pkts"].as_u64().unwrap()).sum();
        assert_eq!(packets, sent);
    });
}

#[test]
fn a_tcp_connection_is_seen_whole() {
    // Its packets fit into the ring of an ordinary user, who may lock but little memory.
    const OCTETS: usize = 500_000;
    in_namespace("a_tcp_connection_is_seen_whole", || {
        ip("link add veth-in type veth peer name veth-out");
        // The client has a namespace of its own, since a host talks to itself over `lo`.
        let (to_client, at_client) = mpsc::channel::<()>();
        let (to_server, at_server) = mpsc::channel();
        let client = thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            to_server.send(gettid()).unwrap();
            at_client.recv().unwrap();
            ip("link set veth-out up");
            ip("addr add 10.9.0.2/24 dev veth-out");
            all_offloads_off("veth-out");
            to_server.send(gettid()).unwrap();
            at_client.recv().unwrap();
            let mut stream = TcpStream::connect((Ipv4Addr::new(10, 9, 0, 1), 8000)).unwrap();
            stream.write_all(b"please").unwrap();
            let mut received = Vec::new();
            stream.read_to_end(&mut received).unwrap();
            drop(stream);
            to_server.send(gettid()).unwrap();
            // The interfaces go away with this thread's namespace.
            at_client.recv().unwrap();
            received.len()
        });
        let thread = at_server.recv().unwrap();
        ip(&format!("link set veth-out netns {thread}"));
        ip("link set veth-in up");
        ip("addr add 10.9.0.1/24 dev veth-in");
        all_offloads_off("veth-in");
        to_client.send(()).unwrap();
        at_server.recv().unwrap();

        let mut sensor = Sensor::start(eal(), &settings("af_packet:veth-in", 1)).unwrap();
        assert_eq!(sensor.layout(), Layout::RunToCompletion);
        let listener = TcpListener::bind((Ipv4Addr::new(10, 9, 0, 1), 8000)).unwrap();
        to_client.send(()).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 6];
        stream.read_exact(&mut request).unwrap();
        stream.write_all(&vec![b'x'; OCTETS]).unwrap();
        drop(stream);
        at_server.recv().unwrap();

        // The connection is over, but the last packets may still be on their way. A socket on an interface sees both ways.
        wait_for(&sensor, kernel_counter("veth-in", "rx_packets") + kernel_counter("veth-in", "tx_packets"));
        to_client.send(()).unwrap();
        assert_eq!(client.join().unwrap(), OCTETS);
        let mut lines = Vec::new();
        sensor.stop(keep(&mut lines)).unwrap();
        let books = sensor.books();
        assert_eq!(books.under_way(), 0, "{books:?}");
        let line = lines.iter().find(|line| line["id.resp_p"] == 8000).unwrap_or_else(|| panic!("{lines:?}"));
        assert_eq!((&line["orig_bytes"], &line["resp_bytes"]), (&6.into(), &OCTETS.into()), "{line}");
        assert_eq!(line["conn_state"], "SF", "{line}");
        assert_eq!(line["missed_bytes"], 0, "{line}");
    });
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    in_namespace("an_interface_that_is_not_there_is_named", || {
        let error = Sensor::start(eal(), &settings("af_packet:veth-in", 1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "port af_packet:veth-in: there is no interface veth-in here; there are: lo"
        );
    });
}

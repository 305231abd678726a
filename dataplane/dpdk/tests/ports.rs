//! Ports that need no hardware and no privilege.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use dpdk::test_support::eal;
use dpdk::{
    DropMatch, DropTransport, FlowRuleError, HashedFields, MbufArray, Mempool, Port, PortConfig, PortError,
    PortName, Producer, Timestamps, ring,
};

fn pool(buffers: u32) -> Mempool {
    Mempool::new(eal(), buffers, dpdk::DEFAULT_DATA_ROOM, None).unwrap()
}

fn attach(name: &str) -> Result<Port, PortError> {
    Port::attach(eal(), &name.parse::<PortName>().unwrap())
}

/// Writes a pcap file with the given packets, the first one second after 1970, each
/// following one a microsecond later.
fn pcap(folder: &Path, packets: &[Vec<u8>]) -> PathBuf {
    let mut file = Vec::new();
    // Magic of microsecond stamps, version 2.4, zone, accuracy, snap length, Ethernet.
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65535, 1] {
        file.extend(word.to_le_bytes());
    }
    for (number, packet) in packets.iter().enumerate() {
        let len = packet.len() as u32;
        for word in [1, number as u32, len, len] {
            file.extend(word.to_le_bytes());
        }
        file.extend(packet);
    }
    let path = folder.join("packets.pcap");
    fs::write(&path, file).unwrap();
    path
}

fn rings(count: usize, capacity: u32) -> (Vec<Producer>, Port) {
    let (producers, consumers) = (0..count).map(|_| ring(eal(), capacity, None).unwrap()).unzip();
    (producers, Port::from_rings(eal(), "rings:test", consumers).unwrap())
}

#[test]
fn a_file_is_received_with_its_time_stamps() {
    let folder = tempfile::tempdir().unwrap();
    let packets: Vec<Vec<u8>> = (0..100_u8).map(|number| vec![number; 60 + usize::from(number)]).collect();
    let file = pcap(folder.path(), &packets);
    let pool = pool(511);
    let stamps = Timestamps::register(eal()).unwrap();
    let port = attach(&format!("pcap:{}", file.display())).unwrap();
    assert_eq!(port.capabilities().driver, "net_pcap");
    assert_eq!(port.capabilities().epoch_stamp_unit, Some(1000));
    let mut queues = port.start(&PortConfig::default(), pool).unwrap();
    assert!(queues.keeps_flows_together);

    let mut received = Vec::new();
    let mut burst = MbufArray::<32>::new();
    while queues.rx[0].rx_burst(&mut burst) > 0 {
        for mbuf in burst.drain() {
            assert!(mbuf.is_contiguous());
            let time = stamps.of(&mbuf).unwrap();
            assert_eq!(time, 1_000_000 + received.len() as u64);
            received.push(mbuf.data().to_vec());
        }
    }
    assert_eq!(received, packets);
    assert_eq!(port.stats().unwrap().rx_packets, 100);
    drop(queues);
    drop(port);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_packet_longer_than_a_buffer_comes_in_several() {
    let folder = tempfile::tempdir().unwrap();
    let long: Vec<u8> = (0..9000_u32).map(|byte| (byte / 7) as u8).collect();
    let file = pcap(folder.path(), std::slice::from_ref(&long));
    let pool = pool(63);
    let port = attach(&format!("pcap:{}", file.display())).unwrap();
    let mut queues = port.start(&PortConfig::default(), pool).unwrap();
    let mut burst = MbufArray::<4>::new();
    assert_eq!(queues.rx[0].rx_burst(&mut burst), 1);
    let mbuf = &burst[0];
    assert!(!mbuf.is_contiguous());
    assert_eq!((mbuf.packet_len(), mbuf.segments().count()), (9000, 5));
    let mut copy = Vec::new();
    mbuf.copy_to(&mut copy);
    assert_eq!(copy, long);
    burst.clear();
    drop((queues, port));
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_missing_file_is_named_in_the_error() {
    let error = attach("pcap:/no/such/file.pcap").unwrap_err();
    assert!(matches!(error, PortError::Probe { .. }), "{error}");
    assert!(error.to_string().starts_with("port pcap:/no/such/file.pcap: "), "{error}");
    assert!(error.to_string().contains("No such file"), "{error}");
}

#[test]
fn a_missing_interface_is_named_with_those_there_are() {
    for name in ["af_packet:no-such-if", "pcap_live:no-such-if", "af_xdp:no-such-if"] {
        let error = attach(name).unwrap_err();
        assert!(matches!(error, PortError::NoInterface { .. }), "{error}");
        assert!(error.to_string().contains("lo"), "{error}");
    }
}

#[test]
fn a_pci_device_that_is_not_there_is_said_to_be_absent() {
    let error = attach("pci:ffff:ff:1f.7").unwrap_err();
    assert!(matches!(error, PortError::NoPciPort { .. }), "{error}");
    assert!(error.to_string().contains("there is no such PCI device here"), "{error}");
}

#[test]
fn more_queues_than_there_are_is_an_error_that_says_how_many_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = pcap(folder.path(), &[vec![0; 60]]);
    let port = attach(&format!("pcap:{}", file.display())).unwrap();
    let config = PortConfig { rx_queues: 4, ..PortConfig::default() };
    let error = port.start(&config, pool(63)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("port pcap:{} (net_pcap) has up to 1 receive queues, 4 were asked for", file.display())
    );
    // The port is still usable.
    assert!(port.start(&PortConfig::default(), pool(63)).is_ok());
    assert!(matches!(port.start(&PortConfig::default(), pool(63)), Err(PortError::AlreadyStarted { .. })));
}

#[test]
fn null_port_receives_on_all_queues_and_keeps_its_indirection_table() {
    let pool = pool(2047);
    let port = attach("null:,size=128").unwrap();
    let capabilities = port.capabilities();
    assert_eq!(capabilities.reta_size, 128);
    assert!(capabilities.can_hash(HashedFields::Addresses));
    let config = PortConfig { rx_queues: 4, rx_descriptors: 64, ..PortConfig::default() };
    let mut queues = port.start(&config, pool).unwrap();
    assert!(queues.keeps_flows_together);
    for queue in &mut queues.rx {
        let mut burst = MbufArray::<16>::new();
        assert_eq!(queue.rx_burst(&mut burst), 16);
        assert!(burst.is_full());
        assert!(burst.iter().all(|mbuf| mbuf.packet_len() == 128));
        assert_eq!(queue.rx_burst(&mut burst), 0);
    }

    let table: Vec<u16> = (0..128).map(|entry| entry % 3).collect();
    port.set_indirection_table(&table).unwrap();
    assert_eq!(port.indirection_table().unwrap(), table);
    assert!(matches!(port.set_indirection_table(&[4; 128]), Err(PortError::IndirectionTable { .. })));
    assert!(matches!(port.set_indirection_table(&[0; 64]), Err(PortError::IndirectionTable { .. })));
    let stats = port.stats().unwrap();
    assert_eq!(stats.rx_packets, 64);
    let extended = port.extended_stats().unwrap();
    assert!(extended.contains(&("rx_good_packets".to_owned(), 64)), "{extended:?}");
    assert!(port.link().unwrap().up);
    drop((queues, port));
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn an_mtu_beyond_the_port_is_refused() {
    let port = attach("null:").unwrap();
    let config = PortConfig { mtu: Some(20), ..PortConfig::default() };
    assert!(matches!(port.start(&config, pool(63)), Err(PortError::Mtu { asked: 20, .. })));
}

#[test]
fn rings_become_queues_of_a_port() {
    let pool = pool(255);
    let (mut producers, port) = rings(3, 31);
    let config = PortConfig { rx_queues: 3, ..PortConfig::default() };
    let mut queues = port.start(&config, pool).unwrap();
    // Nothing says that the rings were filled by a symmetric hash.
    assert!(!queues.keeps_flows_together);
    for (number, producer) in producers.iter_mut().enumerate() {
        let mut burst = MbufArray::<8>::new();
        for _ in 0..8 {
            let mut mbuf = pool.alloc().unwrap();
            mbuf.append(&[number as u8; 64]).unwrap();
            burst.push(mbuf).unwrap();
        }
        assert!(burst.push(pool.alloc().unwrap()).is_err());
        assert_eq!(producer.enqueue(&mut burst), 8);
        assert!(burst.is_empty());
    }
    for (number, queue) in queues.rx.iter_mut().enumerate() {
        let mut burst = MbufArray::<32>::new();
        assert_eq!(queue.rx_burst(&mut burst), 8);
        assert!(burst.iter().all(|mbuf| mbuf.data() == [number as u8; 64]));
    }
    drop((queues, port, producers));
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn queues_keep_their_port_running() {
    let pool = pool(255);
    let (mut producers, port) = rings(1, 31);
    let mut queues = port.start(&PortConfig::default(), pool).unwrap();
    drop(port);
    let mut burst = MbufArray::<1>::new();
    burst.push(pool.alloc().unwrap()).unwrap();
    producers[0].enqueue(&mut burst);
    assert_eq!(queues.rx[0].rx_burst(&mut burst), 1);
}

#[test]
fn ports_come_and_go_in_parallel() {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(|| {
                let pool = pool(255);
                for _ in 0..10 {
                    let port = attach("null:").unwrap();
                    let mut queues = port.start(&PortConfig::default(), pool).unwrap();
                    let mut burst = MbufArray::<32>::new();
                    assert_eq!(queues.rx[0].rx_burst(&mut burst), 32);
                }
                assert_eq!(pool.in_use(), 0);
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn more_queues_than_a_kind_of_port_can_have_are_refused_at_once() {
    let name: PortName = "af_packet:lo,queues=999".parse().unwrap();
    let message = Port::attach(eal(), &name).unwrap_err().to_string();
    assert!(message.contains("up to 256 receive queues, 999 were asked for"), "{message}");
}

/// No port here carries out flow rules, so what can be shown of the driver's calls is how it refuses them.
#[test]
fn a_port_without_flow_rules_says_so() {
    let port = attach("null:").unwrap();
    port.start(&PortConfig::default(), pool(4095)).unwrap();
    for (source, destination, transport) in [
        ("192.0.2.1:443", "10.0.0.1:40000", DropTransport::Tcp),
        ("[2001:db8::1]:443", "[2001:db8::2]:40000", DropTransport::Udp),
    ] {
        let packets = DropMatch {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            transport,
            vlan_tags: 1,
        };
        let error = port.validate_drop_rule(&packets).unwrap_err();
        assert!(
            matches!(&error, FlowRuleError::Unsupported { driver, .. } if driver == "net_null"),
            "{error}"
        );
        let error = port.install_drop_rule(&packets).unwrap_err();
        assert!(matches!(error, FlowRuleError::Unsupported { .. }), "{error}");
    }
    let mixed = DropMatch {
        source: "192.0.2.1:443".parse().unwrap(),
        destination: "[2001:db8::2]:40000".parse().unwrap(),
        transport: DropTransport::Tcp,
        vlan_tags: 0,
    };
    assert!(matches!(port.validate_drop_rule(&mixed), Err(FlowRuleError::TwoVersions { .. })));
}

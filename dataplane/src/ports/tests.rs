use dpdk::test_support::eal;

use super::*;

fn capabilities(queues: u16, reta_size: u16, hashes: bool) -> Capabilities {
    Capabilities {
        driver: "net_test".into(),
        numa_node: None,
        mac: [0; 6],
        max_rx_queues: queues,
        max_tx_queues: 0,
        reta_size,
        hash_key_size: 40,
        rss_types: if hashes { u64::MAX } else { 0 },
        min_mtu: 68,
        max_mtu: 9000,
        epoch_stamp_unit: None,
        max_frame_len: 9018,
        rx_offloads: 0,
    }
}

fn choose(ports: &[Capabilities], workers: u16) -> Layout {
    Layout::choose(ports.iter().map(|port| (port, None)), workers, HashedFields::Addresses)
}

#[test]
fn one_worker_polls_any_ports_itself() {
    assert_eq!(choose(&[capabilities(1, 0, false), capabilities(16, 64, true)], 1), Layout::RunToCompletion);
}

#[test]
fn workers_have_queues_of_their_own_where_every_port_has_enough() {
    let iavf = capabilities(16, 64, true);
    assert_eq!(choose(&[iavf.clone(), capabilities(64, 512, true)], 16), Layout::RunToCompletion);
    assert_eq!(choose(std::slice::from_ref(&iavf), 32), Layout::Distribute);
    assert_eq!(choose(&[iavf.clone(), capabilities(1, 0, false)], 2), Layout::Distribute);
    // Queues, but nothing that keeps flows together.
    assert_eq!(choose(&[capabilities(8, 0, true)], 4), Layout::Distribute);
    // Three queues do not divide a table of 64, so ports of other sizes would disagree.
    assert_eq!(choose(&[iavf], 3), Layout::Distribute);
}

#[test]
fn another_number_of_queues_is_respected() {
    let port = capabilities(16, 64, true);
    let choose = |queues| Layout::choose([(&port, queues)].into_iter(), 4, HashedFields::Addresses);
    assert_eq!(choose(Some(4)), Layout::RunToCompletion);
    assert_eq!(choose(Some(2)), Layout::Distribute);
}

#[test]
fn queues_follow_the_layout() {
    let settings = PortSettings { ring_capacity: 63, ..PortSettings::default() };
    let mut spec = PortSpec::resolve(&"null:".parse().unwrap()).unwrap().remove(0);
    spec.descriptors = 128;
    let start_null = |layout, workers, receivers| {
        let ports = attach(eal(), std::slice::from_ref(&spec), &settings).unwrap();
        let started = start(eal(), ports, layout, workers, receivers, &settings).unwrap();
        assert!(matches!(started[0].clock, PacketClock::Host));
        started[0].queues.len()
    };
    assert_eq!(start_null(Layout::RunToCompletion, 4, 0), 4);
    assert_eq!(start_null(Layout::RunToCompletion, 1, 0), 1);
    assert_eq!(start_null(Layout::Distribute, 4, 2), 2);
}

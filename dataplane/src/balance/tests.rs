use dpdk::test_support::eal;
use dpdk::{Mbuf, Mempool, ring};
use packet::Frame;
use proptest::prelude::*;
use record::Time;
use worker::flow_hash;

use super::*;

/// An Ethernet frame with an IPv4 header: fragment offset in units of 8 bytes.
fn ipv4(source: [u8; 4], destination: [u8; 4], offset: u16) -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend([0x08, 0x00, 0x45, 0, 0, 40, 0, 1]);
    frame.extend(offset.to_be_bytes());
    frame.extend([64, 6, 0, 0]);
    frame.extend(source);
    frame.extend(destination);
    // Looks like ports in a first fragment, like anything in others.
    frame.extend(offset.wrapping_mul(31).to_be_bytes());
    frame.extend([0; 18]);
    frame
}

fn ipv6(source: [u8; 16], destination: [u8; 16]) -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 59, 64]);
    frame.extend(source);
    frame.extend(destination);
    frame
}

fn frame(data: &[u8]) -> Frame<'_> {
    Frame { time: Time(0), clock: Time(0), number: 0, data, wire_len: data.len() as u32 }
}

fn hash(data: &[u8]) -> Option<u64> {
    flow_hash(LinkType::Ethernet, &frame(data))
}

fn bucket_of(data: &[u8]) -> usize {
    usize::from(worker::bucket(LinkType::Ethernet, &frame(data)))
}

proptest! {
    #[test]
    fn both_directions_and_all_fragments_hash_alike(a: [u8; 4], b: [u8; 4], offset in 0_u16..0x2000) {
        let first = hash(&ipv4(a, b, 0));
        prop_assert!(first.is_some());
        prop_assert_eq!(first, hash(&ipv4(b, a, 0)));
        prop_assert_eq!(first, hash(&ipv4(a, b, offset)));
    }

    #[test]
    fn both_directions_of_ipv6_hash_alike(a: [u8; 16], b: [u8; 16]) {
        let first = hash(&ipv6(a, b));
        prop_assert!(first.is_some());
        prop_assert_eq!(first, hash(&ipv6(b, a)));
    }

    #[test]
    fn any_bytes_hash_or_do_not(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = hash(&bytes);
    }
}

#[test]
fn what_is_not_ip_has_no_hash_and_the_first_bucket() {
    let mut arp = vec![0xff; 12];
    arp.extend([0x08, 0x06]);
    arp.extend([0; 46]);
    assert_eq!(hash(&arp), None);
    assert_eq!(bucket_of(&arp), 0);
}

#[test]
fn hosts_of_one_network_spread_evenly() {
    const WORKERS: usize = 16;
    let table = IndirectionTable::new(WORKERS as u16);
    let mut flows = [0_u32; WORKERS];
    for client in 0..=255 {
        for server in 0..64 {
            let bucket = bucket_of(&ipv4([10, 0, 0, client], [192, 0, 2, server], 0));
            flows[table.worker(bucket)] += 1;
        }
    }
    let mean = 256 * 64 / WORKERS as u32;
    assert!(flows.iter().all(|&flows| flows.abs_diff(mean) < mean / 5), "{flows:?}");
}

#[test]
fn buckets_move_to_workers_there_are() {
    let table = IndirectionTable::new(3);
    assert_eq!((0..6).map(|bucket| table.worker(bucket)).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2]);
    assert!(table.assign(4, 2));
    assert_eq!(table.worker(4), 2);
    assert!(!table.assign(4, 3));
    assert!(!table.assign(BUCKETS, 0));
}

fn packet(pool: Mempool, bytes: &[u8]) -> Mbuf {
    let mut mbuf = pool.alloc().unwrap();
    mbuf.append(bytes).unwrap();
    mbuf
}

#[test]
fn flows_keep_their_worker_and_full_rings_are_counted() {
    let pool = Mempool::new(eal(), 511, 256, None).unwrap();
    let (rings, mut workers): (Vec<_>, Vec<_>) = (0..2).map(|_| ring(eal(), 31, None).unwrap()).unzip();
    let mut distributor = Distributor::new(Arc::new(Handover::new(2, 1)), 0, rings);
    let counters = ReceiveCounters::default();
    // Two hosts whose flows to the same server belong to different workers.
    let server = [192, 0, 2, 1];
    let worker_of = |client| {
        let bucket = bucket_of(&ipv4([10, 0, 0, client], server, 0));
        bucket % 2
    };
    let clients = [0, 1].map(|worker| (0..=255).find(|&client| worker_of(client) == worker).unwrap());

    let mut burst = Burst::new();
    for round in 0..32 {
        let client = [10, 0, 0, clients[round % 2]];
        let frame = if round < 16 { ipv4(client, server, 0) } else { ipv4(server, client, 0) };
        burst.push(packet(pool, &frame)).unwrap();
    }
    distributor.distribute(&mut burst, FullRing::Drop, &counters);
    assert!(burst.is_empty());
    assert_eq!(counters.ring_full.get(), 0);
    for (worker, ring) in workers.iter_mut().enumerate() {
        let mut out = Burst::new();
        assert_eq!(ring.dequeue(&mut out), 16);
        let client = clients[worker];
        assert!(out.iter().all(|mbuf| mbuf.data()[29] == client || mbuf.data()[33] == client));
    }

    // 64 packets for a ring of 31.
    for _ in 0..64 {
        burst.push(packet(pool, &ipv4([10, 0, 0, clients[1]], server, 0))).unwrap();
    }
    distributor.distribute(&mut burst, FullRing::Drop, &counters);
    assert_eq!(counters.ring_full.get(), 33);
    let mut out = Burst::new();
    assert_eq!((workers[0].dequeue(&mut out), workers[1].dequeue(&mut out)), (0, 31));
    out.clear();
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_source_that_waits_loses_nothing() {
    let pool = Mempool::new(eal(), 511, 256, None).unwrap();
    let (producer, mut worker) = ring(eal(), 15, None).unwrap();
    let mut distributor = Distributor::new(Arc::new(Handover::new(1, 1)), 0, vec![producer]);
    let taker = thread::spawn(move || {
        let mut taken = 0;
        while taken < 64 {
            let mut out = Burst::new();
            taken += worker.dequeue(&mut out);
        }
    });
    let mut burst = Burst::new();
    for _ in 0..64 {
        burst.push(packet(pool, &ipv4([10, 0, 0, 1], [10, 0, 0, 2], 0))).unwrap();
    }
    let counters = ReceiveCounters::default();
    distributor.distribute(&mut burst, FullRing::Wait, &counters);
    taker.join().unwrap();
    assert_eq!(counters.ring_full.get(), 0);
    assert_eq!(pool.in_use(), 0);
}

use std::sync::atomic::AtomicU32;
use std::time::Instant;

use dpdk::test_support::eal;
use dpdk::{Mempool, Port, PortConfig, Producer, ring};

use super::*;
use crate::balance::Handover;
use crate::stats::{Books, WorkerCounters};

/// A port whose one queue is fed by the returned ring.
fn port(pool: Mempool) -> (Producer, RxQueue) {
    let (producer, consumer) = ring(eal(), 255, None).unwrap();
    let port = Port::from_rings(eal(), "rings:test", vec![consumer]).unwrap();
    let queue = port.start(&PortConfig::default(), pool).unwrap().rx.remove(0);
    (producer, queue)
}

fn send(pool: Mempool, ring: &mut Producer, frames: impl Iterator<Item = Vec<u8>>) -> u64 {
    let mut sent = 0;
    for frame in frames {
        let mut mbuf = pool.alloc().unwrap();
        // In two pieces when it does not fit into one.
        let (first, rest) = frame.split_at(frame.len().min(usize::from(pool.data_room())));
        mbuf.append(first).unwrap();
        if !rest.is_empty() {
            let mut tail = pool.alloc().unwrap();
            tail.append(rest).unwrap();
            mbuf.chain(tail).unwrap();
        }
        let mut burst = Burst::new();
        burst.push(mbuf).unwrap();
        sent += ring.enqueue(&mut burst) as u64;
    }
    sent
}

/// Ethernet and the fixed part of IPv4, between hosts of number `a` and `b`.
fn ipv4(a: u8, b: u8, len: usize) -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend([0x08, 0x00, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, a, 10, 0, 0, b]);
    frame.resize(len, b);
    frame
}

#[test]
fn a_worker_with_queues_of_its_own_gets_whole_frames() {
    let pool = Mempool::new(eal(), 255, 128, None).unwrap();
    let stamps = Timestamps::register(eal()).unwrap();
    let (mut ring, queue) = port(pool);
    let lengths = [60, 200, 128, 256, 34];
    send(pool, &mut ring, lengths.iter().map(|&len| ipv4(1, 2, len)));
    let received = Arc::new(ReceiveCounters::default());
    let input =
        Input { queue, clock: PacketClock::Host, full_ring: FullRing::Drop, counters: Arc::clone(&received) };
    let mut input = WorkerInput::new(vec![input], Vec::new(), stamps);
    let before = clock::now();
    let mut bursts = 0;
    let packets = input.poll(|frames| {
        bursts += 1;
        for (number, (frame, len)) in frames.iter().zip(lengths).enumerate() {
            assert_eq!(frame.data, ipv4(1, 2, len));
            assert_eq!((frame.wire_len as usize, frame.number), (len, number as u64));
            assert!(frame.time >= before && frame.time <= clock::now());
        }
    });
    assert_eq!((packets, bursts), (5, 1));
    assert_eq!(input.poll(|_| panic!("nothing is left")), 0);
    assert_eq!((received.received.get(), received.octets.get()), (5, 678));
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn stamps_of_the_port_are_kept_through_rings() {
    let pool = Mempool::new(eal(), 255, 128, None).unwrap();
    let stamps = Timestamps::register(eal()).unwrap();
    let (mut feed, queue) = port(pool);
    let mut burst = Burst::new();
    let mut mbuf = pool.alloc().unwrap();
    mbuf.append(&ipv4(1, 2, 60)).unwrap();
    stamps.set(&mut mbuf, 1_234_567);
    burst.push(mbuf).unwrap();
    feed.enqueue(&mut burst);
    let (producer, consumer) = ring(eal(), 31, None).unwrap();
    let distributor = Distributor::new(Arc::new(Handover::new(1, 1)), 0, vec![producer]);
    let clock = PacketClock::Stamped { stamps, unit: 1000 };
    let mut receiver = Receiver::new(
        vec![Input { queue, clock, full_ring: FullRing::Drop, counters: Arc::default() }],
        distributor,
        stamps,
    );
    let mut input = WorkerInput::new(Vec::new(), vec![consumer], stamps);
    assert_eq!(receiver.poll(), 1);
    assert_eq!(input.poll(|frames| assert_eq!(frames[0].time.0, 1_234_567_000)), 1);
}

#[test]
fn every_packet_is_analyzed_once_or_counted_as_dropped() {
    const FRAMES: u32 = 5_000;
    let pool = Mempool::new(eal(), 1023, 128, None).unwrap();
    let stamps = Timestamps::register(eal()).unwrap();
    let (mut feed, queue) = port(pool);
    let handover = Arc::new(Handover::new(2, 1));
    // Small rings, so that some packets are lost.
    let (producers, consumers): (Vec<_>, Vec<_>) = (0..2).map(|_| ring(eal(), 63, None).unwrap()).unzip();
    let received = Arc::new(ReceiveCounters::default());
    let input =
        Input { queue, clock: PacketClock::Host, full_ring: FullRing::Drop, counters: Arc::clone(&received) };
    let mut receiver = Receiver::new(vec![input], Distributor::new(handover, 0, producers), stamps);
    let counters: Vec<Arc<WorkerCounters>> = (0..2).map(|_| Arc::default()).collect();
    let (stop_receiver, stop_workers) = (AtomicBool::new(false), AtomicBool::new(false));
    let load = Load::default();
    let owner: [AtomicU32; 256] = std::array::from_fn(|_| AtomicU32::new(u32::MAX));

    thread::scope(|scope| {
        let (stop_receiver, stop_workers, owner, load) = (&stop_receiver, &stop_workers, &owner, &load);
        let receive = scope.spawn(move || run(stop_receiver, Idle::SHARED, load, || receiver.poll()));
        for (number, (consumer, counters)) in consumers.into_iter().zip(&counters).enumerate() {
            scope.spawn(move || {
                let mut input = WorkerInput::new(Vec::new(), vec![consumer], stamps);
                let mut analyze = |frames: &[Frame<'_>]| {
                    counters.analyzed.add(frames.len() as u64);
                    for frame in frames {
                        // A flow has one worker: the first to see it.
                        let flow = usize::from(frame.data[29].min(frame.data[33]));
                        let seen = owner[flow].swap(number as u32, Ordering::Relaxed);
                        assert!(seen == u32::MAX || seen == number as u32);
                    }
                };
                run(stop_workers, Idle::SHARED, &Load::default(), || input.poll(&mut analyze));
                while input.poll(&mut analyze) > 0 {}
            });
        }
        let mut sent = 0;
        for number in 0..FRAMES {
            let host = (number % 250) as u8;
            // Hosts 2k and 2k+1 talk in both directions.
            let frame = ipv4(host, host ^ 1, 60);
            while send(pool, &mut feed, std::iter::once(frame.clone())) == 0 {
                thread::yield_now();
            }
            sent += 1;
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        while received.received.get() < sent && Instant::now() < deadline {
            thread::yield_now();
        }
        stop_receiver.store(true, Ordering::Release);
        receive.join().unwrap();
        stop_workers.store(true, Ordering::Release);
    });
    let mut books = Books::default();
    for counters in &counters {
        books.add_worker(counters);
    }
    books.add_receiver(&received);
    assert!(load.busy.get() > 0 && load.idle.get() > 0);
    assert_eq!(books.received, u64::from(FRAMES));
    assert_eq!(books.under_way(), 0, "{books:?}");
    assert!(counters.iter().all(|counters| counters.analyzed.get() > 0));
    assert_eq!(pool.in_use(), 0);
}

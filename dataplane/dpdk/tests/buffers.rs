//! Packet buffers, arrays, rings and threads.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use dpdk::lcore::{self, LcoreError};
use dpdk::test_support::eal;
use dpdk::{EalConfig, EalError, Mbuf, MbufArray, Mempool, NoRoom, PreloadedPool, Timestamps, ring};

fn pool(buffers: u32, data_room: u16) -> Mempool {
    Mempool::new(eal(), buffers, data_room, None).unwrap()
}

fn packet(pool: Mempool, bytes: &[u8]) -> Mbuf {
    let mut mbuf = pool.alloc().unwrap();
    mbuf.append(bytes).unwrap();
    mbuf
}

#[test]
fn the_environment_starts_once() {
    eal();
    assert!(matches!(dpdk::Eal::init(&EalConfig::default()), Err(EalError::AlreadyStarted)));
}

#[test]
fn an_exhausted_pool_has_no_buffer_to_give() {
    let pool = pool(7, 64);
    let all: Vec<_> = std::iter::from_fn(|| pool.alloc()).collect();
    assert_eq!((all.len(), pool.in_use()), (7, 7));
    drop(all);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn an_impossible_pool_is_an_error() {
    let error = Mempool::new(eal(), u32::MAX, 2048, None).unwrap_err();
    assert!(error.to_string().starts_with("no pool of 4294967295 packet buffers of 2048 bytes"), "{error}");
    assert!(Mempool::new(eal(), 7, u16::MAX, None).is_err());
}

#[test]
fn bytes_are_appended_up_to_the_data_room() {
    let pool = pool(7, 100);
    let mut mbuf = packet(pool, &[1; 60]);
    assert_eq!(mbuf.append(&[2; 41]), Err(NoRoom));
    mbuf.append(&[2; 40]).unwrap();
    assert_eq!(mbuf.packet_len(), 100);
    assert_eq!(mbuf.data()[59..61], [1, 2]);
    assert_eq!(mbuf.rss_hash(), None);
}

#[test]
fn a_chain_is_one_packet() {
    let pool = pool(7, 100);
    let mut mbuf = packet(pool, b"one ");
    mbuf.chain(packet(pool, b"two ")).unwrap();
    mbuf.chain(packet(pool, b"three")).unwrap();
    assert!(!mbuf.is_contiguous());
    assert_eq!(mbuf.append(b"x"), Err(NoRoom));
    assert_eq!(mbuf.data(), b"one ");
    let mut copy = Vec::new();
    mbuf.copy_to(&mut copy);
    assert_eq!(copy, b"one two three");
    assert_eq!(mbuf.packet_len(), copy.len());
    assert_eq!(pool.in_use(), 3);
    drop(mbuf);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn an_array_gives_back_what_is_left_in_it() {
    let pool = pool(31, 64);
    let mut array = MbufArray::<16>::new();
    for number in 0..10 {
        array.push(packet(pool, &[number])).unwrap();
    }
    // The first two are taken, the others dropped with the drain.
    let taken: Vec<_> = array.drain().take(2).collect();
    assert!(array.is_empty());
    assert_eq!(taken.iter().map(|mbuf| mbuf.data()[0]).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(pool.in_use(), 2);
    array.push(packet(pool, &[3])).unwrap();
    drop((array, taken));
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_time_stamp_stays_with_its_packet() {
    let stamps = Timestamps::register(eal()).unwrap();
    let mut array = MbufArray::<2>::new();
    array.push(packet(pool(7, 64), b"x")).unwrap();
    assert_eq!(stamps.of(&array[0]), None);
    stamps.set(&mut array[0], 1_700_000_000_000_000_001);
    let (mut producer, mut consumer) = ring(eal(), 1, None).unwrap();
    producer.enqueue(&mut array);
    consumer.dequeue(&mut array);
    assert_eq!(stamps.of(&array[0]), Some(1_700_000_000_000_000_001));
}

#[test]
fn a_full_ring_leaves_the_rest_in_the_array() {
    let pool = pool(63, 64);
    let (mut producer, mut consumer) = ring(eal(), 20, None).unwrap();
    let mut array = MbufArray::<40>::new();
    for number in 0..40 {
        array.push(packet(pool, &[number])).unwrap();
    }
    // Room is rounded up to one less than a power of two.
    assert_eq!(producer.enqueue(&mut array), 31);
    assert_eq!((producer.len(), array.len(), array[0].data()), (31, 9, &[31_u8][..]));
    let mut out = MbufArray::<8>::new();
    assert_eq!(consumer.dequeue(&mut out), 8);
    assert_eq!(consumer.dequeue(&mut out), 0);
    assert_eq!(out[7].data(), [7]);
    assert_eq!(producer.enqueue(&mut array), 8);
    drop((array, out));
    assert_eq!(pool.in_use(), 31);
    drop((producer, consumer));
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn packets_pass_between_threads_in_order_and_none_is_lost() {
    const PACKETS: u32 = 100_000;
    let pool = pool(1023, 64);
    let (mut producer, mut consumer) = ring(eal(), 255, None).unwrap();
    let sender = lcore::spawn(eal(), "sender", Vec::new(), move |_| {
        let mut array = MbufArray::<32>::new();
        let mut next = 0_u32;
        while next < PACKETS || !array.is_empty() {
            while next < PACKETS
                && !array.is_full()
                && let Some(mut mbuf) = pool.alloc()
            {
                mbuf.append(&next.to_le_bytes()).unwrap();
                array.push(mbuf).unwrap();
                next += 1;
            }
            producer.enqueue(&mut array);
        }
    })
    .unwrap();
    let receiver = lcore::spawn(eal(), "receiver", Vec::new(), move |_| {
        let mut array = MbufArray::<32>::new();
        let mut next = 0_u32;
        while next < PACKETS {
            consumer.dequeue(&mut array);
            for mbuf in array.drain() {
                assert_eq!(mbuf.data(), next.to_le_bytes());
                next += 1;
            }
        }
    })
    .unwrap();
    sender.join().unwrap().unwrap();
    receiver.join().unwrap().unwrap();
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_thread_runs_where_it_is_pinned_and_is_known_to_dpdk() {
    let cpu = lcore::affinity().unwrap()[0];
    let thread = lcore::spawn(eal(), "pinned", vec![cpu], |registration| {
        assert!(matches!(lcore::Registration::new(eal()), Err(LcoreError::Registered)));
        (registration.lcore(), lcore::affinity().unwrap())
    });
    let (lcore, cpus) = thread.unwrap().join().unwrap().unwrap();
    assert_ne!(lcore, u32::MAX);
    assert_eq!(cpus, [cpu]);
    // The environment left the other threads on all CPUs.
    let cpus = std::thread::spawn(lcore::affinity).join().unwrap().unwrap();
    assert_eq!(cpus.len(), std::thread::available_parallelism().unwrap().get());
}

#[test]
fn a_cpu_that_does_not_exist_is_an_error() {
    let thread = lcore::spawn(eal(), "nowhere", vec![1023], |_| ()).unwrap();
    let error = thread.join().unwrap().unwrap_err();
    assert!(error.to_string().starts_with("this thread can not be pinned to CPU 1023"), "{error}");
}

#[test]
fn preloaded_packets_come_again_in_order_and_as_they_were_left() {
    let packets: Vec<Vec<u8>> = (1..=100_u8).map(|number| vec![number; usize::from(number)]).collect();
    let mut pool = PreloadedPool::new(eal(), &packets, None).unwrap();
    let mut burst = MbufArray::<50>::new();
    for lap in 0..3_u8 {
        for part in packets.chunks(50) {
            assert_eq!(pool.take(&mut burst), 50);
            for (mbuf, expected) in burst.iter_mut().zip(part) {
                assert_eq!((mbuf.packet_len(), mbuf.is_contiguous()), (expected.len(), true));
                assert_eq!(mbuf.data()[0], expected[0] ^ lap);
                assert_eq!(mbuf.data()[1..], expected[1..]);
                mbuf.data_mut()[0] = expected[0] ^ (lap + 1);
            }
            burst.clear();
        }
    }
}

#[test]
fn preloaded_packets_that_are_not_back_can_not_be_taken() {
    let mut pool = PreloadedPool::new(eal(), &[[0_u8; 60]; 10], None).unwrap();
    let (mut first, mut second) = (MbufArray::<6>::new(), MbufArray::<6>::new());
    assert_eq!((pool.take(&mut first), pool.take(&mut second)), (6, 4));
    assert_eq!(pool.take(&mut second), 0);
    first.clear();
    assert_eq!(pool.take(&mut second), 2);
}

#[test]
fn a_preloaded_pool_needs_packets() {
    assert!(PreloadedPool::new(eal(), &[[0_u8; 0]; 0], None).is_err());
}

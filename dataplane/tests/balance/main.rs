//! Skewed traffic through receivers, rings and workers: buckets move until the workers are even, and the records are
//! those of one worker that sees everything.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod traffic;

use std::time::{Duration, Instant};

use baleen_dataplane::BURST;
use baleen_dataplane::balance::{Move, Settings};
use bench::{Bench, RECEIVERS, Records, WORKERS, assert_same, expected};
use traffic::{Random, bucket_of, imbalance, skewed_traffic, tcp};

fn settings() -> Settings {
    Settings { interval: Duration::from_millis(100), ..Settings::default() }
}

/// One thread that gives everybody their turn in random order: the same each time.
fn in_random_order(name: &str, seed: u64, packets: usize) {
    let (traffic, uneven) = skewed_traffic(packets, seed);
    assert!(uneven >= 1.6, "{uneven}");
    let mut bench = Bench::new(name, settings());
    let (mut random, mut records) = (Random(seed), Records::new());
    let start = Instant::now();
    let mut steps = 0;
    let mut next = traffic.iter();
    let mut before_last_part = None;
    loop {
        if bench.fed as usize * 3 > packets * 2 && before_last_part.is_none() {
            before_last_part = Some(bench.analyzed());
        }
        match random.below(RECEIVERS + WORKERS + 2) {
            0 => {
                if bench.fed - bench.analyzed().iter().sum::<u64>() < 900 {
                    let Some(packet) = next.next() else { break };
                    bench.feed(packet);
                    for packet in next.by_ref().take(random.below(BURST)) {
                        bench.feed(packet);
                    }
                }
            }
            1 => {
                // A hundred steps are a millisecond, whatever the clock says.
                bench.balancer.step(start + Duration::from_micros(10 * steps));
                bench.take_records(&mut records);
            }
            number if number < 2 + RECEIVERS => _ = bench.receivers[number - 2].poll(),
            number => _ = bench.workers[number - 2 - RECEIVERS].round(),
        }
        steps += 1;
    }
    for _ in 0..100 {
        bench.receivers.iter_mut().for_each(|receiver| _ = receiver.poll());
        bench.workers.iter_mut().for_each(|worker| _ = worker.round());
    }
    let before = before_last_part.unwrap();
    let shares: Vec<u64> = bench.analyzed().iter().zip(&before).map(|(end, start)| end - start).collect();
    let (flows, parked, report) = (bench.flows_moved(), bench.parked(), bench.balancer.report().clone());
    let books = bench.finish(&mut records);
    println!(
        "{name}: {uneven:.2} became {:.2}; {flows} flows, {parked} packets parked, {report:?}",
        imbalance(&shares)
    );
    assert_eq!(
        (books.received, books.analyzed, books.under_way()),
        (packets as u64, packets as u64, 0),
        "{books:?}"
    );
    assert!(report.moves > 0 && flows > 0 && parked > 0, "{report:?}");
    assert!(imbalance(&shares) <= 1.15, "{shares:?}");
    assert_same(&records, &expected(&traffic));
}

#[test]
fn skewed_traffic_becomes_even_and_no_flow_is_split() {
    for seed in 1..=3 {
        in_random_order(&format!("even{seed}-"), seed, 60_000);
    }
}

#[test]
fn threads_even_skewed_traffic_out_and_split_no_flow() {
    const PACKETS: usize = 200_000;
    let (traffic, uneven) = skewed_traffic(PACKETS, 9);
    assert!(uneven >= 1.6, "{uneven}");
    let mut bench = Bench::new("threads", settings());
    let mut before = Vec::new();
    let records = bench.through_threads(
        &traffic,
        |bench, _| bench.balancer.step(Instant::now()),
        |bench, number| {
            if number == PACKETS * 2 / 3 {
                before = bench.analyzed();
            }
        },
    );
    let shares: Vec<u64> = bench.analyzed().iter().zip(&before).map(|(end, start)| end - start).collect();
    let (report, books) = (bench.balancer.report(), bench.books());
    println!(
        "threads: {uneven:.2} became {:.2}; {} flows, {} packets parked, {report:?}",
        imbalance(&shares),
        bench.flows_moved(),
        bench.parked()
    );
    assert_eq!((books.analyzed, books.under_way()), (PACKETS as u64, 0), "{books:?}");
    assert!(report.moves > 0 && bench.flows_moved() > 0, "{report:?}");
    assert!(imbalance(&shares) <= 1.15, "{shares:?}");
    assert_same(&records, &expected(&traffic));
}

/// As fast as they can be, from anywhere to anywhere.
#[test]
fn buckets_that_move_all_the_time_split_no_flow() {
    const PACKETS: usize = 100_000;
    let (traffic, _) = skewed_traffic(PACKETS, 5);
    let mut bench = Bench::new("always", settings());
    let mut random = Random(5);
    let mut moves = 0;
    let churn = |bench: &mut Bench, near: usize| {
        if bench.handover.is_done() {
            // Buckets that have something to move: they have had packets, or soon will.
            let some: Vec<Move> = (0..=random.below(24))
                .map(|_| {
                    let packet = &traffic[(near + random.below(2000)).min(PACKETS - 1)];
                    Move { bucket: packet.bucket, to: random.below(WORKERS) as u16 }
                })
                .collect();
            moves += bench.handover.begin(&some);
        }
    };
    let records = bench.through_threads(&traffic, churn, |_, _| ());
    let books = bench.books();
    println!("always: {moves} moves of {} flows, {} packets parked", bench.flows_moved(), bench.parked());
    assert_eq!((books.analyzed, books.under_way()), (PACKETS as u64, 0), "{books:?}");
    assert!(moves > 100 && bench.flows_moved() > 100, "{moves}");
    assert_same(&records, &expected(&traffic));
}

#[test]
fn an_elephant_has_a_worker_for_itself() {
    const PACKETS: usize = 60_000;
    let (mut traffic, _) = skewed_traffic(PACKETS, 4);
    // Three packets in five become those of one pair of hosts.
    let (client, server) = (([10, 9, 9, 9], 4000), ([192, 0, 2, 1], 5000));
    let elephant = bucket_of(&tcp(client, server, 0, 0, 0x10, b""));
    let mut sequence = 1;
    for (number, packet) in traffic.iter_mut().enumerate() {
        if number % 5 < 3 {
            packet.data = tcp(client, server, sequence, 1, 0x10, b"0123456789");
            packet.bucket = elephant;
            packet.receiver = 0;
            sequence += 10;
        }
    }
    let mut bench = Bench::new("elephant", settings());
    let mut records = Records::new();
    let start = Instant::now();
    for (number, packets) in traffic.chunks(BURST).enumerate() {
        for packet in packets {
            bench.feed(packet);
        }
        for _ in 0..3 {
            bench.receivers.iter_mut().for_each(|receiver| _ = receiver.poll());
            bench.workers.iter_mut().for_each(|worker| _ = worker.round());
            bench.balancer.step(start + Duration::from_millis(number as u64));
        }
        bench.take_records(&mut records);
    }
    let table = bench.handover.table();
    let home = table.worker(usize::from(elephant));
    assert_eq!(home, usize::from(elephant) % WORKERS, "the elephant has moved");
    // What still is there beside it is next to nothing.
    let last = &traffic[PACKETS * 9 / 10..];
    let beside = last
        .iter()
        .filter(|packet| packet.bucket != elephant && table.worker(usize::from(packet.bucket)) == home);
    let beside = beside.count();
    let report = bench.balancer.report().clone();
    println!("elephant: {beside} of {} packets beside it; {report:?}", last.len());
    assert_eq!(report.elephants, 1);
    assert!(beside * 50 < last.len(), "{beside} of {}", last.len());
    bench.finish(&mut records);
    assert_same(&records, &expected(&traffic));
}

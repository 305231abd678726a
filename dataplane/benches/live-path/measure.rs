//! Laps of a capture through all stages in turn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use baleen_dataplane::balance::FullRing;
use baleen_dataplane::poll::{Input, WorkerInput};
use baleen_dataplane::stats::ReceiveCounters;
use baleen_perf::cpu;
use dpdk::{DEFAULT_DATA_ROOM, Eal, Mempool, Port, PortConfig, Timestamps, lcore, ring};
use serde::Serialize;

use crate::capture::Capture;
use crate::source::Source;
use crate::stage::{Consumer, Records, Stage};

/// Buffers of the pool that a port wants to have, and never takes from here.
const SPARE_BUFFERS: u32 = 63;

/// What is measured how often.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Settings {
    /// Laps that count, of each stage.
    pub(crate) laps: u16,
    /// Laps before.
    pub(crate) warm_up: u16,
    /// Packet time between two laps, in seconds.
    pub(crate) pause: u32,
    /// Packets in a ring.
    pub(crate) ring: u32,
    /// Whether digests of files are computed.
    pub(crate) hash_files: bool,
}

/// What was measured with one capture.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) capture: String,
    /// Packets of a lap.
    pub(crate) packets: u64,
    /// Octets of a lap.
    pub(crate) octets: u64,
    /// Ticks of the time stamp counter in a second.
    pub(crate) ticks_per_second: f64,
    pub(crate) stages: Vec<StageLaps>,
}

/// What was measured of one stage.
#[derive(Debug, Serialize)]
pub(crate) struct StageLaps {
    pub(crate) stage: Stage,
    /// CPU time of each lap, in nanoseconds a packet.
    pub(crate) ns_per_packet: Vec<f64>,
    /// Connections in the table after the last lap.
    pub(crate) connections: Option<u64>,
    /// Records of all laps that count.
    pub(crate) records: Records,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MeasureError {
    /// Packets are gone, or records.
    #[error("{what} lost: {count}; the measurement is worth nothing")]
    Lost { what: &'static str, count: u64 },
}

/// Measures one capture.
pub(crate) fn run(
    eal: Eal,
    capture: &Capture,
    settings: Settings,
) -> Result<Measured, Box<dyn std::error::Error>> {
    let mut source = Source::new(eal, capture, settings.pause)?;
    let (producers, consumers): (Vec<_>, Vec<_>) = Stage::ALL
        .iter()
        .map(|_| ring(eal, settings.ring, None))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .unzip();
    // A queue for each stage.
    let port = Port::from_rings(eal, "preloaded", consumers)?;
    let pool = Mempool::new(eal, SPARE_BUFFERS, DEFAULT_DATA_ROOM, None)?;
    let config = PortConfig { rx_queues: Stage::ALL.len() as u16, ..PortConfig::default() };
    let queues = port.start(&config, pool)?;
    let stamps = Timestamps::register(eal)?;
    let mut lanes: Vec<_> = Stage::ALL
        .into_iter()
        .zip(producers)
        .zip(queues.rx)
        .map(|((stage, ring), queue)| {
            let input = Input {
                queue,
                clock: source.clock(),
                full_ring: FullRing::Drop,
                counters: Arc::<ReceiveCounters>::default(),
            };
            let input = WorkerInput::new(vec![input], Vec::new(), stamps);
            let consumer = Consumer::new(stage, input, settings.hash_files);
            let laps = StageLaps {
                stage,
                ns_per_packet: Vec::new(),
                connections: None,
                records: Records::default(),
            };
            (ring, consumer, laps)
        })
        .collect();

    let (start, first_tick) = (Instant::now(), lcore::ticks());
    for lap in 0..settings.warm_up.saturating_add(settings.laps) {
        for (ring, consumer, measured) in &mut lanes {
            let mut lap_time = Duration::ZERO;
            let mut left = source.len();
            while left > 0 {
                let fed = source.feed(ring, lap, left.min(settings.ring as usize))?;
                if fed == 0 {
                    return Err(MeasureError::Lost { what: "packets", count: left as u64 }.into());
                }
                left -= fed;
                let mut received = 0;
                let before = cpu::thread()?;
                while received < fed {
                    received += consumer.round();
                }
                lap_time += cpu::thread()?.saturating_sub(before);
                let records = consumer.take_records();
                if lap >= settings.warm_up {
                    measured.records.count += records.count;
                    measured.records.octets += records.octets;
                }
            }
            if lap >= settings.warm_up {
                measured.ns_per_packet.push(lap_time.as_secs_f64() * 1e9 / source.len() as f64);
            }
        }
    }
    let ticks = lcore::ticks().wrapping_sub(first_tick);
    let ticks_per_second = ticks as f64 / start.elapsed().as_secs_f64();
    for (_, consumer, measured) in &mut lanes {
        measured.connections = consumer.connections();
        match consumer.lost_records() {
            0 => {}
            count => return Err(MeasureError::Lost { what: "records", count }.into()),
        }
    }
    Ok(Measured {
        capture: capture.name.clone(),
        packets: source.len() as u64,
        octets: capture.octets(),
        ticks_per_second,
        stages: lanes.into_iter().map(|(_, _, laps)| laps).collect(),
    })
}

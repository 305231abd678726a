//! Merges flows in time order: the heart of the generator.
//!
//! Memory is bounded by the flows that are open at a time, some 300 octets each and what their applications chose to
//! say; nothing is kept of a flow that has ended.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fmt;
use std::path::PathBuf;

use record::Time;

use super::addresses::Addresses;
use super::application::Models;
use super::catalogue::Catalogue;
use super::conditions::{Conditions, Fate};
use super::filler::Filler;
use super::flow::{Flow, Start};
use super::frame::{FrameBuilder, frame_octets};
use super::mix::{Mix, Pace};
use super::random::Random;
use super::template::{self, ProfileError};

/// When captures begin: 2027-01-15, in nanoseconds since the epoch.
const BEGIN: u64 = 1_800_000_000_000_000_000;
/// Octets of the header of a packet in a capture file.
const RECORD_HEADER: u64 = 16;
/// Draws for a flow that fits into what is left, before it is said that none does.
const DRAWS: usize = 64;
/// Draws and packets of the sample that tells how large flows are.
const SAMPLE: (u64, u64) = (4_096, 4_000_000);
/// Seconds that a template lasts at most unless told otherwise.
pub(crate) const LONGEST: f64 = 2.0;
/// Scanners.
const SCANNERS: u32 = 32;

/// How much traffic. Flows are whole, so that a size or number of packets is met as nearly as flows fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// Octets of the capture file.
    Octets(u64),
    /// Packets.
    Packets(u64),
    /// Flows.
    Flows(u64),
}

/// What to generate.
#[derive(Debug, Clone)]
pub struct Options {
    /// The mix.
    pub mix: &'static Mix,
    /// How much, before capture loss.
    pub amount: Amount,
    /// The same seed gives the same octets.
    pub seed: u64,
    /// Templates instead of the mix's models: a directory of captures or a profile.
    pub templates: Option<PathBuf>,
    /// Seconds that a template lasts at most: longer ones are told faster.
    pub longest: f64,
    /// How fast; none: as the mix, or the profile of templates, says.
    pub pace: Option<Pace>,
    /// Share of packets that are not in the capture, from 0 to 1.
    pub loss: f64,
    /// Share of packets that are captured late, from 0 to 1.
    pub reorder: f64,
    /// Share of unanswered SYNs to add, from 0 to below 1.
    pub unanswered: f64,
    /// VLAN of all frames.
    pub vlan: Option<u16>,
    /// Share of IPv6; none: the mix's.
    pub ipv6: Option<f64>,
    /// Clients that talk at a time; none: the mix's.
    pub clients: Option<u32>,
}

impl Options {
    /// A mix with a seed, as it is.
    pub fn new(mix: &'static Mix, amount: Amount, seed: u64) -> Self {
        Self {
            mix,
            amount,
            seed,
            templates: None,
            longest: LONGEST,
            pace: None,
            loss: 0.0,
            reorder: 0.0,
            unanswered: 0.0,
            vlan: None,
            ipv6: None,
            clients: None,
        }
    }
}

/// What flows add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Planned {
    flows: u64,
    packets: u64,
    /// Octets of frames.
    octets: u64,
}

impl Planned {
    fn add(&mut self, starts: &[Start], vlan: bool) {
        for start in starts {
            self.flows += 1;
            start.content.size(start.assignment.ends.ip_header(), |ip| {
                self.packets += 1;
                self.octets += u64::from(frame_octets(ip, vlan));
            });
        }
    }

    /// How much of the amount it is, and how much there may be.
    fn of(self, amount: Amount) -> (u64, u64) {
        match amount {
            Amount::Octets(octets) => (self.octets + self.packets * RECORD_HEADER, octets),
            Amount::Packets(packets) => (self.packets, packets),
            Amount::Flows(flows) => (self.flows, flows),
        }
    }
}

/// A generator of frames in time order.
///
/// ```
/// use baleen_perf::generate::{Amount, Generator, Mix, Options};
///
/// let mix = Mix::named("campus").unwrap();
/// let mut generator = Generator::new(&Options::new(mix, Amount::Packets(1_000), 1)).unwrap();
/// let mut octets = 0;
/// while let Some((_time, frame)) = generator.next_frame() {
///     octets += frame.len();
/// }
/// assert!(octets > 60_000);
/// ```
pub struct Generator {
    random: Random,
    addresses: Addresses,
    models: Models,
    catalogue: Catalogue,
    filler: Filler,
    frame: FrameBuilder,
    conditions: Conditions,
    amount: Amount,
    vlan: bool,
    planned: Planned,
    /// Mean time between arrivals, in nanoseconds.
    interval: f64,
    /// Time of the next arrival, in nanoseconds since the begin; none when all flows have begun.
    arrival: Option<f64>,
    /// Flows of templates that begin later than the first.
    waiting: BinaryHeap<Reverse<Waiting>>,
    starts: Vec<Start>,
    flows: Vec<Option<Flow>>,
    free: Vec<u32>,
    /// Times of the flows' next packets.
    queue: BinaryHeap<Reverse<(u64, u32)>>,
    /// Frames that are captured late.
    delayed: BinaryHeap<Reverse<Late>>,
    number: u64,
    ended: Vec<Flow>,
    late: Box<[u8]>,
}

impl fmt::Debug for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generator")
            .field("amount", &self.amount)
            .field("planned", &self.planned)
            .field("open", &self.queue.len())
            .finish_non_exhaustive()
    }
}

/// A frame that is captured late: when, a number that tells those of one time apart, and its octets.
type Late = (u64, u64, Box<[u8]>);

/// A flow that begins at a time.
#[derive(Debug)]
struct Waiting {
    time: u64,
    number: u64,
    start: Start,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.time, self.number).cmp(&(other.time, other.number))
    }
}

/// What comes next in time.
enum Event {
    Arrival,
    Start,
    Packet,
    Late,
}

impl Generator {
    /// Reads templates and measures how large flows are.
    pub fn new(options: &Options) -> Result<Self, ProfileError> {
        let (mut catalogue, profile_pace) = match &options.templates {
            Some(path) => {
                let (templates, per_second) = template::load(path, (options.longest * 1e9) as u64)?;
                (Catalogue::of_templates(templates), per_second.map(Pace::Flows))
            }
            None => (Catalogue::of_applications(options.mix.entries()), None),
        };
        catalogue.add_unanswered(options.unanswered);
        let vlan = options.vlan.is_some();
        let clients = options.clients.unwrap_or(options.mix.clients);
        let ipv6 = options.ipv6.unwrap_or(options.mix.ipv6);
        let pace = options.pace.or(profile_pace).unwrap_or(options.mix.pace);
        let means = means(&catalogue, options.seed, Addresses::new(clients, SCANNERS, ipv6), vlan);
        let arrivals = expected_arrivals(means, options.amount);
        let interval = 1e9
            * match pace {
                Pace::Flows(flows) => means.flows / flows,
                Pace::Bits(bits) => means.octets * 8.0 / bits,
                Pace::Within(seconds) => seconds / arrivals,
            };
        // Idle flows speak again when the last has begun, with room for chance.
        let silence = arrivals * interval * 1.1 + 1e8;
        Ok(Self {
            random: Random::new(options.seed),
            addresses: Addresses::new(clients, SCANNERS, ipv6),
            models: Models::new(silence as u64),
            catalogue,
            filler: Filler::new(),
            frame: FrameBuilder::new(options.vlan),
            conditions: Conditions::new(options.seed, options.loss, options.reorder),
            amount: options.amount,
            vlan,
            planned: Planned::default(),
            interval,
            arrival: Some(0.0),
            waiting: BinaryHeap::new(),
            starts: Vec::new(),
            flows: Vec::new(),
            free: Vec::new(),
            queue: BinaryHeap::new(),
            delayed: BinaryHeap::new(),
            number: 0,
            ended: Vec::new(),
            late: Box::default(),
        })
    }

    /// The next frame and its time of capture; none at the end. Times never go back.
    pub fn next_frame(&mut self) -> Option<(Time, &[u8])> {
        self.ended.clear();
        loop {
            match self.next_event()? {
                Event::Arrival => self.arrive(),
                Event::Start => {
                    if let Some(Reverse(Waiting { time, start, .. })) = self.waiting.pop() {
                        self.begin(time, start);
                    }
                }
                Event::Late => {
                    let Reverse((time, _, frame)) = self.delayed.pop()?;
                    self.late = frame;
                    return Some((Time(time), &self.late));
                }
                Event::Packet => {
                    if let Some(time) = self.packet() {
                        return Some((Time(time), self.frame.octets()));
                    }
                }
            }
        }
    }

    /// All frames with their times, as values.
    pub fn frames(mut self) -> impl Iterator<Item = (Time, Box<[u8]>)> {
        std::iter::from_fn(move || self.next_frame().map(|(time, frame)| (time, Box::from(frame))))
    }

    /// Flows whose last packet was sent since the last call of [`Self::next_frame`] before the latest.
    pub(crate) fn ended(&self) -> &[Flow] {
        &self.ended
    }

    fn next_event(&self) -> Option<Event> {
        let arrival = self.arrival.map(|time| (BEGIN + time as u64, Event::Arrival));
        let start = self.waiting.peek().map(|Reverse(waiting)| (waiting.time, Event::Start));
        let packet = self.queue.peek().map(|Reverse((time, _))| (*time, Event::Packet));
        let late = self.delayed.peek().map(|Reverse((time, ..))| (*time, Event::Late));
        let first = [arrival, start, packet, late].into_iter().flatten().min_by_key(|(time, _)| *time);
        first.map(|(_, event)| event)
    }

    /// Begins what is drawn from the catalogue, unless there is enough.
    fn arrive(&mut self) {
        let Some(offset) = self.arrival else { return };
        let mut starts = std::mem::take(&mut self.starts);
        let (have, most) = self.planned.of(self.amount);
        // A thousandth too much is near enough.
        let most_with_slack = most + most / 1000;
        let mut fits = false;
        for _ in 0..DRAWS {
            if fits || have >= most {
                break;
            }
            starts.clear();
            self.catalogue.draw(&mut self.random, &mut self.addresses, &self.models, &mut starts);
            let mut planned = self.planned;
            planned.add(&starts, self.vlan);
            fits = planned.of(self.amount).0 <= most_with_slack || self.planned.flows == 0;
            if fits {
                self.planned = planned;
            }
        }
        if fits {
            let now = BEGIN + offset as u64;
            for start in starts.drain(..) {
                if start.after == 0 {
                    self.begin(now, start);
                } else {
                    self.number += 1;
                    let (time, number) = (now.saturating_add(start.after), self.number);
                    self.waiting.push(Reverse(Waiting { time, number, start }));
                }
            }
            self.arrival = Some(offset + self.random.exponential(self.interval));
        } else {
            self.arrival = None;
        }
        self.starts = starts;
    }

    fn begin(&mut self, time: u64, start: Start) {
        let Some(gap) = start.content.gap() else { return };
        let time = time + gap;
        let flow = Flow::new(start.assignment.ends, start.content, time, &mut self.random);
        let slot = match self.free.pop() {
            Some(slot) => {
                if let Some(place) = self.flows.get_mut(slot as usize) {
                    *place = Some(flow);
                }
                slot
            }
            None => {
                self.flows.push(Some(flow));
                (self.flows.len() - 1) as u32
            }
        };
        self.queue.push(Reverse((time, slot)));
    }

    /// Sends the next packet: its time if it is captured at once.
    fn packet(&mut self) -> Option<u64> {
        let mut head = self.queue.peek_mut()?;
        let Reverse((time, slot)) = *head;
        let place = self.flows.get_mut(slot as usize);
        let Some(flow) = place else {
            PeekMut::pop(head);
            return None;
        };
        let mut seen = None;
        let mut next = None;
        if let Some(live) = flow
            && let Some(built) = live.build(time, &self.filler, &mut self.frame)
        {
            self.frame.finish();
            let captured = match self.conditions.fate() {
                Fate::Lost => None,
                Fate::Seen => {
                    seen = Some(time);
                    seen
                }
                Fate::Delayed(by) => {
                    self.number += 1;
                    let frame = Box::from(self.frame.octets());
                    self.delayed.push(Reverse((time + by, self.number, frame)));
                    Some(time + by)
                }
            };
            live.tally.add(built.side, built.ip, built.payload, captured);
            next = live.content.gap().map(|gap| time.saturating_add(gap));
        }
        match next {
            Some(next) => *head = Reverse((next, slot)),
            None => {
                PeekMut::pop(head);
                self.ended.extend(flow.take());
                self.free.push(slot);
            }
        }
        seen
    }
}

/// Means of what arrives at once.
#[derive(Debug, Clone, Copy)]
struct Means {
    flows: f64,
    packets: f64,
    octets: f64,
}

/// Draws a sample.
fn means(catalogue: &Catalogue, seed: u64, mut addresses: Addresses, vlan: bool) -> Means {
    let mut random = Random::new(seed.rotate_left(32) ^ 1);
    let models = Models::new(0);
    let mut planned = Planned::default();
    let mut starts = Vec::new();
    let mut draws = 0;
    while draws < SAMPLE.0 && planned.packets < SAMPLE.1 {
        starts.clear();
        catalogue.draw(&mut random, &mut addresses, &models, &mut starts);
        planned.add(&starts, vlan);
        draws += 1;
    }
    let mean = |sum: u64| sum.max(1) as f64 / draws as f64;
    Means { flows: mean(planned.flows), packets: mean(planned.packets), octets: mean(planned.octets) }
}

/// How many arrivals make the amount.
fn expected_arrivals(means: Means, amount: Amount) -> f64 {
    let arrivals = match amount {
        Amount::Octets(octets) => octets as f64 / (means.octets + means.packets * RECORD_HEADER as f64),
        Amount::Packets(packets) => packets as f64 / means.packets,
        Amount::Flows(flows) => flows as f64 / means.flows,
    };
    arrivals.max(1.0)
}

//! Elephants that ports drop and count by themselves: from the workers' wishes to rules in ports, and back with the
//! counts.
//!
//! Workers put wishes into bounded queues and take reports out of others; all calls of drivers are made by the
//! housekeeping thread, in [`Offloader::round`]. Ports count on while a flow lives: the difference since the last look
//! goes to the flow's worker, every [`PERIOD`] and when the rule is removed, so that the flow lives on and its record has
//! everything. A rule goes when its direction ends (FIN, RST), when the flow is removed, when nothing has met it for
//! [`IDLE`], and at the end of the process.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use dpdk::{DropMatch, DropTransport, FlowRule, FlowRuleError, Port, RuleCount};
use record::{Endpoints, Interval, Proto, Time, Uid};
use worker::{OffloadAction, OffloadReport, OffloadRequest, Offloaded};

use crate::stats::Counter;

/// How often ports are asked what they counted.
const PERIOD: Interval = Interval::from_secs(1);
/// A rule that nothing meets for so long is removed: it may be wanted for another flow.
const IDLE: Interval = Interval::from_secs(30);
/// Wishes of one worker on their way.
const WISHES: usize = 256;
/// Reports to one worker on their way.
const REPORTS: usize = 1024;
/// Wishes of one worker that are dealt with in one round, since each may take a driver milliseconds.
const PER_ROUND: usize = 32;

/// The queues between a worker and whoever makes rules.
#[derive(Debug)]
pub struct OffloadLink {
    wishes: ArrayQueue<OffloadRequest>,
    reports: ArrayQueue<OffloadReport>,
    /// Reports of which the connection was gone. Written by the worker.
    pub gone: Counter,
}

impl Default for OffloadLink {
    fn default() -> Self {
        Self { wishes: ArrayQueue::new(WISHES), reports: ArrayQueue::new(REPORTS), gone: Counter::default() }
    }
}

impl OffloadLink {
    /// Passes on what the worker wishes; by the worker. What finds no room waits with it.
    pub fn ask(&self, worker: &mut worker::Worker) {
        worker.take_offload_requests(|request| self.wishes.push(request).is_ok());
    }

    /// Tells the worker what became of its wishes; by the worker.
    pub fn tell(&self, worker: &mut worker::Worker) {
        while let Some(report) = self.reports.pop() {
            if !worker.offloaded(&report) {
                self.gone.add(1);
            }
        }
    }
}

/// Why there is no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No port takes such rules.
    Unsupported,
    /// There is no room for more.
    Full,
    /// Something else, which was logged.
    Failed,
}

/// What makes rules: the ports, or in tests what takes their place, since no driver for machines without such a card
/// carries rules out.
pub trait RuleEngine {
    /// A rule that was made.
    type Rule;

    /// Has the packets dropped and counted.
    fn install(&mut self, packets: &DropMatch) -> Result<Self::Rule, Refusal>;
    /// What the rule counted so far; `None` when it does not tell.
    fn count(&mut self, rule: &mut Self::Rule) -> Option<RuleCount>;
    /// Removes the rule; what it counted in all.
    fn remove(&mut self, rule: Self::Rule) -> Option<RuleCount>;
}

/// Which direction of which connection.
type Key = (Uid, Endpoints);

struct Installed<R> {
    rule: R,
    worker: usize,
    request: OffloadRequest,
    /// As last told to the worker.
    told: RuleCount,
    /// When it last counted something.
    met: Time,
}

/// What was made of the workers' wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OffloadCounters {
    /// Rules at present.
    pub active: u64,
    /// Rules made.
    pub begun: u64,
    /// Wishes refused since no port takes such rules.
    pub unsupported: u64,
    /// Wishes refused since ports, or the configured number of rules, were full.
    pub full: u64,
    /// Wishes refused for something else.
    pub failed: u64,
    /// Packets that rules dropped, as far as known.
    pub packets: u64,
}

/// Makes rules for elephants and brings their counts back.
pub struct Offloader<E: RuleEngine> {
    engine: E,
    links: Vec<Arc<OffloadLink>>,
    rules: HashMap<Key, Installed<E::Rule>>,
    /// Reports for which a worker's queue had no room.
    late: Vec<(usize, OffloadReport)>,
    max_rules: usize,
    looked: Time,
    counters: OffloadCounters,
}

impl<E: RuleEngine> std::fmt::Debug for Offloader<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Offloader").field("counters", &self.counters).finish_non_exhaustive()
    }
}

impl<E: RuleEngine> Offloader<E> {
    /// For workers with these queues; has at most `max_rules` rules at a time.
    pub fn new(engine: E, links: Vec<Arc<OffloadLink>>, max_rules: usize) -> Self {
        let (rules, late) = (HashMap::new(), Vec::new());
        Self { engine, links, rules, late, max_rules, looked: Time(0), counters: OffloadCounters::default() }
    }

    /// What was done so far.
    pub fn counters(&self) -> OffloadCounters {
        OffloadCounters { active: self.rules.len() as u64, ..self.counters }
    }

    /// What makes the rules.
    pub fn engine(&self) -> &E {
        &self.engine
    }

    /// Deals with wishes, and brings counts to the workers when it is time.
    pub fn round(&mut self, now: Time) {
        let Self { late, links, .. } = self;
        late.retain(|(worker, report)| !push(links, *worker, *report));
        for worker in 0..self.links.len() {
            for _ in 0..PER_ROUND {
                let Some(request) = self.links.get(worker).and_then(|link| link.wishes.pop()) else { break };
                match request.action {
                    OffloadAction::Begin => self.begin(worker, request, now),
                    OffloadAction::End => self.end((request.uid, request.ends), now),
                }
            }
        }
        if now.since(self.looked) >= PERIOD {
            self.looked = now;
            self.look(now);
        }
    }

    /// Removes all rules and tells the workers their counts.
    pub fn end_all(&mut self, now: Time) {
        let keys: Vec<Key> = self.rules.keys().copied().collect();
        for key in keys {
            self.end(key, now);
        }
        let Self { late, links, .. } = self;
        late.retain(|(worker, report)| !push(links, *worker, *report));
    }

    /// Whether the workers have been told everything.
    pub fn has_told_all(&self) -> bool {
        self.late.is_empty()
    }

    fn begin(&mut self, worker: usize, request: OffloadRequest, now: Time) {
        let key = (request.uid, request.ends);
        if self.rules.contains_key(&key) {
            return;
        }
        let made = if self.rules.len() >= self.max_rules {
            Err(Refusal::Full)
        } else {
            packets(&request).ok_or(Refusal::Failed).and_then(|packets| self.engine.install(&packets))
        };
        match made {
            Ok(rule) => {
                self.counters.begun += 1;
                let told = RuleCount::default();
                self.rules.insert(key, Installed { rule, worker, request, told, met: now });
            }
            Err(refusal) => {
                let count = match refusal {
                    Refusal::Unsupported => &mut self.counters.unsupported,
                    Refusal::Full => &mut self.counters.full,
                    Refusal::Failed => &mut self.counters.failed,
                };
                *count += 1;
                let nothing = offloaded(&request, RuleCount::default(), now);
                self.report(worker, OffloadReport::Refused(nothing));
            }
        }
    }

    fn end(&mut self, key: Key, now: Time) {
        let Some(Installed { rule, worker, request, told, met }) = self.rules.remove(&key) else { return };
        let count = self.engine.remove(rule).unwrap_or(told);
        let more = difference(count, told);
        self.counters.packets += more.packets;
        // The last packet came at some time since the last look.
        let time = if more.packets > 0 { now } else { met };
        self.report(worker, OffloadReport::Ended(offloaded(&request, more, time)));
    }

    /// Asks all rules what they counted.
    fn look(&mut self, now: Time) {
        let mut idle = Vec::new();
        for (key, installed) in &mut self.rules {
            let Some(count) = self.engine.count(&mut installed.rule) else { continue };
            let more = difference(count, installed.told);
            if more.packets == 0 {
                if now.since(installed.met) >= IDLE {
                    idle.push(*key);
                }
                continue;
            }
            let report = OffloadReport::Counted(offloaded(&installed.request, more, now));
            // Without room it is told the next time.
            if push(&self.links, installed.worker, report) {
                installed.told = count;
                installed.met = now;
                self.counters.packets += more.packets;
            }
        }
        for key in idle {
            self.end(key, now);
        }
    }

    fn report(&mut self, worker: usize, report: OffloadReport) {
        if !push(&self.links, worker, report) {
            self.late.push((worker, report));
        }
    }
}

fn push(links: &[Arc<OffloadLink>], worker: usize, report: OffloadReport) -> bool {
    links.get(worker).is_none_or(|link| link.reports.push(report).is_ok())
}

fn difference(count: RuleCount, told: RuleCount) -> RuleCount {
    RuleCount {
        packets: count.packets.saturating_sub(told.packets),
        octets: count.octets.saturating_sub(told.octets),
    }
}

/// What a port counted, in terms of the connection.
fn offloaded(request: &OffloadRequest, more: RuleCount, time: Time) -> Offloaded {
    let without = |octets: u64, each: u32| octets.saturating_sub(more.packets.saturating_mul(each.into()));
    let ip_octets = without(more.octets, request.overhead);
    Offloaded {
        uid: request.uid,
        ends: request.ends,
        proto: request.proto,
        time,
        packets: more.packets,
        ip_octets,
        payload: without(ip_octets, request.headers),
    }
}

/// The packets that a wish is about.
fn packets(request: &OffloadRequest) -> Option<DropMatch> {
    let Endpoints { orig_h, orig_p, resp_h, resp_p } = request.ends;
    Some(DropMatch {
        source: SocketAddr::new(orig_h.to_ip(), orig_p),
        destination: SocketAddr::new(resp_h.to_ip(), resp_p),
        transport: match request.proto {
            Proto::Tcp => DropTransport::Tcp,
            Proto::Udp => DropTransport::Udp,
            Proto::Icmp | Proto::Unknown => return None,
        },
        vlan_tags: request.vlan_tags,
    })
}

/// The ports. A rule is in each of them that takes it, since nobody knows where the next packet comes in; what the others
/// do not drop is counted by the workers as ever.
#[derive(Debug)]
pub struct PortRules {
    ports: Vec<PortWithRules>,
}

#[derive(Debug)]
struct PortWithRules {
    port: Port,
    /// Whether it takes any rules.
    takes: bool,
    /// What rules dropped, as far as known.
    dropped: RuleCount,
}

/// A rule in several ports: index of the port, the rule, and what it had counted when it was last asked.
#[derive(Debug)]
pub struct PortsRule(Vec<(usize, FlowRule, RuleCount)>);

impl PortRules {
    /// Those of `ports`, which are started. Whether they take rules is asked with addresses that nobody has
    /// (RFC 5737); what they say is logged.
    pub fn new<'p>(ports: impl Iterator<Item = &'p Port>) -> Self {
        let probe = |port: &Port, transport| {
            let source = SocketAddr::from(([192, 0, 2, 1], 443));
            let destination = SocketAddr::from(([198, 51, 100, 1], 49152));
            let answer = port.validate_drop_rule(&DropMatch { source, destination, transport, vlan_tags: 0 });
            match &answer {
                Ok(()) => tracing::info!(port = port.name(), ?transport, "the port can drop elephants"),
                Err(error) => tracing::warn!(?transport, %error, "elephants stay with the workers"),
            }
            answer.is_ok()
        };
        let ports = ports.map(|port| {
            let takes = [DropTransport::Tcp, DropTransport::Udp].map(|transport| probe(port, transport));
            PortWithRules { port: port.clone(), takes: takes.contains(&true), dropped: RuleCount::default() }
        });
        Self { ports: ports.collect() }
    }

    /// What rules dropped in each port, as far as known, in the order of the ports.
    pub fn dropped(&self) -> impl Iterator<Item = RuleCount> {
        self.ports.iter().map(|port| port.dropped)
    }

    /// Adds what a rule of a port counted since it was last asked.
    fn add(&mut self, port: usize, before: RuleCount, count: RuleCount) {
        if let Some(PortWithRules { dropped, .. }) = self.ports.get_mut(port) {
            let more = difference(count, before);
            dropped.packets = dropped.packets.saturating_add(more.packets);
            dropped.octets = dropped.octets.saturating_add(more.octets);
        }
    }
}

impl RuleEngine for PortRules {
    type Rule = PortsRule;

    /// Validates, then makes the rule in the ports that take it; the last port's refusal if there is none.
    fn install(&mut self, packets: &DropMatch) -> Result<PortsRule, Refusal> {
        let (mut rules, mut refusal) = (Vec::new(), Refusal::Unsupported);
        for (index, PortWithRules { port, .. }) in self.ports.iter().enumerate().filter(|(_, p)| p.takes) {
            let made = port.validate_drop_rule(packets).and_then(|()| port.install_drop_rule(packets));
            match made {
                Ok(rule) => rules.push((index, rule, RuleCount::default())),
                Err(FlowRuleError::Unsupported { .. }) => {}
                Err(FlowRuleError::Full { .. }) => refusal = Refusal::Full,
                Err(error @ (FlowRuleError::TwoVersions { .. } | FlowRuleError::Failed { .. })) => {
                    tracing::warn!(%error, "an elephant stays with its worker");
                    refusal = Refusal::Failed;
                }
            }
        }
        if rules.is_empty() { Err(refusal) } else { Ok(PortsRule(rules)) }
    }

    fn count(&mut self, rule: &mut PortsRule) -> Option<RuleCount> {
        let mut sum = RuleCount::default();
        for (port, rule, before) in &mut rule.0 {
            let count = match rule.count() {
                Ok(count) => count,
                Err(error) => {
                    tracing::warn!(%error, "a rule does not tell its count");
                    return None;
                }
            };
            self.add(*port, *before, count);
            *before = count;
            sum.packets = sum.packets.saturating_add(count.packets);
            sum.octets = sum.octets.saturating_add(count.octets);
        }
        Some(sum)
    }

    fn remove(&mut self, rule: PortsRule) -> Option<RuleCount> {
        let mut sum = RuleCount::default();
        for (port, rule, before) in rule.0 {
            let count = rule.remove().unwrap_or_else(|error| {
                tracing::warn!(%error, "a rule was removed without its last count");
                before
            });
            self.add(port, before, count);
            sum.packets = sum.packets.saturating_add(count.packets);
            sum.octets = sum.octets.saturating_add(count.octets);
        }
        Some(sum)
    }
}

#[cfg(test)]
mod tests;

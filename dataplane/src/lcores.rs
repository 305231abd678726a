//! Which thread runs on which CPU.
//!
//! Packet-processing threads get a physical core each, near the ports, as long as there
//! are enough; the rest of the process stays off these CPUs.

use std::fs;
use std::path::Path;

/// A CPU as the kernel numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cpu {
    /// Its number.
    pub id: usize,
    /// NUMA node, where the kernel knows of nodes.
    pub node: Option<u32>,
    /// Lowest number of the CPUs that share its physical core.
    pub core: usize,
}

/// The CPUs of the given numbers, from sysfs. What the kernel does not say is taken as one
/// node, and a core for each.
pub fn cpus(ids: &[usize]) -> Vec<Cpu> {
    cpus_in(Path::new("/sys/devices/system/cpu"), ids)
}

fn cpus_in(root: &Path, ids: &[usize]) -> Vec<Cpu> {
    ids.iter()
        .map(|&id| {
            let folder = root.join(format!("cpu{id}"));
            let siblings = fs::read_to_string(folder.join("topology/thread_siblings_list")).ok();
            let core = siblings.and_then(|list| {
                // "0,32" or "0-1": the first number is the lowest.
                list.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
            });
            let node = fs::read_dir(&folder).ok().and_then(|mut entries| {
                entries.find_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix("node")?.parse().ok())
            });
            Cpu { id, node, core: core.unwrap_or(id) }
        })
        .collect()
}

/// CPUs of the threads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// For everything that is not packet processing: any of these.
    pub housekeeping: Vec<usize>,
    /// One CPU for each receiver.
    pub receivers: Vec<usize>,
    /// One CPU for each worker.
    pub workers: Vec<usize>,
    /// Whether a packet-processing thread shares its CPU with any other thread of the
    /// process, so that it must not keep polling while there is nothing to do.
    pub shared: bool,
}

/// Places threads on CPUs, of which there must be at least one.
///
/// The lowest CPU is for housekeeping, and its sibling with it. Receivers and workers then
/// get whole cores on `node` (where the ports are), whole cores elsewhere, siblings on
/// `node`, siblings elsewhere, in this order. When CPUs run out, they are shared, that of
/// housekeeping too.
pub fn place(cpus: &[Cpu], receivers: usize, workers: usize, node: Option<u32>) -> Placement {
    let first_core = cpus.iter().min_by_key(|cpu| cpu.id).map(|cpu| cpu.core);
    let (mut housekeeping, mut rest): (Vec<Cpu>, Vec<Cpu>) =
        cpus.iter().partition(|cpu| Some(cpu.core) == first_core);
    housekeeping.sort_by_key(|cpu| cpu.id);
    let is_sibling = |cpu: &Cpu| cpus.iter().any(|other| other.core == cpu.core && other.id < cpu.id);
    let is_far = |cpu: &Cpu| node.is_some() && cpu.node != node;
    rest.sort_by_key(|cpu| (is_sibling(cpu), is_far(cpu), cpu.id));
    let wanted = receivers + workers;
    let shared = rest.len() < wanted;
    if shared {
        // Receivers come first, and lose most when they wait for a CPU, so the one that
        // has housekeeping on it comes last.
        rest.extend(housekeeping.iter().copied());
    }
    let mut order = rest.iter().map(|cpu| cpu.id).cycle();
    Placement {
        housekeeping: housekeeping.iter().map(|cpu| cpu.id).collect(),
        receivers: order.by_ref().take(receivers).collect(),
        workers: order.take(workers).collect(),
        shared,
    }
}

#[cfg(test)]
mod tests;

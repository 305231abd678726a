//! Which buckets should move: a pure function of who has them and what they cost.

/// What makes a bucket move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Nothing moves while the busiest worker has less than so many times the mean.
    pub start: f64,
    /// Once something moves: until the busiest worker has at most so many times the mean.
    pub target: f64,
    /// Buckets that move at most.
    pub moves: usize,
}

/// A bucket that is to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// The bucket.
    pub bucket: u16,
    /// The worker that gets it.
    pub to: u16,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// In the order of their use.
    pub moves: Vec<Move>,
    /// Buckets that alone are more than a worker's mean share: elephants. They stay where they are, and as long as a
    /// worker has too much, everything else moves away from it.
    pub elephants: Vec<u16>,
}

/// Buckets of less than this part of the mean load of a worker are not worth the trouble.
const WORTHWHILE: f64 = 0.0005;

/// The load of each worker, given the worker and the load of each bucket.
pub(super) fn totals(owners: &[u16], loads: &[f64], workers: usize) -> Vec<f64> {
    let mut totals = vec![0.0; workers];
    for (owner, load) in owners.iter().zip(loads) {
        if let Some(total) = totals.get_mut(usize::from(*owner)) {
            *total += load;
        }
    }
    totals
}

/// The greatest of some loads as a multiple of their mean; 1 where there is none.
pub(super) fn imbalance(totals: &[f64]) -> f64 {
    let sum: f64 = totals.iter().sum();
    if sum > 0.0 { totals.iter().copied().fold(0.0, f64::max) * totals.len() as f64 / sum } else { 1.0 }
}

/// Chooses moves, greedily: from the worker with the greatest load to that with the least, the bucket that comes nearest
/// to half of what is between them. A bucket as large as the whole difference never moves, so that no move makes
/// anything worse, and an elephant never does: where it goes would have too much at once. A worker that nothing can be taken from (it has an elephant, and nothing else worth it) counts no
/// longer, so that the others are even among themselves.
///
/// `loads` are not negative. Buckets without load stay.
pub fn plan(owners: &[u16], loads: &[f64], workers: usize, limits: &Limits) -> Plan {
    let mut owners = owners.to_vec();
    let mut totals = totals(&owners, loads, workers);
    let mean = totals.iter().sum::<f64>() / workers.max(1) as f64;
    let mut plan = Plan::default();
    if workers < 2 || mean <= 0.0 {
        return plan;
    }
    let buckets = || loads.iter().copied().enumerate();
    plan.elephants = buckets().filter(|(_, load)| *load > mean).map(|(bucket, _)| bucket as u16).collect();
    let mut open: Vec<usize> = (0..workers).collect();
    while plan.moves.len() < limits.moves && open.len() > 1 {
        let load_of = |worker: &usize| totals.get(*worker).copied().unwrap_or(0.0);
        let Some(from) = open.iter().copied().max_by(|a, b| load_of(a).total_cmp(&load_of(b))) else { break };
        let Some(to) = open.iter().copied().min_by(|a, b| load_of(a).total_cmp(&load_of(b))) else { break };
        let open_mean = open.iter().map(load_of).sum::<f64>() / open.len() as f64;
        let limit = if plan.moves.is_empty() { limits.start } else { limits.target };
        if load_of(&from) <= limit * open_mean {
            break;
        }
        let gap = load_of(&from) - load_of(&to);
        let best = buckets()
            .filter(|(bucket, _)| owners.get(*bucket).is_some_and(|owner| usize::from(*owner) == from))
            .filter(|(_, load)| *load > WORTHWHILE * mean && *load <= mean && *load < gap)
            .min_by(|(_, a), (_, b)| (a - gap / 2.0).abs().total_cmp(&(b - gap / 2.0).abs()));
        let Some((bucket, load)) = best else {
            open.retain(|worker| *worker != from);
            continue;
        };
        if let Some(owner) = owners.get_mut(bucket) {
            *owner = to as u16;
        }
        for (worker, change) in [(from, -load), (to, load)] {
            if let Some(total) = totals.get_mut(worker) {
                *total += change;
            }
        }
        plan.moves.push(Move { bucket: bucket as u16, to: to as u16 });
    }
    plan
}

#[cfg(test)]
mod tests;

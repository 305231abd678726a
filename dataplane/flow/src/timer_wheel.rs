//! When to look at which connection again: a hashed timer wheel (Varghese and Lauck 1987) over packet time.
//!
//! The wheel knows nothing of connections but a number and a generation. Deadlines move with every packet, so entries
//! are not moved: an entry that comes up before its connection's deadline is put back at that deadline.

use record::Time;

/// Nanoseconds of one slot as a power of two: an eighth of a second, near enough.
const TICK_BITS: u32 = 27;
/// Slots of the wheel; with the tick length above it reaches 550 seconds ahead.
const SLOTS: u64 = 4096;

/// A moment in slots of the wheel since the epoch.
pub(crate) type Tick = u64;

/// What to look at: the number of a connection and its generation, since numbers are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) index: u32,
    pub(crate) generation: u32,
    pub(crate) tick: Tick,
}

/// The wheel.
#[derive(Debug)]
pub(crate) struct TimerWheel {
    slots: Box<[Vec<Entry>]>,
    /// Slots before this one have been emptied.
    current: Tick,
    started: bool,
}

impl TimerWheel {
    pub(crate) fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Vec::new()).collect(), current: 0, started: false }
    }

    /// Sets the time of the first packet, so that the wheel need not turn there from the epoch.
    #[inline]
    pub(crate) const fn start(&mut self, now: Time) {
        if !self.started {
            self.started = true;
            self.current = now.0 >> TICK_BITS;
        }
    }

    /// The slot at which `deadline` has passed: never one of the past, and never further than the wheel reaches.
    #[inline]
    pub(crate) fn tick_of(&self, deadline: Time) -> Tick {
        let tick = (deadline.0 >> TICK_BITS).saturating_add(1);
        tick.clamp(self.current.saturating_add(1), self.current.saturating_add(SLOTS - 1))
    }

    /// Enters a connection at a slot given by [`tick_of`](Self::tick_of).
    #[inline]
    pub(crate) fn insert(&mut self, index: u32, generation: u32, tick: Tick) {
        if let Some(slot) = self.slots.get_mut((tick % SLOTS) as usize) {
            slot.push(Entry { index, generation, tick });
        }
    }

    /// Takes the next entry that has come up at `now`. `budget` bounds the entries taken and slots passed, and is
    /// spent by them; what is left over comes next time.
    pub(crate) fn pop(&mut self, now: Time, budget: &mut usize) -> Option<Entry> {
        let target = now.0 >> TICK_BITS;
        if target.saturating_sub(self.current) >= SLOTS {
            // A hole in time longer than the wheel: all is due, and one turn passes every slot.
            self.current = target - SLOTS + 1;
        }
        while self.current <= target && *budget > 0 {
            *budget -= 1;
            let slot = self.slots.get_mut((self.current % SLOTS) as usize)?;
            if let Some(entry) = slot.pop() {
                return Some(entry);
            }
            if slot.capacity() > 4096 {
                *slot = Vec::new();
            }
            if self.current == target {
                return None;
            }
            self.current += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TICK: u64 = 1 << TICK_BITS;

    fn drain(wheel: &mut TimerWheel, now: Time) -> Vec<u32> {
        let mut budget = usize::MAX;
        std::iter::from_fn(|| wheel.pop(now, &mut budget)).map(|entry| entry.index).collect()
    }

    proptest! {
        #[test]
        fn entries_come_up_soon_after_their_deadline_and_never_before(
            deadlines in prop::collection::vec(0..2_000 * TICK, 1..50),
            steps in prop::collection::vec(1..300 * TICK, 1..30),
        ) {
            let mut wheel = TimerWheel::new();
            wheel.start(Time(0));
            for (index, deadline) in deadlines.iter().enumerate() {
                let tick = wheel.tick_of(Time(*deadline));
                wheel.insert(index as u32, 0, tick);
            }
            let mut up = vec![false; deadlines.len()];
            let mut now = 0;
            for step in steps {
                now += step;
                for index in drain(&mut wheel, Time(now)) {
                    prop_assert!(deadlines[index as usize] <= now);
                    up[index as usize] = true;
                }
                for (index, deadline) in deadlines.iter().enumerate() {
                    prop_assert!(up[index] || deadline + 2 * TICK > now, "late: {deadline} at {now}");
                }
            }
        }
    }

    #[test]
    fn a_hole_in_time_takes_one_turn() {
        let mut wheel = TimerWheel::new();
        wheel.start(Time(TICK));
        for index in 0..10 {
            let tick = wheel.tick_of(Time(u64::from(index) * 400 * TICK));
            wheel.insert(index, 0, tick);
        }
        let mut budget = SLOTS as usize + 20;
        let mut seen = 0;
        while wheel.pop(Time(u64::MAX), &mut budget).is_some() {
            seen += 1;
        }
        assert_eq!(seen, 10);
    }

    #[test]
    fn the_budget_bounds_the_work_of_one_call() {
        let mut wheel = TimerWheel::new();
        wheel.start(Time(0));
        for index in 0..10 {
            let tick = wheel.tick_of(Time(0));
            wheel.insert(index, 0, tick);
        }
        let mut budget = 4;
        let mut seen = 0;
        while wheel.pop(Time(10 * TICK), &mut budget).is_some() {
            seen += 1;
        }
        assert!(seen <= 4, "{seen}");
        assert_eq!(seen + drain(&mut wheel, Time(10 * TICK)).len(), 10);
    }
}

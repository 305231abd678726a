//! When to look at which connection again: a hashed timer wheel (Varghese and Lauck 1987) over packet time.
//!
//! The wheel knows nothing of connections but a number. Deadlines move with every packet, so entries
//! are not moved: an entry that comes up before its connection's deadline is put back at that deadline.

use record::Time;

use crate::slab::Slab;

/// Nanoseconds of one slot as a power of two: an eighth of a second, near enough.
const TICK_BITS: u32 = 27;
/// Slots of the wheel; with the tick length above it reaches 550 seconds ahead.
const SLOTS: u64 = 4096;

/// A moment in slots of the wheel since the epoch.
pub(crate) type Tick = u64;

/// A [`Tick`] cut to 32 bits, which is enough to tell those apart that the wheel can hold. Zero is no tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ShortTick(u32);

impl ShortTick {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) fn of(tick: Tick) -> Self {
        Self((tick as u32).max(1))
    }

    /// Whether this moment is there, and not after `tick`; both within the reach of the wheel.
    #[inline]
    pub(crate) fn is_until(self, tick: Tick) -> bool {
        self != Self::NONE && (Self::of(tick).0.wrapping_sub(self.0) as i32) >= 0
    }
}

/// What to look at: the number of a connection, and the moment it was entered for. Numbers are used again, and
/// connections are entered anew: an entry whose connection has another moment is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Entry {
    pub(crate) index: u32,
    pub(crate) tick: ShortTick,
}

/// Entries of a block.
const BLOCK: usize = 30;

/// Entries of one slot of the wheel, or some of them: a list of blocks of equal size, since slots hold very different
/// numbers, and nothing is to be copied when one grows.
#[derive(Debug)]
struct Block {
    entries: [Entry; BLOCK],
    len: u32,
    /// The next block of the slot.
    next: Option<u32>,
}

/// The wheel.
#[derive(Debug)]
pub(crate) struct TimerWheel {
    /// First block of each slot.
    slots: Box<[Option<u32>]>,
    blocks: Slab<Block>,
    /// Slots before this one have been emptied.
    current: Tick,
    started: bool,
}

impl TimerWheel {
    pub(crate) fn new() -> Self {
        Self { slots: vec![None; SLOTS as usize].into(), blocks: Slab::new(), current: 0, started: false }
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
    pub(crate) fn insert(&mut self, index: u32, tick: Tick) {
        let Some(slot) = self.slots.get_mut((tick % SLOTS) as usize) else { return };
        let entry = Entry { index, tick: ShortTick::of(tick) };
        if let Some(block) = slot.and_then(|block| self.blocks.get_mut(block))
            && let Some(place) = block.entries.get_mut(block.len as usize)
        {
            *place = entry;
            block.len += 1;
            return;
        }
        let mut block = Block { entries: [Entry::default(); BLOCK], len: 1, next: *slot };
        if let Some(first) = block.entries.first_mut() {
            *first = entry;
        }
        if let Some(block) = self.blocks.insert(block) {
            *slot = Some(block);
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
            if let Some(number) = *slot {
                let block = self.blocks.get_mut(number)?;
                block.len = block.len.saturating_sub(1);
                let (entry, next) = (block.entries.get(block.len as usize).copied(), block.next);
                if block.len == 0 {
                    *slot = next;
                    self.blocks.remove(number);
                }
                return entry;
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
                wheel.insert(index as u32, tick);
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
            wheel.insert(index, tick);
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
            wheel.insert(index, tick);
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

//! Random numbers that are the same on every machine and with every version of our libraries.
//!
//! The generator is PCG-64 MCG, whose output its crate guarantees; the distributions are ours and their logarithms come
//! from `libm`, so that no library's change of mind about a distribution or a rounding changes a capture.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// A seeded stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random(Pcg64Mcg);

impl Random {
    /// The stream of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed))
    }

    /// Any 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Any number below `end`; 0 where `end` is.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(end)) >> 64) as u64
    }

    /// Any number from `first` to `last`, both included.
    pub(crate) fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first).saturating_add(1))
    }

    /// Any number from 0 to 1, without 1.
    pub(crate) fn unit(&mut self) -> f64 {
        // 53 bits are what a double holds.
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with probability `share`.
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// One of the items; `T`'s default where there are none.
    pub(crate) fn pick<T: Copy + Default>(&mut self, items: &[T]) -> T {
        items.get(self.below(items.len() as u64) as usize).copied().unwrap_or_default()
    }

    /// Time between two events of a Poisson process, in the unit of `mean`.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -libm::log(1.0 - self.unit()) * mean
    }

    /// Fills octets.
    pub(crate) fn fill(&mut self, octets: &mut [u8]) {
        self.0.fill_bytes(octets);
    }

    /// So many octets.
    pub(crate) fn octets<const N: usize>(&mut self) -> [u8; N] {
        let mut octets = [0; N];
        self.fill(&mut octets);
        octets
    }
}

/// A distribution of sizes with a heavy tail: a Pareto distribution between two bounds. Most are near the least, most of
/// the octets are in the largest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sizes {
    /// The least.
    pub(crate) least: u64,
    /// The most.
    pub(crate) most: u64,
    /// Shape (alpha): the less, the heavier the tail; more than 0.
    pub(crate) shape: f64,
}

impl Sizes {
    /// Any of them.
    pub(crate) fn draw(self, random: &mut Random) -> u64 {
        let Self { least, most, shape } = self;
        if least >= most {
            return least;
        }
        // Inverse of the distribution function of the bounded Pareto distribution.
        let ratio = libm::pow(least as f64 / most as f64, shape);
        let size = least as f64 / libm::pow(1.0 - random.unit() * (1.0 - ratio), 1.0 / shape);
        (size as u64).clamp(least, most)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_for_ever() {
        let mut random = Random::new(1);
        let first: Vec<u64> = (0..2).map(|_| random.bits()).collect();
        assert_eq!(first, [15_803_641_690_485_367_939, 2_537_432_388_316_380_799]);
    }

    proptest! {
        #[test]
        fn numbers_are_within_their_bounds(seed: u64, first in 0..1000_u64, more in 0..1000_u64, shape in 0.1..3.0) {
            let mut random = Random::new(seed);
            let (least, most) = (first + 1, first + 1 + more);
            prop_assert!((first..=first + more).contains(&random.between(first, first + more)));
            let size = Sizes { least, most, shape }.draw(&mut random);
            prop_assert!((least..=most).contains(&size));
            prop_assert!((0.0..1.0).contains(&random.unit()));
            prop_assert!(random.exponential(1.0) >= 0.0);
        }
    }

    #[test]
    fn a_choice_of_nothing_is_the_default() {
        assert_eq!(Random::new(1).pick::<u16>(&[]), 0);
        assert_eq!(Random::new(1).below(0), 0);
    }
}

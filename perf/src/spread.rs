//! Median, least and most of some figures.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What several runs of the same say together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The middle one; of an even number of figures the mean of the middle two.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Spread {
    /// Not a number where there are no figures.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        let last = figures.len().saturating_sub(1);
        Self { median: f64::midpoint(at(last / 2), at(last.div_ceil(2))), least: at(0), most: at(last) }
    }

    /// Of the quotients of two lists, place by place.
    pub fn of_ratios(dividends: &[f64], divisors: &[f64]) -> Self {
        Self::of(dividends.iter().zip(divisors).map(|(a, b)| a / b))
    }
}

/// With as many decimals as the format asks for, by default two.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, least, most } = self;
        let digits = f.precision().unwrap_or(2);
        write!(f, "{median:.digits$} ({least:.digits$} to {most:.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_of_an_odd_and_of_an_even_number_of_figures() {
        assert_eq!(Spread::of([3.0, 1.0, 9.0]), Spread { median: 3.0, least: 1.0, most: 9.0 });
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 9.0]), Spread { median: 3.0, least: 1.0, most: 9.0 });
        assert!(Spread::of([]).median.is_nan());
    }

    #[test]
    fn ratios_are_those_of_the_same_round() {
        let ratio = Spread::of_ratios(&[2.0, 6.0, 8.0], &[1.0, 2.0, 4.0]);
        assert_eq!(format!("{ratio:.1}"), "2.0 (2.0 to 3.0)");
    }
}

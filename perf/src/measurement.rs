//! What every benchmark of a component gives: figures with their spread, and a JSON file of one shape.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A finished benchmark: `{ "benchmark": ..., "settings": {...}, "results": [...] }`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measurement<S, R> {
    /// Its name: the verb.
    pub(crate) benchmark: String,
    /// How it was run.
    pub(crate) settings: S,
    /// What came out.
    pub(crate) results: Vec<R>,
}

impl<S: Serialize, R: Serialize> Measurement<S, R> {
    /// Writes it to a file, if one was asked for.
    pub(crate) fn write(&self, file: Option<&Path>) -> io::Result<()> {
        let Some(file) = file else { return Ok(()) };
        let failed = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
        let json = serde_json::to_string_pretty(self).map_err(io::Error::from)?;
        fs::write(file, json + "\n").map_err(failed)
    }
}

/// Median, least and most of some figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Of at least one figure.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        let last = figures.len().saturating_sub(1);
        Self { median: f64::midpoint(at(last / 2), at(last.div_ceil(2))), least: at(0), most: at(last) }
    }
}

/// With as many decimals as the format asks for, by default two.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or(2);
        let Self { median, least, most } = self;
        write!(f, "{median:.decimals$} ({least:.decimals$} to {most:.decimals$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_of_an_odd_and_of_an_even_number_of_figures() {
        assert_eq!(Spread::of([3.0, 1.0, 9.0]), Spread { median: 3.0, least: 1.0, most: 9.0 });
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 9.0]), Spread { median: 3.0, least: 1.0, most: 9.0 });
        assert_eq!(format!("{:.1}", Spread::of([3.0, 1.0, 9.0])), "3.0 (1.0 to 9.0)");
    }

    #[test]
    fn the_file_has_the_shape_that_all_have() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let measurement = Measurement {
            benchmark: "test".to_owned(),
            settings: [("laps", 3)].into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            results: vec![Spread::of([1.0])],
        };
        measurement.write(Some(file.path())).unwrap();
        let json: serde_json::Value = serde_json::from_reader(file).unwrap();
        assert_eq!(json["benchmark"], "test");
        assert_eq!(json["settings"]["laps"], 3);
        assert_eq!(json["results"][0]["median"], 1.0);
    }
}

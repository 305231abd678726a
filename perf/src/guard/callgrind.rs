//! callgrind's output: instructions by function.
//!
//! The format is that of valgrind's manual, "Callgrind Format Specification". Cost lines under a function are its own;
//! the one after `calls=` is what a called function took, and is left out.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Instructions by function.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Profile(BTreeMap<String, u64>);

/// A file that cannot be read.
#[derive(Debug, Error)]
#[error("{}: {source}", file.display())]
pub(crate) struct ProfileError {
    file: PathBuf,
    source: io::Error,
}

impl Profile {
    /// Reads a file.
    pub(super) fn read(file: &Path) -> Result<Self, ProfileError> {
        let read = || Self::parse(BufReader::new(File::open(file)?));
        read().map_err(|source| ProfileError { file: file.to_owned(), source })
    }

    fn parse(input: impl BufRead) -> io::Result<Self> {
        // Names are written once, with a number that stands for them later.
        let mut names: HashMap<String, String> = HashMap::new();
        let mut costs: HashMap<String, u64> = HashMap::new();
        let mut function = String::new();
        let mut is_call = false;
        for line in input.lines() {
            let line = line?;
            if let Some(name) = line.strip_prefix("fn=") {
                function = number(name, &mut names);
            } else if let Some(name) = line.strip_prefix("cfn=") {
                number(name, &mut names);
            } else if line.starts_with("calls=") {
                is_call = true;
            } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
                let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok()).unwrap_or(0_u64);
                let own = if std::mem::take(&mut is_call) { 0 } else { cost };
                *costs.entry(function.clone()).or_default() += own;
            }
        }
        let name = |number: String| names.get(&number).cloned().unwrap_or(number);
        let mut profile = Self::default();
        for (number, cost) in costs {
            *profile.0.entry(name(number)).or_default() += cost;
        }
        Ok(profile)
    }

    /// From pairs.
    #[cfg(test)]
    pub(super) fn of<const N: usize>(functions: [(&str, u64); N]) -> Self {
        Self(functions.map(|(name, cost)| (name.to_owned(), cost)).into())
    }

    /// All instructions.
    pub(super) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Functions with their instructions.
    pub(super) fn functions(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, cost)| (name.as_str(), *cost))
    }

    /// What is left when that of another run is taken off.
    pub(super) fn without(&self, other: &Self) -> Self {
        let rest = |(name, cost): (&String, &u64)| {
            let cost = cost.saturating_sub(other.0.get(name).copied().unwrap_or(0));
            (cost > 0).then(|| (name.clone(), cost))
        };
        Self(self.0.iter().filter_map(rest).collect())
    }
}

/// The number of a name such as `(12) worker::burst` or `(12)`; remembers the name.
fn number(text: &str, names: &mut HashMap<String, String>) -> String {
    let (number, name) = text.split_once(' ').unwrap_or((text, ""));
    if !name.is_empty() {
        names.insert(number.to_owned(), stable(name));
    }
    number.to_owned()
}

/// A name without what changes from build to build, and without the number that callgrind gives to recursion.
fn stable(name: &str) -> String {
    let name = name.split('\'').next().unwrap_or(name);
    match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
            path.to_owned()
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# callgrind format\nversion: 1\npositions: line\nevents: Ir\nsummary: 66\n\n\
        fl=(1) a.rs\nfn=(1) worker::burst::h0123456789abcdef\n10 5\n+1 6\ncfn=(2) flow::lookup\ncalls=3 20\n* 44\n* 1\n\
        fn=(2)\nfi=(2) b.rs\n20 44\nfn=(3) flow::lookup'2\n* 10\n";

    #[test]
    fn functions_have_their_own_instructions() {
        let profile = Profile::parse(FILE.as_bytes()).unwrap();
        assert_eq!(profile, Profile::of([("worker::burst", 12), ("flow::lookup", 54)]));
        assert_eq!(profile.total(), 66);
    }

    #[test]
    fn the_start_is_taken_off() {
        let all = Profile::of([("start", 10), ("burst", 30)]);
        assert_eq!(all.without(&Profile::of([("start", 10), ("burst", 5)])), Profile::of([("burst", 25)]));
    }
}

//! The shared captures, analyzed by one worker and by several: the records must be the same.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Run, process};

/// Threads that run the program.
const THREADS: usize = 2;

/// Differences that are printed.
const SHOWN: usize = 20;

fn shared() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora")
}

fn captures(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            captures(&path, found);
        } else if ["pcap", "pcapng", "trace", "cap"].map(OsStr::new).map(Some).contains(&path.extension()) {
            found.push(path);
        }
    }
}

fn analyze(path: &Path, workers: &str) -> Run {
    let arguments = ["--quiet", "--ignore-checksums", "--seed", "1", "--workers", workers].map(OsStr::new);
    process(arguments.into_iter().chain([path.as_os_str()]))
}

/// What differs between two runs, as text.
fn difference(one: &Run, other: &Run) -> Option<String> {
    let ends = |run: &Run| (run.status, run.stderr.clone());
    if ends(one) == ends(other) {
        common::difference(&one.logs, &other.logs)
    } else {
        Some(format!("{:?} / {:?}", ends(one), ends(other)))
    }
}

#[test]
fn several_workers_write_the_records_of_one() {
    let directory = shared();
    if !directory.is_dir() {
        println!("skipped: worker equality: {} is not there", directory.display());
        return;
    }
    let mut found = Vec::new();
    captures(&directory, &mut found);
    found.sort();
    assert!(!found.is_empty(), "no capture below {}", directory.display());

    let next = AtomicUsize::new(0);
    let differences = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(path) = found.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let one = analyze(path, "1");
                    for workers in ["2", "4"] {
                        if let Some(text) = difference(&one, &analyze(path, workers)) {
                            differences
                                .lock()
                                .unwrap()
                                .push(format!("{}, {workers} workers: {text}", path.display()));
                        }
                    }
                }
            });
        }
    });
    let differences = differences.into_inner().unwrap();
    println!("{} captures, {} differences", found.len(), differences.len());
    let shown: Vec<String> = differences.iter().take(SHOWN).cloned().collect();
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), shown.join("\n"));
}

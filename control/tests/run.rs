//! A whole sensor: `baleen run` with a dataplane on a capture file, asked, killed, stopped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::BALEEN;
use common::frames;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// Longest that a test waits for something to happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// The dataplane, when it has been built: it needs libdpdk.
fn dataplane(test: &str) -> Option<PathBuf> {
    let program = Path::new(BALEEN).with_file_name("baleen-dataplane");
    if program.exists() {
        return Some(program);
    }
    println!("skipped: {test}: baleen-dataplane has not been built");
    None
}

struct Sensor {
    directory: TempDir,
    process: Child,
}

impl Sensor {
    /// Starts a sensor whose port is `port`.
    fn start(dataplane: &Path, directory: TempDir, port: &str) -> Self {
        let at = |name: &str| directory.path().join(name).display().to_string();
        let config = format!(
            "[[port]]\nname = \"{port}\"\n[dataplane]\nprogram = \"{}\"\nmemory = \"64MiB\"\n[logs]\ndirectory = \"{}\"\n\
             [spool]\ndirectory = \"{}\"\nsize = \"64MiB\"\n[runtime]\ndirectory = \"{}\"\n[analysis]\nseed = 1\n",
            dataplane.display(),
            at("logs"),
            at("spool"),
            at("run"),
        );
        fs::write(directory.path().join("baleen.toml"), config).unwrap();
        let process = Command::new(BALEEN)
            .args(["run", "-c"])
            .arg(directory.path().join("baleen.toml"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { directory, process }
    }

    fn ask(&self, verb: &[&str]) -> std::process::Output {
        Command::new(BALEEN)
            .args(verb)
            .arg("-c")
            .arg(self.directory.path().join("baleen.toml"))
            .output()
            .unwrap()
    }

    fn json(&self, verb: &str) -> Option<Value> {
        let output = self.ask(&[verb, "--json"]);
        output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
    }

    /// Waits until the answer to `verb` is as wanted.
    fn wait(&self, verb: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = self.json(verb).filter(|answer| is_wanted(answer)) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{verb}: not as wanted: {:?}", self.json(verb));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn running(&self) -> Value {
        self.wait("status", |status| status["dataplane"]["state"] == "running")
    }

    /// Waits until the dataplane has received the whole capture.
    fn has_received_all(&self) -> Value {
        let expected = frames::traffic().len() as u64;
        self.wait("netstats", |netstats| {
            let received = netstats["ports"].as_object().and_then(|ports| ports.values().next());
            received.is_some_and(|port| port["received"].as_u64() == Some(expected))
        })
    }

    /// Records of a log, in the order of their file.
    fn records(&self, log: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.directory.path().join("logs").join(format!("{log}.log")));
        text.unwrap_or_default().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Sensor {
    fn drop(&mut self) {
        // A test that failed leaves it running; both processes end with this one.
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = kill(Pid::from_raw(self.process.id() as i32), Signal::SIGTERM);
            let _ = self.process.wait();
        }
    }
}

/// A directory with a capture of the usual traffic, and the port that reads it.
fn capture() -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("traffic.pcap");
    fs::write(&file, frames::pcap(&frames::traffic())).unwrap();
    let port = format!("pcap:{}", file.display());
    (directory, port)
}

#[test]
fn a_capture_through_the_sensor_becomes_log_files_and_the_books_balance() {
    let Some(program) = dataplane("a capture through the sensor") else { return };
    let (directory, port) = capture();
    let mut sensor = Sensor::start(&program, directory, &port);
    sensor.running();
    let netstats = sensor.has_received_all();
    assert_eq!(netstats["ports"].as_object().unwrap().len(), 1);
    assert!(String::from_utf8(sensor.ask(&["netstats"]).stdout).unwrap().contains("The books balance"));

    assert!(sensor.ask(&["stop"]).status.success());
    assert!(sensor.process.wait().unwrap().success());
    assert!(!sensor.records("conn").is_empty());
    assert!(!sensor.records("dns").is_empty());
    assert!(sensor.records("conn").iter().all(|record| record.get("_path").is_none()));
}

#[test]
fn a_killed_dataplane_is_started_again_and_status_tells() {
    let Some(program) = dataplane("a killed dataplane") else { return };
    let (directory, port) = capture();
    let mut sensor = Sensor::start(&program, directory, &port);
    let first = sensor.running()["dataplane"]["pid"].as_i64().unwrap();
    kill(Pid::from_raw(first as i32), Signal::SIGKILL).unwrap();
    let status = sensor.wait("status", |status| {
        status["control"]["restarts"] == 1 && status["dataplane"]["state"] == "running"
    });
    assert_ne!(status["dataplane"]["pid"].as_i64().unwrap(), first);
    assert!(status["control"]["last_exit"].as_str().unwrap().contains("signal: 9"), "{status}");
    assert!(sensor.ask(&["stop"]).status.success());
    assert!(sensor.process.wait().unwrap().success());
}

#[test]
fn the_dataplane_goes_on_without_the_control_process_and_is_taken_over() {
    let Some(program) = dataplane("a killed control process") else { return };
    let (directory, port) = capture();
    let mut sensor = Sensor::start(&program, directory, &port);
    let pid = sensor.running()["dataplane"]["pid"].clone();
    sensor.has_received_all();
    sensor.process.kill().unwrap();
    sensor.process.wait().unwrap();
    sensor.process = Command::new(BALEEN)
        .args(["run", "-c"])
        .arg(sensor.directory.path().join("baleen.toml"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(sensor.running()["dataplane"]["pid"], pid);
    assert!(sensor.ask(&["stop"]).status.success());
    assert!(sensor.process.wait().unwrap().success());
    assert!(!sensor.records("conn").is_empty());
}

#[test]
fn a_port_that_is_not_there_ends_the_sensor_with_status_two_and_its_name() {
    let Some(program) = dataplane("a port that is not there") else { return };
    let mut sensor = Sensor::start(&program, tempfile::tempdir().unwrap(), "af_packet:nothere0");
    let status = sensor.process.wait().unwrap();
    let mut message = String::new();
    std::io::Read::read_to_string(sensor.process.stderr.as_mut().unwrap(), &mut message).unwrap();
    assert_eq!(status.code(), Some(2), "{message}");
    assert!(message.contains("nothere0"), "{message}");
}

#[test]
fn verbs_without_a_sensor_say_that_none_runs() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("baleen.toml");
    let run = directory.path().join("run").display().to_string();
    fs::write(&config, format!("[[port]]\nname = \"null:\"\n[runtime]\ndirectory = \"{run}\"\n")).unwrap();
    for verb in ["status", "netstats", "stop"] {
        let output = Command::new(BALEEN).arg(verb).arg("-c").arg(&config).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{verb}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("no sensor runs"), "{verb}");
    }
}

#[test]
fn check_tells_file_line_and_reason_and_gives_status_two() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("baleen.toml");
    fs::write(&config, "[[port]]\nname = \"null:\"\n[dataplane]\nworker = 2\n").unwrap();
    let output = Command::new(BALEEN).args(["check", "-c"]).arg(&config).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        message.contains("baleen.toml") && message.contains("line 4") && message.contains("worker"),
        "{message}"
    );
}

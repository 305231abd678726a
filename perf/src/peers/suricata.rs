//! Suricata: EVE with every protocol it logs, and flows; no rules.
//!
//! The configuration is the package's own, with another list of outputs. Checksums are not verified (`-k none`), as
//! its manual recommends for captures; the sensor verifies them. The run mode `single` has one thread; `autofp`, its
//! default for files, one that reads and one a CPU that analyzes.

use std::io;
use std::path::Path;

use serde::Deserialize;

use super::{Peer, PeerRun, count_lines};
use crate::rounds::Records;

/// The peer.
pub(super) const SURICATA: Peer = Peer {
    program: "suricata",
    version: &["-V"],
    files: &[
        ("suricata.yaml", include_str!("suricata.yaml")),
        ("suricata-hashes.yaml", include_str!("suricata-hashes.yaml")),
        ("suricata-same.yaml", include_str!("suricata-same.yaml")),
    ],
    runs: &[
        PeerRun { name: crate::targets::SURICATA, arguments: &arguments("single", "{suricata.yaml}") },
        PeerRun { name: "suricata, autofp", arguments: &arguments("autofp", "{suricata.yaml}") },
        PeerRun {
            name: "suricata, single, our logs only",
            arguments: &arguments("single", "{suricata-same.yaml}"),
        },
        PeerRun {
            name: "suricata, single, file hashes",
            arguments: &arguments("single", "{suricata-hashes.yaml}"),
        },
    ],
    records,
    has_conn_log: false,
};

const fn arguments(run_mode: &'static str, outputs: &'static str) -> [&'static str; 18] {
    [
        "-c",
        "/etc/suricata/suricata.yaml",
        "--include",
        outputs,
        // Analyzers that the package leaves off, though there is a log for them.
        "--set",
        "app-layer.protocols.pgsql.enabled=yes",
        "--set",
        "app-layer.protocols.modbus.enabled=yes",
        "-S",
        "/dev/null",
        "-k",
        "none",
        "--runmode",
        run_mode,
        "-l",
        "{logs}",
        "-r",
        "{capture}",
    ]
}

#[derive(Deserialize)]
struct Event {
    event_type: String,
}

fn records(logs: &Path) -> io::Result<Records> {
    count_lines(&logs.join("eve.json"), |line| {
        serde_json::from_slice(line).ok().map(|event: Event| event.event_type)
    })
}

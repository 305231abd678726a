//! What the dataplane is told: its settings, out of the configuration.

use bytesize::ByteSize;
use control_socket::{Balance, Limits, Network, Port, Settings, Shunting, Spool};
use record::Log;

use super::Config;

/// Megabytes that settings count in.
const MEBIBYTE: u64 = 1 << 20;

impl Config {
    /// The dataplane's settings.
    pub(crate) fn dataplane_settings(&self) -> Settings {
        let spool = Spool {
            directory: self.spool.directory.clone(),
            bytes: self.spool.size.as_u64(),
            segment_bytes: (self.spool.size.as_u64() / 8).clamp(MEBIBYTE, 64 * MEBIBYTE),
            segment_seconds: 60,
        };
        let ports = self.ports.iter().map(|port| Port {
            source: port.name.clone(),
            name: String::new(),
            queues: port.queues.unwrap_or(0),
            descriptors: 0,
            promiscuous: true,
        });
        let mut settings = Settings::new(ports.collect(), spool);
        settings.name = self.name.clone().unwrap_or_else(host_name);
        settings.workers = u32::from(self.dataplane.workers);
        settings.lcores.clone_from(&self.dataplane.lcores);
        settings.memory.megabytes = (self.dataplane.memory.as_u64() / MEBIBYTE) as u32;
        settings.ignore_checksums = self.dataplane.ignore_checksums;
        settings.hash_files = self.analysis.hash_files;
        let workers = u64::from(self.dataplane.workers);
        settings.limits = Limits {
            flows: u64::from(self.limits.flows) * workers,
            reassembly_bytes: self.limits.reassembly.as_u64().saturating_mul(workers),
            reassembly_bytes_per_flow: self.limits.reassembly_per_stream.as_u64(),
            fragment_bytes: self.limits.fragments.as_u64().saturating_mul(workers),
        };
        let bytes = |size: Option<ByteSize>| size.map(|size| size.as_u64());
        settings.shunting = Shunting {
            enabled: self.shunting.enabled,
            verify_checksums: self.shunting.verify_checksums,
            tcp_bytes: bytes(self.shunting.tcp),
            udp_bytes: bytes(self.shunting.udp),
            hash_bytes: bytes(self.shunting.hash),
            offload_bytes: bytes(self.shunting.offload),
            offload_rules: self.shunting.offload_rules,
        };
        settings.balance = Balance {
            enabled: self.balance.enabled,
            start: self.balance.start,
            target: self.balance.target,
            interval_milliseconds: u64::try_from(self.balance.interval.as_millis()).unwrap_or(u64::MAX),
        };
        if let Some(networks) = &self.analysis.local_networks {
            settings.local_networks =
                networks.iter().filter_map(|net| net.to_string().parse::<Network>().ok()).collect();
        }
        if !self.logs.exclude.is_empty() {
            let wanted = Log::ALL
                .iter()
                .map(|log| log.name())
                .filter(|name| !self.logs.exclude.iter().any(|x| x == name));
            settings.logs = wanted.map(str::to_owned).collect();
        }
        settings.seed = self.analysis.seed;
        settings
    }

    /// The dataplane's program: as configured, or beside this one, or in the search path.
    pub(crate) fn dataplane_program(&self) -> std::path::PathBuf {
        const NAME: &str = "baleen-dataplane";
        if let Some(program) = &self.dataplane.program {
            return program.clone();
        }
        let beside = std::env::current_exe().ok().map(|own| own.with_file_name(NAME));
        beside.filter(|path| path.exists()).unwrap_or_else(|| NAME.into())
    }

    /// Where the dataplane listens for requests.
    pub(crate) fn dataplane_socket(&self) -> std::path::PathBuf {
        self.runtime.directory.join("dataplane.sock")
    }

    /// Where the control process listens for requests.
    pub(crate) fn control_socket(&self) -> std::path::PathBuf {
        self.runtime.directory.join("control.sock")
    }
}

/// The host's name, up to the first dot.
fn host_name() -> String {
    let name = nix::unistd::gethostname().unwrap_or_default();
    name.to_string_lossy().split('.').next().unwrap_or_default().to_owned()
}

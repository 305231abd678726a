//! What figures were measured on: without it nobody can judge them.

use std::fs;
use std::process::Command;

use serde::Serialize;

/// Hardware and system; what cannot be told is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Machine {
    /// Model name of the first CPU.
    pub(crate) cpu: String,
    /// CPUs that are online.
    pub(crate) cores: usize,
    /// Whether it is a virtual machine, as the CPU tells it.
    pub(crate) is_virtual: bool,
    /// Memory in gibibytes, rounded.
    pub(crate) memory_gib: u64,
    /// Name and release of the kernel.
    pub(crate) kernel: String,
    /// Distribution.
    pub(crate) system: String,
    /// Version of libdpdk.
    pub(crate) dpdk: String,
    /// Version of the compiler.
    pub(crate) rustc: String,
}

impl Machine {
    /// This one.
    pub(crate) fn this() -> Self {
        let cpus = read("/proc/cpuinfo");
        Self {
            cpu: field(&cpus, "model name", ':').to_owned(),
            cores: cpus.lines().filter(|line| line.starts_with("processor")).count(),
            is_virtual: field(&cpus, "flags", ':').split(' ').any(|flag| flag == "hypervisor"),
            memory_gib: memory_gib(&read("/proc/meminfo")),
            kernel: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
            system: field(&read("/etc/os-release"), "PRETTY_NAME", '=').trim_matches('"').to_owned(),
            dpdk: first_line(Command::new("pkg-config").args(["--modversion", "libdpdk"]))
                .unwrap_or_default(),
            rustc: first_line(Command::new("rustc").arg("--version")).unwrap_or_default(),
        }
    }
}

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

/// The value of the first line that begins with a name.
fn field<'t>(text: &'t str, name: &str, separator: char) -> &'t str {
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(separator)).map(|(_, value)| value.trim()).unwrap_or_default()
}

fn memory_gib(meminfo: &str) -> u64 {
    let kibibytes: u64 = field(meminfo, "MemTotal", ':').trim_end_matches(" kB").parse().unwrap_or(0);
    (kibibytes + (1 << 19)) >> 20
}

/// The first line that a program writes; none where it does not run.
pub(crate) fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_sizes_are_found() {
        assert_eq!(field("a\t: 1\nmodel name\t: X 9\n", "model name", ':'), "X 9");
        assert_eq!(field("a", "b", ':'), "");
        assert_eq!(memory_gib("MemTotal:       24600000 kB\n"), 23);
        assert!(Machine::this().cores > 0);
    }
}

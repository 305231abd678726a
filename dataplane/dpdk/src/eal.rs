//! DPDK's environment abstraction layer: started once a process.

use std::ffi::{CString, NulError, c_char};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::errno::Errno;
use crate::{lcore, log};

/// Where DPDK's memory (packet buffers, rings) comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// Huge pages if at least so many megabytes of them are free, ordinary memory
    /// of that size otherwise.
    Auto {
        /// Megabytes needed.
        megabytes: u32,
    },
    /// Huge pages, taken as needed.
    HugePages,
    /// Ordinary memory: needs no privilege and no preparation, costs about half of the
    /// packet rate, and can not be used with hardware ports through an IOMMU that maps
    /// by physical address.
    Ordinary {
        /// Megabytes to take, for the life of the process.
        megabytes: u32,
    },
}

/// How to start the environment.
#[derive(Debug, Clone)]
pub struct EalConfig {
    /// Name of the program, DPDK's `argv[0]`.
    pub program: String,
    /// Where memory comes from.
    pub memory: Memory,
    /// PCI devices that this process may drive, as `address` or `address,key=value,..`
    /// with parameters for the driver ([`PortName::pci_allow`](crate::PortName::pci_allow)
    /// gives them). All others are left alone; with none, the PCI bus is not looked at.
    pub pci: Vec<String>,
    /// CPUs for the calling thread and DPDK's own threads (interrupts, telemetry). Empty:
    /// where the calling thread may run now. Keep packet-processing CPUs out of it.
    pub cpus: Vec<usize>,
    /// Whether the telemetry socket is opened, for `dpdk-telemetry.py` and the like.
    pub telemetry: bool,
    /// Name of the folder below DPDK's runtime folder, for several processes on a host
    /// that are told apart by it. `None`: DPDK's own, `rte`.
    pub file_prefix: Option<String>,
}

impl Default for EalConfig {
    fn default() -> Self {
        Self {
            program: "baleen-dataplane".to_owned(),
            memory: Memory::Auto { megabytes: 256 },
            pci: Vec::new(),
            cpus: Vec::new(),
            telemetry: true,
            file_prefix: None,
        }
    }
}

/// Why the environment did not start.
#[derive(Debug, thiserror::Error)]
pub enum EalError {
    /// It was started before in this process, whether or not with success.
    #[error("DPDK was already started in this process, which is possible once")]
    AlreadyStarted,
    /// An argument holds a zero byte.
    #[error("an argument for DPDK holds a zero byte")]
    Argument(#[from] NulError),
    /// The CPUs of the calling thread could not be read.
    #[error("the CPUs of this thread could not be read: {0}")]
    Affinity(#[source] std::io::Error),
    /// The log lines could not be redirected.
    #[error("DPDK's log could not be redirected: {0}")]
    Log(#[source] Errno),
    /// DPDK refused to start.
    #[error("DPDK did not start: {errno}: {log}")]
    Init {
        /// The error it gave.
        errno: Errno,
        /// What it logged about it.
        log: String,
    },
}

impl EalConfig {
    /// DPDK's argument list, `argv[0]` included, for a host with so many megabytes of
    /// free huge pages and a main thread that may run on `cpus`.
    fn arguments(&self, free_huge_megabytes: u64, cpus: &[usize]) -> Vec<String> {
        let mut arguments = vec![self.program.clone()];
        let ordinary = match self.memory {
            Memory::HugePages => None,
            Memory::Ordinary { megabytes } => Some(megabytes),
            Memory::Auto { megabytes } if free_huge_megabytes >= u64::from(megabytes) => None,
            Memory::Auto { megabytes } => Some(megabytes),
        };
        match ordinary {
            // Nothing on disk, no mount point needed, any number of processes.
            None => arguments.push("--in-memory".into()),
            Some(megabytes) => {
                arguments.extend(["--no-huge".into(), "-m".into(), megabytes.to_string()]);
                // Without this, a second process on the host finds the files locked.
                arguments.push("--no-shconf".into());
            }
        }
        if self.pci.is_empty() {
            arguments.push("--no-pci".into());
        }
        for device in &self.pci {
            arguments.extend(["-a".into(), device.clone()]);
        }
        if !cpus.is_empty() {
            // One DPDK thread, number 0, on a set of CPUs: EAL would otherwise pin the
            // calling thread to one CPU, and every thread started later with it.
            let list: Vec<_> = cpus.iter().map(ToString::to_string).collect();
            arguments.extend(["--lcores".into(), format!("0@({})", list.join(","))]);
        }
        if !self.telemetry {
            arguments.push("--no-telemetry".into());
        }
        if let Some(prefix) = &self.file_prefix {
            arguments.push(format!("--file-prefix={prefix}"));
        }
        arguments
    }
}

/// Proof that the environment runs; everything that needs it asks for one.
///
/// It runs until the process ends. `rte_eal_cleanup` is not called: it would pull the
/// memory from under buffers and threads that still use it, and saves nothing, since all
/// memory is anonymous, DPDK removes its telemetry socket itself on exit, and ports
/// are closed by their owners.
#[derive(Debug, Clone, Copy)]
pub struct Eal {
    _started: (),
}

static STARTED: AtomicBool = AtomicBool::new(false);
static CONTROL: Mutex<()> = Mutex::new(());

impl Eal {
    /// Starts DPDK. Only the first call of a process can succeed.
    ///
    /// The calling thread becomes DPDK's main thread, and may afterwards run on
    /// [`EalConfig::cpus`]. Log lines go to `tracing` from here on.
    pub fn init(config: &EalConfig) -> Result<Self, EalError> {
        let cpus = match config.cpus.as_slice() {
            [] => lcore::affinity().map_err(EalError::Affinity)?,
            cpus => cpus.to_vec(),
        };
        let arguments = config.arguments(free_huge_megabytes(), &cpus);
        let argv: Vec<CString> =
            arguments.iter().map(|argument| CString::new(argument.as_str())).collect::<Result<_, _>>()?;
        if STARTED.swap(true, Ordering::SeqCst) {
            return Err(EalError::AlreadyStarted);
        }
        log::install().map_err(EalError::Log)?;
        tracing::info!(target: "dpdk", arguments = arguments[1..].join(" "), "starting DPDK");
        // DPDK may permute the array and keep pointers to the strings, so both are left
        // to it for good.
        let argc = argv.len() as i32;
        let argv: Vec<*mut c_char> = argv.into_iter().map(CString::into_raw).collect();
        let argv = Vec::leak(argv);
        let (status, log) = log::capture(|| {
            // SAFETY: `argv` holds `argc` writable, terminated strings that are never
            // freed, and no other thread has started the environment.
            unsafe { dpdk_sys::rte_eal_init(argc, argv.as_mut_ptr()) }
        });
        if status < 0 {
            return Err(EalError::Init { errno: Errno::last(), log });
        }
        Ok(Self { _started: () })
    }

    /// Whether memory is on huge pages.
    pub fn has_huge_pages(self) -> bool {
        // SAFETY: reads a setting of the environment, which runs.
        unsafe { dpdk_sys::rte_eal_has_hugepages() != 0 }
    }
}

/// The lock that serialises DPDK's control path.
pub(crate) fn control() -> MutexGuard<'static, ()> {
    // The lock guards no data that a panic could leave half-written.
    CONTROL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Megabytes of free huge pages of all sizes and NUMA nodes.
fn free_huge_megabytes() -> u64 {
    free_huge_megabytes_in(Path::new("/sys/kernel/mm/hugepages"))
}

fn free_huge_megabytes_in(sizes: &Path) -> u64 {
    let Ok(sizes) = fs::read_dir(sizes) else { return 0 };
    sizes
        .filter_map(|size| {
            let size = size.ok()?;
            let name = size.file_name();
            let kilobytes: u64 =
                name.to_str()?.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?;
            let free: u64 =
                fs::read_to_string(size.path().join("free_hugepages")).ok()?.trim().parse().ok()?;
            Some(free.saturating_mul(kilobytes) / 1024)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huge_pages_are_used_when_enough_are_free() {
        let config = EalConfig { memory: Memory::Auto { megabytes: 256 }, ..EalConfig::default() };
        assert_eq!(
            config.arguments(256, &[0, 1]),
            ["baleen-dataplane", "--in-memory", "--no-pci", "--lcores", "0@(0,1)"]
        );
        assert_eq!(
            config.arguments(255, &[2]),
            ["baleen-dataplane", "--no-huge", "-m", "256", "--no-shconf", "--no-pci", "--lcores", "0@(2)"]
        );
    }

    #[test]
    fn only_the_named_pci_devices_are_touched() {
        let config = EalConfig {
            memory: Memory::HugePages,
            pci: vec!["0000:17:02.1".into(), "0000:17:02.2,cap=1".into()],
            telemetry: false,
            file_prefix: Some("sensor1".into()),
            ..EalConfig::default()
        };
        assert_eq!(
            config.arguments(0, &[0])[1..],
            [
                "--in-memory",
                "-a",
                "0000:17:02.1",
                "-a",
                "0000:17:02.2,cap=1",
                "--lcores",
                "0@(0)",
                "--no-telemetry",
                "--file-prefix=sensor1"
            ]
        );
    }

    #[test]
    fn free_huge_pages_of_all_sizes_add_up() {
        let sizes = tempfile::tempdir().unwrap();
        for (name, free) in [("hugepages-2048kB", "10\n"), ("hugepages-1048576kB", "2\n")] {
            fs::create_dir(sizes.path().join(name)).unwrap();
            fs::write(sizes.path().join(name).join("free_hugepages"), free).unwrap();
        }
        assert_eq!(free_huge_megabytes_in(sizes.path()), 20 + 2048);
        assert_eq!(free_huge_megabytes_in(&sizes.path().join("absent")), 0);
    }
}

//! Threads that process packets: ordinary threads of the standard library, pinned to
//! CPUs and made known to DPDK, which gives them fast caches of packet buffers.

use std::io;
use std::marker::PhantomData;
use std::thread::{Builder, JoinHandle};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::eal::Eal;
use crate::errno::Errno;

/// DPDK's number of a thread that it does not know (`LCORE_ID_ANY`).
const NO_LCORE: u32 = u32::MAX;

/// Why a thread could not become a packet-processing thread.
#[derive(Debug, thiserror::Error)]
pub enum LcoreError {
    /// The thread could not be started.
    #[error("thread {name} did not start: {error}")]
    Spawn {
        /// Name of the thread.
        name: String,
        /// The system's reason.
        #[source]
        error: io::Error,
    },
    /// The thread may not run on the CPUs asked for.
    #[error("this thread can not be pinned to CPU {}: {error}", list(.cpus))]
    Pin {
        /// The CPUs asked for.
        cpus: Vec<usize>,
        /// The system's reason.
        #[source]
        error: io::Error,
    },
    /// The thread is known to DPDK already.
    #[error("this thread is known to DPDK already")]
    Registered,
    /// DPDK has no number left for the thread, or no memory.
    #[error("DPDK did not accept this thread: {0}")]
    Register(#[source] Errno),
}

fn list(cpus: &[usize]) -> String {
    cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// CPUs that the calling thread may run on, ascending.
pub fn affinity() -> io::Result<Vec<usize>> {
    let set = sched_getaffinity(Pid::from_raw(0))?;
    Ok((0..CpuSet::count()).filter(|&cpu| set.is_set(cpu).unwrap_or(false)).collect())
}

/// Restricts the calling thread to the given CPUs.
pub fn pin(cpus: &[usize]) -> Result<(), LcoreError> {
    let failed = |error: nix::Error| LcoreError::Pin { cpus: cpus.to_vec(), error: error.into() };
    let mut set = CpuSet::new();
    for &cpu in cpus {
        set.set(cpu).map_err(failed)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set).map_err(failed)
}

/// The CPU's time stamp counter: ticks of constant length, from an arbitrary start.
#[inline]
pub fn ticks() -> u64 {
    // SAFETY: reads a register.
    unsafe { dpdk_sys::rte_rdtsc() }
}

/// While it lives, the calling thread is known to DPDK and has a cache of packet buffers
/// of each pool. Stays on its thread.
#[derive(Debug)]
pub struct Registration {
    /// A registration belongs to one thread and may not leave it.
    thread: PhantomData<*const ()>,
}

impl Registration {
    /// Makes the calling thread known to DPDK. Pin the thread first: DPDK notes its CPUs
    /// and NUMA node now.
    pub fn new(_eal: Eal) -> Result<Self, LcoreError> {
        // SAFETY: reads a thread-local integer.
        if unsafe { dpdk_sys::rte_lcore_id() } != NO_LCORE {
            return Err(LcoreError::Registered);
        }
        // SAFETY: the environment runs, and this thread is not registered.
        if unsafe { dpdk_sys::rte_thread_register() } < 0 {
            return Err(LcoreError::Register(Errno::last()));
        }
        Ok(Self { thread: PhantomData })
    }

    /// Number that DPDK gave the thread.
    pub fn lcore(&self) -> u32 {
        // SAFETY: reads a thread-local integer.
        unsafe { dpdk_sys::rte_lcore_id() }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // SAFETY: this thread was registered and is still running, since the type does
        // not leave its thread.
        unsafe { dpdk_sys::rte_thread_unregister() };
    }
}

/// Starts a thread, pins it to `cpus` (empty: leaves it where the caller may run), makes
/// it known to DPDK and runs `body` on it.
///
/// The thread's result is an error when it could not be pinned or registered; `body` has
/// then not run.
pub fn spawn<T: Send + 'static>(
    eal: Eal,
    name: &str,
    cpus: Vec<usize>,
    body: impl FnOnce(&Registration) -> T + Send + 'static,
) -> Result<JoinHandle<Result<T, LcoreError>>, LcoreError> {
    let run = move || {
        if !cpus.is_empty() {
            pin(&cpus)?;
        }
        let registration = Registration::new(eal)?;
        Ok(body(&registration))
    };
    Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| LcoreError::Spawn { name: name.to_owned(), error })
}

//! A DPDK environment for tests: ordinary memory, no PCI, any user.

use std::sync::OnceLock;

use crate::eal::{Eal, EalConfig, Memory};

/// Megabytes of memory that the tests of one process share.
const MEGABYTES: u32 = 384;

/// The environment of this test process, started by the first test that asks.
///
/// Tests share it, in parallel: each makes its own pools, rings and ports.
///
/// # Panics
///
/// When DPDK does not start.
pub fn eal() -> Eal {
    static EAL: OnceLock<Eal> = OnceLock::new();
    #[expect(clippy::panic, reason = "a test can not go on without the environment")]
    *EAL.get_or_init(|| {
        let config = EalConfig {
            program: "test".to_owned(),
            memory: Memory::Ordinary { megabytes: MEGABYTES },
            telemetry: false,
            ..EalConfig::default()
        };
        Eal::init(&config).unwrap_or_else(|error| panic!("{error}"))
    })
}

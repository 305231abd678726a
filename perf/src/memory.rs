//! Memory of this process and of the machine, by the operating system's accounting.

use std::fs;
use std::io;

/// Octets of memory that this process has, huge pages among them.
pub(crate) fn resident() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    Ok(kilobytes(&status, "VmRSS:").unwrap_or(0) + kilobytes(&status, "HugetlbPages:").unwrap_or(0))
}

/// Octets of memory that a program could still take; `None` where the system does not tell.
pub(crate) fn available() -> Option<u64> {
    kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// The octets in a line like `VmRSS:     1234 kB`.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_name() {
        let text = "VmHWM:\t  99 kB\nVmRSS:\t  12 kB\nThreads:\t1\n";
        assert_eq!(kilobytes(text, "VmRSS:"), Some(12 << 10));
        assert_eq!(kilobytes(text, "HugetlbPages:"), None);
        assert_eq!(kilobytes(text, "Threads:"), None);
    }

    #[test]
    fn what_a_process_touches_is_resident() {
        let before = resident().unwrap();
        let octets = vec![1_u8; 32 << 20];
        let grown = resident().unwrap().saturating_sub(before);
        assert!(grown >= 16 << 20, "{grown}, with {} touched", octets.len());
    }
}

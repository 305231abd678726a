//! DPDK's log lines, passed on to `tracing` under the target `dpdk`.

use std::cell::RefCell;
use std::ffi::c_char;
use std::slice;

use crate::errno::Errno;

/// Lines kept to explain a failed call; of more, the last ones.
const KEPT_LINES: usize = 8;

/// Start of a line that DPDK 22.11 logs as a warning on every start with telemetry, and
/// that is of no meaning to anyone.
const MEANINGLESS: &str = "TELEMETRY: No legacy callbacks";

thread_local! {
    /// Lines of warning and worse that this thread logged inside [`capture`].
    static CAPTURED: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Sends all of DPDK's log lines to `tracing`. Only of use before EAL starts, since its
/// first lines come while it starts.
pub(crate) fn install() -> Result<(), Errno> {
    // SAFETY: `on_message` is a function for the life of the program, and nothing else
    // sets the handler.
    Errno::check(unsafe { dpdk_sys::dpdk_log_to(Some(on_message)) }).map(|_| ())
}

/// Runs `call` and returns with its result what DPDK logged about it on this thread, at
/// level warning and worse: its return values alone seldom tell a person what is wrong.
pub(crate) fn capture<T>(call: impl FnOnce() -> T) -> (T, String) {
    CAPTURED.set(Some(Vec::new()));
    let result = call();
    let lines = CAPTURED.take().unwrap_or_default();
    (result, lines.join("; "))
}

/// Receives one message from DPDK.
///
/// # Safety
///
/// `text` must point to `length` readable bytes.
unsafe extern "C" fn on_message(level: u32, _type: u32, text: *const c_char, length: usize) {
    if text.is_null() {
        return;
    }
    // SAFETY: the caller vouches for pointer and length.
    let bytes = unsafe { slice::from_raw_parts(text.cast::<u8>(), length) };
    let text = String::from_utf8_lossy(bytes);
    let line = text.trim_end();
    if line.is_empty() {
        return;
    }
    if level <= dpdk_sys::RTE_LOG_WARNING {
        // A thread whose storage is already gone has nobody left to explain to.
        let _ = CAPTURED.try_with(|captured| {
            if let Ok(mut captured) = captured.try_borrow_mut()
                && let Some(lines) = captured.as_mut()
            {
                if lines.len() == KEPT_LINES {
                    lines.remove(0);
                }
                lines.push(line.to_owned());
            }
        });
    }
    match level {
        _ if line.starts_with(MEANINGLESS) => tracing::trace!(target: "dpdk", "{line}"),
        0..=dpdk_sys::RTE_LOG_ERR => tracing::error!(target: "dpdk", "{line}"),
        dpdk_sys::RTE_LOG_WARNING => tracing::warn!(target: "dpdk", "{line}"),
        dpdk_sys::RTE_LOG_NOTICE => tracing::info!(target: "dpdk", "{line}"),
        dpdk_sys::RTE_LOG_INFO => tracing::debug!(target: "dpdk", "{line}"),
        _ => tracing::trace!(target: "dpdk", "{line}"),
    }
}

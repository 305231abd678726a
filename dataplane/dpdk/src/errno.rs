//! Error numbers of DPDK, which are those of the operating system and a few more.

use std::ffi::{CStr, c_int};
use std::fmt;

/// An error number as DPDK gives it; shown as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(c_int);

impl Errno {
    /// A value that DPDK can not use.
    pub(crate) const INVALID: Self = Self(libc::EINVAL);
    /// There is no such device.
    pub(crate) const NO_DEVICE: Self = Self(libc::ENODEV);

    /// From a status that DPDK returned: zero and above is success, below is the negated
    /// error number.
    pub(crate) fn check(status: c_int) -> Result<c_int, Self> {
        if status < 0 { Err(Self(status.wrapping_neg())) } else { Ok(status) }
    }

    /// The error that the last failed call on this thread left in `rte_errno`, for the
    /// calls that do not return it.
    pub(crate) fn last() -> Self {
        // SAFETY: reads a thread-local integer.
        Self(unsafe { dpdk_sys::dpdk_errno() })
    }

    /// The number, positive.
    pub fn code(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: the text is in a buffer of this thread and is copied before it can be
        // asked for again.
        let text = unsafe { CStr::from_ptr(dpdk_sys::rte_strerror(self.0)) };
        write!(f, "{} (error {})", text.to_string_lossy(), self.0)
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Errno {}

#[cfg(test)]
mod tests {
    use super::Errno;

    #[test]
    fn negative_status_is_the_error() {
        assert_eq!(Errno::check(-22).map_err(Errno::code), Err(22));
        assert_eq!(Errno::check(3), Ok(3));
        assert_eq!(Errno::check(-22).unwrap_err().to_string(), "Invalid argument (error 22)");
    }
}

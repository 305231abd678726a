//! Tells the CPU what memory will be wanted soon, so that misses of several packets overlap.
//!
//! The only unsafe code of this crate: the intrinsic takes a pointer, which it never follows.
#![allow(unsafe_code)]

/// Octets of a cache line.
const LINE: usize = 64;

/// Fetches all cache lines of a value.
#[inline(always)]
pub(crate) fn prefetch<T>(value: &T) {
    let start = std::ptr::from_ref(value).cast::<i8>();
    for line in 0..size_of::<T>().div_ceil(LINE) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a prefetch is a hint without effect on the program, for any address.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line * LINE));
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (start, line);
    }
}

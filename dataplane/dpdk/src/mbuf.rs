//! One packet in DPDK's memory.

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::slice;

use dpdk_sys::{dpdk_mbuf_offset, rte_mbuf};

use crate::eal::{self, Eal};
use crate::errno::Errno;

/// A packet, owned: one buffer of a [`Mempool`](crate::Mempool) or a chain of them.
/// Dropping it gives the buffers back. It can not be cloned, and the bytes can not
/// change while it is borrowed.
#[repr(transparent)]
pub struct Mbuf(NonNull<rte_mbuf>);

// SAFETY: a buffer is a piece of memory with one owner, and any thread may give it back.
unsafe impl Send for Mbuf {}
// SAFETY: shared access only reads.
unsafe impl Sync for Mbuf {}

/// Reads a field of a buffer.
///
/// # Safety
///
/// `mbuf` must be a live buffer and `T` the type of the field at `offset`.
#[inline(always)]
unsafe fn field<T: Copy>(mbuf: NonNull<rte_mbuf>, offset: dpdk_mbuf_offset) -> T {
    // SAFETY: the offset is one of a field of that type, as the caller vouches.
    unsafe { mbuf.cast::<u8>().add(offset as usize).cast::<T>().read() }
}

impl Mbuf {
    /// Takes over a packet that DPDK handed out.
    ///
    /// # Safety
    ///
    /// `mbuf` must be the live first buffer of a packet that nobody else owns.
    #[inline(always)]
    pub(crate) unsafe fn from_raw(mbuf: NonNull<rte_mbuf>) -> Self {
        Self(mbuf)
    }

    /// Gives the packet up to DPDK.
    #[inline(always)]
    pub(crate) fn into_raw(self) -> *mut rte_mbuf {
        let raw = self.0.as_ptr();
        std::mem::forget(self);
        raw
    }

    /// Bytes of the packet, over all its buffers.
    #[inline]
    pub fn packet_len(&self) -> usize {
        // SAFETY: a live buffer; `pkt_len` is a uint32_t.
        unsafe { field::<u32>(self.0, dpdk_sys::DPDK_MBUF_PKT_LEN) as usize }
    }

    /// Whether the packet lies in one buffer, so that [`data`](Self::data) is all of it.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        // SAFETY: a live buffer; `nb_segs` is a uint16_t.
        unsafe { field::<u16>(self.0, dpdk_sys::DPDK_MBUF_NB_SEGS) == 1 }
    }

    /// The packet's bytes in its first buffer; the whole packet if it
    /// [is contiguous](Self::is_contiguous).
    #[inline]
    pub fn data(&self) -> &[u8] {
        // SAFETY: a live buffer, borrowed for as long as the slice.
        unsafe { segment_data(self.0) }
    }

    /// The packet's bytes in its first buffer, to be changed: for packets that are made or
    /// replayed here.
    #[inline]
    pub fn data_mut(&mut self) -> &mut [u8] {
        // SAFETY: a live buffer with one owner, whom we borrow for as long as the slice: no
        // buffer is ever attached to another one, so nobody else refers to the bytes. There
        // are `data_len` of them from the start on, as for `segment_data`.
        unsafe {
            let len: u16 = field(self.0, dpdk_sys::DPDK_MBUF_DATA_LEN);
            slice::from_raw_parts_mut(segment_start(self.0).cast_mut(), usize::from(len))
        }
    }

    /// The packet's bytes, buffer by buffer.
    #[inline]
    pub fn segments(&self) -> Segments<'_> {
        Segments { next: Some(self.0), packet: PhantomData }
    }

    /// Appends the whole packet to `out`.
    pub fn copy_to(&self, out: &mut Vec<u8>) {
        out.reserve(self.packet_len());
        for segment in self.segments() {
            out.extend_from_slice(segment);
        }
    }

    /// The hash that the port computed over the packet's addresses, if it did.
    #[inline]
    pub fn rss_hash(&self) -> Option<u32> {
        // SAFETY: a live buffer; the fields are a uint64_t and a uint32_t.
        unsafe {
            let flags: u64 = field(self.0, dpdk_sys::DPDK_MBUF_OL_FLAGS);
            (flags & dpdk_sys::DPDK_MBUF_F_RX_RSS_HASH != 0)
                .then(|| field(self.0, dpdk_sys::DPDK_MBUF_HASH_RSS))
        }
    }

    /// Asks the CPU to fetch the packet's first bytes, for a packet that is looked at
    /// a few packets later.
    #[inline(always)]
    pub fn prefetch(&self) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: a prefetch does not access memory as far as the language goes, so
            // any address will do.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(segment_start(self.0).cast()) };
        }
    }

    /// Appends bytes to the packet's first buffer, for packets that are made here.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] when the buffer is too small, or the packet is a chain.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), NoRoom> {
        let len = u16::try_from(bytes.len()).map_err(|_| NoRoom)?;
        if !self.is_contiguous() {
            return Err(NoRoom);
        }
        // SAFETY: a live buffer without followers, owned by us.
        let tail = unsafe { dpdk_sys::rte_pktmbuf_append(self.0.as_ptr(), len) };
        if tail.is_null() {
            return Err(NoRoom);
        }
        // SAFETY: DPDK has set aside `len` bytes at `tail` in a buffer only we can write.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), tail.cast(), bytes.len()) };
        Ok(())
    }

    /// Appends another packet's buffers to this one's.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] when the chain would get too long; `tail` is gone then.
    pub fn chain(&mut self, tail: Self) -> Result<(), NoRoom> {
        // SAFETY: both are live packets that we own; on success the chain owns `tail`.
        if unsafe { dpdk_sys::rte_pktmbuf_chain(self.0.as_ptr(), tail.0.as_ptr()) } < 0 {
            return Err(NoRoom);
        }
        std::mem::forget(tail);
        Ok(())
    }
}

/// Where the bytes of one buffer start.
///
/// # Safety
///
/// `mbuf` must be a live buffer.
#[inline(always)]
unsafe fn segment_start(mbuf: NonNull<rte_mbuf>) -> *const u8 {
    // SAFETY: `buf_addr` is a pointer, `data_off` a uint16_t within the memory it points to.
    unsafe {
        let memory: *const u8 = field(mbuf, dpdk_sys::DPDK_MBUF_BUF_ADDR);
        memory.add(usize::from(field::<u16>(mbuf, dpdk_sys::DPDK_MBUF_DATA_OFF)))
    }
}

/// Bytes of one buffer.
///
/// # Safety
///
/// `mbuf` must be a live buffer that is not written to during `'a`.
#[inline(always)]
unsafe fn segment_data<'a>(mbuf: NonNull<rte_mbuf>) -> &'a [u8] {
    // SAFETY: a driver or `append` has written `data_len` bytes from the start on.
    unsafe {
        let len: u16 = field(mbuf, dpdk_sys::DPDK_MBUF_DATA_LEN);
        slice::from_raw_parts(segment_start(mbuf), usize::from(len))
    }
}

impl Drop for Mbuf {
    fn drop(&mut self) {
        // SAFETY: we own the packet, and its pool is never freed.
        unsafe { dpdk_sys::rte_pktmbuf_free(self.0.as_ptr()) };
    }
}

impl fmt::Debug for Mbuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mbuf").field("packet_len", &self.packet_len()).finish_non_exhaustive()
    }
}

/// The packet did not fit into its buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no room in the packet buffer")]
pub struct NoRoom;

/// The bytes of a packet, buffer by buffer.
#[derive(Debug, Clone)]
pub struct Segments<'a> {
    next: Option<NonNull<rte_mbuf>>,
    packet: PhantomData<&'a Mbuf>,
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let segment = self.next?;
        // SAFETY: a buffer of a packet that is borrowed for 'a; `next` is a pointer.
        unsafe {
            self.next = NonNull::new(field(segment, dpdk_sys::DPDK_MBUF_NEXT));
            Some(segment_data(segment))
        }
    }
}

impl FusedIterator for Segments<'_> {}

/// Access to the time stamps that some drivers write into packets. What they count is the
/// driver's choice: `net_pcap` gives microseconds since 1970, network cards give ticks of
/// a clock of their own.
#[derive(Debug, Clone, Copy)]
pub struct Timestamps {
    offset: usize,
    flag: u64,
}

impl Timestamps {
    /// Finds, or sets aside, the place for time stamps in packet buffers.
    pub fn register(_eal: Eal) -> Result<Self, Errno> {
        let _control = eal::control();
        let (mut offset, mut flag) = (0, 0);
        // SAFETY: the environment runs, and both pointers are to integers of the right type.
        let status = unsafe { dpdk_sys::rte_mbuf_dyn_rx_timestamp_register(&raw mut offset, &raw mut flag) };
        if status < 0 {
            return Err(Errno::last());
        }
        Ok(Self { offset: usize::try_from(offset).map_err(|_| Errno::last())?, flag })
    }

    /// The packet's time stamp, if its driver wrote one.
    #[inline]
    pub fn of(self, mbuf: &Mbuf) -> Option<u64> {
        // SAFETY: a live buffer; DPDK gave the offset out for 8 bytes within it, and the
        // flag says that they are written.
        unsafe {
            let flags: u64 = field(mbuf.0, dpdk_sys::DPDK_MBUF_OL_FLAGS);
            (flags & self.flag != 0)
                .then(|| mbuf.0.cast::<u8>().add(self.offset).cast::<u64>().read_unaligned())
        }
    }

    /// Writes a time stamp into the packet, for who receives it from a ring.
    #[inline]
    pub fn set(self, mbuf: &mut Mbuf, stamp: u64) {
        // SAFETY: a live buffer that only we can write; DPDK gave the offset out for 8
        // bytes within it, and the flags are a uint64_t.
        unsafe {
            mbuf.0.cast::<u8>().add(self.offset).cast::<u64>().write_unaligned(stamp);
            let flags = mbuf.0.cast::<u8>().add(dpdk_sys::DPDK_MBUF_OL_FLAGS as usize).cast::<u64>();
            flags.write(flags.read() | self.flag);
        }
    }
}

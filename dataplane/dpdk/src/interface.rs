//! The few things a sensor asks of, and sets on, a network interface of the kernel when
//! it captures from one.

use std::ffi::c_int;
use std::fs;
use std::io;
use std::mem;

use nix::net::if_::{if_nameindex, if_nametoindex};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use std::os::fd::{AsRawFd, OwnedFd};

/// Work that the kernel or the card does on whole streams or in place of the sender, so
/// that what is captured is not what was on the wire: merged segments larger than any
/// frame, and checksums that are not filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offload {
    /// Checksums verified by the card.
    RxChecksum,
    /// Checksums filled in by the card, so that a sender's own packets show none.
    TxChecksum,
    /// TCP segmentation by the card.
    Tso,
    /// Segmentation late in the kernel.
    Gso,
    /// Merging of received segments in the kernel.
    Gro,
    /// Merging of received segments by the card.
    Lro,
}

impl Offload {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::RxChecksum, Self::TxChecksum, Self::Tso, Self::Gso, Self::Gro, Self::Lro];

    /// Those that change what a capturing interface receives.
    pub const RECEIVE: [Self; 2] = [Self::Gro, Self::Lro];
}

// Commands of linux/ethtool.h.
const ETHTOOL_SRXCSUM: u32 = 0x15;
const ETHTOOL_STXCSUM: u32 = 0x17;
const ETHTOOL_STSO: u32 = 0x1f;
const ETHTOOL_SGSO: u32 = 0x24;
const ETHTOOL_GFLAGS: u32 = 0x25;
const ETHTOOL_SFLAGS: u32 = 0x26;
const ETHTOOL_SGRO: u32 = 0x2c;
const ETH_FLAG_LRO: u32 = 1 << 15;

/// `struct ethtool_value` of linux/ethtool.h.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

/// A socket to send interface requests through, and the request with the name filled in.
struct Request {
    socket: OwnedFd,
    request: libc::ifreq,
}

impl Request {
    fn new(interface: &str) -> io::Result<Self> {
        // SAFETY: an `ifreq` is plain data, for which all zeros is a value.
        let mut request: libc::ifreq = unsafe { mem::zeroed() };
        // One byte stays zero, to end the name.
        if interface.is_empty() || interface.len() >= request.ifr_name.len() {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
            *to = from as libc::c_char;
        }
        let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
        Ok(Self { socket, request })
    }

    /// # Safety
    ///
    /// The union in the request must hold what `code` reads.
    unsafe fn send(&mut self, code: libc::Ioctl) -> io::Result<()> {
        // SAFETY: the request is one `ifreq`, and what it refers to is the caller's part.
        let status = unsafe { libc::ioctl(self.socket.as_raw_fd(), code, &raw mut self.request) };
        if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn ethtool(&mut self, command: u32, data: u32) -> io::Result<u32> {
        let mut value = EthtoolValue { command, data };
        self.request.ifr_ifru.ifru_data = (&raw mut value).cast();
        // SAFETY: the union holds a pointer to a value that outlives the call.
        unsafe { self.send(libc::SIOCETHTOOL as libc::Ioctl) }?;
        Ok(value.data)
    }
}

/// Whether the interface exists in this network namespace.
pub fn exists(interface: &str) -> bool {
    if_nametoindex(interface).is_ok()
}

/// Names of the interfaces of this network namespace.
pub fn names() -> Vec<String> {
    if_nameindex()
        .map(|all| all.iter().map(|one| one.name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default()
}

/// Largest packet the interface takes without its Ethernet header, in bytes.
pub fn mtu(interface: &str) -> io::Result<u32> {
    let mut request = Request::new(interface)?;
    // SAFETY: this request only fills the union in.
    unsafe { request.send(libc::SIOCGIFMTU as libc::Ioctl) }?;
    // SAFETY: the request succeeded, so the union holds the MTU.
    Ok(u32::try_from(unsafe { request.request.ifr_ifru.ifru_mtu }).unwrap_or(0))
}

/// Whether the interface is administratively up.
pub fn is_up(interface: &str) -> io::Result<bool> {
    let mut request = Request::new(interface)?;
    // SAFETY: this request only fills the union in.
    unsafe { request.send(libc::SIOCGIFFLAGS as libc::Ioctl) }?;
    // SAFETY: the request succeeded, so the union holds the flags.
    let flags = c_int::from(unsafe { request.request.ifr_ifru.ifru_flags });
    Ok(flags & libc::IFF_UP != 0)
}

/// Switches an offload of an interface on or off; whether the interface has it to switch.
/// Needs the capability NET_ADMIN.
pub fn set_offload(interface: &str, offload: Offload, on: bool) -> io::Result<bool> {
    let mut request = Request::new(interface)?;
    let value = u32::from(on);
    let outcome = match offload {
        Offload::RxChecksum => request.ethtool(ETHTOOL_SRXCSUM, value),
        Offload::TxChecksum => request.ethtool(ETHTOOL_STXCSUM, value),
        Offload::Tso => request.ethtool(ETHTOOL_STSO, value),
        Offload::Gso => request.ethtool(ETHTOOL_SGSO, value),
        Offload::Gro => request.ethtool(ETHTOOL_SGRO, value),
        Offload::Lro => request.ethtool(ETHTOOL_GFLAGS, 0).and_then(|flags| {
            let flags = if on { flags | ETH_FLAG_LRO } else { flags & !ETH_FLAG_LRO };
            request.ethtool(ETHTOOL_SFLAGS, flags)
        }),
    };
    match outcome {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EINVAL)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Bytes of memory that this process may lock; `None` if there is no limit.
pub(crate) fn lockable_memory() -> Option<u64> {
    if may_lock_any_memory(
        &fs::read_to_string("/proc/self/status").unwrap_or_default(),
        &fs::read_to_string("/proc/self/uid_map").unwrap_or_default(),
    ) {
        return None;
    }
    let limit = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_MEMLOCK);
    limit.ok().map(|(soft, _)| soft).filter(|&soft| soft != nix::sys::resource::RLIM_INFINITY)
}

/// Whether the kernel exempts the process from the limit of locked memory: it has the
/// capability IPC_LOCK, and not just within a user namespace.
fn may_lock_any_memory(status: &str, uid_map: &str) -> bool {
    const CAP_IPC_LOCK: u32 = 14;
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    let initial_namespace = uid_map.split_whitespace().eq(["0", "0", "4294967295"]);
    effective >> CAP_IPC_LOCK & 1 == 1 && initial_namespace
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_and_others_are_not() {
        assert!(exists("lo"));
        assert!(names().contains(&"lo".to_owned()));
        assert!(mtu("lo").unwrap() > 0);
        assert!(!exists("no-such-if"));
        assert!(mtu("no-such-if").is_err());
        assert!(is_up("a-name-that-is-too-long").is_err());
    }

    #[test]
    fn the_lock_limit_holds_in_user_namespaces_and_without_the_capability() {
        let root = "CapEff:\t000001ffffffffff\n";
        assert!(may_lock_any_memory(root, "         0          0 4294967295\n"));
        assert!(!may_lock_any_memory(root, "         0       1000          1\n"));
        assert!(!may_lock_any_memory("CapEff:\t0000000000000000\n", "0 0 4294967295"));
        assert!(!may_lock_any_memory("", ""));
    }
}

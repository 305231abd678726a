//! Flow rules: a port that drops, and counts, packets by itself.
//!
//! The one rule that a sensor needs is for one direction of a flow that nobody wants to see any more: its packets are
//! counted and dropped before they cost anything. Of TCP, packets with FIN, SYN or RST do not match and still come, so
//! that the end of the connection is seen. Few ports take such rules, and each only so many:
//! [`Port::validate_drop_rule`] asks without changing anything.
//!
//! Calls take the lock of DPDK's control path and may take milliseconds in a driver: never make them on the packet
//! path. See the [DPDK guide](https://doc.dpdk.org/guides/prog_guide/rte_flow.html) on `rte_flow`.

use std::ffi::c_char;
use std::net::{IpAddr, SocketAddr};
use std::ptr::{self, NonNull};

use crate::eal;
use crate::errno::Errno;
use crate::log;
use crate::port::{Port, owned};

/// Transport of packets that are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropTransport {
    /// TCP, without packets that have FIN, SYN or RST.
    Tcp,
    /// UDP, without fragments over IPv4.
    Udp,
}

/// Which packets are dropped: one direction of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DropMatch {
    /// The sender.
    pub source: SocketAddr,
    /// The receiver; of the same IP version.
    pub destination: SocketAddr,
    /// Transport.
    pub transport: DropTransport,
    /// VLAN tags in front of the IP header, whatever they say: 0 to 2.
    pub vlan_tags: u8,
}

/// What a rule has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleCount {
    /// Packets.
    pub packets: u64,
    /// Their octets on the wire, Ethernet header included.
    pub octets: u64,
}

/// Why a port does not have a rule, or does not tell of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlowRuleError {
    /// An IPv4 and an IPv6 address.
    #[error("port {port}: a rule from {source_ip} to {destination_ip} is of two IP versions")]
    TwoVersions {
        /// The port.
        port: String,
        /// The sender.
        source_ip: IpAddr,
        /// The receiver.
        destination_ip: IpAddr,
    },
    /// The driver has no such rules, or not this kind.
    #[error("port {port} ({driver}) takes no rule to drop and count a flow: {reason}")]
    Unsupported {
        /// The port.
        port: String,
        /// Its driver.
        driver: String,
        /// What it says.
        reason: String,
    },
    /// The port has no room for one more.
    #[error("port {port} ({driver}) has no room for one more rule: {reason}")]
    Full {
        /// The port.
        port: String,
        /// Its driver.
        driver: String,
        /// What it says.
        reason: String,
    },
    /// Something else.
    #[error("port {port} ({driver}): {step}: {reason}")]
    Failed {
        /// The port.
        port: String,
        /// Its driver.
        driver: String,
        /// What was tried.
        step: &'static str,
        /// What it says.
        reason: String,
    },
}

/// A rule in a port, which is removed with this.
#[derive(Debug)]
pub struct FlowRule {
    /// Keeps the port from being closed before.
    port: Port,
    /// `None` once it is removed.
    handle: Option<NonNull<dpdk_sys::rte_flow>>,
}

// SAFETY: the handle is only a name for the rule; all calls with it hold the control path's lock.
unsafe impl Send for FlowRule {}

impl Port {
    /// Asks whether the port would take a rule that drops and counts these packets. The port must be started.
    pub fn validate_drop_rule(&self, packets: &DropMatch) -> Result<(), FlowRuleError> {
        let raw = self.raw_match(packets)?;
        let _control = eal::control();
        let mut message = ptr::null();
        let (status, log) = log::capture(|| {
            // SAFETY: the port exists; both pointers are to live variables of the right type.
            unsafe { dpdk_sys::dpdk_drop_validate(self.inner.id, &raw const raw, &raw mut message) }
        });
        match Errno::check(status) {
            Ok(_) => Ok(()),
            // SAFETY: the shim gives a terminated string that lives for ever, or null.
            Err(errno) => Err(unsafe { self.refusal("asking for a rule", errno, message, &log) }),
        }
    }

    /// Has the port drop and count these packets from now on.
    pub fn install_drop_rule(&self, packets: &DropMatch) -> Result<FlowRule, FlowRuleError> {
        let raw = self.raw_match(packets)?;
        let _control = eal::control();
        let mut message = ptr::null();
        let ((handle, errno), log) = log::capture(|| {
            // SAFETY: the port exists; both pointers are to live variables of the right type.
            let handle =
                unsafe { dpdk_sys::dpdk_drop_create(self.inner.id, &raw const raw, &raw mut message) };
            (handle, Errno::last())
        });
        match NonNull::new(handle) {
            Some(handle) => Ok(FlowRule { port: self.clone(), handle: Some(handle) }),
            // SAFETY: the shim gives a terminated string that lives for ever, or null.
            None => Err(unsafe { self.refusal("making a rule", errno, message, &log) }),
        }
    }

    fn raw_match(&self, packets: &DropMatch) -> Result<dpdk_sys::dpdk_drop_match, FlowRuleError> {
        let mut raw = dpdk_sys::dpdk_drop_match {
            is_tcp: u8::from(packets.transport == DropTransport::Tcp),
            vlan_tags: packets.vlan_tags,
            source_port: packets.source.port(),
            destination_port: packets.destination.port(),
            ..Default::default()
        };
        match (packets.source.ip(), packets.destination.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                raw.source[..4].copy_from_slice(&source.octets());
                raw.destination[..4].copy_from_slice(&destination.octets());
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                raw.is_ipv6 = 1;
                raw.source = source.octets();
                raw.destination = destination.octets();
            }
            (source_ip, destination_ip) => {
                let port = self.inner.name.clone();
                return Err(FlowRuleError::TwoVersions { port, source_ip, destination_ip });
            }
        }
        Ok(raw)
    }

    /// Explains a failure.
    ///
    /// # Safety
    ///
    /// `message` must be null or a terminated string.
    unsafe fn refusal(
        &self,
        step: &'static str,
        errno: Errno,
        message: *const c_char,
        log: &str,
    ) -> FlowRuleError {
        // SAFETY: the caller vouches for it.
        let message = unsafe { owned(message) };
        let said = [message.as_str(), log].into_iter().filter(|text| !text.is_empty());
        let said: Vec<&str> = said.collect();
        let reason =
            if said.is_empty() { errno.to_string() } else { format!("{errno}: {}", said.join("; ")) };
        let (port, driver) = (self.inner.name.clone(), self.capabilities().driver.clone());
        match errno.code() {
            libc::ENOSYS | libc::ENOTSUP | libc::EINVAL => {
                FlowRuleError::Unsupported { port, driver, reason }
            }
            libc::ENOSPC | libc::ENOMEM | libc::E2BIG | libc::EBUSY => {
                FlowRuleError::Full { port, driver, reason }
            }
            _ => FlowRuleError::Failed { port, driver, step, reason },
        }
    }
}

impl FlowRule {
    /// What it has counted so far.
    pub fn count(&self) -> Result<RuleCount, FlowRuleError> {
        let _control = eal::control();
        self.query()
    }

    /// Removes it; what it counted in all. Packets that come between the two are lost to both, so do it when none come
    /// any more.
    ///
    /// # Errors
    ///
    /// When it did not tell its count. It is removed all the same, unless the driver refuses that too, which is logged.
    pub fn remove(mut self) -> Result<RuleCount, FlowRuleError> {
        let _control = eal::control();
        let count = self.query();
        self.destroy();
        count
    }

    /// With the control path's lock held.
    fn query(&self) -> Result<RuleCount, FlowRuleError> {
        let Some(handle) = self.handle else { return Ok(RuleCount::default()) };
        let (mut packets, mut octets, mut message) = (0, 0, ptr::null());
        // SAFETY: the rule is one of this port's, and not destroyed; the pointers are to live variables.
        let status = unsafe {
            dpdk_sys::dpdk_drop_query(
                self.port.inner.id,
                handle.as_ptr(),
                &raw mut packets,
                &raw mut octets,
                &raw mut message,
            )
        };
        match Errno::check(status) {
            Ok(_) => Ok(RuleCount { packets, octets }),
            // SAFETY: the shim gives a terminated string that lives for ever, or null.
            Err(errno) => Err(unsafe { self.port.refusal("reading a rule's counter", errno, message, "") }),
        }
    }

    /// With the control path's lock held.
    fn destroy(&mut self) {
        let Some(handle) = self.handle.take() else { return };
        let mut message = ptr::null();
        // SAFETY: the rule is one of this port's, and its handle is gone after this.
        let status =
            unsafe { dpdk_sys::dpdk_drop_destroy(self.port.inner.id, handle.as_ptr(), &raw mut message) };
        if let Err(errno) = Errno::check(status) {
            // SAFETY: the shim gives a terminated string that lives for ever, or null.
            let error = unsafe { self.port.refusal("removing a rule", errno, message, "") };
            tracing::error!(%error, "a rule stays in the port: packets of a flow may be dropped");
        }
    }
}

impl Drop for FlowRule {
    fn drop(&mut self) {
        let _control = eal::control();
        self.destroy();
    }
}

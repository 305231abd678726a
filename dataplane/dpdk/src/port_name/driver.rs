//! From the name of a port to the device and parameters of a DPDK driver.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{PortName, Source};

/// Options of a kind of port: ours, and the driver's parameter. `None`: any, unchanged.
pub(super) fn options(source: &Source) -> Option<&'static [(&'static str, &'static str)]> {
    Some(match source {
        Source::Pci(_) | Source::PciFromEnvironment(_) => return None,
        Source::AfPacket(_) => {
            &[("queues", "qpairs"), ("framecnt", "framecnt"), ("framesz", "framesz"), ("blocksz", "blocksz")]
        }
        Source::PcapLive(_) => &[],
        Source::AfXdp(_) => &[
            ("queues", "queue_count"),
            ("start_queue", "start_queue"),
            ("busy_budget", "busy_budget"),
            ("force_copy", "force_copy"),
        ],
        Source::Tap(_) => &[("remote", "remote"), ("mac", "mac"), ("persist", "persist")],
        Source::Memif(_) => &[
            ("id", "id"),
            ("role", "role"),
            ("bsize", "bsize"),
            ("rsize", "rsize"),
            ("secret", "secret"),
            ("zero-copy", "zero-copy"),
            ("socket-abstract", "socket-abstract"),
        ],
        Source::VirtioUser(_) => {
            &[("queues", "queues"), ("queue_size", "queue_size"), ("server", "server"), ("mac", "mac")]
        }
        Source::Pcap(_) => &[("infinite", "infinite_rx")],
        Source::Null => &[("size", "size"), ("copy", "copy"), ("no-rx", "no-rx")],
    })
}

/// A device of DPDK: its bus, its name there, the driver's parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device {
    /// `pci` or `vdev`.
    pub(crate) bus: &'static str,
    /// Name, which the port has as well.
    pub(crate) name: String,
    /// `key=value`, separated by commas.
    pub(crate) parameters: String,
    /// Bytes that a packet buffer must hold for the driver to accept it.
    pub(crate) data_room: u16,
}

impl Device {
    /// For an interface of that MTU, where that is what is captured from, and a process
    /// that may lock that much memory (`None`: any).
    pub(super) fn new(port: &PortName, mtu: u32, lockable: Option<u64>) -> Self {
        static SEQUENCE: AtomicU32 = AtomicU32::new(0);
        let mut parameters = Parameters(String::new());
        let mut data_room = 0;
        let driver = match port.source() {
            Source::Pci(address) => {
                for (key, value) in &port.options {
                    parameters.add(key, value);
                }
                return Self { bus: "pci", name: address.to_string(), parameters: parameters.0, data_room };
            }
            // Resolved into PCI devices before a device is asked for; there is no such driver.
            Source::PciFromEnvironment(_) => "net_env",
            Source::AfPacket(interface) => {
                parameters.add("iface", interface);
                let ring = AfPacketRing::new(port, mtu, lockable);
                ring.add_to(port, &mut parameters);
                data_room = ring.data_room();
                "net_af_packet"
            }
            Source::PcapLive(interface) => {
                // `rx_iface` would also show what this host itself sends.
                parameters.add("rx_iface_in", interface);
                "net_pcap"
            }
            Source::AfXdp(interface) => {
                parameters.add("iface", interface);
                "net_af_xdp"
            }
            Source::Tap(interface) => {
                parameters.add("iface", interface);
                "net_tap"
            }
            Source::Memif(socket) => {
                parameters.add("socket", socket);
                "net_memif"
            }
            Source::VirtioUser(socket) => {
                parameters.add("path", socket);
                "net_virtio_user"
            }
            Source::Pcap(file) => {
                parameters.add("rx_pcap", file);
                "net_pcap"
            }
            Source::Null => "net_null",
        };
        for (name, parameter) in options(port.source()).unwrap_or_default() {
            if let Some(value) = port.option(name) {
                parameters.add(parameter, value);
            }
        }
        let name = format!("{driver}_{}", SEQUENCE.fetch_add(1, Ordering::Relaxed));
        Self { bus: "vdev", name, parameters: parameters.0, data_room }
    }
}

struct Parameters(String);

impl Parameters {
    fn add(&mut self, key: &str, value: impl std::fmt::Display) {
        let separator = if self.0.is_empty() { "" } else { "," };
        // Writing to a string does not fail.
        let _ = write!(self.0, "{separator}{key}={value}");
    }
}

/// Sizes of the memory that an AF_PACKET port shares with the kernel: for each queue a
/// ring to receive and one to send, each of `frame_count` slots of `frame_size` bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct AfPacketRing {
    frame_size: u32,
    frame_count: u32,
    block_size: u32,
}

impl AfPacketRing {
    /// Bytes of a receive ring when memory is no concern: at an ordinary MTU 16,384
    /// packets. With the driver's default of 512, more than half of 186,000 packets per
    /// second were lost in a measurement.
    const RING_BYTES: u32 = 32 << 20;
    /// What a slot holds besides the packet without its Ethernet header: the kernel's
    /// own header (80 bytes), Ethernet and one VLAN tag.
    const OVERHEAD: u32 = 100;
    /// Largest slot: a packet buffer of DPDK counts its bytes in 16 bits.
    const MAX_FRAME_SIZE: u32 = 32768;
    const MAX_BLOCK_SIZE: u32 = 1 << 20;
    const PAGE_SIZE: u32 = 4096;
    /// What the driver takes off the slot to get the size that a packet buffer must have.
    const DRIVER_OVERHEAD: u32 = 32;

    fn new(port: &PortName, mtu: u32, lockable: Option<u64>) -> Self {
        let given = |key| port.option(key).and_then(|value| value.parse::<u32>().ok());
        let frame_size = given("framesz").unwrap_or_else(|| {
            mtu.saturating_add(Self::OVERHEAD).clamp(2048, Self::MAX_FRAME_SIZE).next_power_of_two()
        });
        let frame_size = frame_size.clamp(1, Self::MAX_FRAME_SIZE);
        let frame_count = given("framecnt").unwrap_or_else(|| {
            let rings = 2 * u64::from(port.queues().unwrap_or(1));
            let ring = lockable.map_or(u64::from(Self::RING_BYTES), |bytes| {
                // Some is left for what else the process locks.
                (bytes / 8 * 7 / rings).min(u64::from(Self::RING_BYTES))
            });
            // At least the frames of one page, which is the least that the kernel shares.
            let least = (Self::PAGE_SIZE / frame_size).max(1);
            let frames = ((ring / u64::from(frame_size)) as u32).max(least);
            // The largest power of two that is not above.
            1 << frames.ilog2()
        });
        let ring = frame_size.saturating_mul(frame_count);
        let block_size = ring.clamp(Self::PAGE_SIZE.max(frame_size), Self::MAX_BLOCK_SIZE);
        Self { frame_size, frame_count, block_size }
    }

    fn add_to(self, port: &PortName, parameters: &mut Parameters) {
        let sizes =
            [("framesz", self.frame_size), ("framecnt", self.frame_count), ("blocksz", self.block_size)];
        for (key, value) in sizes {
            if port.option(key).is_none() {
                parameters.add(key, value);
            }
        }
    }

    fn data_room(self) -> u16 {
        self.frame_size.saturating_sub(Self::DRIVER_OVERHEAD) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, mtu: u32, lockable: Option<u64>) -> Device {
        Device::new(&name.parse().unwrap(), mtu, lockable)
    }

    #[test]
    fn af_packet_rings_fit_the_packets() {
        let ordinary = device("af_packet:eth1,queues=4", 1500, None);
        assert_eq!(ordinary.parameters, "iface=eth1,framesz=2048,framecnt=16384,blocksz=1048576,qpairs=4");
        assert_eq!(ordinary.data_room, 2016);
        let jumbo = device("af_packet:eth1", 9000, None);
        assert_eq!(jumbo.parameters, "iface=eth1,framesz=16384,framecnt=2048,blocksz=1048576");
        assert!(jumbo.data_room >= 9018);
        assert_eq!(device("af_packet:lo", 65536, None).data_room, 32768 - 32);
    }

    #[test]
    fn af_packet_rings_fit_the_memory_that_may_be_locked() {
        for (lockable, queues) in [(8 << 20, 1), (8 << 20, 4), (64 << 10, 1), (0, 1)] {
            let port: PortName = format!("af_packet:eth1,queues={queues}").parse().unwrap();
            let ring = AfPacketRing::new(&port, 1500, Some(lockable));
            let total = u64::from(ring.frame_size) * u64::from(ring.frame_count) * 2 * queues;
            assert!(total <= lockable || ring.frame_count == 2, "{lockable} {queues} {ring:?}");
            assert!(ring.block_size.is_multiple_of(4096));
        }
        assert!(device("af_packet:eth1", 1500, Some(8 << 20)).parameters.contains("framecnt=1024,"));
    }

    #[test]
    fn given_sizes_are_kept() {
        let sizes = device("af_packet:eth1,framecnt=64,framesz=4096,blocksz=4096", 1500, None);
        assert_eq!(sizes.parameters, "iface=eth1,framecnt=64,framesz=4096,blocksz=4096");
        assert_eq!(sizes.data_room, 4064);
    }

    #[test]
    fn every_kind_has_its_driver() {
        for (name, driver, parameters) in [
            ("pcap_live:eth1", "net_pcap_", "rx_iface_in=eth1"),
            ("af_xdp:eth1,queues=2,busy_budget=0", "net_af_xdp_", "iface=eth1,queue_count=2,busy_budget=0"),
            ("tap:sensor0,mac=fixed", "net_tap_", "iface=sensor0,mac=fixed"),
            ("memif:/run/m.sock,role=client,id=3", "net_memif_", "socket=/run/m.sock,id=3,role=client"),
            ("virtio_user:/run/v.sock,queues=2", "net_virtio_user_", "path=/run/v.sock,queues=2"),
            ("pcap:/data/a.pcap,infinite=1", "net_pcap_", "rx_pcap=/data/a.pcap,infinite_rx=1"),
            ("null:,size=128", "net_null_", "size=128"),
        ] {
            let device = device(name, 1500, None);
            assert_eq!(device.bus, "vdev");
            assert!(device.name.starts_with(driver), "{name}: {}", device.name);
            assert_eq!(device.parameters, parameters);
        }
        let pci = device("pci:17:02.1,cap=1", 1500, None);
        assert_eq!((pci.bus, pci.name.as_str(), pci.parameters.as_str()), ("pci", "0000:17:02.1", "cap=1"));
    }
}

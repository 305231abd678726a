//! Addresses of PCI devices, and which kernel driver has one.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Address of a PCI function, as `domain:bus:device.function`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PciAddress {
    domain: u32,
    bus: u8,
    /// 0 to 31.
    device: u8,
    /// 0 to 7.
    function: u8,
}

/// The text is not a PCI address such as `0000:17:02.1` or `17:02.1`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a PCI address such as 0000:17:02.1")]
pub struct PciAddressError(String);

impl FromStr for PciAddress {
    type Err = PciAddressError;

    /// Accepts the full form and the one without domain, which is then 0.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (slot, function) = text.rsplit_once('.')?;
            let (rest, device) = slot.rsplit_once(':')?;
            let (domain, bus) = rest.rsplit_once(':').unwrap_or(("0", rest));
            let address = Self {
                domain: hexadecimal(domain, 8)?,
                bus: hexadecimal(bus, 2)?.try_into().ok()?,
                device: hexadecimal(device, 2)?.try_into().ok()?,
                function: hexadecimal(function, 1)?.try_into().ok()?,
            };
            (address.device < 32 && address.function < 8).then_some(address)
        };
        parse().ok_or_else(|| PciAddressError(text.to_owned()))
    }
}

/// A number of one to `digits` hexadecimal digits, without sign.
fn hexadecimal(text: &str, digits: usize) -> Option<u32> {
    let plain = (1..=digits).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(text, 16).ok()).flatten()
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:02x}:{:02x}.{}", self.domain, self.bus, self.device, self.function)
    }
}

/// What the kernel says of a PCI device; decides whether DPDK can drive it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PciBinding {
    /// There is no such device, or it is not visible in this container.
    Absent,
    /// No driver has the device.
    Unbound,
    /// The named kernel driver has the device: `vfio-pci` leaves it to DPDK, so do the
    /// Mellanox drivers, all others do not.
    Driver(String),
}

impl PciBinding {
    /// Asks the kernel, through sysfs.
    pub fn of(address: PciAddress) -> Self {
        Self::within(Path::new("/sys/bus/pci/devices"), address)
    }

    fn within(devices: &Path, address: PciAddress) -> Self {
        let device = devices.join(address.to_string());
        if !device.exists() {
            return Self::Absent;
        }
        let driver = device.join("driver").read_link().ok();
        let name = driver.as_deref().and_then(Path::file_name);
        name.map_or(Self::Unbound, |name| Self::Driver(name.to_string_lossy().into_owned()))
    }
}

impl fmt::Display for PciBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("there is no such PCI device here"),
            Self::Unbound => f.write_str("no kernel driver has it; bind it to vfio-pci"),
            Self::Driver(driver) if driver == "vfio-pci" => {
                f.write_str("it is bound to vfio-pci; was its address given when DPDK was started?")
            }
            Self::Driver(driver) if driver.starts_with("mlx") => {
                write!(f, "it is bound to {driver}, as it should")
            }
            Self::Driver(driver) => write!(f, "the kernel driver {driver} has it; bind it to vfio-pci"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn both_forms_of_an_address_parse() {
        for text in ["0000:17:02.1", "17:02.1", "0:17:2.1"] {
            assert_eq!(text.parse::<PciAddress>().unwrap().to_string(), "0000:17:02.1");
        }
        assert_eq!("10000:e1:1f.7".parse::<PciAddress>().unwrap().to_string(), "10000:e1:1f.7");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "17", "17:02", "17:20.0", "17:02.8", "+1:02.1", "0000:17:02.1 ", "0:0:0:0.0", "g:0.0"]
        {
            assert!(text.parse::<PciAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn binding_is_read_from_the_driver_link() {
        let devices = tempfile::tempdir().unwrap();
        let address: PciAddress = "0000:17:02.1".parse().unwrap();
        assert_eq!(PciBinding::within(devices.path(), address), PciBinding::Absent);
        let device = devices.path().join("0000:17:02.1");
        std::fs::create_dir(&device).unwrap();
        assert_eq!(PciBinding::within(devices.path(), address), PciBinding::Unbound);
        symlink("../../../drivers/iavf", device.join("driver")).unwrap();
        let binding = PciBinding::within(devices.path(), address);
        assert_eq!(binding, PciBinding::Driver("iavf".into()));
        assert_eq!(binding.to_string(), "the kernel driver iavf has it; bind it to vfio-pci");
    }
}

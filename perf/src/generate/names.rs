//! Names of hosts, the same for the same number.

use std::io::Write;

/// First parts of names of sites.
const FIRST: [&str; 32] = [
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "jade", "kelp",
    "lagoon", "maple", "north", "ocean", "pearl", "quartz", "river", "stone", "tidal", "umber", "vale",
    "willow", "yarrow", "zephyr", "coral", "dune", "flint", "glade", "haven", "iris", "juniper",
];
/// Second parts.
const SECOND: [&str; 16] = [
    "works", "labs", "cloud", "media", "shop", "press", "soft", "data", "mail", "video", "games", "bank",
    "maps", "store", "host", "wiki",
];
/// Hosts of a site.
const HOSTS: [&str; 8] = ["www", "api", "cdn", "img", "static", "app", "login", "data"];
/// Top levels.
const TOP: [&str; 6] = ["com", "net", "org", "example", "edu", "info"];

/// Appends the site of a number, such as `amberworks0.com`.
pub(crate) fn site(to: &mut Vec<u8>, number: u32) {
    let mixed = number.wrapping_mul(0x9e37_79b1);
    let part =
        |list: &[&'static str], bits: u32| list.get(bits as usize % list.len()).copied().unwrap_or_default();
    // Writing to a vector cannot fail.
    let _ = write!(
        to,
        "{}{}{number}.{}",
        part(&FIRST, mixed >> 27),
        part(&SECOND, mixed >> 23),
        part(&TOP, mixed >> 15)
    );
}

/// Appends a host of a site, such as `cdn.amberworks0.com`.
pub(crate) fn host(to: &mut Vec<u8>, number: u32, host: u32) {
    to.extend_from_slice(HOSTS.get(host as usize % HOSTS.len()).copied().unwrap_or_default().as_bytes());
    to.push(b'.');
    site(to, number);
}

//! Safe wrappers of the parts of DPDK that a packet sensor needs: the environment
//! ([`Eal`]), ports, their queues and flow rules, packet buffers and their pools, rings between
//! threads, and threads that DPDK knows.
//!
//! Ownership decides the order of teardown. A queue holds its port, so a port is stopped
//! and closed when the last of its queues is gone; a port lives on buffers of a
//! [`Mempool`], and pools live as long as the process. The environment is never torn
//! down: DPDK can not be started a second time in a process, and a process that ends
//! leaves nothing behind (see [`Eal`]).
//!
//! May depend on `dpdk-sys` and the operating system only, and knows nothing of packets'
//! contents. Receives; transmission is there for tests and replay.
//!
//! All calls that change ports are serialised by one lock, since DPDK's control path is
//! not thread safe; the calls of the packet path take no lock.

mod eal;
mod errno;
pub mod interface;
pub mod lcore;
mod log;
mod mbuf;
mod mbuf_array;
mod mempool;
mod pci;
mod port;
mod port_name;
mod preloaded;
mod ring;
pub mod test_support;

pub use eal::{Eal, EalConfig, EalError, Memory};
pub use errno::Errno;
pub use mbuf::{Mbuf, NoRoom, Segments, Timestamps};
pub use mbuf_array::{Drain, MbufArray};
pub use mempool::{DEFAULT_DATA_ROOM, Mempool, MempoolError};
pub use pci::{PciAddress, PciAddressError, PciBinding};
pub use port::{
    Capabilities, DropMatch, DropTransport, FlowRule, FlowRuleError, HashedFields, Link, Port, PortConfig,
    PortError, PortStats, Queues, RuleCount, RxQueue, TxQueue, symmetric_key,
};
pub use port_name::{PortName, PortNameError, Source};
pub use preloaded::PreloadedPool;
pub use ring::{Consumer, Producer, RingError, ring};

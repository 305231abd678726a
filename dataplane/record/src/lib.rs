//! Every log: typed record, field documentation, JSON and TSV encoders, schema.
//!
//! One definition a log (see the files named after the logs) gives the struct, the column list, the documentation and
//! both encoders. Names, types, order and meaning of the columns are Zeek's; our own additions stand at the end.
//!
//! Depends on nothing of Baleen; everything else may depend on it.

#[macro_use]
mod log;
mod buffer;
mod column;
mod id;
mod limit;
mod text;
mod value;

#[cfg(test)]
mod tests;

pub use buffer::{Entry, Format, LogSet, Record, RecordBuffer, tsv_header};
pub use column::{Column, Enum, Field, List, Port, Set, Value};
pub use id::{FileId, IdSource, Uid, community_id};
pub use limit::Limit;
pub use value::{Addr, Date, Endpoints, Interval, Proto, Time};

logs! {
    conn::Conn = "conn",
    dns::Dns = "dns",
    http::Http = "http",
    ssl::Ssl = "ssl",
    x509::X509 = "x509",
    files::Files = "files",
    ssh::Ssh = "ssh",
    quic::Quic = "quic",
    weird::Weird = "weird",
    tunnel::Tunnel = "tunnel",
}

impl Log {
    /// The log of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|log| log.name() == name)
    }
}

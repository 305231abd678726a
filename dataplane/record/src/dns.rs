//! The `dns` log.

use crate::{Endpoints, Interval, List, Proto, Time, Uid};

log! {
    /// One record per DNS query and its response; also mDNS, LLMNR and NetBIOS name service.
    Dns<'a> {
        /// Time of the query, or of the response where no query was seen.
        ts: Time,
        /// Unique id of the connection.
        uid: Uid,
        /// The two ends.
        id: Endpoints,
        /// Transport protocol.
        proto: Proto,
        /// Identifier that pairs query and response.
        trans_id: Option<u16>,
        /// From query to response.
        rtt: Option<Interval>,
        /// Name asked for.
        query: Option<&'a [u8]>,
        /// Class of the query, as number.
        qclass: Option<u32>,
        /// Class of the query, as name.
        qclass_name: Option<&'a str>,
        /// Type of the query, as number.
        qtype: Option<u32>,
        /// Type of the query, as name.
        qtype_name: Option<&'a str>,
        /// Response code, as number.
        rcode: Option<u32>,
        /// Response code, as name.
        rcode_name: Option<&'a str>,
        /// The responder is an authority for the name.
        aa as "AA": bool,
        /// The message was cut short.
        tc as "TC": bool,
        /// The client asks for recursion.
        rd as "RD": bool,
        /// The server offers recursion.
        ra as "RA": bool,
        /// The reserved bits.
        z as "Z": u32,
        /// Resource descriptions of the answers.
        answers: Option<List<'a, Box<[u8]>>>,
        /// Times to live of the answers.
        ttls as "TTLs": Option<List<'a, Interval>>,
        /// The server refused the query.
        rejected: bool,
        /// Operation code, as number.
        opcode: Option<u32>,
        /// Operation code, as name.
        opcode_name: Option<&'a str>,
    }
}

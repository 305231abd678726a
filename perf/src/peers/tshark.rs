//! tshark: what one would log of each message, as JSON for Elasticsearch, without name resolution.
//!
//! It dissects packets one by one; of connections it has a table at the end. Its figure is for orientation: nothing is
//! held to it.

use std::io;
use std::path::Path;

use serde::Deserialize;

use super::{Peer, PeerRun, count_lines};
use crate::rounds::Records;

/// The peer.
pub(super) const TSHARK: Peer = Peer {
    program: "tshark",
    version: &["--version"],
    files: &[],
    runs: &[PeerRun { name: "tshark", arguments: ARGUMENTS }],
    records,
    has_conn_log: false,
};

#[rustfmt::skip]
const ARGUMENTS: &[&str] = &[
    "-n", "-r", "{capture}", "-T", "ek",
    // The messages that the sensor's logs tell of.
    "-Y", "dns || http.request || http.response || tls.handshake.type == 1 || tls.handshake.type == 2 || \
           tls.handshake.certificate || ssh.protocol || quic.long.packet_type == 0",
    "-e", "frame.time_epoch", "-e", "_ws.col.Protocol", "-e", "ip.src", "-e", "ip.dst", "-e", "ipv6.src",
    "-e", "ipv6.dst", "-e", "tcp.stream", "-e", "tcp.srcport", "-e", "tcp.dstport", "-e", "udp.stream",
    "-e", "udp.srcport", "-e", "udp.dstport",
    "-e", "dns.id", "-e", "dns.qry.name", "-e", "dns.qry.type", "-e", "dns.flags.rcode", "-e", "dns.a",
    "-e", "dns.aaaa", "-e", "dns.cname", "-e", "dns.resp.ttl",
    "-e", "http.request.method", "-e", "http.host", "-e", "http.request.uri", "-e", "http.user_agent",
    "-e", "http.referer", "-e", "http.response.code", "-e", "http.content_type",
    "-e", "http.content_length_header",
    "-e", "tls.handshake.version", "-e", "tls.handshake.ciphersuite",
    "-e", "tls.handshake.extensions_server_name", "-e", "tls.handshake.ja3", "-e", "x509sat.printableString",
    "-e", "ssh.protocol",
    "-z", "conv,tcp", "-z", "conv,udp",
];

/// A packet's document; the lines between tell the index, those at the end the conversations.
#[derive(Deserialize)]
struct Document {
    layers: Layers,
}

#[derive(Deserialize)]
struct Layers {
    #[serde(rename = "_ws_col_Protocol")]
    protocol: Vec<String>,
}

fn records(logs: &Path) -> io::Result<Records> {
    count_lines(&logs.join("output"), |line| match serde_json::from_slice(line) {
        Ok(Document { layers }) => layers.protocol.into_iter().next(),
        Err(_) => memchr::memmem::find(line, b" <-> ").map(|_| "conversations".to_owned()),
    })
}

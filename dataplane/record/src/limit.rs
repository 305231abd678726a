//! How often a record may be written again, over all workers.

use crate::{Addr, Endpoints, Interval};

/// Weirds that Zeek logs once a day for an originator (`Weird::actions`, `ACTION_LOG_PER_ORIG`).
const ONCE_PER_ORIGINATOR: &[&str] = &[
    "bad_ICMP_checksum",
    "bad_RPC",
    "bad_TCP_checksum",
    "bad_UDP_checksum",
    "connection_originator_SYN_ack",
    "DNS_label_forward_compress_offset",
    "DNS_label_len_gt_name_len",
    "DNS_label_len_gt_pkt",
    "DNS_label_too_long",
    "excess_RPC",
    "originator_RPC_reply",
    "partial_RPC",
    "responder_RPC_call",
    "SYN_with_data",
    "UDP_datagram_length_mismatch",
    "excessively_small_fragment",
    "fragment_inconsistency",
    "fragment_overlap",
    "fragment_size_inconsistency",
    "bad_IP_checksum",
];

/// Weirds that Zeek logs once a day for a connection (`ACTION_LOG_PER_CONN`).
const ONCE_PER_CONNECTION: &[&str] = &[
    "FTP_max_command_length_exceeded",
    "FTP_too_many_pending_commands",
    "FTP_user_too_long",
    "FTP_reply_msg_too_long",
    "FTP_arg_too_long",
    "FTP_password_too_long",
    "simultaneous_open",
    "smtp_mail_transaction_invalid",
    "smtp_excessive_invalid_mail_transactions",
    "smb_tree_connect_andx_response_without_tree",
];

/// A day.
const DAY: Interval = Interval::from_secs(24 * 3600);
/// How long a weird is not repeated about the same ends (Zeek: `Weird::weird_ignore`).
const REPEAT: Interval = Interval::from_secs(600);

/// A limit that a record is under. Not a column.
///
/// Records of one log with the same key are written once in a period, counted from the one that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limit {
    /// What is limited; 0: the record is under no limit.
    pub key: u64,
    /// How long records with the same key are left out.
    pub period: Interval,
}

impl Limit {
    /// Once a day for the same name.
    pub fn daily(name: &str) -> Self {
        Self { key: Hash::of(name).key(), period: DAY }
    }

    /// As Zeek limits the weird `name` about these ends: of a connection, or two addresses with ports 0, or nothing.
    pub fn of_weird(name: &str, ends: Option<&Endpoints>) -> Self {
        let hash = Hash::of(name);
        match ends {
            None => Self { key: hash.key(), period: REPEAT },
            Some(ends) if ONCE_PER_ORIGINATOR.contains(&name) => {
                Self { key: hash.address(ends.orig_h).key(), period: DAY }
            }
            Some(ends) => {
                let ports = u64::from(ends.orig_p) << 16 | u64::from(ends.resp_p);
                let period = if ONCE_PER_CONNECTION.contains(&name) { DAY } else { REPEAT };
                Self { key: hash.address(ends.orig_h).address(ends.resp_h).word(ports).key(), period }
            }
        }
    }
}

/// A hash of what is limited. Not keyed: whoever makes two collide hides one weird or certificate record for a while.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Hash {
    fn of(name: &str) -> Self {
        name.bytes().fold(Self(0xcbf2_9ce4_8422_2325), |hash, byte| {
            Self((hash.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        })
    }

    fn word(self, word: u64) -> Self {
        let product = u128::from(self.0 ^ word ^ 0x9e37_79b9_7f4a_7c15) * 0xe703_7ed1_a0b4_28db;
        Self((product >> 64) as u64 ^ product as u64)
    }

    fn address(self, address: Addr) -> Self {
        let value = u128::from_be_bytes(address.0);
        self.word((value >> 64) as u64).word(value as u64)
    }

    /// Never 0.
    const fn key(self) -> u64 {
        self.0 | 1
    }
}

//! The state of a connection in one word, and the states of its ends it comes from.

use std::fmt;

use record::Proto;

/// State of one end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub enum EndpointState {
    /// Nothing seen of it.
    #[default]
    Inactive,
    /// TCP: it sent a SYN and got no answer. Other protocols never have this state.
    SynSent,
    /// TCP: it sent a SYN with ACK, without a SYN from the other end.
    SynAckSent,
    /// TCP: it sent something, but no SYN.
    Partial,
    /// TCP: the handshake is done. Other protocols: it has sent something.
    Established,
    /// TCP: it sent a FIN.
    Closed,
    /// TCP: it sent a RST.
    Reset,
}

impl EndpointState {
    pub(crate) const fn is_handshake(self) -> bool {
        matches!(self, Self::Inactive | Self::SynSent | Self::SynAckSent)
    }

    /// Whether, as far as the connection state goes, it took no part.
    const fn is_absent(self) -> bool {
        matches!(self, Self::Inactive | Self::Partial)
    }
}

/// State of a connection in one word: field `conn_state` of the `conn` log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnState {
    /// Attempt seen, no answer.
    S0,
    /// Established, not terminated.
    S1,
    /// Established and terminated as it should be. UDP: both ends sent.
    SF,
    /// Attempt rejected.
    Rej,
    /// Established; the originator closed, the responder did not.
    S2,
    /// Established; the responder closed, the originator did not.
    S3,
    /// Established, reset by the originator.
    Rsto,
    /// Reset by the responder.
    Rstr,
    /// SYN, then reset by the originator, without a SYN-ACK.
    Rstos0,
    /// SYN-ACK, then reset by the responder, without a SYN.
    Rstrh,
    /// SYN, then FIN by the originator, without a SYN-ACK.
    Sh,
    /// SYN-ACK, then FIN by the responder, without a SYN. UDP: only the responder sent.
    Shr,
    /// None of these: midstream traffic, other protocols.
    Oth,
}

impl ConnState {
    /// The word in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::S0 => "S0",
            Self::S1 => "S1",
            Self::SF => "SF",
            Self::Rej => "REJ",
            Self::S2 => "S2",
            Self::S3 => "S3",
            Self::Rsto => "RSTO",
            Self::Rstr => "RSTR",
            Self::Rstos0 => "RSTOS0",
            Self::Rstrh => "RSTRH",
            Self::Sh => "SH",
            Self::Shr => "SHR",
            Self::Oth => "OTH",
        }
    }

    /// From the states and payload sizes of originator and responder and the history.
    pub fn of(proto: Proto, states: [EndpointState; 2], sizes: [u64; 2], history: &[u8]) -> Self {
        use EndpointState::{Closed, Established, Inactive, Reset, SynAckSent, SynSent};
        let [orig, resp] = states;
        match proto {
            Proto::Tcp => match (orig, resp) {
                (SynSent | SynAckSent, Reset) => Self::Rej,
                (Reset, Reset) if sizes == [0, 0] => Self::Rej,
                (_, Reset) if orig.is_absent() => Self::Rstrh,
                (_, Reset) => Self::Rstr,
                (Reset, _) if !resp.is_absent() => Self::Rsto,
                (Reset, _) if is_aborted_attempt(history) => Self::Rstos0,
                (Reset, _) => Self::Oth,
                (Closed, Closed) => Self::SF,
                (Closed, _) if resp.is_absent() => Self::Sh,
                (Closed, _) => Self::S2,
                (_, Closed) if orig.is_absent() => Self::Shr,
                (_, Closed) => Self::S3,
                (SynSent, Inactive) => Self::S0,
                (Established, Established) => Self::S1,
                _ => Self::Oth,
            },
            Proto::Udp => match (orig != Inactive, resp != Inactive) {
                (true, true) => Self::SF,
                (true, false) => Self::S0,
                (false, true) => Self::Shr,
                (false, false) => Self::Oth,
            },
            Proto::Icmp | Proto::Unknown => Self::Oth,
        }
    }
}

impl fmt::Display for ConnState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A SYN of the originator, then its RST, and in between nothing else of weight of its own.
fn is_aborted_attempt(history: &[u8]) -> bool {
    let history = history.strip_prefix(b"^").unwrap_or(history);
    let Some(rest) = history.strip_prefix(b"S") else { return false };
    rest.iter().find(|letter| b"HAFGIQR".contains(letter)) == Some(&b'R')
}

#[cfg(test)]
mod tests {
    use super::*;
    use EndpointState::{Closed, Established, Inactive, Partial, Reset, SynAckSent, SynSent};

    #[test]
    fn tcp_states_follow_the_table_of_the_log_format() {
        let table = [
            (SynSent, Inactive, [0, 0], "S", "S0"),
            (SynSent, Partial, [0, 0], "Sa", "OTH"),
            (Established, Established, [1, 1], "ShADad", "S1"),
            (Closed, Closed, [1, 1], "ShADadFf", "SF"),
            (SynSent, Reset, [0, 0], "Sr", "REJ"),
            (SynAckSent, Reset, [0, 0], "Hr", "REJ"),
            (Reset, Reset, [0, 0], "SrR", "REJ"),
            (Reset, Reset, [5, 0], "ShADrR", "RSTR"),
            (Closed, Established, [1, 1], "ShADadF", "S2"),
            (Established, Closed, [1, 1], "ShADadf", "S3"),
            (Reset, Established, [1, 1], "ShADadR", "RSTO"),
            (Established, Reset, [1, 1], "ShADadr", "RSTR"),
            (Closed, Reset, [1, 1], "ShADadFr", "RSTR"),
            (Reset, Inactive, [0, 0], "SR", "RSTOS0"),
            (Reset, Inactive, [0, 0], "^SR", "RSTOS0"),
            (Reset, Inactive, [0, 0], "SAR", "OTH"),
            (Reset, Partial, [0, 0], "R", "OTH"),
            (Inactive, Reset, [0, 0], "^hr", "RSTRH"),
            (Closed, Inactive, [0, 0], "SF", "SH"),
            (Partial, Closed, [0, 0], "^hf", "SHR"),
            (Partial, Partial, [1, 1], "Dd", "OTH"),
        ];
        for (orig, resp, sizes, history, expected) in table {
            let state = ConnState::of(Proto::Tcp, [orig, resp], sizes, history.as_bytes());
            assert_eq!(state.name(), expected, "{orig:?} {resp:?} {history}");
        }
    }

    #[test]
    fn udp_states_say_who_sent() {
        let of = |states| ConnState::of(Proto::Udp, states, [0, 0], b"").name();
        assert_eq!(of([Established, Established]), "SF");
        assert_eq!(of([Established, Inactive]), "S0");
        assert_eq!(of([Inactive, Established]), "SHR");
        assert_eq!(of([Inactive, Inactive]), "OTH");
    }
}

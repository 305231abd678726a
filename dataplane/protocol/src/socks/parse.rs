//! SOCKS messages (SOCKS 4 and 4a as implemented; RFC 1928 sections 3 to 6, RFC 1929).

use crate::Direction;
use crate::ssl::reader::Reader;

/// Method of authentication: user name and password (RFC 1929).
const USER_PASSWORD: u8 = 2;

/// How far the authentication of SOCKS 5 has come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Auth {
    /// The method is not decided.
    #[default]
    Undecided,
    /// The method of this number is at work.
    Negotiates(u8),
    /// It is over, or not needed.
    Done,
}

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    /// SOCKS 5: the methods that the client can.
    Methods,
    /// SOCKS 5: the method that the server wants; 255 is none.
    Method(u8),
    /// User name and password.
    Login,
    /// Whether these were right.
    LoginResult,
    /// Something of an unknown method.
    UnknownLogin(u8),
    /// Where to connect to.
    Request,
    /// What became of it.
    Reply,
}

/// Reads the message at the beginning of `payload`.
pub(super) fn message(payload: &[u8], direction: Direction, auth: Auth) -> Result<Message, &'static str> {
    let mut reader = Reader::new(payload);
    if let Auth::Negotiates(method) = auth {
        return login(&mut reader, direction, method).ok_or("short login");
    }
    match (reader.u8(), direction) {
        (Some(4), Direction::Originator) => socks4_request(&mut reader).ok_or("short SOCKS 4 request"),
        // Status, port and address; the version of a SOCKS 4 reply is 0.
        (Some(0), Direction::Responder) => {
            reader.take(7).map(|_| Message::Reply).ok_or("short SOCKS 4 reply")
        }
        (Some(5), _) if auth == Auth::Undecided => {
            let message = match direction {
                Direction::Originator => reader.vector8().map(|_| Message::Methods),
                Direction::Responder => reader.u8().map(Message::Method),
            };
            message.ok_or("short negotiation")
        }
        (Some(5), _) => socks5(&mut reader, direction),
        _ => Err("unknown version"),
    }
}

fn login(reader: &mut Reader<'_>, direction: Direction, method: u8) -> Option<Message> {
    if method != USER_PASSWORD || reader.u8()? != 1 {
        return Some(Message::UnknownLogin(method));
    }
    match direction {
        Direction::Originator => {
            let (_user, _password) = (reader.vector8()?, reader.vector8()?);
            Some(Message::Login)
        }
        Direction::Responder => reader.u8().map(|_| Message::LoginResult),
    }
}

fn socks4_request(reader: &mut Reader<'_>) -> Option<Message> {
    let (_command, _port, address) = (reader.u8()?, reader.u16()?, reader.u32()?);
    let _user = reader.c_string()?;
    // 4a: an address that is none says that a name follows.
    if address <= 0xff {
        reader.c_string()?;
    }
    Some(Message::Request)
}

fn socks5(reader: &mut Reader<'_>, direction: Direction) -> Result<Message, &'static str> {
    let (Some(command), Some(reserved)) = (reader.u8(), reader.u8()) else { return Err("short message") };
    let address = match reader.u8() {
        Some(1) => reader.take(4),
        Some(3) => reader.vector8(),
        Some(4) => reader.take(16),
        _ => return Err("unknown type of address"),
    };
    if address.is_none() || reader.u16().is_none() {
        return Err("short message");
    }
    match direction {
        Direction::Originator if reserved != 0 => Err("reserved field is not zero"),
        Direction::Originator if !matches!(command, 1..=3) => Err("unknown command"),
        Direction::Originator => Ok(Message::Request),
        Direction::Responder => Ok(Message::Reply),
    }
}

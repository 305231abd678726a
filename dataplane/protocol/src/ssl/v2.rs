//! SSL 2.0 (The SSL Protocol, 1995): records are messages.

use super::handshake::{Handshake, Reason};
use super::names;
use super::reader::Reader;
use crate::{Direction, FlowContext};

/// An error.
const ERROR: u8 = 0;
/// Hello of a client; those of TLS once sent it too, for servers that knew nothing newer.
pub(super) const CLIENT_HELLO: u8 = 1;
/// Key of the client; all that follows is encrypted.
pub(super) const CLIENT_MASTER_KEY: u8 = 2;
/// Hello of a server.
pub(super) const SERVER_HELLO: u8 = 4;

/// A plaintext record; `head` has the message's kind and first two octets, `body` what follows.
pub(super) fn record(
    handshake: &mut Handshake,
    context: &mut FlowContext<'_>,
    direction: Direction,
    kind: u8,
    head: [u8; 5],
    body: &[u8],
) -> Result<(), Reason> {
    let [.., d, e] = head;
    handshake.plaintext(context);
    match kind {
        CLIENT_HELLO => {
            let session_id = client_hello(body).ok_or("malformed SSLv2 client hello")?;
            handshake.v2_client_hello(context, session_id);
        }
        SERVER_HELLO => {
            let hello = server_hello(body).ok_or("malformed SSLv2 server hello")?;
            if hello.version != names::SSL_2 {
                return Err("invalid version in an SSLv2 server hello");
            }
            handshake.v2_server_hello(context, direction, hello.cipher, hello.certificate);
        }
        CLIENT_MASTER_KEY => handshake.establish(context),
        ERROR => handshake.alert(context, direction, u16::from_be_bytes([d, e])),
        _ => return Err("unknown SSLv2 message"),
    }
    Ok(())
}

/// The session id of a client's hello.
fn client_hello(body: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(body);
    let (ciphers, session_id, challenge) = (reader.u16()?, reader.u16()?, reader.u16()?);
    reader.take(ciphers.into())?;
    let session_id = reader.take(session_id.into())?;
    reader.take(challenge.into())?;
    Some(session_id)
}

/// A server's hello, as far as it is logged.
struct ServerHello<'a> {
    version: u16,
    certificate: &'a [u8],
    /// The first cipher kind, 0 without one.
    cipher: u32,
}

fn server_hello(body: &[u8]) -> Option<ServerHello<'_>> {
    let mut reader = Reader::new(body);
    let version = reader.u16()?;
    let (certificate, ciphers, connection_id) = (reader.u16()?, reader.u16()?, reader.u16()?);
    let certificate = reader.take(certificate.into())?;
    let mut ciphers = Reader::new(reader.take(ciphers.into())?);
    reader.take(connection_id.into())?;
    Some(ServerHello { version, certificate, cipher: ciphers.u24().unwrap_or_default() })
}

//! Messages of SMB 1 ([MS-CIFS] section 2.2, [MS-SMB] section 2.2.4).

use super::State;
use super::parse::{Interest, slice, u8_at, u16_at, u32_at};
use crate::{Direction, FlowContext};

/// Commands of interest.
mod command {
    pub(super) const TRANSACTION: u8 = 0x25;
    pub(super) const READ_ANDX: u8 = 0x2e;
    pub(super) const WRITE_ANDX: u8 = 0x2f;
    pub(super) const TREE_DISCONNECT: u8 = 0x71;
    pub(super) const NEGOTIATE: u8 = 0x72;
    pub(super) const SESSION_SETUP_ANDX: u8 = 0x73;
    pub(super) const TREE_CONNECT_ANDX: u8 = 0x75;
}

/// Where the count of parameter words is: after the header.
const WORD_COUNT: usize = 32;
/// Where the parameter words are.
const WORDS: usize = WORD_COUNT + 1;

/// The server speaks GSS-API in its session setup.
const EXTENDED_SECURITY: u32 = 0x8000_0000;
/// Octets of the server's identifier in front of its token.
const SERVER_GUID_LEN: usize = 16;

/// Whether the message that begins so has anything of interest.
pub(super) fn interest(beginning: &[u8]) -> Interest {
    match beginning.get(4) {
        Some(
            &(command::TRANSACTION
            | command::READ_ANDX
            | command::WRITE_ANDX
            | command::TREE_DISCONNECT
            | command::NEGOTIATE
            | command::SESSION_SETUP_ANDX
            | command::TREE_CONNECT_ANDX),
        ) => Interest::Yes,
        Some(_) => Interest::No,
        None => Interest::Unknown,
    }
}

/// Where the data after the parameter words begin, and how many there are.
fn data(message: &[u8]) -> Option<(usize, usize)> {
    let words = usize::from(u8_at(message, WORD_COUNT)?);
    let count_at = WORDS + 2 * words;
    Some((count_at + 2, usize::from(u16_at(message, count_at)?)))
}

/// Reads a message; `None` where its fields do not fit.
pub(super) fn message(
    state: &mut State,
    context: &mut FlowContext<'_>,
    direction: Direction,
    message: &[u8],
) -> Option<()> {
    let words = u8_at(message, WORD_COUNT)?;
    let tree = u64::from(u16_at(message, 24)?);
    let is_pipe = state.pipe_trees.contains(tree);
    match (u8_at(message, 4)?, direction) {
        (command::NEGOTIATE, Direction::Responder)
            if words == 17
                && u32_at(message, WORDS + 19).is_some_and(|flags| flags & EXTENDED_SECURITY != 0) =>
        {
            let (start, length) = data(message)?;
            let length = length.checked_sub(SERVER_GUID_LEN)?;
            state.token(context, slice(message, start + SERVER_GUID_LEN, length)?);
        }
        (command::SESSION_SETUP_ANDX, Direction::Originator) if words == 12 => {
            token(state, context, message, usize::from(u16_at(message, WORDS + 14)?))?;
        }
        (command::SESSION_SETUP_ANDX, Direction::Responder) if words == 4 => {
            token(state, context, message, usize::from(u16_at(message, WORDS + 6)?))?;
        }
        (command::TREE_CONNECT_ANDX, Direction::Responder) => {
            let (start, length) = data(message)?;
            if slice(message, start, length)?.starts_with(b"IPC\0") {
                state.pipe_trees.add(tree);
            }
        }
        (command::TREE_DISCONNECT, Direction::Originator) => state.pipe_trees.remove(tree),
        (command::TRANSACTION, Direction::Originator) if words >= 14 => {
            let (start, length) = data(message)?;
            if is_pipe || names_pipe(slice(message, start, length)?) {
                state.pipe(context, at(message, WORDS + 24, WORDS + 22)?);
            }
        }
        (command::TRANSACTION, Direction::Responder) if words >= 10 && is_pipe => {
            state.pipe(context, at(message, WORDS + 14, WORDS + 12)?);
        }
        (command::WRITE_ANDX, Direction::Originator) if words >= 12 && is_pipe => {
            state.pipe(context, at(message, WORDS + 22, WORDS + 20)?);
        }
        (command::READ_ANDX, Direction::Responder) if words >= 12 && is_pipe => {
            state.pipe(context, at(message, WORDS + 12, WORDS + 10)?);
        }
        _ => {}
    }
    Some(())
}

/// The token at the beginning of the data.
fn token(state: &mut State, context: &mut FlowContext<'_>, message: &[u8], length: usize) -> Option<()> {
    let (start, _) = data(message)?;
    state.token(context, slice(message, start, length)?);
    Some(())
}

/// Octets whose place and count are in fields of the message.
fn at(message: &[u8], offset_field: usize, length_field: usize) -> Option<&[u8]> {
    slice(message, usize::from(u16_at(message, offset_field)?), usize::from(u16_at(message, length_field)?))
}

/// Whether the data of a transaction begin with the name of a pipe, in octets or in UTF-16 after padding.
fn names_pipe(data: &[u8]) -> bool {
    const UTF_16: &[u8] = b"\\\0P\0I\0P\0E\0\\\0";
    data.starts_with(b"\\PIPE\\")
        || data.starts_with(UTF_16)
        || data.get(1..).is_some_and(|name| name.starts_with(UTF_16))
}

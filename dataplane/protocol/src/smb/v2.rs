//! Messages of SMB 2 and 3 ([MS-SMB2] section 2.2).

use super::State;
use super::parse::{BEGINNING_LEN, Interest, slice, u8_at, u16_at, u32_at, u64_at};
use crate::{Direction, FlowContext};

/// Octets of a message's header.
const HEADER_LEN: usize = BEGINNING_LEN;

/// Commands of interest.
mod command {
    pub(super) const NEGOTIATE: u16 = 0;
    pub(super) const SESSION_SETUP: u16 = 1;
    pub(super) const TREE_CONNECT: u16 = 3;
    pub(super) const TREE_DISCONNECT: u16 = 4;
    pub(super) const READ: u16 = 8;
    pub(super) const WRITE: u16 = 9;
    pub(super) const IOCTL: u16 = 11;
}

/// The type of the share of pipes.
const PIPE_SHARE: u8 = 2;
/// `FSCTL_PIPE_TRANSCEIVE`: writes to a pipe and reads from it.
const PIPE_TRANSCEIVE: u32 = 0x0011_c017;

/// The header, as far as it matters here.
#[derive(Debug, Clone, Copy)]
struct Header {
    status: u32,
    command: u16,
    /// Where the next message of a compound begins, or 0.
    next: usize,
    message_id: u64,
    tree: u64,
}

impl Header {
    fn read(message: &[u8]) -> Option<Self> {
        Some(Self {
            status: u32_at(message, 8)?,
            command: u16_at(message, 12)?,
            next: u32_at(message, 20)? as usize,
            message_id: u64_at(message, 24)?,
            tree: u64::from(u32_at(message, 36)?),
        })
    }

    /// Success, and the two answers that carry as much as success does: more is to come of a pipe, or of a login.
    const fn has_body(&self) -> bool {
        matches!(self.status, 0 | 0x8000_0005 | 0xc000_0016)
    }
}

/// Whether the message that begins so has anything of interest.
pub(super) fn interest(state: &State, direction: Direction, beginning: &[u8]) -> Interest {
    if beginning.len() < BEGINNING_LEN {
        return Interest::Unknown;
    }
    let Some(header) = Header::read(beginning) else { return Interest::Unknown };
    let is_of_interest = header.next != 0
        || match (header.command, direction) {
            (command::READ, Direction::Responder) => state.pipe_reads.contains(header.message_id),
            (command::READ | command::WRITE, Direction::Originator) => state.pipe_trees.contains(header.tree),
            (
                command::NEGOTIATE
                | command::SESSION_SETUP
                | command::TREE_CONNECT
                | command::TREE_DISCONNECT
                | command::IOCTL,
                _,
            ) => true,
            _ => false,
        };
    if is_of_interest { Interest::Yes } else { Interest::No }
}

/// Reads the messages of a frame; `None` where fields do not fit.
pub(super) fn messages(
    state: &mut State,
    context: &mut FlowContext<'_>,
    direction: Direction,
    frame: &[u8],
) -> Option<()> {
    let mut rest = frame;
    loop {
        let header = Header::read(rest)?;
        // Each message of a compound is read on its own; one that does not fit does not hide the others.
        let (whole, after) = match header.next {
            0 => (rest, &[][..]),
            next if next < HEADER_LEN => return None,
            next => rest.split_at_checked(next)?,
        };
        let _ = message(state, context, direction, &header, whole);
        if after.is_empty() {
            return Some(());
        }
        rest = after;
    }
}

fn message(
    state: &mut State,
    context: &mut FlowContext<'_>,
    direction: Direction,
    header: &Header,
    message: &[u8],
) -> Option<()> {
    let body = message.get(HEADER_LEN..)?;
    if direction == Direction::Responder && !header.has_body() {
        state.pipe_reads.remove(header.message_id);
        return Some(());
    }
    match (header.command, direction) {
        (command::NEGOTIATE, Direction::Responder) => token(state, context, message, body, 56)?,
        (command::SESSION_SETUP, Direction::Originator) => token(state, context, message, body, 12)?,
        (command::SESSION_SETUP, Direction::Responder) => token(state, context, message, body, 4)?,
        (command::TREE_CONNECT, Direction::Responder) if u8_at(body, 2) == Some(PIPE_SHARE) => {
            state.pipe_trees.add(header.tree);
        }
        (command::TREE_DISCONNECT, Direction::Originator) => state.pipe_trees.remove(header.tree),
        (command::READ, Direction::Originator) if state.pipe_trees.contains(header.tree) => {
            state.pipe_reads.add(header.message_id);
        }
        (command::READ, Direction::Responder) if state.pipe_reads.contains(header.message_id) => {
            state.pipe_reads.remove(header.message_id);
            state.pipe(context, slice(message, usize::from(u8_at(body, 2)?), u32_at(body, 4)? as usize)?);
        }
        (command::WRITE, Direction::Originator) if state.pipe_trees.contains(header.tree) => {
            state.pipe(context, slice(message, usize::from(u16_at(body, 2)?), u32_at(body, 4)? as usize)?);
        }
        (command::IOCTL, _) if u32_at(body, 4) == Some(PIPE_TRANSCEIVE) => {
            let field = if direction == Direction::Originator { 24 } else { 32 };
            let (offset, length) = (u32_at(body, field)? as usize, u32_at(body, field + 4)? as usize);
            state.pipe(context, slice(message, offset, length)?);
        }
        _ => {}
    }
    Some(())
}

/// The token whose place in the message is in a field of the body.
fn token(
    state: &mut State,
    context: &mut FlowContext<'_>,
    message: &[u8],
    body: &[u8],
    field: usize,
) -> Option<()> {
    let octets = slice(message, usize::from(u16_at(body, field)?), usize::from(u16_at(body, field + 2)?))?;
    state.token(context, octets);
    Some(())
}

//! Guesses from the sizes of encrypted packets whether a login succeeded, as Zeek does.
//!
//! The server's first packet after the client's service request is the service accept. A login that succeeds
//! answers with a packet 16 octets shorter than that; one that fails with packets of a size that repeats. Sizes are
//! those of the pieces of payload, since packet boundaries are encrypted.

use crate::Direction;

/// A first answer that is longer than the service accept by more than this is the login banner.
const BANNER_EXCESS: usize = 256;

/// A success is shorter than the service accept by this.
const SUCCESS_SHORTER: usize = 16;

/// What a piece of encrypted payload told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guess {
    /// Nothing.
    Nothing,
    /// One more login failed.
    Failed,
    /// The login succeeded; sizes tell nothing from here on.
    Succeeded,
}

/// Sizes seen so far.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    client_spoke: bool,
    service_accept: Option<usize>,
    failure: Option<usize>,
    banner_skipped: bool,
}

impl Sizes {
    /// Takes the size of a piece of encrypted payload, in octets.
    pub(super) fn add(&mut self, direction: Direction, size: usize) -> Guess {
        if direction == Direction::Originator {
            self.client_spoke = true;
            return Guess::Nothing;
        }
        if !self.client_spoke {
            return Guess::Nothing;
        }
        let Some(accept) = self.service_accept else {
            self.service_accept = Some(size);
            return Guess::Nothing;
        };
        let succeeded = size.checked_add(SUCCESS_SHORTER) == Some(accept);
        match self.failure {
            Some(failure) if size == failure => Guess::Failed,
            _ if succeeded => Guess::Succeeded,
            Some(_) => Guess::Nothing,
            None if !self.banner_skipped && size.saturating_sub(accept) > BANNER_EXCESS => {
                self.banner_skipped = true;
                Guess::Nothing
            }
            None => {
                self.failure = Some(size);
                Guess::Nothing
            }
        }
    }
}

//! Attempts to connect that lead to nothing.

use super::super::conversation::{Conversation, Opening};

/// A SYN that nobody answers.
pub(super) fn unanswered() -> Conversation {
    Conversation::tcp().opened(Opening::Unanswered)
}

/// A SYN that is answered with RST.
pub(super) fn refused() -> Conversation {
    Conversation::tcp().opened(Opening::Refused)
}

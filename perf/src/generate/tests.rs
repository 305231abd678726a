//! What a whole capture is like.

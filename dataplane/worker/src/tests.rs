//! Whole frames through a worker.

//! MIME (RFC 2045 to 2049) as HTTP and mail use it: header fields, their parameters, content encodings.
//!
//! Lenient where Zeek is, since what an analyzer takes for a header decides what it takes for a body.

pub(crate) mod decode;
pub(crate) mod filename;
pub(crate) mod header;
pub(crate) mod mail;

#[cfg(test)]
mod tests;

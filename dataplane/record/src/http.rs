//! The `http` log.

use crate::{Endpoints, Enum, FileId, List, Set, Time, Uid};

log! {
    /// One record per HTTP request and its response.
    Http<'a> {
        /// Time of the request.
        ts: Time,
        /// Unique id of the connection.
        uid: Uid,
        /// The two ends.
        id: Endpoints,
        /// Number of the request in its connection, from 1.
        trans_depth: u64,
        /// Verb of the request.
        method: Option<&'a [u8]>,
        /// Value of the Host header, without port.
        host: Option<&'a [u8]>,
        /// URI of the request.
        uri: Option<&'a [u8]>,
        /// Value of the Referer header.
        referrer: Option<&'a [u8]>,
        /// Version of the request, or of the response where there is no request.
        version: Option<&'a [u8]>,
        /// Value of the User-Agent header.
        user_agent: Option<&'a [u8]>,
        /// Value of the Origin header.
        origin: Option<&'a [u8]>,
        /// Octets of the request's body, decoded.
        request_body_len: u64,
        /// Octets of the response's body, decoded.
        response_body_len: u64,
        /// Status code of the response.
        status_code: Option<u64>,
        /// Status message of the response.
        status_msg: Option<&'a [u8]>,
        /// Last 1xx code.
        info_code: Option<u64>,
        /// Last 1xx message.
        info_msg: Option<&'a [u8]>,
        /// Marks of other parts of the sensor.
        tags: Set<'a, Enum>,
        /// User of basic authentication.
        username: Option<&'a [u8]>,
        /// Password of basic authentication, where kept.
        password: Option<&'a [u8]>,
        /// Headers that tell of a proxy.
        proxied: Option<Set<'a, Box<[u8]>>>,
        /// Files of the request.
        orig_fuids: Option<List<'a, FileId>>,
        /// File names of the request.
        orig_filenames: Option<List<'a, Box<[u8]>>>,
        /// MIME types of the request's files.
        orig_mime_types: Option<List<'a, &'static str>>,
        /// Files of the response.
        resp_fuids: Option<List<'a, FileId>>,
        /// File names of the response.
        resp_filenames: Option<List<'a, Box<[u8]>>>,
        /// MIME types of the response's files.
        resp_mime_types: Option<List<'a, &'static str>>,
    }
}

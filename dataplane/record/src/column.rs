//! How a value becomes the column (or columns) of a log: Zeek's type name, its JSON and its TSV form.

use std::net::Ipv4Addr;

use crate::id::{FileId, Uid};
use crate::limit::Limit;
use crate::text;
use crate::{Addr, Date, Endpoints, Interval, Proto, Time};

/// A field of a log as its schema tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Column name, such as `id.orig_h`.
    pub name: String,
    /// Zeek type, such as `vector[string]`.
    pub kind: String,
    /// What it means.
    pub doc: &'static str,
}

/// A single value of a Zeek type.
pub trait Value {
    /// Zeek's name of the type.
    fn kind() -> String;
    /// Whether the field is unset: left out of JSON, `-` in TSV.
    fn is_unset(&self) -> bool {
        false
    }
    /// Appends the JSON value.
    fn json(&self, out: &mut Vec<u8>);
    /// Appends the TSV value; `in_container` when it is an element of a set or vector.
    fn tsv(&self, in_container: bool, out: &mut Vec<u8>);
}

/// One or several columns of a record.
pub trait Column {
    /// Appends the schema of the columns; `name` is ignored by types that name their own.
    fn describe(name: &str, doc: &'static str, fields: &mut Vec<Field>);
    /// Appends `key` (`,"name":`) and the value, or nothing when unset.
    fn json(&self, key: &str, out: &mut Vec<u8>);
    /// Appends the values, each preceded by a tab.
    fn tsv(&self, out: &mut Vec<u8>);
}

impl<T: Value> Column for T {
    fn describe(name: &str, doc: &'static str, fields: &mut Vec<Field>) {
        fields.push(Field { name: name.to_owned(), kind: T::kind(), doc });
    }

    #[inline]
    fn json(&self, key: &str, out: &mut Vec<u8>) {
        if !self.is_unset() {
            out.extend_from_slice(key.as_bytes());
            Value::json(self, out);
        }
    }

    #[inline]
    fn tsv(&self, out: &mut Vec<u8>) {
        out.push(b'\t');
        if self.is_unset() {
            out.push(b'-');
        } else {
            Value::tsv(self, false, out);
        }
    }
}

const ENDPOINT_FIELDS: [(&str, &str, &str); 4] = [
    ("id.orig_h", "addr", "Originator's address."),
    ("id.orig_p", "port", "Originator's port; for ICMP the message type."),
    ("id.resp_h", "addr", "Responder's address."),
    ("id.resp_p", "port", "Responder's port; for ICMP the message code."),
];

impl Column for Endpoints {
    fn describe(_name: &str, _doc: &'static str, fields: &mut Vec<Field>) {
        for (name, kind, doc) in ENDPOINT_FIELDS {
            fields.push(Field { name: name.to_owned(), kind: kind.to_owned(), doc });
        }
    }

    #[inline]
    fn json(&self, _key: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"id.orig_h\":");
        Value::json(&self.orig_h, out);
        out.extend_from_slice(b",\"id.orig_p\":");
        text::unsigned(u64::from(self.orig_p), out);
        out.extend_from_slice(b",\"id.resp_h\":");
        Value::json(&self.resp_h, out);
        out.extend_from_slice(b",\"id.resp_p\":");
        text::unsigned(u64::from(self.resp_p), out);
    }

    #[inline]
    fn tsv(&self, out: &mut Vec<u8>) {
        for (address, port) in [(&self.orig_h, self.orig_p), (&self.resp_h, self.resp_p)] {
            out.push(b'\t');
            Value::tsv(address, false, out);
            out.push(b'\t');
            text::unsigned(u64::from(port), out);
        }
    }
}

impl Column for Option<Endpoints> {
    fn describe(name: &str, doc: &'static str, fields: &mut Vec<Field>) {
        Endpoints::describe(name, doc, fields);
    }

    fn json(&self, key: &str, out: &mut Vec<u8>) {
        if let Some(endpoints) = self {
            endpoints.json(key, out);
        }
    }

    fn tsv(&self, out: &mut Vec<u8>) {
        match self {
            Some(endpoints) => endpoints.tsv(out),
            None => out.extend_from_slice(b"\t-\t-\t-\t-"),
        }
    }
}

impl<T: Value> Value for Option<T> {
    fn kind() -> String {
        T::kind()
    }

    #[inline]
    fn is_unset(&self) -> bool {
        self.as_ref().is_none_or(Value::is_unset)
    }

    #[inline]
    fn json(&self, out: &mut Vec<u8>) {
        if let Some(value) = self {
            value.json(out);
        }
    }

    #[inline]
    fn tsv(&self, in_container: bool, out: &mut Vec<u8>) {
        if let Some(value) = self {
            value.tsv(in_container, out);
        }
    }
}

/// Zeek type `port`: written as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port(pub u16);

/// Zeek type `enum`: a fixed name such as `Tunnel::VXLAN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enum(pub &'static str);

/// Zeek type `vector[T]`.
#[derive(Debug, Clone, Copy)]
pub struct List<'a, T>(pub &'a [T]);

/// Zeek type `set[T]`. The caller makes the elements distinct.
#[derive(Debug, Clone, Copy)]
pub struct Set<'a, T>(pub &'a [T]);

macro_rules! unsigned_value {
    ($($type:ty => $kind:literal),* $(,)?) => {$(
        impl Value for $type {
            fn kind() -> String {
                $kind.to_owned()
            }
            #[inline]
            fn json(&self, out: &mut Vec<u8>) {
                text::unsigned(u64::from(*self), out);
            }
            #[inline]
            fn tsv(&self, _in_container: bool, out: &mut Vec<u8>) {
                text::unsigned(u64::from(*self), out);
            }
        }
    )*};
}

unsigned_value!(u64 => "count", u32 => "count", u16 => "count", u8 => "count");

impl Value for Port {
    fn kind() -> String {
        "port".to_owned()
    }
    fn json(&self, out: &mut Vec<u8>) {
        text::unsigned(u64::from(self.0), out);
    }
    fn tsv(&self, _in_container: bool, out: &mut Vec<u8>) {
        text::unsigned(u64::from(self.0), out);
    }
}

impl Value for i64 {
    fn kind() -> String {
        "int".to_owned()
    }
    fn json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
    }
    fn tsv(&self, _in_container: bool, out: &mut Vec<u8>) {
        Value::json(self, out);
    }
}

impl Value for bool {
    fn kind() -> String {
        "bool".to_owned()
    }
    fn json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
    fn tsv(&self, _in_container: bool, out: &mut Vec<u8>) {
        out.push(if *self { b'T' } else { b'F' });
    }
}

impl Value for Time {
    fn kind() -> String {
        "time".to_owned()
    }
    fn json(&self, out: &mut Vec<u8>) {
        text::seconds(self.0, out);
    }
    fn tsv(&self, _in_container: bool, out: &mut Vec<u8>) {
        text::seconds(self.0, out);
    }
}

impl Value for Date {
    fn kind() -> String {
        "time".to_owned()
    }
    fn json(&self, out: &mut Vec<u8>) {
        Value::json(&self.0, out);
        out.extend_from_slice(b".000000");
    }
    fn tsv(&self, _in_container: bool, out: &mut Vec<u8>) {
        Value::json(self, out);
    }
}

impl Value for Interval {
    fn kind() -> String {
        "interval".to_owned()
    }
    fn json(&self, out: &mut Vec<u8>) {
        text::seconds(self.0, out);
    }
    fn tsv(&self, _in_container: bool, out: &mut Vec<u8>) {
        text::seconds(self.0, out);
    }
}

impl Value for Proto {
    fn kind() -> String {
        "enum".to_owned()
    }
    fn json(&self, out: &mut Vec<u8>) {
        Value::json(&Enum(self.name()), out);
    }
    fn tsv(&self, in_container: bool, out: &mut Vec<u8>) {
        Value::tsv(&Enum(self.name()), in_container, out);
    }
}

impl Value for Enum {
    fn kind() -> String {
        "enum".to_owned()
    }
    fn json(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        out.extend_from_slice(self.0.as_bytes());
        out.push(b'"');
    }
    fn tsv(&self, _in_container: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

impl Value for Addr {
    fn kind() -> String {
        "addr".to_owned()
    }
    fn json(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        Value::tsv(self, false, out);
        out.push(b'"');
    }
    fn tsv(&self, _in_container: bool, out: &mut Vec<u8>) {
        if let Some([a, b, c, d]) = self.as_v4() {
            for (index, octet) in [a, b, c, d].into_iter().enumerate() {
                if index > 0 {
                    out.push(b'.');
                }
                text::unsigned(u64::from(octet), out);
            }
        } else {
            ipv6(self, out);
        }
    }
}

/// RFC 5952 text; IPv4-compatible addresses keep their dotted tail as `inet_ntop` writes it.
fn ipv6(address: &Addr, out: &mut Vec<u8>) {
    use std::io::Write;
    let octets = address.0;
    let dotted = octets[..12].iter().all(|o| *o == 0) && (octets[12] != 0 || octets[13] != 0);
    // Writing to a vector cannot fail.
    let _ = if dotted {
        let tail = Ipv4Addr::new(octets[12], octets[13], octets[14], octets[15]);
        write!(out, "::{tail}")
    } else {
        write!(out, "{}", address.to_ip())
    };
}

macro_rules! string_value {
    ($($type:ty: $bytes:expr),* $(,)?) => {$(
        impl Value for $type {
            fn kind() -> String {
                "string".to_owned()
            }
            #[inline]
            fn json(&self, out: &mut Vec<u8>) {
                let bytes: fn(&Self) -> &[u8] = $bytes;
                text::json_string(bytes(self), out);
            }
            #[inline]
            fn tsv(&self, in_container: bool, out: &mut Vec<u8>) {
                let bytes: fn(&Self) -> &[u8] = $bytes;
                let bytes = bytes(self);
                if bytes.is_empty() {
                    out.extend_from_slice(b"(empty)");
                } else {
                    text::tsv_string(bytes, in_container, out);
                }
            }
        }
    )*};
}

string_value!(
    &[u8]: |s| s,
    &str: |s| s.as_bytes(),
    Vec<u8>: |s| s,
    Box<[u8]>: |s| s,
    String: |s| s.as_bytes(),
    Box<str>: |s| s.as_bytes(),
);

/// Identifiers: never need escaping.
macro_rules! id_value {
    ($($type:ty),*) => {$(
        impl Value for $type {
            fn kind() -> String {
                "string".to_owned()
            }
            fn json(&self, out: &mut Vec<u8>) {
                out.push(b'"');
                self.write(out);
                out.push(b'"');
            }
            fn tsv(&self, _in_container: bool, out: &mut Vec<u8>) {
                self.write(out);
            }
        }
    )*};
}

id_value!(Uid, FileId);

fn json_elements<T: Value>(elements: &[T], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        element.json(out);
    }
    out.push(b']');
}

fn tsv_elements<T: Value>(elements: &[T], out: &mut Vec<u8>) {
    if elements.is_empty() {
        out.extend_from_slice(b"(empty)");
    }
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        element.tsv(true, out);
    }
}

macro_rules! container_value {
    ($($type:ident => $kind:literal),*) => {$(
        impl<T: Value> Value for $type<'_, T> {
            fn kind() -> String {
                format!(concat!($kind, "[{}]"), T::kind())
            }
            fn json(&self, out: &mut Vec<u8>) {
                json_elements(self.0, out);
            }
            fn tsv(&self, _in_container: bool, out: &mut Vec<u8>) {
                tsv_elements(self.0, out);
            }
        }
    )*};
}

container_value!(List => "vector", Set => "set");

impl Column for Limit {
    fn describe(_name: &str, _doc: &'static str, _fields: &mut Vec<Field>) {}
    fn json(&self, _key: &str, _out: &mut Vec<u8>) {}
    fn tsv(&self, _out: &mut Vec<u8>) {}
}

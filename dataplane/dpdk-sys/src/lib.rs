//! Bindings to the libdpdk that is installed on the build machine, made by bindgen when
//! the crate is built; DPDK 22.11 and later.
//!
//! Only what the `dpdk` crate calls is bound (the list is in `build.rs`). DPDK's `static
//! inline` functions come through wrappers that bindgen writes; the few macros that are
//! needed come through `csrc/`. Nothing here is safe to call without reading DPDK's own
//! documentation: use the `dpdk` crate.
//!
//! Poll-mode drivers are not linked: EAL loads them from its plugin directory.

#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]
// Generated code follows bindgen's style, not ours.
#![allow(clippy::all, clippy::pedantic, clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));

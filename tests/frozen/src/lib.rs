//! A plugin built from the frozen sources of plugin-api 1.0's ABI. Whatever becomes of plugin-api 1.x, it must load and
//! work.
#![allow(
    unsafe_code,
    non_local_definitions,
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::all,
    clippy::pedantic,
    reason = "frozen: it is not to be changed for a lint"
)]

mod manifest;

include!("abi.rs");
include!("exporter.rs");

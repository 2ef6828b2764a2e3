//! As the frozen plugin, but with a cell that has one more field.
#![allow(
    unsafe_code,
    non_local_definitions,
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::all,
    clippy::pedantic,
    reason = "derived from frozen sources"
)]

#[path = "../src/manifest.rs"]
mod manifest;

include!(concat!(env!("OUT_DIR"), "/other_abi.rs"));
include!(concat!(env!("OUT_DIR"), "/other_exporter.rs"));

//! A library, but no plugin.
#![allow(unsafe_code, reason = "exports a symbol, so that the library is not empty")]

/// Something that any library might export.
#[unsafe(no_mangle)]
pub extern "C" fn add(left: u32, right: u32) -> u32 {
    left.wrapping_add(right)
}

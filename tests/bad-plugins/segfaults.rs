//! Writes to where nothing is.
#![allow(unsafe_code, reason = "it crashes on purpose")]

mod common;

common::bad_plugin!("segfaults", describe: || common::description("segfaults"), export: |_, out| {
    out.table("Things")?;
    // SAFETY: none; that is its point.
    unsafe { std::ptr::null_mut::<u8>().wrapping_add(8).write_volatile(1) };
    Ok(())
});

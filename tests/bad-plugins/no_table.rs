//! Writes to a table that it did not open, and takes no notice that it was refused.
#![allow(unsafe_code, reason = "a plugin on the bare ABI")]

mod common;

common::bare_plugin!("no-table", |host| {
    let _ = common::open(host);
    let _ = host.write_row(7, [].as_slice().into());
});

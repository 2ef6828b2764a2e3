//! Aborts the process.

mod common;

common::bad_plugin!("gives-up", describe: || common::description("gives-up"), export: |_, out| {
    out.table("Things")?;
    std::process::abort()
});

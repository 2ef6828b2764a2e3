//! Ends the process as if all were well.

mod common;

common::bad_plugin!("exits", describe: || common::description("exits"), export: |_, out| {
    out.table("Things")?;
    std::process::exit(0)
});

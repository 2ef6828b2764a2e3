//! Wants a cursor kept that is longer than any may be.

mod common;

common::bad_plugin!("huge-cursor", describe: || common::description("huge-cursor"), export: |_, out| {
    let things = out.table("Things")?;
    out.write(things, &[plugin_api::Value::Int(1), plugin_api::Value::Text("one")])?;
    out.checkpoint(&"x".repeat(17 << 20))
});

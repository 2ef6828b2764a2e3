//! Logs without need.

mod common;

common::bad_plugin!("floods-the-log", describe: || common::description("floods-the-log"), export: |_, out| {
    let things = out.table("Things")?;
    for number in 0..200_000 {
        tracing::warn!("look at this: {number}");
    }
    out.write(things, &[plugin_api::Value::Int(1), plugin_api::Value::Text("one")])
});

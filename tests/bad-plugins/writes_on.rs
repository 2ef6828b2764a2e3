//! Writes a thousand rows, counts none of them, takes no notice when one is refused, and says that all went well.

mod common;

common::bad_plugin!("writes-on", describe: || common::description("writes-on"), export: |_, out| {
    let things = out.table("Things")?;
    for id in 1..=1000 {
        let _ = out.write(things, &[plugin_api::Value::Int(id), plugin_api::Value::Text("more")]);
    }
    Ok(())
});

//! Writes rows without end.

mod common;

common::bad_plugin!("writes-for-ever", describe: || common::description("writes-for-ever"), export: |_, out| {
    let things = out.table("Things")?;
    for id in 1.. {
        out.write(things, &[plugin_api::Value::Int(id), plugin_api::Value::Text("more")])?;
    }
    Ok(())
});

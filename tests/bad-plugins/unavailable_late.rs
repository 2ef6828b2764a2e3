//! Writes a row, then says that its module is not there.

mod common;

common::bad_plugin!("unavailable-late", describe: || common::description("unavailable-late"), export: |_, out| {
    let things = out.table("Things")?;
    out.write(things, &[plugin_api::Value::Int(1), plugin_api::Value::Text("one")])?;
    Err(plugin_api::ExportError::new(plugin_api::ErrorKind::Unavailable, "no such module"))
});

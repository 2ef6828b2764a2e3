//! Writes a row with too few cells, and takes no notice that it was refused.

mod common;

common::bad_plugin!("too-few-cells", describe: || common::description("too-few-cells"), export: |_, out| {
    let things = out.table("Things")?;
    let _ = out.write(things, &[plugin_api::Value::Int(1)]);
    Ok(())
});

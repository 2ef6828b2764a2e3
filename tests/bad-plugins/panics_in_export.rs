//! Writes a row, then panics.

mod common;

common::bad_plugin!("panics-in-export", describe: || common::description("panics-in-export"), export: |_, out| {
    let things = out.table("Things")?;
    out.write(things, &[plugin_api::Value::Int(1), plugin_api::Value::Text("one")])?;
    let nothing: Vec<u8> = Vec::new();
    let _ = nothing[out.rows(things) as usize];
    Ok(())
});

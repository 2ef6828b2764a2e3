//! Never comes back from its export.

mod common;

common::bad_plugin!("never-returns", describe: || common::description("never-returns"), export: |_, out| {
    let things = out.table("Things")?;
    out.write(things, &[plugin_api::Value::Int(1), plugin_api::Value::Text("one")])?;
    loop {
        std::thread::park();
    }
});

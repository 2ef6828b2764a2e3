//! Fails with what the desk answered, which may hold anything.

mod common;

common::bad_plugin!("quotes-the-desk", describe: || common::description("quotes-the-desk"), export: |desk, out| {
    let things = out.table("Things")?;
    out.write(things, &[plugin_api::Value::Int(1), plugin_api::Value::Text("one")])?;
    desk.get("/whatever").map(drop)
});

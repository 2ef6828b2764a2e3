//! Makes a request that is not allowed, and takes no notice that it was refused.

mod common;

common::bad_plugin!("swallows", describe: || common::description("swallows"), export: |desk, _| {
    let _ = desk.get("//elsewhere.example/things");
    Ok(())
});

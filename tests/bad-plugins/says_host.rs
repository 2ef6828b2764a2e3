//! Claims that the engine failed, which would end the whole backup.

mod common;

common::bad_plugin!("says-host", describe: || common::description("says-host"), export: |_, _| {
    Err(plugin_api::ExportError::new(plugin_api::ErrorKind::Host, "the disk is full, says the plugin"))
});

//! Built by its test with `-C panic=abort`, without any crate: the manifest is all that is read of it.
#![allow(missing_docs)]

#[path = "../../plugin-api/src/abi/manifest.rs"]
pub mod manifest;

#[unsafe(no_mangle)]
pub static DESKVAULT_PLUGIN_MANIFEST: manifest::PluginManifest =
    manifest::PluginManifest::new("1.0.0", "1.0.0", "aborts", cfg!(panic = "unwind"));

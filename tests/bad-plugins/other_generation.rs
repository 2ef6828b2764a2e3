//! A manifest of another generation of the ABI.
#![allow(unsafe_code, reason = "exports the symbol of a manifest")]

use plugin_api::abi::manifest::PluginManifest;

#[unsafe(no_mangle)]
static DESKVAULT_PLUGIN_MANIFEST: PluginManifest = {
    let mut manifest = PluginManifest::new("2.0.0", "1.0.0", "other-generation", true);
    manifest.generation = 2;
    manifest
};

//! A manifest whose first bytes are others.
#![allow(unsafe_code, reason = "exports the symbol of a manifest")]

use plugin_api::abi::manifest::PluginManifest;

#[unsafe(no_mangle)]
static DESKVAULT_PLUGIN_MANIFEST: PluginManifest = {
    let mut manifest = PluginManifest::new("1.0.0", "1.0.0", "wrong-magic", true);
    manifest.magic = *b"desksafe--plugin";
    manifest
};

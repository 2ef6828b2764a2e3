//! A manifest, and nothing behind it.
#![allow(unsafe_code, reason = "exports the symbol of a manifest")]

use plugin_api::abi::manifest::PluginManifest;

#[unsafe(no_mangle)]
static DESKVAULT_PLUGIN_MANIFEST: PluginManifest = PluginManifest::new("1.0.0", "1.0.0", "no-header", true);

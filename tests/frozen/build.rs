//! Makes the frozen copy of the ABI pass for what it is a copy of, and derives one whose cells have one more field.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=src");
    // abi_stable writes the names of package and version into the layouts and compares them.
    println!("cargo::rustc-env=CARGO_PKG_NAME=deskvault-plugin-api");
    println!("cargo::rustc-env=CARGO_PKG_VERSION=1.0.0");
    derive("abi.rs", "    pub bits: u64,", "    pub bits: u64,\n    pub more: u64,");
    derive("exporter.rs", ", text: RStr", ", more: 0, text: RStr");
}

/// Writes the frozen `file` with `old` replaced, as `other_` and its name.
fn derive(file: &str, old: &str, new: &str) {
    let frozen = fs::read_to_string(Path::new("src").join(file)).expect("a frozen source");
    assert!(frozen.contains(old), "the frozen {file} has {old:?}");
    let folder = env::var_os("OUT_DIR").expect("OUT_DIR, which cargo sets");
    fs::write(
        Path::new(&folder).join(format!("other_{file}")),
        frozen.replace(old, new),
    )
    .expect("the changed source");
}

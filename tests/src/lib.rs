//! The harness of the whole-system tests: where the libraries are that cargo built, and a backup's services held in
//! memory.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::PathBuf;

pub mod memory;

/// The dynamic library of a package of the workspace, e.g. `deskvault_example`. Cargo puts it beside the test
/// executables, because the tests' package depends on it.
///
/// # Panics
/// Where it was not built.
pub fn plugin(name: &str) -> PathBuf {
    built(&folder_of_tests(), name)
}

/// One of the deliberately bad plugins, e.g. `bad_no_manifest`.
///
/// # Panics
/// Where it was not built: `cargo test` builds them all, `cargo test --test NAME` does not.
pub fn bad_plugin(name: &str) -> PathBuf {
    let folder = folder_of_tests();
    built(
        &folder
            .parent()
            .expect("target/debug/deps has a parent")
            .join("examples"),
        name,
    )
}

fn folder_of_tests() -> PathBuf {
    let mut folder = std::env::current_exe().expect("the test's own path");
    folder.pop();
    folder
}

fn built(folder: &std::path::Path, name: &str) -> PathBuf {
    let file = folder.join(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"));
    assert!(
        file.is_file(),
        "{} is not built: run `cargo build --workspace --all-targets`",
        file.display()
    );
    file
}

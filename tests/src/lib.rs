//! The harness of the whole-system tests: where the libraries are that cargo built, a backup's services held in memory, and
//! whole installations with a clock of their own.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use engine::backup::Plan;
use engine::connection::settings::{Auth, Limits, Names, Pacing, Settings};

pub mod chance;
pub mod clock;
pub mod compare;
pub mod daemon;
pub mod desk;
pub mod home;
pub mod memory;
pub mod zoho;

/// A plan to back up `modules` of the desk at `url` into `folder`.
pub fn plan(url: &str, modules: &[&str], folder: &Path) -> Plan {
    Plan {
        desk: "desk".into(),
        connection_kind: "http".into(),
        connection: Settings {
            desk: "desk".into(),
            url: url.into(),
            allow_plain_http: false,
            ca_file: None,
            auth: Auth::None,
            limits: Limits::default(),
            pacing: Pacing::default(),
            search_lag: Duration::ZERO,
            names: Names::default(),
        },
        modules: modules.iter().map(ToString::to_string).collect(),
        kind: plugin_api::Kind::Full,
        range: None,
        archive: engine::archive::settings::Settings {
            folder: folder.to_owned(),
            ..Default::default()
        },
        stall_timeout: Duration::from_mins(2),
        log_level: tracing::Level::INFO,
        started: None,
        until: None,
        name: None,
        records: None,
        allow_partial: false,
        editions: engine::quota::Editions::default(),
        spool: None,
        resume: Vec::new(),
        past: Vec::new(),
        finish: false,
        often: engine::backup::Often::default(),
        hurry: engine::backup::Hurry::default(),
        clock: std::sync::Arc::new(engine::clock::SystemClock),
    }
}

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

fn built(folder: &Path, name: &str) -> PathBuf {
    let file = folder.join(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"));
    assert!(
        file.is_file(),
        "{} is not built: run `cargo build --workspace --all-targets`",
        file.display()
    );
    file
}

/// The peak of this process's resident memory in KiB, as Linux tells it.
///
/// # Errors
/// Where it does not.
pub fn peak_kib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let line = line.context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

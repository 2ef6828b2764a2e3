//! Backs up a plugin that needs no desk, in a process of its own, and prints how much memory that took at most.
//!
//! `synthetic PLUGIN FOLDER`: prints the archive's path, its rows, and the peak of the resident memory in KiB, a line
//! each.
#![allow(clippy::print_stdout, reason = "it is a command")]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use engine::plugins::Registry;
use engine::progress::Silent;
use tokio_util::sync::CancellationToken;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (plugin, folder) = arguments
        .next()
        .zip(arguments.next())
        .context("two arguments: PLUGIN FOLDER")?;
    let mut registry = Registry::load_files(vec![plugin], Duration::from_secs(20));
    let plan = deskvault_tests::plan("http://127.0.0.1:9", &["synthetic"], &folder);
    let summary = engine::backup::run(&plan, &mut registry, &Silent, &CancellationToken::new())?;
    println!(
        "{}\n{}\n{}",
        summary.archive.display(),
        summary.rows(),
        deskvault_tests::peak_kib()?
    );
    Ok(())
}

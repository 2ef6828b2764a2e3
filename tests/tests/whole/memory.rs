//! Memory stays flat, however much is exported.

use std::path::Path;
use std::process::Command;

use deskvault_tests::bad_plugin;

/// Backs up that many rows in a process of its own: its peak memory in KiB.
fn peak_kib(rows: u64, folder: &Path) -> u64 {
    let output = Command::new(env!("CARGO_BIN_EXE_synthetic"))
        .arg(bad_plugin("synthetic"))
        .arg(folder)
        .env("SYNTHETIC_ROWS", rows.to_string())
        .output()
        .expect("the command runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[1], rows.to_string());
    std::fs::remove_file(lines[0]).expect("the archive is there");
    lines[2].parse().expect("a number")
}

#[test]
fn ten_million_rows_take_no_more_memory_than_a_hundred_thousand() {
    let folder = tempfile::tempdir().expect("a folder");
    let few = peak_kib(100_000, folder.path());
    let many = peak_kib(10_000_000, folder.path());
    println!("peak memory: {few} KiB for 100,000 rows, {many} KiB for 10,000,000");
    assert!(many <= 128 * 1024, "{many} KiB for 10,000,000 rows");
    // The same: but for what a process's memory varies by from run to run.
    assert!(
        many <= few + few / 4,
        "{few} KiB for 100,000 rows, {many} KiB for 10,000,000"
    );
}

//! Memory stays flat, however much is exported.

use std::path::Path;
use std::process::Command;

use deskvault_tests::plugin;

/// Backs up that many rows in a process of its own: its peak memory in KiB.
fn peak_kib(rows: u64, folder: &Path) -> u64 {
    let output = Command::new(env!("CARGO_BIN_EXE_synthetic"))
        .arg(plugin("deskvault_synthetic"))
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

/// What a backup's fixed buffers come to once there are rows enough to fill them all, in KiB: blocks on their way to the
/// packers, runs of keys being sorted, buffers of the runs being merged.
const BUFFERS: u64 = 16 * 1024;

#[test]
fn memory_does_not_grow_with_the_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let [few, many] = [100_000, 10_000_000].map(|rows| peak_kib(rows, folder.path()));
    println!("peak memory: {few} KiB for 100,000 rows, {many} KiB for 10,000,000");
    assert!(many <= 128 * 1024, "{many} KiB for 10,000,000 rows");
    // The same, but for buffers that few rows do not fill: less than two bytes for each row more.
    assert!(
        many <= few + BUFFERS,
        "{few} KiB for 100,000 rows, {many} KiB for 10,000,000"
    );
}

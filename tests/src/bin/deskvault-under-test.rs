//! The `deskvault` command, built where the whole-system tests find it, with the clock of a test where there is one.

use std::process::ExitCode;
use std::sync::Arc;

use deskvault_tests::clock::FileClock;

fn main() -> ExitCode {
    match FileClock::of_environment() {
        Some(clock) => engine::cli::run_at(Arc::new(clock)),
        None => engine::cli::run(),
    }
}

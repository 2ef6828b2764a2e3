//! The `deskvault` command, built where the whole-system tests find it.

use std::process::ExitCode;

fn main() -> ExitCode {
    engine::cli::run()
}

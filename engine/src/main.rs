//! The `deskvault` command. All of it is in [`engine::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    engine::cli::run()
}

//! `deskvault daemon`.

use crate::cli::Shell;
use crate::cli::args::{Daemon, Global, RunBackup};

use super::{Failure, Outcome};

pub(super) fn run(typed: &Daemon, global: &Global, shell: &Shell) -> Outcome {
    let _ = (typed, global, shell);
    Err(Failure::Usage("not built yet".into()))
}

pub(super) fn backup(typed: &RunBackup, global: &Global, shell: &Shell) -> Outcome {
    let _ = (typed, global, shell);
    Err(Failure::Usage("not built yet".into()))
}

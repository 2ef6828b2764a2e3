//! `deskvault schedule`.

use crate::cli::Shell;
use crate::cli::args::{Global, Schedule};

use super::{Failure, Outcome};

pub(super) fn run(typed: &Schedule, global: &Global, shell: &Shell) -> Outcome {
    let _ = (typed, global, shell);
    Err(Failure::Usage("not built yet".into()))
}

//! `deskvault history`.

use crate::cli::Shell;
use crate::cli::args::{Global, History};

use super::{Failure, Outcome};

pub(super) fn run(typed: &History, global: &Global, shell: &Shell) -> Outcome {
    let _ = (typed, global, shell);
    Err(Failure::Usage("not built yet".into()))
}

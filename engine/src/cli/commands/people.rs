//! `deskvault user` and `token`.

use crate::cli::Shell;
use crate::cli::args::{Global, Token, User};

use super::{Failure, Outcome};

pub(super) fn user(typed: &User, global: &Global, shell: &Shell) -> Outcome {
    let _ = (typed, global, shell);
    Err(Failure::Usage("not built yet".into()))
}

pub(super) fn token(typed: &Token, global: &Global, shell: &Shell) -> Outcome {
    let _ = (typed, global, shell);
    Err(Failure::Usage("not built yet".into()))
}

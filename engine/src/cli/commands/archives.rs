//! `deskvault list`, `download`, `delete` and `link`.

use crate::cli::Shell;
use crate::cli::args::{Delete, Download, Global, Link, List};

use super::{Failure, Outcome};

pub(super) fn list(typed: &List, global: &Global, shell: &Shell) -> Outcome {
    let _ = (typed, global, shell);
    Err(Failure::Usage("not built yet".into()))
}

pub(super) fn download(typed: &Download, global: &Global, shell: &Shell) -> Outcome {
    let _ = (typed, global, shell);
    Err(Failure::Usage("not built yet".into()))
}

pub(super) fn delete(typed: &Delete, global: &Global, shell: &Shell) -> Outcome {
    let _ = (typed, global, shell);
    Err(Failure::Usage("not built yet".into()))
}

pub(super) fn link(typed: &Link, global: &Global, shell: &Shell) -> Outcome {
    let _ = (typed, global, shell);
    Err(Failure::Usage("not built yet".into()))
}

//! `history`.

use clap::Args;

/// Prints who did what when.
#[derive(Args, Debug)]
pub(crate) struct History {}

//! `schedule`.

use clap::Subcommand;

/// Sets, shows and stops the schedule of a desk.
#[derive(Debug, Subcommand)]
pub(crate) enum Schedule {
    /// Shows it, and the next runs.
    Show,
}

//! `list`, `download`, `delete` and `link`.

use clap::Args;

/// Lists finished backups.
#[derive(Args, Debug)]
pub(crate) struct List {}

/// Writes an archive to where it is wanted.
#[derive(Args, Debug)]
pub(crate) struct Download {}

/// Deletes an archive.
#[derive(Args, Debug)]
pub(crate) struct Delete {}

/// Makes a signed link to an archive.
#[derive(Args, Debug)]
pub(crate) struct Link {}

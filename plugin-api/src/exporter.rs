//! What an author implements.

use crate::{Description, Desk, Job, Output, Result, Table};

/// An exporter: it reads one module of a desk and writes its tables.
///
/// One instance may serve several exports at one time, on several threads; within one export it is called on one
/// thread, and the [`Desk`] and the [`Output`] stay there.
pub trait Exporter: Send + Sync + 'static {
    /// What it exports. Asked without a desk at hand, e.g. for `deskvault plugins list`; always the same.
    fn describe(&self) -> Description;

    /// Its tables and their columns. It may ask the desk for its custom fields. Always the same for the same desk. An export
    /// that goes on with an earlier one keeps its tables ([`Job::tables`]), and this is not called.
    fn tables(&self, desk: &Desk<'_>) -> Result<Vec<Table>>;

    /// Writes every record that the job asks for to its table, once.
    ///
    /// # Errors
    /// An error ends the export of this module: what was written stays in the archive, the backup is *incomplete*
    /// and says why. An exporter passes on what its calls return, with `?`; above all
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled). It never returns `Ok` when something is missing.
    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()>;
}

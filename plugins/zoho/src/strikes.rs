//! When failures of single records are told one by one, and when the desk is taken to be down.

use plugin_api::{ErrorKind, ExportError, Output, Result, TableId};

use crate::answer::is_of_one_record;

/// Failures one after the other, behind which the desk is taken to be down.
const STRIKES: u32 = 25;

/// Failures since the last record that could be read.
#[derive(Debug, Default)]
pub struct Strikes(u32);

impl Strikes {
    /// A record could be read.
    pub fn clear(&mut self) {
        self.0 = 0;
    }

    /// Tells a record as unread.
    ///
    /// # Errors
    /// The error itself, if it concerns more than one record or comes after too many others.
    pub fn unread(
        &mut self,
        table: TableId,
        key: impl Into<String>,
        error: &ExportError,
        out: &mut Output<'_>,
    ) -> Result<()> {
        // That the desk answers no to one record after the other says nothing of the next one.
        if !is_an_answer(error) {
            self.0 += 1;
        }
        if !may_be_of_one_record(error) {
            return Err(error.clone());
        }
        if self.0 > STRIKES {
            let mut last = error.clone();
            last.message = format!(
                "{}; {} records in a row could not be read, so that nothing more is asked for: what is missing is more than what \
                 is named, so back up again when the desk gives them",
                last.message, self.0
            );
            return Err(last);
        }
        out.unread(table, key, error)
    }
}

/// Whether a failure may concern one record alone, also where nothing but its answer was lost, so that the others can
/// still be read. Who passes over such failures counts them by [`Strikes`].
pub fn may_be_of_one_record(error: &ExportError) -> bool {
    let lost = matches!(error.kind, ErrorKind::Network | ErrorKind::Decode | ErrorKind::TooLarge);
    lost || is_an_answer(error) || is_of_one_record(error)
}

/// Whether a failure is the desk's own answer about a record, and no sign of trouble with the desk.
fn is_an_answer(error: &ExportError) -> bool {
    matches!(
        error.kind,
        ErrorKind::NotFound | ErrorKind::Forbidden | ErrorKind::Unavailable
    )
}

#[cfg(test)]
mod tests {
    use plugin_api::{ErrorKind, ExportError};

    use super::may_be_of_one_record;

    #[test]
    fn every_kind_of_failure_concerns_one_record_or_all() {
        let all = [
            ErrorKind::Other,
            ErrorKind::Cancelled,
            ErrorKind::Unauthorized,
            ErrorKind::Misuse,
            ErrorKind::Panic,
            ErrorKind::Host,
        ];
        for kind in ErrorKind::ALL {
            let expected = !all.contains(&kind);
            assert_eq!(
                may_be_of_one_record(&ExportError::new(kind, "why")),
                expected,
                "{kind:?}"
            );
        }
    }
}

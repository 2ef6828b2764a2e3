//! What the end of an export means for its module and its backup. Pure.

use plugin_api::{ErrorKind, ExportError};

use crate::archive::ModuleState;

/// What the end of an export means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) state: ModuleState,
    /// Why it is not complete.
    pub(super) reason: Option<String>,
}

/// Judges the end of an export that wrote `rows` rows. That the engine failed is not judged here: it ends the backup.
pub(super) fn verdict(outcome: &Result<(), ExportError>, rows: u64) -> Verdict {
    let Err(error) = outcome else {
        return Verdict {
            state: ModuleState::Complete,
            reason: None,
        };
    };
    let state = match error.kind {
        // Not there, or kept from us. Once it has given rows it is neither.
        ErrorKind::Unavailable | ErrorKind::Forbidden if rows == 0 => ModuleState::Skipped,
        _ => ModuleState::Failed,
    };
    Verdict {
        state,
        reason: Some(crate::plugins::describe(error)),
    }
}

/// Why a table's rows do not agree with the desk's own count, if they don't. `gone` records were deleted on the desk
/// while it was read; the desk may have counted them before.
pub(super) fn count_differs(table: &str, rows: u64, gone: u64, desk_count: Option<u64>) -> Option<String> {
    let count = desk_count.filter(|count| !(rows..=rows.saturating_add(gone)).contains(count))?;
    Some(format!("{table}: the desk counts {count} records, {rows} were written"))
}

#[cfg(test)]
mod tests {
    use plugin_api::{ErrorKind, ExportError};

    use super::{count_differs, verdict};
    use crate::archive::ModuleState::{Complete, Failed, Skipped};

    #[test]
    fn every_kind_of_failure_has_its_meaning() {
        assert_eq!(verdict(&Ok(()), 0).state, Complete);
        for kind in ErrorKind::ALL {
            let outcome = Err(ExportError::new(kind, "why"));
            let expected = match kind {
                ErrorKind::Unavailable | ErrorKind::Forbidden => Skipped,
                _ => Failed,
            };
            assert_eq!(verdict(&outcome, 0).state, expected, "{kind:?}");
            assert_eq!(verdict(&outcome, 1).state, Failed, "{kind:?} behind a row");
            assert_eq!(verdict(&outcome, 0).reason.as_deref(), Some("why"));
        }
    }

    #[test]
    fn counts_must_agree_exactly() {
        assert_eq!(count_differs("T", 3, 0, None), None);
        assert_eq!(count_differs("T", 3, 0, Some(3)), None);
        let said = count_differs("T", 3, 0, Some(4));
        assert_eq!(said.as_deref(), Some("T: the desk counts 4 records, 3 were written"));
        assert_eq!(count_differs("T", 3, 1, Some(4)), None);
        assert!(count_differs("T", 3, 1, Some(5)).is_some());
        assert!(count_differs("T", 3, 1, Some(2)).is_some());
    }
}

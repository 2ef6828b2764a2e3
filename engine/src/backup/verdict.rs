//! What the end of an export means for its module and its backup. Pure.

use plugin_api::{ErrorKind, ExportError};

use crate::archive::ModuleState;

/// What the end of an export means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) state: ModuleState,
    /// Why it is not complete.
    pub(super) reason: Option<String>,
    /// Whether the backup as a whole is incomplete for it, beyond what a failed module says by itself.
    pub(super) missing: bool,
}

/// Judges the end of an export. `Err` ends the whole backup: the engine failed, not the module.
pub(super) fn verdict(module: &str, outcome: &Result<(), ExportError>) -> Result<Verdict, String> {
    let Err(error) = outcome else {
        return Ok(Verdict {
            state: ModuleState::Complete,
            reason: None,
            missing: false,
        });
    };
    let said = crate::plugins::describe(error);
    let (state, missing) = match error.kind {
        ErrorKind::Host => return Err(format!("module {module}: {said}")),
        // Not there to be backed up: nothing is missing.
        ErrorKind::Unavailable => (ModuleState::Skipped, false),
        // There, but kept from us.
        ErrorKind::Forbidden => (ModuleState::Skipped, true),
        _ => (ModuleState::Failed, false),
    };
    Ok(Verdict {
        state,
        reason: Some(said),
        missing,
    })
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
        assert_eq!(
            verdict("m", &Ok(())).map(|verdict| (verdict.state, verdict.missing)),
            Ok((Complete, false))
        );
        for kind in ErrorKind::ALL {
            let verdict = verdict("m", &Err(ExportError::new(kind, "why")));
            let expected = match kind {
                ErrorKind::Host => Err("module m: why".to_owned()),
                ErrorKind::Unavailable => Ok((Skipped, false)),
                ErrorKind::Forbidden => Ok((Skipped, true)),
                _ => Ok((Failed, false)),
            };
            assert_eq!(
                verdict.map(|verdict| (verdict.state, verdict.missing)),
                expected,
                "{kind:?}"
            );
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

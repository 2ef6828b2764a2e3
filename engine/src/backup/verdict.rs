//! What the end of an export means for its module and its backup. Pure.

use plugin_api::{ErrorKind, ExportError};

use super::cause::Cause;
use crate::archive::ModuleState;
use crate::plugins::Answer;

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

/// Whether the limit of records ended an export, when it was reached. `refused`: a row of this one was beyond it, after which it
/// could do nothing more; so that what it says then, but for its own mistakes, comes of that.
pub(super) fn is_cut(outcome: &Result<(), ExportError>, refused: bool) -> bool {
    match outcome {
        Ok(()) => refused,
        Err(error) => match error.kind {
            ErrorKind::Cancelled => true,
            ErrorKind::Misuse | ErrorKind::Panic | ErrorKind::Host => false,
            _ => refused,
        },
    }
}

/// Whether what ended an export is a fault that passes, or that somebody can put right, so that it is worth to go on from its
/// last checkpoint: the desk is away or refuses the credentials, the disk is full, the backup was stopped.
pub(super) fn passes(error: &ExportError) -> bool {
    matches!(
        error.kind,
        ErrorKind::Network | ErrorKind::Unauthorized | ErrorKind::Host | ErrorKind::Cancelled
    )
}

/// What is in the way of a backup one of whose exports ended so.
pub(super) fn cause(error: &ExportError) -> Cause {
    match error.kind {
        ErrorKind::Host => Cause::Machine,
        ErrorKind::Unauthorized => Cause::Credentials,
        ErrorKind::Cancelled => Cause::Stopped,
        _ => Cause::Desk,
    }
}

/// Of several, the greatest is told: what stopped the others.
pub(super) fn weight(cause: Cause) -> u8 {
    match cause {
        Cause::Machine => 3,
        Cause::Credentials => 2,
        Cause::Desk => 1,
        Cause::Stopped | Cause::Lost => 0,
    }
}

/// Why a request got nothing that an exporter could use, where that is so. What the desk refuses by 4xx, such as a record that
/// is gone, is the exporter's to know.
pub(super) fn failed(result: &Result<Answer, ExportError>) -> Option<String> {
    match result {
        Ok(answer) => matches!(answer.status, 401 | 429 | 500..).then(|| answer.status.to_string()),
        Err(error) => (error.kind != ErrorKind::Cancelled).then(|| error.message.clone()),
    }
}

/// What a desk says of the number of a table's records.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DeskCounts {
    pub(super) before: Option<u64>,
    /// When it was asked again behind the last record, because it had changed.
    pub(super) after: Option<u64>,
}

/// Why a table's rows do not agree with the desk's own count, if they don't. Between what it counted before and after lies
/// what came and went meanwhile; and `gone` records were deleted while they were read: the desk may have counted them.
pub(super) fn count_differs(table: &str, rows: u64, gone: u64, counts: DeskCounts) -> Option<String> {
    let first = counts.before.or(counts.after)?;
    let last = counts.after.unwrap_or(first);
    let explained = first.min(last).saturating_sub(gone)..=first.max(last);
    if explained.contains(&rows) {
        return None;
    }
    let again = if last == first {
        String::new()
    } else {
        format!(" ({last} when asked again at the end)")
    };
    Some(format!(
        "{table}: the desk counts {first} records{again}, {rows} were written"
    ))
}

#[cfg(test)]
mod tests {
    use plugin_api::{ErrorKind, ExportError};

    use super::{DeskCounts, count_differs, failed, is_cut, verdict};
    use crate::archive::ModuleState::{Complete, Failed, Skipped};
    use crate::plugins::Answer;

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
    fn what_the_limit_ended_is_told_from_what_failed() {
        assert!(is_cut(&Ok(()), true), "the refusal was swallowed");
        assert!(!is_cut(&Ok(()), false), "it had ended before");
        for kind in ErrorKind::ALL {
            let own = matches!(kind, ErrorKind::Misuse | ErrorKind::Panic | ErrorKind::Host);
            let outcome = Err(ExportError::new(kind, "why"));
            assert_eq!(is_cut(&outcome, true), !own, "{kind:?}");
            assert_eq!(is_cut(&outcome, false), kind == ErrorKind::Cancelled, "{kind:?}");
        }
    }

    #[test]
    fn what_an_exporter_may_not_pass_over_is_seen() {
        let answer = |status| Answer {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        };
        for (status, expected) in [
            (200, None),
            (204, None),
            (403, None),
            (404, None),
            (401, Some("401")),
            (429, Some("429")),
            (500, Some("500")),
            (503, Some("503")),
        ] {
            assert_eq!(failed(&Ok(answer(status))).as_deref(), expected, "{status}");
        }
        for kind in ErrorKind::ALL {
            let expected = (kind != ErrorKind::Cancelled).then_some("why");
            assert_eq!(
                failed(&Err(ExportError::new(kind, "why"))).as_deref(),
                expected,
                "{kind:?}"
            );
        }
    }

    #[test]
    fn counts_must_agree_exactly() {
        let said = "T: the desk counts 4 records, 3 were written";
        let again = "T: the desk counts 9 records (7 when asked again at the end), 6 were written";
        for (rows, gone, before, after, expected) in [
            (3, 0, None, None, None),
            (3, 0, Some(3), None, None),
            (3, 0, Some(4), None, Some(said)),
            (3, 1, Some(4), None, None),
            (
                3,
                1,
                Some(5),
                None,
                Some("T: the desk counts 5 records, 3 were written"),
            ),
            (
                3,
                1,
                Some(2),
                None,
                Some("T: the desk counts 2 records, 3 were written"),
            ),
            // Asked again: between the two.
            (9, 0, Some(9), Some(7), None),
            (8, 0, Some(9), Some(7), None),
            (7, 0, Some(9), Some(7), None),
            (8, 0, Some(7), Some(9), None),
            (6, 0, Some(9), Some(7), Some(again)),
            (6, 1, Some(9), Some(7), None),
            (3, 0, Some(4), Some(4), Some(said)),
            (3, 0, None, Some(3), None),
            (3, 0, None, Some(4), Some(said)),
        ] {
            let differs = count_differs("T", rows, gone, DeskCounts { before, after });
            assert_eq!(differs.as_deref(), expected, "{rows} {gone} {before:?} {after:?}");
        }
    }
}

//! What the modules of a backup came to when all have ended.

use std::time::Duration;

use plugin_api::{ErrorKind, ExportError};

use super::begun::Figures;
use super::error::{BackupError, archive_failed};
use super::limit::Limit;
use super::module::Module;
use super::services::{Left, Open};
use super::verdict::{DeskCounts, Verdict, count_differs, is_cut, verdict};
use super::watch::Running;
use crate::archive::ModuleState;
use crate::progress::{Event, ModuleSummary, Progress, TableSummary};

/// What stands behind the name of a table that the limit of records stopped, in the reasons of an archive.
const STOPPED: &str = ": stopped ";

/// The table of which a reason of an archive says that the limit of records stopped it.
pub(crate) fn stopped_table(reason: &str) -> Option<&str> {
    let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    reason.split_once(STOPPED).map(|(table, _)| table).filter(is_name)
}

/// What the modules came to.
pub(super) struct Judged {
    pub(super) modules: Vec<ModuleSummary>,
    /// Why the backup is not complete.
    pub(super) reasons: Vec<String>,
    /// What is worth knowing besides.
    pub(super) notes: Vec<String>,
    /// The tables that the limit of records stopped, and behind which row; first those that had one more.
    pub(super) limit_reached: Vec<(String, u64)>,
}

/// Closes the tables and says what each module came to.
pub(super) fn judge(running: &mut Running, progress: &dyn Progress) -> Result<Judged, BackupError> {
    let Running { modules, limit, .. } = running;
    let failed = modules.iter().find_map(|module| match &module.ended {
        Some((Err(error), _)) if error.kind == ErrorKind::Host => Some((module, error)),
        _ => None,
    });
    if let Some((module, error)) = failed {
        let said = crate::plugins::describe(error);
        return Err(BackupError::Engine(format!("module {}: {said}", module.name)));
    }
    let mut judged = Judged {
        modules: Vec::new(),
        reasons: Vec::new(),
        notes: Vec::new(),
        limit_reached: Vec::new(),
    };
    for module in modules {
        // Before its end is taken from it: without one it counts as under way, and its requests a second time.
        let figures = module.figures();
        let Some((outcome, left)) = module.ended.take() else {
            continue;
        };
        let summary = judge_one((module, figures), &outcome, left, limit, &mut judged)?;
        progress.event(Event::ModuleEnded {
            module: &summary.module,
            state: summary.state,
            reason: summary.reason.as_deref(),
        });
        judged.modules.push(summary);
    }
    let stopped = |(table, rows): &(String, u64)| match rows {
        0 => format!("{table}{STOPPED}before its first row: {}", limit.reason()),
        rows => format!("{table}{STOPPED}behind row {rows}: {}", limit.reason()),
    };
    judged.reasons.splice(0..0, judged.limit_reached.iter().map(stopped));
    Ok(judged)
}

/// Closes the tables of one module and says what it came to; what is missing and worth knowing is added to the others'.
fn judge_one(
    (module, figures): (&Module, Figures),
    outcome: &Result<(), ExportError>,
    written: Left,
    limit: &Limit,
    judged: &mut Judged,
) -> Result<ModuleSummary, BackupError> {
    let rows = written.tables.iter().map(|table| table.written.rows()).sum();
    let mut verdict = verdict(outcome, rows);
    let is_cut = limit.is_reached() && is_cut(outcome, written.cut.is_some());
    if is_cut {
        verdict = Verdict {
            state: ModuleState::Incomplete,
            reason: Some(limit.reason()),
        };
    }
    let mut missing = written.unread();
    let whole = verdict.state == ModuleState::Complete;
    let failed_requests = written.failed_requests();
    let remarks = written
        .said
        .remarks
        .iter()
        .map(|remark| format!("{}: {remark}", module.name));
    judged.notes.extend(remarks);
    if whole {
        missing.extend(written.unopened.iter().map(|table| {
            format!(
                "{table}: {} describes this table and did not write it: tell its author",
                module.name
            )
        }));
        judged
            .notes
            .extend(failed_requests.map(|failed| format!("{}: {failed}", module.name)));
    }
    let mut tables = Vec::with_capacity(written.tables.len());
    for mut open in written.tables {
        let closed = open.close().map_err(archive_failed)?;
        let Open {
            name,
            desk_count,
            desk_count_after,
            ..
        } = open;
        let gone = written.said.gone.get(&*name).copied().unwrap_or_default();
        if written.cut.as_ref() == Some(&name) {
            judged.limit_reached.insert(0, (name.to_string(), closed.rows));
        } else if is_cut {
            judged.limit_reached.push((name.to_string(), closed.rows));
        }
        // A module that broke off has said so already.
        if whole {
            let counts = DeskCounts {
                before: desk_count,
                after: desk_count_after,
            };
            missing.extend(count_differs(&name, closed.rows, gone, counts));
        }
        tables.push(TableSummary {
            table: name.to_string(),
            rows: closed.rows,
            bytes: closed.bytes,
            expected: desk_count,
            expected_after: desk_count_after,
        });
    }
    if is_cut {
        // What it did not come to.
        let unopened = written.unopened.iter().map(|table| (table.clone(), 0));
        judged.limit_reached.extend(unopened);
    }
    if verdict.state == ModuleState::Skipped {
        let why = verdict.reason.as_deref().unwrap_or("no reason given");
        missing.push(format!("module {} was skipped: {why}", module.name));
    }
    if whole && !missing.is_empty() {
        verdict.state = ModuleState::Incomplete;
        verdict.reason = missing.first().cloned();
    }
    judged.reasons.extend(missing);
    Ok(ModuleSummary {
        module: module.name.clone(),
        state: verdict.state,
        reason: verdict.reason,
        requests: figures.requests,
        least_requests: written.said.least_requests.filter(|_| whole),
        retries: figures.retries,
        seconds: Duration::from_millis(figures.milliseconds).as_secs_f64(),
        tables,
    })
}

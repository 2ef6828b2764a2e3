//! Where the modules of a backup begin: at their start, or behind the checkpoint of an earlier run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use plugin_api::{ExportError, Table};
use serde_json::Value as Json;

use super::checkpoint::{Checkpoint, Said};
use super::error::{BackupError, archive_failed};
use super::memory::{self, Remembered};
use crate::archive::{ArchiveError, Resumption, TableMark, TableSummary, TableWriter, Writer};
use crate::connection::QueueStats;
use crate::plugins::Plugin;

/// Where a module begins.
#[derive(Default)]
pub(super) struct Begun {
    pub(super) tables: Vec<BegunTable>,
    pub(super) said: Said,
    pub(super) memory: Remembered,
    /// What its exporter is given to go on with; none: it starts.
    pub(super) earlier: Option<Earlier>,
    /// How it ended, where it has.
    pub(super) ended: Option<Result<(), ExportError>>,
    /// The number of its last checkpoint.
    pub(super) number: u64,
    pub(super) marks: Vec<TableMark>,
    pub(super) figures: Figures,
}

/// What an exporter is given to go on with.
pub(super) struct Earlier {
    pub(super) cursor: Option<Json>,
    pub(super) remembered: Vec<Json>,
}

/// What the earlier runs of a module took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    pub(super) requests: u64,
    pub(super) retries: u64,
    pub(super) milliseconds: u64,
    pub(super) credits: u64,
}

impl Figures {
    /// With what this run has done since.
    pub(super) fn and(self, stats: &QueueStats, worked: Duration) -> Self {
        Self {
            requests: self.requests.saturating_add(stats.tries),
            retries: self.retries.saturating_add(stats.retries),
            milliseconds: self
                .milliseconds
                .saturating_add(u64::try_from(worked.as_millis()).unwrap_or(u64::MAX)),
            credits: self.credits.saturating_add(stats.credits),
        }
    }
}

/// A table that is there already.
pub(super) struct BegunTable {
    pub(super) table: Table,
    pub(super) written: Written,
    pub(super) desk_count: Option<u64>,
    pub(super) desk_count_after: Option<u64>,
}

/// What is written of a table.
#[derive(Debug)]
pub(super) enum Written {
    /// It is open.
    Open(Box<TableWriter>),
    /// It is closed.
    Closed(TableSummary),
}

impl Written {
    pub(super) fn rows(&self) -> u64 {
        match self {
            Self::Open(writer) => writer.rows(),
            Self::Closed(summary) => summary.rows,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Open(writer) => writer.bytes(),
            Self::Closed(summary) => summary.bytes,
        }
    }
}

impl Begun {
    /// Its rows.
    pub(super) fn rows(&self) -> u64 {
        let rows = self.tables.iter().map(|table| table.written.rows());
        rows.fold(0, u64::saturating_add)
    }

    /// As the checkpoint of an earlier run says. The error says in a line why that can't be.
    fn resume(plugin: &Plugin, checkpoint: &Checkpoint, writer: &Writer) -> Result<Self, ArchiveError> {
        let module = &plugin.description.module;
        let memory = writer.folder().join(memory::file(module));
        let (memory, remembered) = Remembered::resume(&memory, checkpoint.memory)?;
        let resumed = writer.resume(module, &checkpoint.tables)?;
        let tables = checkpoint.tables.iter().zip(resumed).map(|(mark, resumed)| BegunTable {
            table: mark.table.clone(),
            written: match resumed {
                Resumption::Open(writer) => Written::Open(writer),
                Resumption::Closed(summary) => Written::Closed(summary),
            },
            desk_count: mark.desk_count,
            desk_count_after: mark.desk_count_after,
        });
        Ok(Self {
            tables: tables.collect(),
            said: checkpoint.said.clone(),
            memory,
            earlier: Some(Earlier {
                cursor: checkpoint.cursor.clone(),
                remembered,
            }),
            ended: checkpoint.ended.as_ref().map(super::checkpoint::End::outcome),
            number: checkpoint.number,
            marks: checkpoint.tables.clone(),
            figures: Figures {
                requests: checkpoint.requests,
                retries: checkpoint.retries,
                milliseconds: checkpoint.milliseconds,
                credits: checkpoint.credits,
            },
        })
    }

    /// At its start, because the earlier run can't be gone on with.
    fn anew(checkpoint: &Checkpoint, why: &str) -> Self {
        let remark = format!("what an earlier run had written was given up, and the module started over: {why}");
        Self {
            said: Said {
                remarks: vec![remark],
                ..Said::default()
            },
            // A later checkpoint takes the place of an earlier one, whose number is lower.
            number: checkpoint.number,
            ..Self::default()
        }
    }
}

/// The checkpoints by which modules may be gone on with: of this version of their plugin, and with nothing left to do, or a
/// cursor that the plugin goes on from.
pub(super) fn usable<'a>(plugins: &[Plugin], checkpoints: &'a [Checkpoint]) -> BTreeMap<&'a str, &'a Checkpoint> {
    let known = |checkpoint: &&Checkpoint| {
        let mut plugins = plugins.iter();
        plugins.any(|plugin| {
            plugin.description.module == checkpoint.module
                && plugin.version == checkpoint.version
                && (plugin.description.resumes || checkpoint.ended.is_some())
        })
    };
    let usable = checkpoints.iter().filter(known);
    usable
        .map(|checkpoint| (checkpoint.module.as_str(), checkpoint))
        .collect()
}

/// The files in the spool folder that these checkpoints name.
pub(super) fn files(checkpoints: &BTreeMap<&str, &Checkpoint>) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for (module, checkpoint) in checkpoints {
        files.extend(checkpoint.tables.iter().flat_map(TableMark::files));
        if checkpoint.memory.bytes > 0 {
            files.insert(memory::file(module));
        }
    }
    files
}

/// Where each module begins. `is_known`: what is in the spool folder can be gone on with.
pub(super) fn begin(
    plugins: &[Plugin],
    checkpoints: &[Checkpoint],
    writer: &Writer,
    is_known: bool,
) -> Result<Vec<Begun>, BackupError> {
    let usable = usable(plugins, checkpoints);
    let mut begun = Vec::with_capacity(plugins.len());
    for plugin in plugins {
        let module = plugin.description.module.as_str();
        let Some(last) = checkpoints.iter().find(|checkpoint| checkpoint.module == module) else {
            begun.push(Begun::default());
            continue;
        };
        let why = match usable.get(module) {
            None if plugin.version == last.version => "its plugin does not say that it can go on".to_owned(),
            None => {
                let (now, then) = (&plugin.version, &last.version);
                format!("its plugin is of version {now} now, and was of {then}")
            }
            Some(_) if !is_known => "the spool folder does not say how it was written".to_owned(),
            Some(checkpoint) => match Begun::resume(plugin, checkpoint, writer) {
                Ok(resumed) => {
                    begun.push(resumed);
                    continue;
                }
                Err(error @ ArchiveError::Differs { .. }) => {
                    memory::forget(&writer.folder().join(memory::file(module)))?;
                    writer.forget(&checkpoint.tables).map_err(archive_failed)?;
                    crate::chain(&error)
                }
                Err(error) => return Err(archive_failed(error)),
            },
        };
        tracing::warn!(
            module,
            why,
            "what an earlier run had written is given up, and the module starts over"
        );
        begun.push(Begun::anew(last, &why));
    }
    Ok(begun)
}

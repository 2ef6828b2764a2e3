//! `manifest.json`, the last entry of an archive: what the archive says of itself.
//!
//! It is stored, not deflated, so that a person or a script finds it without unpacking. Readers pass over keys
//! that they do not know; what they need must be there and make sense, because an archive may come from anyone.

use std::collections::HashSet;

use plugin_api::{Column, Kind, Parent, Range, Table, Timestamp};
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::name;
use super::settings::Headers;
use super::verify::{RepeatedKeys, said};

/// The format that this version writes and reads.
pub const FORMAT: u32 = 1;
/// A manifest is not larger. It is held in memory whole.
pub(super) const MAX_LENGTH: u64 = 64 << 20;
/// An archive has no more CSV files: their manifest stays below [`MAX_LENGTH`].
pub(super) const MAX_FILES: usize = 100_000;
/// An archive names no more modules, and no more plugins.
const MAX_MODULES: usize = 10_000;
/// An archive gives no more reasons. Whoever has more names the first and counts the others: [`bound`].
const MAX_REASONS: usize = 10_000;

/// Leaves as many reasons as an archive gives, the last of them the number of those that are left out.
pub(super) fn bound(reasons: &mut Vec<String>) {
    if reasons.len() > MAX_REASONS {
        let left_out = reasons.len() - (MAX_REASONS - 1);
        reasons.truncate(MAX_REASONS - 1);
        reasons.push(format!("{left_out} more reasons"));
    }
}

/// What an archive says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the archive's format: [`FORMAT`].
    pub format: u32,
    /// The desk that was backed up.
    pub desk: String,
    /// The backup's own name or id.
    pub backup: String,
    /// Which records were asked for.
    pub kind: Kind,
    /// The range of time that was asked for; none for a full backup.
    #[serde(default)]
    pub range: Option<Range>,
    /// When the backup started.
    pub started: Timestamp,
    /// When the last row had been written.
    pub finished: Timestamp,
    /// Version of the engine.
    pub engine: String,
    /// The plugins that exported.
    pub plugins: Vec<Plugin>,
    /// Header rows of every CSV file.
    pub headers: Headers,
    /// Whether every CSV file starts with a byte-order mark.
    pub byte_order_mark: bool,
    /// Whether everything that was asked for is in it.
    pub state: State,
    /// Why it is not complete, a line each. Empty if, and only if, it is.
    pub reasons: Vec<String>,
    /// What became of each module.
    pub modules: Vec<Module>,
    /// The tables, in the order of their files.
    pub tables: Vec<TableEntry>,
}

/// A plugin that exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    /// The module it exports.
    pub module: String,
    /// The plugin's version.
    pub version: String,
    /// The library's file name, without its folder.
    pub file: String,
    /// SHA-256 of the library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

/// Whether everything that was asked for is in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is, but for modules that were skipped.
    Complete,
    /// It is not: see the reasons.
    Incomplete,
    /// It is not, because the backup came to the limit of records: the reasons say which tables stopped where, and what
    /// else is missing.
    LimitReached,
}

impl State {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Complete, Self::Incomplete, Self::LimitReached];
}

/// What became of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// The module.
    pub module: String,
    /// What became of it.
    pub state: ModuleState,
    /// Why it was skipped or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModuleState {
    /// All its records are in the archive.
    Complete,
    /// Something of it could not be read, and is named in the reasons.
    Incomplete,
    /// The desk does not have it, or does not let us read it.
    Skipped,
    /// It broke off. What it had written until then is in the archive.
    Failed,
}

impl ModuleState {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// A table of the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEntry {
    /// Its name, the stem of its files.
    pub name: String,
    /// The module that it belongs to.
    pub module: String,
    /// Its columns, in the order of the files.
    pub columns: Vec<Column>,
    /// The columns that together identify a row; empty: none do.
    pub key: Vec<String>,
    /// The columns that hold the key of another table's row.
    pub parents: Vec<Parent>,
    /// Rows in all its files, header rows not counted.
    pub rows: u64,
    /// How many of them have the key of an earlier row. They are there: which of them is right, nobody can tell.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeated_keys: u64,
    /// How many rows the desk itself says there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desk_count: Option<u64>,
    /// How many it said there were when it was asked again behind the last of them, because records came or went meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desk_count_after: Option<u64>,
    /// Its parts in order; one at least.
    pub files: Vec<FileEntry>,
}

/// A part of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name, e.g. `Tickets__1.csv`.
    pub name: String,
    /// Its rows, header rows not counted.
    pub rows: u64,
    /// Its length as CSV.
    pub bytes: u64,
    /// CRC-32 of the CSV.
    pub crc32: u32,
    /// SHA-256 of the CSV.
    pub sha256: Digest,
    /// Its length as it lies in the archive.
    pub packed_bytes: u64,
    /// SHA-256 of the bytes as they lie in the archive: it also finds a flipped bit that unpacking passes over.
    pub packed_sha256: Digest,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl TableEntry {
    /// The table as its exporter described it, without where the values came from.
    pub(super) fn table(&self) -> Table {
        let mut table = Table::new(&self.name)
            .columns(self.columns.iter().cloned())
            .key(&self.key);
        table.parents.clone_from(&self.parents);
        table
    }
}

impl Manifest {
    /// As it lies in the archive.
    pub(super) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Records rows that repeat a key: the archive is incomplete, because its keys do not tell its rows apart.
    pub(super) fn admit(&mut self, repeated: &[RepeatedKeys]) {
        for RepeatedKeys { table, rows, examples } in repeated {
            let Some(entry) = self.tables.iter_mut().find(|entry| entry.name == *table) else {
                continue;
            };
            entry.repeated_keys = *rows;
            let first = examples.first().map_or_else(String::new, |(again, first)| {
                format!(", the first: {again} that of {first}")
            });
            let reason = format!("{table}: {}{first}", said(*rows));
            let module = self.modules.iter_mut().find(|module| module.module == entry.module);
            if let Some(module) = module.filter(|module| module.state == ModuleState::Complete) {
                module.state = ModuleState::Incomplete;
                module.reason = Some(reason.clone());
            }
            self.reasons.push(reason);
            if self.state == State::Complete {
                self.state = State::Incomplete;
            }
        }
        bound(&mut self.reasons);
    }

    /// Reads and checks a manifest that may come from anyone; on failure, one line that says what is wrong.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        // The format first: another one may differ in all the rest.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if format != FORMAT {
            return Err(format!(
                "format {format} is not known, only {FORMAT}: use a newer deskvault to read this archive"
            ));
        }
        let manifest: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        if (self.state == State::Complete) != self.reasons.is_empty() {
            return Err("an archive has reasons if, and only if, it is not complete".to_owned());
        }
        for (what, found, most) in [
            ("modules", self.modules.len(), MAX_MODULES),
            ("plugins", self.plugins.len(), MAX_MODULES),
            ("reasons", self.reasons.len(), MAX_REASONS),
        ] {
            if found > most {
                return Err(format!("names {found} {what}, more than {most}"));
            }
        }
        let modules: HashSet<&str> = self.modules.iter().map(|module| module.module.as_str()).collect();
        if modules.len() < self.modules.len() {
            return Err("names a module twice".to_owned());
        }
        let mut names = HashSet::new();
        // Packed lengths and headers stay far below the end of the numbers, for whoever adds them up.
        let (mut files, mut packed) = (0_usize, 0_u64);
        for entry in &self.tables {
            name::check_table(&entry.table()).map_err(|error| error.to_string())?;
            let fail = |reason: &str| Err(format!("table {}: {reason}", entry.name));
            if !names.insert(entry.name.to_ascii_lowercase()) {
                return fail("is there twice");
            }
            if !modules.contains(entry.module.as_str()) {
                return fail("its module is not among the modules");
            }
            if entry.files.is_empty() {
                return fail("has no file");
            }
            let (mut rows, mut bytes) = (0_u64, 0_u64);
            for (index, file) in entry.files.iter().enumerate() {
                let expected = name::part(&entry.name, index + 1);
                if file.name != expected {
                    return fail(&format!(
                        "its file {} must be called {expected}, not {:?}",
                        index + 1,
                        file.name
                    ));
                }
                let sums = [
                    (&mut rows, file.rows),
                    (&mut bytes, file.bytes),
                    (&mut packed, file.packed_bytes),
                ];
                for (sum, number) in sums {
                    match sum.checked_add(number).filter(|sum| *sum < 1 << 60) {
                        Some(added) => *sum = added,
                        None => return fail("its numbers are too large to be true"),
                    }
                }
            }
            if rows != entry.rows {
                return fail(&format!("says {} rows, its files say {rows}", entry.rows));
            }
            if entry.repeated_keys > entry.rows {
                return fail("has more repeated keys than rows");
            }
            if entry.repeated_keys > 0 && self.state == State::Complete {
                return fail("repeats keys, but the archive says that it is complete");
            }
            files += entry.files.len();
        }
        if files > MAX_FILES {
            return Err(format!("names {files} files, more than {MAX_FILES}"));
        }
        Ok(())
    }
}

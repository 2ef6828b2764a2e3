//! One backup's archive being written: opens tables, joins their parts, publishes the whole.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use plugin_api::{Kind, Range, Table, Timestamp};
use tokio_util::sync::CancellationToken;

use super::error::ArchiveError;
use super::form::{FORM, Form};
use super::join::{self, Joined, Published};
use super::manifest::{self, Manifest, Module, ModuleState, Plugin, State, TableEntry};
use super::mark::TableMark;
use super::name;
use super::pack::Packers;
use super::resume;
use super::settings::Settings;
use super::spool::{self, Owner, Spool};
use super::table_writer::{Closed, Resumed, TableSummary, TableWriter};
use super::zip_format::{Limits, ZIP_32};

/// More backups of a desk do not start in one second.
const MOST_IN_A_SECOND: u32 = 10_000;

/// What is known of a backup when it starts.
#[derive(Clone, Debug)]
pub struct Head {
    /// The desk's name in the configuration.
    pub desk: String,
    /// The backup's own name or id.
    pub backup: String,
    /// Which records are asked for.
    pub kind: Kind,
    /// The range of time that is asked for; none for a full backup.
    pub range: Option<Range>,
    /// When it started. All clock times in the archive's bytes come from here and from [`Outcome::finished`].
    pub started: Timestamp,
    /// Version of the engine.
    pub engine: String,
    /// The plugins that export.
    pub plugins: Vec<Plugin>,
}

/// A table that is gone on with.
#[derive(Debug)]
pub enum Resumption {
    /// It is open, behind its mark.
    Open(Box<TableWriter>),
    /// It was closed already.
    Closed(TableSummary),
}

/// What is known of a backup when its last row is written.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// When that was.
    pub finished: Timestamp,
    /// What became of every module, in the order in which their tables are to be in the archive.
    pub modules: Vec<Module>,
    /// Why the backup is incomplete, beyond modules that failed. Empty and no module failed: it is complete.
    pub reasons: Vec<String>,
    /// Whether it came to the limit of records. The reasons then say which tables stopped where.
    pub limit_reached: bool,
}

/// Writes one archive. Exporter threads share it; each opens its own tables.
///
/// Dropping it without [`Writer::finish`] removes all that it has written.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    head: Head,
    stem: String,
    limits: Limits,
}

/// What the tables need of their archive.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) cancel: CancellationToken,
    /// Before the spool, so that the packers are gone when the folder is removed.
    pub(super) packers: Packers,
    pub(super) spool: Spool,
    tables: Mutex<Vec<OpenTable>>,
    files: AtomicUsize,
}

#[derive(Debug)]
struct OpenTable {
    module: String,
    table: Table,
    closed: Option<Closed>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<OpenTable>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn close_table(&self, place: usize, closed: Closed) {
        self.lock()[place].closed = Some(closed);
    }

    /// Counts one more file, while there may be one.
    pub(super) fn count_file(&self, table: &str) -> Result<(), ArchiveError> {
        if self.files.fetch_add(1, Ordering::Relaxed) < manifest::MAX_FILES {
            return Ok(());
        }
        let reason = format!(
            "would need more than {} files: raise rows_per_part",
            manifest::MAX_FILES
        );
        Err(ArchiveError::table(table, reason))
    }
}

/// The name of an archive without what follows it.
fn stem(desk: &str, kind: Kind, started: Timestamp) -> Result<String, ArchiveError> {
    name::stem(desk, kind, started)
        .ok_or_else(|| ArchiveError::Settings(format!("the backup's start, {started}, is not a usable time")))
}

/// Makes a spool folder for the next process.
pub(super) fn reserve(folder: &Path, desk: &str, kind: Kind, started: Timestamp) -> Result<PathBuf, ArchiveError> {
    let stem = stem(desk, kind, started)?;
    let (_, made) = first_free(
        folder,
        &stem,
        |stem| spool::reserve(folder, stem),
        |made| {
            // Nobody has used it.
            drop(std::fs::remove_dir(made));
        },
    )?;
    Ok(made)
}

/// Takes the first name that no other backup has, be it running, published or crashed: its spool folder is made.
fn first_free<S>(
    folder: &Path,
    stem: &str,
    make: impl Fn(&str) -> Result<Option<S>, ArchiveError>,
    remove: impl Fn(S),
) -> Result<(String, S), ArchiveError> {
    for number in 1..=MOST_IN_A_SECOND {
        let stem = name::nth(stem, number);
        let Some(spool) = make(&stem)? else {
            continue;
        };
        // Not before the spool is ours: another backup publishes before its spool goes.
        let is_there = |state| folder.join(name::archive(&stem, state)).symlink_metadata().is_ok();
        if !State::ALL.into_iter().any(is_there) {
            return Ok((stem, spool));
        }
        remove(spool);
    }
    let reason = format!("{MOST_IN_A_SECOND} backups named {stem} are there already: the clock stands still");
    Err(ArchiveError::Settings(reason))
}

impl Writer {
    /// Makes the spool folder and starts the packers. Where another backup of the desk and kind started in the same second,
    /// this one's name gets a number.
    pub fn create(settings: &Settings, head: Head, cancel: CancellationToken) -> Result<Self, ArchiveError> {
        Self::with_limits(settings, head, cancel, ZIP_32)
    }

    pub(super) fn with_limits(
        settings: &Settings,
        head: Head,
        cancel: CancellationToken,
        limits: Limits,
    ) -> Result<Self, ArchiveError> {
        let stem = stem(&head.desk, head.kind, head.started)?;
        let owner = Owner::this(&head.backup, head.started);
        let folder = &settings.folder;
        let (stem, spool) = first_free(folder, &stem, |stem| Spool::create(folder, stem, &owner), drop)?;
        Self::in_spool(settings.clone(), head, stem, spool, cancel, limits)
    }

    /// Takes a spool folder that was [reserved](super::reserve), and removes everything in it but the files of these names. The
    /// archive will be left in it. Told too: whether what is in it can be gone on with, because it is known how it was written;
    /// if not, nothing of it is there any more.
    ///
    /// # Errors
    /// [`ArchiveError::InUse`] while another process writes there.
    pub fn take(
        settings: &Settings,
        head: Head,
        spool: &Path,
        keep: &BTreeSet<String>,
        cancel: CancellationToken,
    ) -> Result<(Self, bool), ArchiveError> {
        let spool = Spool::take(spool, &Owner::this(&head.backup, head.started))?;
        let stem = spool.stem().to_owned();
        if stem.is_empty() {
            let reason = format!("{} is no spool folder", spool.folder().display());
            return Err(ArchiveError::Settings(reason));
        }
        let mut settings = settings.clone();
        let form = if keep.is_empty() { None } else { Form::read(&spool) };
        // Where nothing is to be gone on with but a cursor, nothing was written.
        let is_known = keep.is_empty() || form.is_some();
        if let Some(form) = form {
            let mut keep = keep.clone();
            keep.insert(FORM.to_owned());
            spool.keep_only(&keep)?;
            form.put(&mut settings);
        } else {
            spool.keep_only(&BTreeSet::new())?;
            Form::of(&settings).write(&spool)?;
        }
        let writer = Self::in_spool(settings, head, stem, spool, cancel, ZIP_32)?;
        Ok((writer, is_known))
    }

    fn in_spool(
        settings: Settings,
        head: Head,
        stem: String,
        spool: Spool,
        cancel: CancellationToken,
        limits: Limits,
    ) -> Result<Self, ArchiveError> {
        if settings.rows_per_part == 0 {
            return Err(ArchiveError::Settings(
                "rows_per_part is 0: a part needs at least one row".into(),
            ));
        }
        let packers =
            Packers::start(settings.packers).map_err(ArchiveError::io("start packers for", &settings.folder))?;
        let shared = Arc::new(Shared {
            settings,
            cancel,
            packers,
            spool,
            tables: Mutex::default(),
            files: AtomicUsize::new(0),
        });
        Ok(Self {
            shared,
            head,
            stem,
            limits,
        })
    }

    /// Opens a table of a module. Its name must be unique in the archive, whatever the case of its letters.
    /// Tables of one module are in the archive in the order in which they were opened.
    pub fn open_table(&self, module: &str, table: Table) -> Result<TableWriter, ArchiveError> {
        name::check_table(&table)?;
        let place = self.register(module, table.clone())?;
        TableWriter::open(Arc::clone(&self.shared), place, table)
    }

    fn register(&self, module: &str, table: Table) -> Result<usize, ArchiveError> {
        let mut tables = self.shared.lock();
        if let Some(other) = tables
            .iter()
            .find(|open| open.table.name.eq_ignore_ascii_case(&table.name))
        {
            let reason = format!(
                "cannot be opened for module {module}: module {} has opened {} already",
                other.module, other.table.name
            );
            return Err(ArchiveError::table(&table.name, reason));
        }
        tables.push(OpenTable {
            module: module.to_owned(),
            table,
            closed: None,
        });
        Ok(tables.len() - 1)
    }

    /// Goes on with the tables of a module, before any other is opened: with each behind its mark, if all are as their marks
    /// say. If not, none of their files is there any more, and the module can start over.
    pub fn resume(&self, module: &str, marks: &[TableMark]) -> Result<Vec<Resumption>, ArchiveError> {
        // Before any of their names is used.
        marks.iter().try_for_each(|mark| name::check_table(&mark.table))?;
        let before = self.shared.lock().len();
        let files = self.shared.files.load(Ordering::Relaxed);
        let resumed = marks.iter().map(|mark| self.resume_table(module, mark)).collect();
        if let Err(ArchiveError::Differs { .. }) = &resumed {
            self.shared.lock().truncate(before);
            self.shared.files.store(files, Ordering::Relaxed);
            self.forget(marks)?;
        }
        resumed
    }

    /// Removes the files of tables that are not gone on with.
    pub fn forget(&self, marks: &[TableMark]) -> Result<(), ArchiveError> {
        for file in marks.iter().flat_map(TableMark::files) {
            let path = self.shared.spool.path(&file);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(ArchiveError::io("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn resume_table(&self, module: &str, mark: &TableMark) -> Result<Resumption, ArchiveError> {
        let (sealed, open) = resume::read(&self.shared, mark)?;
        let place = self.register(module, mark.table.clone())?;
        let Some(open) = open else {
            let closed = Closed {
                files: mark.parts.clone(),
                desk_count: mark.desk_count,
                desk_count_after: mark.desk_count_after,
            };
            self.shared.close_table(place, closed);
            return Ok(Resumption::Closed(TableSummary::of(&mark.parts)));
        };
        let resumed = Resumed::new(sealed, open);
        let mut writer = TableWriter::resume(Arc::clone(&self.shared), place, mark.table.clone(), resumed);
        mark.desk_count.inspect(|count| writer.desk_count(*count));
        mark.desk_count_after.inspect(|count| writer.desk_count_after(*count));
        Ok(Resumption::Open(Box::new(writer)))
    }

    /// The spool folder.
    pub fn folder(&self) -> &Path {
        self.shared.spool.folder()
    }

    /// Joins and publishes. `progress` is told how far the verification before the publication is: bytes of the
    /// archive done and in all.
    pub fn finish(self, outcome: Outcome, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Published, ArchiveError> {
        self.join(outcome)?.publish(progress)
    }

    /// Joins the parts of all tables, which must be closed, into one ZIP under a temporary name.
    pub fn join(self, outcome: Outcome) -> Result<Joined, ArchiveError> {
        let manifest = self.manifest(outcome)?;
        join::join(self.shared, self.stem, &manifest, self.limits)
    }

    fn manifest(&self, outcome: Outcome) -> Result<Manifest, ArchiveError> {
        let mut tables = std::mem::take(&mut *self.shared.lock());
        let place = |name: &str| outcome.modules.iter().position(|module| module.module == name);
        let mut entries = Vec::with_capacity(tables.len());
        // Stable: tables of a module stay in the order in which they were opened.
        tables.sort_by_key(|open| place(&open.module));
        for OpenTable { module, table, closed } in tables {
            if place(&module).is_none() {
                let reason = format!("belongs to module {module}, of which the outcome says nothing");
                return Err(ArchiveError::table(&table.name, reason));
            }
            let Some(Closed {
                files,
                desk_count,
                desk_count_after,
            }) = closed
            else {
                return Err(ArchiveError::table(
                    &table.name,
                    "was opened, but not brought to its end",
                ));
            };
            entries.push(TableEntry {
                name: table.name,
                module,
                columns: table.columns,
                key: table.key,
                parents: table.parents,
                rows: files.iter().map(|file| file.rows).sum(),
                // Only the verification finds them.
                repeated_keys: 0,
                desk_count,
                desk_count_after,
                files,
            });
        }
        let mut reasons = outcome.reasons;
        let mut seen = HashSet::new();
        for module in &outcome.modules {
            if !seen.insert(&module.module) {
                return Err(ArchiveError::Settings(format!(
                    "the outcome has module {} twice",
                    module.module
                )));
            }
            if module.state == ModuleState::Failed {
                let why = module.reason.as_deref().unwrap_or("no reason given");
                reasons.push(format!("module {} failed: {why}", module.module));
            }
        }
        if outcome.limit_reached && reasons.is_empty() {
            reasons.push("the limit of records was reached".to_owned());
        }
        manifest::bound(&mut reasons);
        let Head {
            desk,
            backup,
            kind,
            range,
            started,
            engine,
            plugins,
        } = self.head.clone();
        Ok(Manifest {
            format: manifest::FORMAT,
            desk,
            backup,
            kind,
            range,
            started,
            finished: outcome.finished,
            engine,
            plugins,
            headers: self.shared.settings.headers,
            byte_order_mark: self.shared.settings.byte_order_mark,
            state: match (outcome.limit_reached, reasons.is_empty()) {
                (true, _) => State::LimitReached,
                (false, true) => State::Complete,
                (false, false) => State::Incomplete,
            },
            reasons,
            modules: outcome.modules,
            tables: entries,
        })
    }
}

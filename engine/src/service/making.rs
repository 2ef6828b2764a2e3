//! The run of a backup that has a row: its spool folder, its checkpoints, its archive. The order in which this is done is
//! written down in `crash`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::archive::{self, ArchiveError, Held, Prepared, Sweep};
use crate::backup::{Cause, Checkpoint, Keeper};
use crate::chain;
use crate::clock::Clock;
use crate::progress::{Event, Summary};
use crate::store::{BackupId, Store};

use super::Service;
use super::backups::{Done, Made, Started, With, name_of};
use super::desk_lock::DeskLock;
use super::error::ServiceError;
use super::going_on::Suspended;
use super::runner::{Order, RunError};

/// How long another process that writes may hold up a checkpoint.
const PATIENCE: Duration = Duration::from_secs(10);

impl Service {
    /// Runs a backup that has a row which says so, and brings it to its end, or suspends it. `finish`: see [`Order`].
    pub(super) fn run_begun(
        &self,
        lock: &mut DeskLock,
        backup: Started,
        finish: bool,
        with: &With<'_>,
    ) -> Result<Made, ServiceError> {
        let (id, desk) = (backup.id, backup.desk.clone());
        let made = self.run_to_its_end(lock, backup, finish, with);
        made.map_err(|error| self.without_room(id, &desk, error))
    }

    /// A backup of which the store takes nothing more, because its disk is full, is suspended, though its row still says that
    /// it runs: whoever has the desk's lock next sees that nobody runs it, and puts that right. Other errors are left as they
    /// are.
    pub(super) fn without_room(&self, id: BackupId, desk: &str, error: ServiceError) -> ServiceError {
        if !error.is_no_room() {
            return error;
        }
        ServiceError::Suspended(Box::new(Suspended {
            id,
            desk: desk.to_owned(),
            cause: Cause::Machine,
            reason: chain(&error),
            // It can mostly still be read.
            rows: self.reached(id).unwrap_or_default().rows,
            got_further: false,
            by_person: false,
        }))
    }

    fn run_to_its_end(
        &self,
        lock: &mut DeskLock,
        mut backup: Started,
        finish: bool,
        with: &With<'_>,
    ) -> Result<Made, ServiceError> {
        if let Err(error) = lock.tell(&backup.name, backup.at) {
            // It is only for those who wait.
            tracing::warn!(%error, "cannot tell others which backup runs");
        }
        let goes_on = backup.spool.is_some();
        let spool = match self.spool(&mut backup) {
            Ok(spool) => spool,
            Err(error) if goes_on || error.is_no_room() => {
                let (cause, message) = (Cause::Machine, chain(&error));
                return self.without_archive(&backup, RunError::Suspended { cause, message }, false, with);
            }
            Err(error) => {
                let message = chain(&error);
                return self.without_archive(&backup, RunError::Failed { message }, false, with);
            }
        };
        let resume = self
            .store
            .read(|view| Ok::<_, ServiceError>(view.checkpoints(backup.id)?))?;
        let keeper = self.keeper(&backup);
        let order = Order {
            name: backup.name.clone(),
            desk: backup.desk.clone(),
            modules: backup.modules.clone(),
            kind: backup.kind,
            range: backup.range,
            started: backup.at,
            until: backup.until,
            folder: backup.folder.clone(),
            allow_partial: backup.allow_partial,
            spool: Some(spool.clone()),
            resume,
            finish,
            past: self.past(backup.id, &backup.desk, backup.kind)?,
            trusted: self.trusted()?,
        };
        let has_kept = !order.resume.is_empty();
        let forecasts = self.forecasting(backup.id, &backup.desk, backup.kind, with.progress);
        let ran = with.runner.run(&order, &forecasts, &keeper, with.cancel);
        forecasts.end(&ran);
        let published = ran.and_then(|summary| publish(&backup, &spool, summary, with));
        match published {
            Ok((summary, held)) => {
                let entered = self.end_with_archive(&backup, with.actor, &summary, backup.folder.is_none());
                let (state, expires) = entered.map_err(|source| ServiceError::NotEntered {
                    archive: summary.archive.clone(),
                    source: Box::new(source),
                })?;
                remove(held);
                Ok(Made::Done(Box::new(Done {
                    id: backup.id,
                    state,
                    expires,
                    summary,
                })))
            }
            // What is configured can be set right, and what was read until now is worth more than a slip.
            Err(RunError::Configuration { message }) if has_kept => {
                let cause = Cause::Machine;
                self.without_archive(&backup, RunError::Suspended { cause, message }, false, with)
            }
            // So can a rule, and what it refuses to finish can be finished as it is.
            Err(RunError::Refused { refusal }) if has_kept => {
                let (cause, id) = (Cause::Machine, backup.id);
                let message = format!(
                    "{refusal}; what was read stays: `deskvault backup --resume {id}` goes on where the rule is changed, and \
                     with `--finish` makes an incomplete archive of it"
                );
                self.without_archive(&backup, RunError::Suspended { cause, message }, false, with)
            }
            Err(error) => self.without_archive(&backup, error, keeper.got_further(), with),
        }
    }

    /// Enters what a run came to that made no archive: it is suspended, or has ended.
    fn without_archive(
        &self,
        backup: &Started,
        error: RunError,
        got_further: bool,
        with: &With<'_>,
    ) -> Result<Made, ServiceError> {
        match error {
            RunError::Cancelled => {
                let message = "it was stopped".to_owned();
                self.suspend(backup, with.actor, (Cause::Stopped, message), got_further)
            }
            RunError::Suspended { cause, message } => self.suspend(backup, with.actor, (cause, message), got_further),
            error => {
                self.end_without(backup, with.actor, &error)?;
                self.remove_spool(backup);
                Ok(Made::Not(error))
            }
        }
    }

    /// Removes the spool folder of a backup that has ended. What cannot be removed now is swept one day.
    pub(super) fn remove_spool(&self, backup: &Started) {
        let folder = self.folder_of(backup.folder.as_deref());
        let spool = backup.spool.as_deref().and_then(|name| spool_in(folder, name));
        if let Some(Ok(held)) = spool.map(|spool| Held::take(&spool, &backup.name, backup.at)) {
            remove(held);
        }
    }

    /// The folder in which a backup's archive is published.
    pub(super) fn folder_of<'a>(&'a self, out: Option<&'a Path>) -> &'a Path {
        out.unwrap_or(self.folder())
    }

    /// The spool folder of a backup, which is made where there is none: then what was kept of it is worth nothing.
    fn spool(&self, backup: &mut Started) -> Result<PathBuf, ServiceError> {
        let folder = self.folder_of(backup.folder.as_deref());
        if let Some(spool) = backup.spool.as_deref().and_then(|name| spool_in(folder, name)) {
            return Ok(spool);
        }
        let spool = archive::reserve(folder, &backup.desk, backup.kind, backup.at)?;
        let name = spool.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        self.store
            .write(|tx| Ok::<_, ServiceError>(tx.set_spool(backup.id, name)?))?;
        backup.spool = Some(name.to_owned());
        Ok(spool)
    }

    /// Removes what crashes left in a folder for archives, and is no backup's that runs or is suspended. Outside the data
    /// directory other installations may have suspended backups: there only what is known to be this one's is removed.
    pub(super) fn sweep(&self, out: Option<&Path>) -> Result<Sweep, ServiceError> {
        let spools = self.store.read(|view| Ok::<_, ServiceError>(view.spools()?))?;
        // Whatever folder they are in: one folder has many names.
        let keep: BTreeSet<String> = spools.into_iter().map(|(_, name)| name).collect();
        let folder = self.folder_of(out);
        // A row names its folder before the folder has an owner: what none names by now, none will.
        let is_named = |name: &str| {
            let spools = self.store.read(|view| Ok::<_, ServiceError>(view.spools()?));
            // While that cannot be known, it stays.
            spools.map_or(true, |spools| spools.iter().any(|(_, named)| named == name))
        };
        if out.is_none() {
            return Ok(archive::sweep_ours(folder, &keep, |name, _| !is_named(name))?);
        }
        let all = self
            .store
            .read(|view| Ok::<_, ServiceError>(view.backups(None, true)?))?;
        let ours: BTreeSet<String> = all.iter().map(name_of).collect();
        Ok(archive::sweep_ours(folder, &keep, |name, owner| {
            owner.is_some_and(|owner| ours.contains(&owner.backup)) && !is_named(name)
        })?)
    }

    fn keeper(&self, backup: &Started) -> StoreKeeper {
        // Where there can be no way of its own, it waits with the others.
        let own = self.store.beside(PATIENCE);
        StoreKeeper {
            store: own.map_or_else(|_| Arc::clone(&self.store), Arc::new),
            clock: Arc::clone(&self.clock),
            backup: backup.id,
            modules: backup.modules.clone(),
            further: AtomicBool::new(false),
            troubled: AtomicBool::new(false),
        }
    }
}

/// Gives the archive that a run left in the spool folder its name. One that lies elsewhere was published by the run itself: no
/// process of its own may do that, but whoever embeds the engine.
fn publish(backup: &Started, spool: &Path, mut summary: Summary, with: &With<'_>) -> Result<(Summary, Held), RunError> {
    let held = Held::take(spool, &backup.name, backup.at).map_err(|error| unpublished(&error))?;
    if summary.archive.parent() != Some(spool) {
        return Ok((summary, held));
    }
    let prepared = Prepared {
        backup: &backup.name,
        state: summary.state(),
        sha256: &summary.sha256,
    };
    let verifying = |done, total| with.progress.event(Event::verifying(done, total));
    let published = held.publish(&prepared, &verifying, with.cancel);
    let published = published.map_err(|error| unpublished(&error))?;
    summary.archive = published.path;
    summary.archive_bytes = published.bytes;
    Ok((summary, held))
}

/// Nothing that was read is lost by it: the archive can be joined again.
fn unpublished(error: &ArchiveError) -> RunError {
    match error {
        ArchiveError::Cancelled => RunError::Cancelled,
        ArchiveError::Io { .. } | ArchiveError::Exists(_) => RunError::Suspended {
            cause: Cause::Machine,
            message: chain(error),
        },
        error => RunError::Suspended {
            cause: Cause::Lost,
            message: format!(
                "the archive that its process made is not what it said: {}",
                chain(error)
            ),
        },
    }
}

fn remove(held: Held) {
    if let Err(error) = held.remove() {
        tracing::warn!(
            error = chain(&error),
            "a spool folder cannot be removed, and is swept later"
        );
    }
}

/// The spool folder of this name, if there is one. What the store says is not trusted to be a name.
fn spool_in(folder: &Path, name: &str) -> Option<PathBuf> {
    let is_name = name.starts_with(".deskvault-")
        && Path::new(name).extension().is_some_and(|end| end == "spool")
        && !name.contains(['/', '\0']);
    let path = folder.join(name);
    let is_folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
    (is_name && is_folder).then_some(path)
}

/// Keeps the checkpoints of one backup in the store.
struct StoreKeeper {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    backup: BackupId,
    modules: Vec<String>,
    further: AtomicBool,
    /// Whether the last one could not be kept.
    troubled: AtomicBool,
}

impl StoreKeeper {
    /// Whether any that it has kept got the backup further.
    fn got_further(&self) -> bool {
        self.further.load(Ordering::Relaxed)
    }
}

impl Keeper for StoreKeeper {
    fn keep(&self, checkpoint: &Checkpoint) -> Result<(), String> {
        if !self.modules.contains(&checkpoint.module) {
            return Err(format!("backup {} has no module of that name", self.backup));
        }
        let now = self.clock.now();
        let kept: Result<bool, ServiceError> = self
            .store
            .write(|tx| Ok(tx.keep_checkpoint(self.backup, checkpoint, now)?));
        match kept {
            Ok(further) => {
                self.further.fetch_or(further, Ordering::Relaxed);
                self.troubled.store(false, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                let why = chain(&error);
                if !self.troubled.swap(true, Ordering::Relaxed) {
                    tracing::error!(
                        backup = self.backup,
                        module = checkpoint.module,
                        "a checkpoint cannot be kept; the backup runs on, and would be gone on with from the one before: {why}"
                    );
                }
                Err(why)
            }
        }
    }
}

//! What the store keeps.

use plugin_api::{Kind, Range, Timestamp};
use serde::{Deserialize, Serialize};

use crate::schedule::Schedule;

/// A backup's number, unique in an installation and never given twice.
pub type BackupId = u64;
/// A schedule's number.
pub type ScheduleId = u64;

/// A backup that starts.
#[derive(Clone, Debug, PartialEq)]
pub struct NewBackup {
    /// The desk.
    pub desk: String,
    /// The modules that are asked for.
    pub modules: Vec<String>,
    /// Its kind.
    pub kind: Kind,
    /// Its range; none for a full one.
    pub range: Option<Range>,
    /// When it started.
    pub started: Timestamp,
    /// The schedule that it runs for, and the slot.
    pub schedule: Option<(ScheduleId, Timestamp)>,
    /// See [`Backup`].
    pub folder: Option<String>,
    /// See [`Backup`]; as far as it is known at the start.
    pub until: Option<Timestamp>,
    /// See [`Backup`].
    pub allow_partial: bool,
}

/// A backup.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Backup {
    /// Its number.
    pub id: BackupId,
    /// The desk.
    pub desk: String,
    /// The modules that are asked for.
    pub modules: Vec<String>,
    /// Its kind.
    pub kind: Kind,
    /// Its range; none for a full one.
    pub range: Option<Range>,
    /// When it started.
    pub started: Timestamp,
    /// The schedule that it ran for, and the slot.
    pub schedule: Option<(ScheduleId, Timestamp)>,
    /// The folder for its archive where that is not the data directory, absolute.
    pub folder: Option<String>,
    /// Whether it was to start although the desk counts more records than the limit.
    pub allow_partial: bool,
    /// What it is or came to.
    pub state: BackupState,
    /// The name of its spool folder, which lies where its archive will; while it runs or is suspended.
    pub spool: Option<String>,
    /// Since when it is suspended, where it is.
    pub suspended: Option<Timestamp>,
    /// Whether a person is to go on with it: one stopped it, or it was lost again and again.
    pub by_person: bool,
    /// How often it was gone on with since its last checkpoint.
    pub resumes: u64,
    /// Whether people were told since then that it is suspended.
    #[serde(skip)]
    pub told: bool,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Why it failed, was stopped, is suspended or incomplete.
    pub reason: Option<String>,
    /// The upper end of what it reads: where it is complete, the next incremental backup of its schedule begins there.
    pub until: Option<Timestamp>,
    /// Its archive, where there is or was one.
    pub archive: Option<ArchiveFacts>,
    /// When the archive was removed, and why.
    pub removed: Option<(Timestamp, Removal)>,
}

/// What a backup is or came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupState {
    /// It is running, or its process ended without a word.
    Running,
    /// It came to no end, and can be gone on with.
    Suspended,
    /// There is an archive with everything that was asked for.
    Complete,
    /// There is an archive, and something could not be read.
    Incomplete,
    /// There is an archive, which ends at the limit of records.
    LimitReached,
    /// There is no archive.
    Failed,
    /// It was given up by a person; there is no archive.
    Stopped,
    /// A rule refused it after it had started; there is no archive.
    Refused,
}

/// An archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveFacts {
    /// The file: its name in the archive folder, or an absolute path elsewhere (`--out`).
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Records in it.
    pub records: u64,
    /// When it expires; none: never.
    pub expires: Option<Timestamp>,
}

/// Why an archive is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// It expired.
    Expired,
    /// A person deleted it.
    Deleted,
    /// It was found to be gone.
    Missing,
}

/// How a backup ended.
#[derive(Clone, Debug, PartialEq)]
pub struct BackupEnd {
    /// Neither `Running` nor `Suspended`.
    pub state: BackupState,
    /// When.
    pub ended: Timestamp,
    /// See [`Backup`].
    pub reason: Option<String>,
    /// See [`Backup`]; none: what was said at the start stays.
    pub until: Option<Timestamp>,
    /// See [`Backup`]: there is one with `Complete`, `Incomplete` and `LimitReached`, and with no other.
    pub archive: Option<ArchiveFacts>,
}

/// A backup is suspended.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspension {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// See [`Backup`].
    pub by_person: bool,
    /// Whether its process ended without a word. Otherwise the resumes in a row are counted anew.
    pub lost: bool,
    /// See [`Backup`].
    pub told: bool,
}

/// How far a backup is by its checkpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// Rows that would not be asked for again.
    pub rows: u64,
    /// When the last checkpoint was kept.
    pub at: Option<Timestamp>,
}

/// What a schedule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleState {
    /// It runs.
    Active,
    /// It was stopped, by a person or by the configuration.
    Stopped,
    /// It came to its end date.
    Ended,
}

/// A schedule of a desk.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleRow {
    /// Its number.
    pub id: ScheduleId,
    /// The desk.
    pub desk: String,
    /// When backups run.
    pub schedule: Schedule,
    /// When it was set.
    pub made: Timestamp,
    /// Who set it, by name.
    pub user: String,
    /// What it is.
    pub state: ScheduleState,
    /// The slot of its last run that came to an end (however it ended, but for `Stopped`).
    pub last_slot: Option<Timestamp>,
}

/// A notification that waits to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// Its number, also told to the receiver, who may get it twice.
    pub id: u64,
    /// By which channel, e.g. `webhook` or `mail`, as `notify` names it.
    pub channel: String,
    /// What is told, JSON.
    pub body: String,
    /// Tries before this one.
    pub tries: u32,
    /// When it was made.
    pub made: Timestamp,
}

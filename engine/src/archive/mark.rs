//! How far a table is written, so that another process can go on behind it.
//!
//! A mark is made when everything that it tells of is safe on the disk, and says of every byte what it was: whoever goes on
//! reads them again, and goes on only where they are the same.

use plugin_api::Table;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::manifest::FileEntry;

/// How far a table is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableMark {
    /// The table, as its exporter opened it.
    pub table: Table,
    /// Its parts that are finished.
    pub parts: Vec<FileEntry>,
    /// The part under way; none: the table is closed.
    pub open: Option<OpenPart>,
    /// What the desk says of the number of its records, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desk_count: Option<u64>,
    /// What it said when it was asked again at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desk_count_after: Option<u64>,
}

/// A part under way. Its CSV is in two places: whole blocks, packed, in the part's file, which may have grown since; and the
/// rest, as it is, in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenPart {
    /// Rows, header rows not counted.
    pub rows: u64,
    /// Blocks that are packed and written.
    pub blocks: u64,
    /// Their bytes in the part's file.
    pub packed_bytes: u64,
    /// SHA-256 of those.
    pub packed_sha256: Digest,
    /// The file in the spool folder with the CSV behind them.
    pub tail: String,
    /// Its bytes.
    pub tail_bytes: u64,
    /// SHA-256 of those.
    pub tail_sha256: Digest,
}

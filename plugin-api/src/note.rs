//! Facts that an exporter tells while it works. They cross the ABI as JSON with one key, so that new ones can
//! be added: a host passes over what it does not know.

use serde::{Deserialize, Serialize};

/// A fact about a running export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Note {
    /// About how many rows the whole export will write, for the progress bar.
    Expected {
        /// Rows.
        rows: u64,
    },
    /// What the desk itself says of the number of records in this table, for the range that is backed up. The
    /// engine holds the rows against it. Told twice, the later one counts.
    DeskCount {
        /// The table's number.
        table: u32,
        /// Records.
        count: u64,
    },
    /// What the desk said of the number of records in this table when it was asked again behind the last of them,
    /// because it had changed meanwhile. Rows between the two counts are explained: records came or went while the
    /// table was read.
    DeskCountAfter {
        /// The table's number.
        table: u32,
        /// Records.
        count: u64,
    },
    /// The least number of requests with which the desk's rules allow what was exported. Told twice, the later one
    /// counts. It is shown beside the number that was made.
    LeastRequests {
        /// Requests.
        requests: u64,
    },
    /// Something that a person should know about the export, though nothing is missing: one line.
    Remark {
        /// The line.
        text: String,
    },
    /// A record that the desk listed but did not give, after all retries. The backup becomes *incomplete*.
    Unread {
        /// The table's number.
        table: u32,
        /// The record's key.
        key: String,
        /// Why.
        reason: String,
    },
    /// A record that was deleted on the desk between being listed and being read. No fault of the backup.
    Gone {
        /// The table's number.
        table: u32,
        /// The record's key.
        key: String,
    },
}

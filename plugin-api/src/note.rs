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
    /// About how many requests the rest of the export will take, for forecasts; the later one counts. Where an exporter
    /// knows more of that than the rows it expects, e.g. because the desk's lists say how much each record has below it.
    ToCome {
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
    /// What the exporter needs to know when it goes on from its next checkpoint or a later one: see
    /// [`Job::remembered`](crate::Job::remembered).
    Remember {
        /// Anything.
        value: serde_json::Value,
    },
}

impl Note {
    /// The names of all notes of this version, as they stand in the JSON. A host that meets another one passes over it:
    /// it comes from a later version.
    pub const NAMES: [&'static str; 9] = [
        "expected",
        "desk_count",
        "desk_count_after",
        "least_requests",
        "to_come",
        "remark",
        "unread",
        "gone",
        "remember",
    ];
}

#[cfg(test)]
mod tests {
    use super::Note;

    #[test]
    fn every_note_has_its_name() {
        let (table, key, text) = (1, "7".to_owned(), "so".to_owned());
        let notes = [
            Note::Expected { rows: 1 },
            Note::DeskCount { table, count: 2 },
            Note::DeskCountAfter { table, count: 3 },
            Note::LeastRequests { requests: 4 },
            Note::ToCome { requests: 5 },
            Note::Remark { text: text.clone() },
            Note::Unread {
                table,
                key: key.clone(),
                reason: text,
            },
            Note::Gone { table, key },
            Note::Remember {
                value: serde_json::json!([1]),
            },
        ];
        for (note, name) in notes.iter().zip(Note::NAMES) {
            let json = serde_json::to_value(note).expect("a note is JSON");
            assert_eq!(
                json.as_object().map(|note| note.keys().collect::<Vec<_>>()),
                Some(vec![&name.to_owned()])
            );
            assert_eq!(serde_json::from_value::<Note>(json).ok().as_ref(), Some(note));
            // One more variant, and this no longer compiles: it belongs to the names too.
            match note {
                Note::Expected { .. }
                | Note::DeskCount { .. }
                | Note::DeskCountAfter { .. }
                | Note::LeastRequests { .. }
                | Note::ToCome { .. }
                | Note::Remark { .. }
                | Note::Unread { .. }
                | Note::Gone { .. }
                | Note::Remember { .. } => {}
            }
        }
    }
}

//! How the files in a spool folder are written, as a file in it says: whoever goes on must write them in the same way, whatever
//! the configuration says by then.

use std::io::Write as _;

use serde::{Deserialize, Serialize};

use super::durable;
use super::error::ArchiveError;
use super::settings::{Headers, Settings};
use super::spool::{self, Spool};

/// The file's name.
pub(super) const FORM: &str = "form.json";
/// It is not longer.
const LONGEST: u64 = 4 << 10;

/// What of the settings is seen in the files.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    headers: Headers,
    byte_order_mark: bool,
    rows_per_part: u64,
}

impl Form {
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            headers: settings.headers,
            byte_order_mark: settings.byte_order_mark,
            rows_per_part: settings.rows_per_part,
        }
    }

    pub(super) fn put(&self, settings: &mut Settings) {
        settings.headers = self.headers;
        settings.byte_order_mark = self.byte_order_mark;
        settings.rows_per_part = self.rows_per_part;
    }

    /// What the file says; none where it is missing or damaged.
    pub(super) fn read(spool: &Spool) -> Option<Self> {
        let text = spool::read_text(&spool.path(FORM), LONGEST).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Writes the file and brings it to the disk. Its name is brought there by the first checkpoint.
    pub(super) fn write(&self, spool: &Spool) -> Result<(), ArchiveError> {
        let path = spool.path(FORM);
        let mut file = spool::create_file(&path)?;
        let text = serde_json::to_vec(self).map_err(|error| ArchiveError::io("write", &path)(error.into()))?;
        file.write_all(&text).map_err(ArchiveError::io("write", &path))?;
        durable::open(&file, &path).map_err(ArchiveError::io("bring to disk", &path))
    }
}

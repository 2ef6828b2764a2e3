//! What the configuration says about archives. Plain data.

use std::path::PathBuf;

/// How archives are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The folder for finished archives; parts of a backup under way are kept below it too.
    pub folder: PathBuf,
    /// Header rows of every file.
    pub headers: Headers,
    /// Whether every CSV file starts with the UTF-8 byte-order mark, as some spreadsheets want it.
    pub byte_order_mark: bool,
    /// Rows in a part at most, header rows not counted.
    pub rows_per_part: u64,
    /// Threads that pack. 0: one for each processor.
    pub packers: usize,
}

/// Header rows of a CSV file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Headers {
    /// One row: labels.
    Labels,
    /// One row: API names.
    Names,
    /// Two rows: labels, then API names, as Zoho Desk's own backup has them.
    Both,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            folder: PathBuf::from("backups"),
            headers: Headers::Both,
            byte_order_mark: false,
            rows_per_part: 1_000_000,
            packers: 0,
        }
    }
}

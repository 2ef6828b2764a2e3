//! Chooses rows, and reads them out of the archive.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;

use plugin_api::Wanted;
use tokio_util::sync::CancellationToken;

use super::{Candidate, Drill, DrillError};
use crate::archive::settings::Headers;

/// A row that was chosen.
pub(super) struct Row<'c> {
    pub(super) candidate: &'c Candidate<'c>,
    pub(super) cells: Vec<String>,
}

impl Row<'_> {
    fn cell(&self, at: usize) -> String {
        self.cells.get(at).cloned().unwrap_or_default()
    }

    pub(super) fn key(&self) -> Vec<String> {
        self.candidate.key.iter().map(|at| self.cell(*at)).collect()
    }

    /// The record by which it is asked for: itself, or the one that it belongs to.
    pub(super) fn wanted(&self) -> Wanted {
        let parent = self.candidate.parent.map(|(table, at)| (table, self.cell(at)));
        match parent.filter(|(_, key)| !key.is_empty()) {
            Some((table, key)) => Wanted {
                table: table.to_owned(),
                key: vec![key],
            },
            None => Wanted {
                table: self.candidate.table.name.clone(),
                key: self.key(),
            },
        }
    }
}

/// `SplitMix64`: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// Numbers of rows, counted over all candidates: each as likely as any other, none twice. Pure.
pub(super) fn pick(candidates: &[Candidate<'_>], count: u64, seed: u64) -> BTreeSet<u64> {
    let total = candidates
        .iter()
        .fold(0_u64, |total, candidate| total.saturating_add(candidate.table.rows));
    let mut random = Random(seed);
    let mut picked = BTreeSet::new();
    // Floyd's way: as many steps as rows.
    for last in total.saturating_sub(count)..total {
        let number = random.next() % (last + 1);
        if !picked.insert(number) {
            picked.insert(last);
        }
    }
    picked
}

/// The rows with these numbers.
pub(super) fn read<'c>(
    drill: &Drill<'_>,
    candidates: &'c [Candidate<'c>],
    picked: &BTreeSet<u64>,
    cancel: &CancellationToken,
) -> Result<Vec<Row<'c>>, DrillError> {
    let failed = |source: io::Error| DrillError::Archive {
        path: drill.archive.to_path_buf(),
        source,
    };
    let file = File::open(drill.archive).map_err(failed)?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| failed(io::Error::other(error)))?;
    let headers = match drill.manifest.headers {
        Headers::Both => 2,
        _ => 1,
    };
    let mut rows = Vec::with_capacity(picked.len());
    let mut first = 0_u64;
    for candidate in candidates {
        for part in &candidate.table.files {
            let behind = first.saturating_add(part.rows);
            let here: Vec<u64> = picked.range(first..behind).map(|number| number - first).collect();
            first = behind;
            if here.is_empty() {
                continue;
            }
            let entry = archive
                .by_name(&part.name)
                .map_err(|error| failed(io::Error::other(error)))?;
            // Behind the longest length that the manifest gives there is nothing: it was verified.
            let reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(io::Read::take(entry, part.bytes));
            let mut wanted = here.into_iter().peekable();
            for (number, record) in reader.into_records().skip(headers).enumerate() {
                if cancel.is_cancelled() {
                    return Err(DrillError::Cancelled);
                }
                let Some(next) = wanted.peek() else { break };
                let record = record.map_err(|error| failed(io::Error::other(error)))?;
                if *next == number as u64 {
                    wanted.next();
                    let cells = record.iter().map(str::to_owned).collect();
                    rows.push(Row { candidate, cells });
                }
            }
        }
    }
    Ok(rows)
}

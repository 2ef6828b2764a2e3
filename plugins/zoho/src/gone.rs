//! Whether a record went while the desk was read, or something of it is not to be had.

use std::cell::Cell;

use plugin_api::{Desk, ErrorKind, ExportError, RawValue, Result};
use serde::Deserialize;

use crate::answer::is_of_one_record;

/// Whether the record at `path` is not there any more, or in the recycle bin: for when what belongs to it is answered with
/// 404, which may also mean that only that is not to be had. One request. Where the answer is another failure that
/// concerns this record alone, the record is taken to be there.
pub fn is_gone(desk: &Desk<'_>, path: &str) -> Result<bool> {
    match desk.get(path) {
        Ok(answer) => Ok(answer.is_empty() || answer.record().is_ok_and(is_trashed)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(true),
        Err(error) if is_of_one_record(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Records that are listed and not known, before one is: so many are no chance.
const MOST_UNKNOWN: u32 = 25;

/// Holds against each other how many listed records the desk knows: a few may go meanwhile, but where it knows none of
/// them, they are not gone, but not to be had.
#[derive(Debug, Default)]
pub struct Acquaintance {
    known: Cell<bool>,
    unknown: Cell<u32>,
}

impl Acquaintance {
    /// The desk knows a record.
    pub fn known(&self) {
        self.known.set(true);
    }

    /// It does not know one, and says so with this error.
    ///
    /// # Errors
    /// `Other`, where it does not know any of the first 25.
    pub fn unknown(&self, error: &ExportError) -> Result<()> {
        self.unknown.set(self.unknown.get().saturating_add(1));
        if self.known.get() || self.unknown.get() < MOST_UNKNOWN {
            return Ok(());
        }
        let why = format!(
            "the desk knows none of the first {MOST_UNKNOWN} records that it lists, so that they can't be read: {}",
            error.message
        );
        Err(ExportError::new(ErrorKind::Other, why))
    }
}

/// Whether a record says that it is in the recycle bin.
pub(crate) fn is_trashed(record: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Flags<'a> {
        #[serde(default, borrow, rename = "isTrashed")]
        is_trashed: Option<&'a RawValue>,
    }
    let flags: Option<Flags<'_>> = serde_json::from_str(record.get()).ok();
    let said = flags.and_then(|flags| flags.is_trashed).map(RawValue::get);
    said.is_some_and(|said| said.trim_matches('"').eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests {
    use plugin_api::RawValue;

    use super::is_trashed;

    #[test]
    fn the_bin_is_told_by_a_truth_value_or_a_text() {
        for (record, expected) in [
            (r#"{"isTrashed":true}"#, true),
            (r#"{"isTrashed":"True"}"#, true),
            (r#"{"isTrashed":"false"}"#, false),
            (r#"{"isTrashed":null}"#, false),
            ("{}", false),
            ("[]", false),
        ] {
            let record: &RawValue = serde_json::from_str(record).expect("JSON");
            assert_eq!(is_trashed(record), expected, "{record}");
        }
    }
}

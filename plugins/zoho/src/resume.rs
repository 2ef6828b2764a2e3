//! Where an export goes on.

use std::collections::HashSet;

use plugin_api::{ExportError, Job, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The cursor to go on from, where there is one.
///
/// # Errors
/// `Decode` if it is of another version.
pub fn cursor<C: DeserializeOwned>(job: &Job) -> Result<Option<C>> {
    let read = |json| C::deserialize(json).map_err(|error| ExportError::decode("the cursor", error));
    job.resume.as_ref().map(read).transpose()
}

/// The ids that were remembered, a list of them at a time.
///
/// # Errors
/// `Decode` if it is something else.
pub fn remembered_ids(job: &Job) -> Result<HashSet<String>> {
    let mut all = HashSet::new();
    for value in &job.remembered {
        let ids = Vec::<String>::deserialize(value);
        all.extend(ids.map_err(|error| ExportError::decode("what was remembered", error))?);
    }
    Ok(all)
}

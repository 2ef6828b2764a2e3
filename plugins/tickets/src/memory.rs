//! What an export that goes on must know of what was written before, and what grows with the desk: it is remembered, value
//! by value, beside the cursor.

use std::collections::HashMap;

use plugin_api::{ExportError, Job, Output, Result};
use serde::{Deserialize, Serialize};

use crate::entries::Place;
use crate::run::{Drafts, Sums};

/// One value that is remembered. Behind the last checkpoint of an export that goes on there is none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Value {
    /// The agents whose time entries are read: id, and whether it is a deleted one.
    Agents(Vec<(String, bool)>),
    /// A page of an agent's time entries: which list, where it stands, and what was found.
    Entries(usize, Place, Pairs),
    /// Tickets that were written.
    Written(Written),
    /// A department whose archived tickets are done.
    Department(String),
    /// The export came to its end.
    Ended(Box<Ended>),
}

/// What an export came to: something of it may be read again.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ended {
    pub(crate) sums: Sums,
    pub(crate) drafts: Drafts,
    /// What the desk counted of its tickets, at the beginning and at the end.
    pub(crate) counts: Option<(u64, Option<u64>)>,
}

/// What was written of some tickets.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Written {
    /// The tickets.
    #[serde(skip_serializing_if = "Keys::is_empty")]
    pub(crate) tickets: Keys,
    /// Time entries that only they gave, each with its ticket.
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    pub(crate) entries: Pairs,
    /// Tickets among them that were read as if drafts counted, each with its one thread.
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    pub(crate) unsure: Pairs,
    /// Tickets among them of which something could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) partial: Vec<Partial>,
}

/// What was written of a ticket of which something could not be read, so that it is not written again with the rest.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Partial {
    pub(crate) ticket: String,
    pub(crate) threads: Vec<String>,
    pub(crate) comments: Vec<String>,
    pub(crate) attachments: Vec<String>,
    /// Attachments of it that were counted, written or missing.
    pub(crate) counted: u64,
}

impl Written {
    pub(crate) fn is_empty(&self) -> bool {
        self.tickets.is_empty() && self.entries.is_empty() && self.unsure.is_empty() && self.partial.is_empty()
    }
}

/// Numbers of ids, written as the differences between each and the one before: neighbours in a list mostly are near each
/// other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<i64>", into = "Vec<i64>")]
pub(crate) struct Keys(pub(crate) Vec<u64>);

impl Keys {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<i64>> for Keys {
    fn from(steps: Vec<i64>) -> Self {
        let mut last = 0;
        Self(steps.into_iter().map(|step| forth(&mut last, step)).collect())
    }
}

impl From<Keys> for Vec<i64> {
    fn from(keys: Keys) -> Self {
        let mut last = 0;
        keys.0.into_iter().map(|key| step(&mut last, key)).collect()
    }
}

/// Pairs of them, of which the second may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(i64, Option<i64>)>", into = "Vec<(i64, Option<i64>)>")]
pub(crate) struct Pairs(pub(crate) Vec<(u64, Option<u64>)>);

impl Pairs {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<(i64, Option<i64>)>> for Pairs {
    fn from(steps: Vec<(i64, Option<i64>)>) -> Self {
        let (mut one, mut two) = (0, 0);
        let pairs = steps
            .into_iter()
            .map(|(first, second)| (forth(&mut one, first), second.map(|second| forth(&mut two, second))));
        Self(pairs.collect())
    }
}

impl From<Pairs> for Vec<(i64, Option<i64>)> {
    fn from(pairs: Pairs) -> Self {
        let (mut one, mut two) = (0, 0);
        let steps = pairs
            .0
            .into_iter()
            .map(|(first, second)| (step(&mut one, first), second.map(|second| step(&mut two, second))));
        steps.collect()
    }
}

fn step(last: &mut u64, key: u64) -> i64 {
    key.wrapping_sub(std::mem::replace(last, key)).cast_signed()
}

fn forth(last: &mut u64, step: i64) -> u64 {
    *last = last.wrapping_add(step.cast_unsigned());
    *last
}

/// All that was remembered.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) agents: Option<Vec<(String, bool)>>,
    /// Where the lists of time entries stand, by their places.
    pub(crate) places: HashMap<usize, Place>,
    pub(crate) entries: Vec<(u64, Option<u64>)>,
    pub(crate) tickets: Vec<u64>,
    pub(crate) unsure: Vec<(u64, Option<u64>)>,
    pub(crate) departments: Vec<String>,
    pub(crate) partial: HashMap<String, Partial>,
    pub(crate) ended: Option<Ended>,
}

impl Memory {
    /// Takes in what the job gives back.
    ///
    /// # Errors
    /// `Decode` if it is of another version.
    pub(crate) fn of(job: &Job) -> Result<Self> {
        let mut memory = Self::default();
        for value in &job.remembered {
            let value = Value::deserialize(value).map_err(|error| ExportError::decode("what was remembered", error))?;
            match value {
                Value::Agents(agents) => memory.agents = Some(agents),
                Value::Entries(walk, place, found) => {
                    memory.places.insert(walk, place);
                    memory.entries.extend(found.0);
                }
                Value::Written(written) => {
                    memory.tickets.extend(written.tickets.0);
                    memory.entries.extend(written.entries.0);
                    memory.unsure.extend(written.unsure.0);
                    for partial in written.partial {
                        memory.join(partial);
                    }
                }
                Value::Department(id) => memory.departments.push(id),
                Value::Ended(ended) => memory.ended = Some(*ended),
            }
        }
        Ok(memory)
    }

    /// A ticket may be read twice, for its drafts.
    fn join(&mut self, more: Partial) {
        let partial = self.partial.entry(more.ticket.clone()).or_default();
        partial.ticket = more.ticket;
        partial.threads.extend(more.threads);
        partial.comments.extend(more.comments);
        partial.attachments.extend(more.attachments);
        partial.counted += more.counted;
    }
}

/// Remembers a value with the next checkpoint.
pub(crate) fn keep(out: &mut Output<'_>, value: &Value) -> Result<()> {
    out.remember(value)
}

#[cfg(test)]
mod tests {
    use super::{Keys, Pairs, Value};

    #[test]
    fn ids_are_written_small_and_read_as_they_were() {
        let keys = Keys(vec![
            731_500_000_004_410_237,
            731_500_000_004_410_300,
            7,
            u64::MAX,
            0,
            u64::MAX / 2,
        ]);
        let text = serde_json::to_string(&keys).expect("JSON");
        assert!(text.starts_with("[731500000004410237,63,"), "{text}");
        assert_eq!(serde_json::from_str::<Keys>(&text).expect("keys"), keys);
        let pairs = Pairs(vec![(9, None), (10, Some(u64::MAX)), (3, Some(4)), (1, None)]);
        let text = serde_json::to_string(&pairs).expect("JSON");
        assert_eq!(text, "[[9,null],[1,-1],[-7,5],[-2,null]]");
        assert_eq!(serde_json::from_str::<Pairs>(&text).expect("pairs"), pairs);
        assert!(serde_json::from_str::<Value>(r#"{"later":1}"#).is_err());
    }
}

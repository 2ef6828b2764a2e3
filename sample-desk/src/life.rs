//! What a desk lives through while it runs: the time that it has, and what is made, edited and deleted on purpose.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::world::{Id, Kind};

/// Tells the time in microseconds since 1970.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The time that a desk has, and what is yet to come into being. The default is the machine's time and nothing.
#[derive(Clone)]
pub struct Life {
    /// What time it is for whatever happens to records, and for tokens.
    pub now: Now,
    /// The last records of each kind that has a time, of a thousand, are not there before they are
    /// [made](crate::SampleDesk::create).
    pub to_come: u32,
}

/// What is done on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// A record is made, with all that belongs to it.
    Create,
    /// A record is edited, so that its modifiedTime is now.
    Edit,
    /// A record is deleted, with all that belongs to it.
    Delete,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// What.
    pub deed: Deed,
    /// The record's kind.
    pub kind: Kind,
    /// The record.
    pub id: Id,
    /// When, in microseconds since 1970: its createdTime or modifiedTime, where it is there.
    pub at: i64,
}

/// The machine's time.
pub(crate) fn machine() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as i64)
}

impl Default for Life {
    fn default() -> Self {
        Self {
            now: Arc::new(machine),
            to_come: 0,
        }
    }
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { now: _, to_come } = self;
        f.debug_struct("Life").field("to_come", to_come).finish_non_exhaustive()
    }
}

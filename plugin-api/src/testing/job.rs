//! Jobs for tests.

use serde::Serialize;

use crate::{Job, Kind, Range, Timestamp};

/// Jobs as a test wants them; the engine makes its own.
impl Job {
    /// The export of a whole module, started on 2100-01-01, with a window of 16 requests and all events.
    pub fn full(module: &str) -> Self {
        Self {
            module: module.to_owned(),
            kind: Kind::Full,
            range: None,
            started: Timestamp::from_micros(4_102_444_800_000_000),
            window: 16,
            resume: None,
            log_level: Some("trace".to_owned()),
        }
    }

    /// As [`full`](Self::full), of the records of a range.
    pub fn custom(module: &str, range: Range) -> Self {
        Self {
            kind: Kind::Custom,
            range: Some(range),
            ..Self::full(module)
        }
    }

    /// Goes on behind a checkpoint with this cursor.
    ///
    /// # Panics
    /// If the cursor can't be written as JSON.
    #[must_use]
    pub fn resumed(mut self, cursor: impl Serialize) -> Self {
        match serde_json::to_value(cursor) {
            Ok(cursor) => self.resume = Some(cursor),
            Err(error) => panic!("the cursor is no JSON: {error}"),
        }
        self
    }

    /// Allows this many requests at one time.
    #[must_use]
    pub fn with_window(mut self, window: u32) -> Self {
        self.window = window;
        self
    }
}

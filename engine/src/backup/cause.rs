//! Why a backup comes to no end that can be gone on with.

use serde::{Deserialize, Serialize};

/// What is in the way of a backup that can be gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It was told to stop.
    Stopped,
    /// Its process ended without a word.
    Lost,
    /// The disk or the machine refuses something, e.g. room: somebody must mend that.
    Machine,
    /// The desk refuses the credentials: somebody must mend that.
    Credentials,
    /// The desk cannot be reached, or fails as a whole.
    Desk,
}

impl Cause {
    /// Whether it stays in the way until a person does something.
    pub fn needs_a_person(self) -> bool {
        matches!(self, Self::Machine | Self::Credentials)
    }
}

//! The exit codes, all of them. `deskvault --help` lists them: change both.

/// How a command ended, as the exit code tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// What was asked for is done.
    Done = 0,
    /// It failed, and there is no archive, unless the message names one: then only its summary could not be written.
    Failed = 1,
    /// The command line or the configuration is wrong; nothing was started. (clap's own code, too.)
    Usage = 2,
    /// The archive is there, but something could not be read.
    Incomplete = 3,
    /// `verify` found damage, or `download` did.
    Damaged = 4,
    /// A rule refused it, or the role of whoever asked; it is in the history.
    Refused = 5,
    /// A backup came to no end, and can be gone on with.
    Suspended = 6,
    /// It was stopped; as a shell tells it of a command that SIGINT ended.
    Cancelled = 130,
}

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

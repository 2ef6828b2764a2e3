//! The core of deskvault.

pub mod archive;
pub mod backup;
pub mod cli;
pub mod config;
pub mod connection;
pub mod plugins;
pub mod progress;

/// An error and its causes in one line, for where only a text can go on.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

//! The core of deskvault.

pub mod archive;
pub mod backup;
pub mod cli;
pub mod config;
pub mod connection;
pub mod plugins;
pub mod progress;

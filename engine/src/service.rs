//! The backup service: rules, store, history, archives and notifications together. The command line, the daemon, and
//! whoever embeds the engine do everything through [`Service`].

mod runner;

pub use runner::{Order, RunError, Runner};

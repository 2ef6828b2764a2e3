//! How the engine reaches a desk: base URL, credentials, limits, and the queue of requests.
//!
//! Architecture invariant: only this module sees secrets. A plugin never does.

pub mod settings;

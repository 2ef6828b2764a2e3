//! How.
pub mod settings;
mod retry;
mod target;
mod throttle;

//! Tests of the configuration as a whole.

mod differences;
mod errors;
mod files;
mod kinds;
mod service;

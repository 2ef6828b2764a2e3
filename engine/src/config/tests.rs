//! Tests of the configuration as a whole.

mod errors;
mod files;
mod kinds;

//! The archive: rows to CSV parts to one ZIP, and its verification.

pub mod settings;

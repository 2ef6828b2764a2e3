//! The `deskvault` command.
fn main() {}

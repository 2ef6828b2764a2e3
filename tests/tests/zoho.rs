//! Whole backups of sample desks, compared with their truth, cell by cell.

#![allow(clippy::print_stdout, reason = "what a test measured or was told is worth seeing")]

#[path = "zoho/behaviour.rs"]
mod behaviour;
#[path = "zoho/changes.rs"]
mod changes;
#[path = "zoho/credits.rs"]
mod credits;
#[path = "zoho/damage.rs"]
mod damage;
#[path = "zoho/drill.rs"]
mod drill;
#[path = "zoho/faults.rs"]
mod faults;
#[path = "zoho/matrix.rs"]
mod matrix;
#[path = "zoho/next.rs"]
mod next;
#[path = "zoho/quiet.rs"]
mod quiet;
#[path = "zoho/ranges.rs"]
mod ranges;
#[path = "zoho/rights.rs"]
mod rights;
#[path = "zoho/whole.rs"]
mod whole;

//! Kill -9 in the middle of a backup, again and again: of its process and of the daemon. The archive is that of a backup that
//! nobody disturbed, byte for byte, and the desk is asked for little twice.
//!
//! `DESKVAULT_SEED`, `DESKVAULT_KILLS` and `DESKVAULT_TICKETS` make another, longer one of it: 300 kills over 20,000 tickets take
//! minutes.

#![allow(clippy::print_stdout, reason = "what a test measured or was told is worth seeing")]

#[path = "kill/bench.rs"]
mod bench;
#[path = "kill/over.rs"]
mod over;

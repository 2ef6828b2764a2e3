//! The tests that take more than one crate. One executable, so that they link once.

#![allow(clippy::print_stdout, reason = "what a test measured or was told is worth seeing")]

#[path = "whole/backup.rs"]
mod backup;
#[path = "whole/command.rs"]
mod command;
#[path = "whole/limit.rs"]
mod limit;
#[path = "whole/memory.rs"]
mod memory;
#[path = "whole/plugins.rs"]
mod plugins;
#[path = "whole/readers.rs"]
mod readers;
#[path = "whole/resume.rs"]
mod resume;

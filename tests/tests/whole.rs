//! The tests that take more than one crate. One executable, so that they link once.

#[path = "whole/memory.rs"]
mod memory;
#[path = "whole/plugins.rs"]
mod plugins;

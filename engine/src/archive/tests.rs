//! Whole archives, written and read.

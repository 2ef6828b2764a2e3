#![no_main]
//! See [`deskvault_fuzz::manifest`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| deskvault_fuzz::manifest(bytes));

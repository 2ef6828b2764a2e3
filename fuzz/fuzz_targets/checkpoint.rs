#![no_main]
//! See [`deskvault_fuzz::checkpoint`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| deskvault_fuzz::checkpoint(bytes));

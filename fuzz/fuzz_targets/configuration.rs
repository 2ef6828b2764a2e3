#![no_main]
//! See [`deskvault_fuzz::configuration`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| deskvault_fuzz::configuration(bytes));

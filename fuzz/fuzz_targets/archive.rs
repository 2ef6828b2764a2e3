#![no_main]
//! See [`deskvault_fuzz::archive`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| deskvault_fuzz::archive(bytes));

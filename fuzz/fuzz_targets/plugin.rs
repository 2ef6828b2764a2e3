#![no_main]
//! See [`deskvault_fuzz::plugin`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| deskvault_fuzz::plugin(bytes));

#![no_main]
//! See [`deskvault_fuzz::pipe`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| deskvault_fuzz::pipe(bytes));

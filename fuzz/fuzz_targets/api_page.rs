#![no_main]
//! See [`deskvault_fuzz::api_page`].

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| deskvault_fuzz::api_page(bytes));

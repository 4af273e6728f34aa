//! See `catena_fuzz::TARGETS`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| catena_fuzz::check("foreign", bytes));

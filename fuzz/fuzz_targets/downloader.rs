#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| igos_fuzz::downloader(data));

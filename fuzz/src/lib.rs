//! Readers of untrusted bytes, under a fuzzer.
//!
//! Each function takes any bytes and panics where a promise is broken; `fuzz_targets/` hands them to libFuzzer:
//!
//! ```text
//! cargo install cargo-fuzz
//! cargo fuzz run --sanitizer none manifest -- -max_total_time=60
//! ```
//!
//! Without a sanitizer a stable toolchain will do; our code has no `unsafe` for one to look at, but the codecs are C,
//! so `cargo +nightly fuzz run archive` is worth its time now and then.

mod archives;
mod binaries;
mod deb_file;
mod declared;
mod drop_in;
mod helper;
mod http;
mod index;
mod recipes;
mod texts;
mod trust;

#[path = "../../crates/igos-format/tests/archive/forge.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests of igos-format, which use all of it"
)]
mod forge;
#[path = "../../crates/igos-format/tests/index/forge.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests of igos-format, which use all of it"
)]
mod index_forge;
#[path = "../../crates/igos-format/tests/archive/support.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests of igos-format, which use all of it"
)]
mod support;

pub use archives::{archive, archive_pieces};
pub use binaries::{deb, debian_index, downloader, drop_ins, elf, http_fields};
pub use declared::{helper_manifest, pkm_settings, world};
pub use index::index;
pub use recipes::recipe;
pub use texts::{advisories, record, settings};
pub use trust::{drafts, metadata};

use igos_format::{Sha256, manifest as text};

/// Reads bytes as a manifest, as they are and with the last line made right: what is read is written again.
pub fn manifest(data: &[u8]) {
    let end = format!("end {}\n", Sha256::of(data));
    for bytes in [data, &[data, end.as_bytes()].concat()] {
        if let Ok(manifest) = text::read(bytes) {
            assert_eq!(text::write(&manifest), bytes);
            assert_eq!(text::validate(&manifest), Ok(()));
        }
    }
}

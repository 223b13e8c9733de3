//! What helpers say that they made.

#[path = "../../crates/igos-sysroot/src/helper/manifest.rs"]
#[allow(dead_code, reason = "shared with igos-sysroot, which uses all of it")]
mod manifest;

pub(crate) fn read(data: &[u8]) {
    let name = "helper".parse().expect("it is a name");
    match manifest::HelperManifest::read(data, &name) {
        Ok(read) => {
            let entries = read.files.len() + read.symlinks.len();
            assert!((1..=manifest::ENTRIES_MAX).contains(&entries));
        }
        Err(why) => assert!(!why.is_empty()),
    }
}

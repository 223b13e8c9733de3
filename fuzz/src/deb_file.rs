//! Packages of Debian, read as the import of a toolchain reads them.

#[path = "../../programs/igos-build/src/toolchain/ar.rs"]
#[allow(dead_code, reason = "shared with igos-build, which uses all of it")]
mod ar;
#[path = "../../programs/igos-build/src/toolchain/deb.rs"]
#[allow(dead_code, reason = "shared with igos-build, which uses all of it")]
mod deb;
#[path = "../../programs/igos-build/src/toolchain/list.rs"]
#[allow(dead_code, reason = "shared with igos-build, which uses all of it")]
mod list;
#[path = "../../programs/igos-build/src/toolchain/payload.rs"]
#[allow(dead_code, reason = "shared with igos-build, which uses all of it")]
mod payload;

use std::path::Path;

pub(crate) fn read(path: &Path) {
    thread_local! {
        static LIST: list::ToolchainList = list::ToolchainList::built_in();
    }
    if let Err(error) = LIST.with(|list| deb::read_deb(path, list)) {
        assert!(!error.to_string().is_empty());
    }
}

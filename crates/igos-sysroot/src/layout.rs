//! Where a root keeps its record.

use igos_format::{PackageName, RelPath};

fn path(text: &str) -> RelPath {
    text.parse().expect("the layout holds paths")
}

/// Returns the directory of everything: `var/lib/igos`.
pub(crate) fn state() -> RelPath {
    path("var/lib/igos")
}

/// Returns the directory of the records, one file per installed package, named as the package.
pub(crate) fn records() -> RelPath {
    path("var/lib/igos/packages")
}

/// Returns the record of one package.
pub(crate) fn record(name: &PackageName) -> RelPath {
    path(&format!("var/lib/igos/packages/{name}"))
}

/// Returns the directory of the history, one file per transaction.
pub(crate) fn history() -> RelPath {
    path("var/lib/igos/history")
}

/// Name of the database in the state directory.
pub(crate) const DATABASE: &[u8] = b"pkm.db";

/// Name of the lock in the state directory; never deleted.
pub(crate) const LOCK: &[u8] = b"lock";

/// Name of the journal in the state directory, and of the one being written.
pub(crate) const JOURNAL: &[u8] = b"journal";
/// See [`JOURNAL`].
pub(crate) const JOURNAL_NEW: &[u8] = b"journal.new";

/// Name of the staging directory in the state directory.
pub(crate) const STAGING: &[u8] = b"staging";

/// Name of the staging directory at the top of another mount; packages cannot bring names that begin like this.
pub(crate) const STAGING_ELSEWHERE: &[u8] = b".igos-staging";

/// Longest journal, in bytes.
pub(crate) const JOURNAL_MAX_BYTES: u64 = 1 << 30;

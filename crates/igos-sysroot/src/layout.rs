//! Where a root keeps its record.

use igos_format::{PackageName, PathError, RelPath, Sha256};

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

/// Returns the directory of pristine configuration files, named by their digests.
pub(crate) fn pristine_directory() -> RelPath {
    path("var/lib/igos/pristine")
}

/// Returns the pristine content with this digest.
pub(crate) fn pristine(digest: &Sha256) -> RelPath {
    path(&format!("var/lib/igos/pristine/{digest}"))
}

/// Returns the text of configuration files that wait for an answer.
pub(crate) fn pending() -> RelPath {
    path("var/lib/igos/configuration")
}

/// Returns the text of chosen alternatives.
pub(crate) fn choices() -> RelPath {
    path("var/lib/igos/alternatives")
}

/// Returns the text of excluded paths.
pub(crate) fn excluded() -> RelPath {
    path("var/lib/igos/excluded")
}

/// Returns where a file lives that its package serves as an alternative under its own path: that path is a link.
pub(crate) fn served(package: &PackageName, own: &RelPath) -> Result<RelPath, PathError> {
    let place = [
        b"usr/lib/igos/alternatives/",
        package.as_str().as_bytes(),
        b"/",
        own.as_bytes(),
    ];
    RelPath::from_bytes(&place.concat())
}

/// Returns the directory of what transactions ran: unfinished journals, and outputs by transaction.
pub(crate) fn hooks() -> RelPath {
    path("var/lib/igos/hooks")
}

/// Name of the database in the state directory.
pub(crate) const DATABASE: &[u8] = b"pkm.db";

/// Name of the lock in the state directory; never deleted.
pub(crate) const LOCK: &[u8] = b"lock";

/// Name of the journal in the state directory, and of the one being written.
pub(crate) const JOURNAL: &[u8] = b"journal";
/// See [`JOURNAL`].
pub(crate) const JOURNAL_NEW: &[u8] = b"journal.new";

/// Name of the journal of a transaction that is in force, while its old files are put where they are kept.
pub(crate) const JOURNAL_DONE: &[u8] = b"journal.done";

/// Name, in the state directory, of the directory of what transactions replaced and removed.
pub(crate) const UNDO: &[u8] = b"undo";

/// Name of such a directory at the top of another mount; packages cannot bring names that begin like this.
pub(crate) const UNDO_ELSEWHERE: &[u8] = b".igos-undo";

/// Returns the directory of what transactions replaced and removed.
pub(crate) fn undo_directory() -> RelPath {
    path("var/lib/igos/undo")
}

/// Returns the name of what is kept of one transaction.
pub(crate) fn undo_name(transaction: u64) -> Vec<u8> {
    crate::HistoryEntry::file_name(transaction).into_bytes()
}

/// Returns the directory of what is kept of one transaction.
pub(crate) fn undo(transaction: u64) -> RelPath {
    path(&format!("var/lib/igos/undo/{transaction:08}"))
}

/// Returns the directory of kernels that were replaced while they were running.
pub(crate) fn kernels() -> RelPath {
    path("var/lib/igos/kernels")
}

/// Returns the record of such a kernel; `None` for what cannot be the release of one.
pub(crate) fn kernel(release: &str) -> Option<RelPath> {
    let is_name = !release.is_empty() && !release.contains('/') && !release.starts_with('.');
    is_name
        .then(|| kernels().join(release.as_bytes()).ok())
        .flatten()
}

/// Name of the staging directory in the state directory.
pub(crate) const STAGING: &[u8] = b"staging";

/// Name of the staging directory at the top of another mount; packages cannot bring names that begin like this.
pub(crate) const STAGING_ELSEWHERE: &[u8] = b".igos-staging";

/// Longest journal, in bytes.
pub(crate) const JOURNAL_MAX_BYTES: u64 = 1 << 30;

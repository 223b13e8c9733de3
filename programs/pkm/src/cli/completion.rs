//! Names for shells that complete a command line.
//!
//! Whatever cannot be read has no names to offer: a shell in the middle of a line is no place for messages.

use std::path::PathBuf;

use igos_cli::CommandWords;
use igos_repo::repository::{Catalogue, RepositoryPlaces};
use igos_root::RootDir;
use igos_sysroot::{Sysroot, Unmanaged};

use super::catalogue::clock;

/// Most names that are offered; more than that nobody reads.
const NAMES_MAX: usize = 500;

/// Returns the names of installed packages that begin with `prefix`.
pub(super) fn installed(words: &CommandWords, prefix: &str) -> Vec<String> {
    let sysroot = RootDir::open(&root(words)).map(|root| Sysroot::open(root, Unmanaged::Empty));
    let Ok(Ok(sysroot)) = sysroot else {
        return Vec::new();
    };
    let names = sysroot.list().unwrap_or_default();
    names
        .into_iter()
        .map(|listed| listed.package.name.to_string())
        .filter(|name| name.starts_with(prefix))
        .take(NAMES_MAX)
        .collect()
}

/// Returns the names of packages of repositories that begin with `prefix`.
pub(super) fn offered(words: &CommandWords, prefix: &str) -> Vec<String> {
    let places = RepositoryPlaces::below(&root(words));
    let (Ok(settings), Ok(clock)) = (places.load(), clock()) else {
        return Vec::new();
    };
    let names = Catalogue::open(&places, &settings, &clock).names_with_prefix(prefix, NAMES_MAX);
    let names = names.unwrap_or_default();
    names.into_iter().map(|name| name.to_string()).collect()
}

/// Returns the names of packages, installed or of repositories, that begin with `prefix`.
pub(super) fn known(words: &CommandWords, prefix: &str) -> Vec<String> {
    let mut names = installed(words, prefix);
    names.extend(offered(words, prefix));
    names.sort();
    names.dedup();
    names
}

fn root(words: &CommandWords) -> PathBuf {
    words.flag("root").unwrap_or_else(|| "/".into())
}

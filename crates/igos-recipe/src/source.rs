//! What a recipe is built from.

use igos_report::Diagnostic;

use igos_format::{Digest, PathPattern, Sha256};

/// Where the bytes of a source come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// A file that a URL names.
    Http,
    /// A git repository.
    Git {
        /// The URL without the `git+` before it and the reference behind it.
        url: String,
        /// The commit, tag or branch; the repository's default branch where absent.
        reference: Option<GitReference>,
    },
    /// A local file: relative to the recipe's directory, or absolute.
    File,
    /// A local directory, whose contents are copied: relative to the recipe's directory, or absolute.
    Directory {
        /// The files that are taken, by their paths below it; everything where empty. Never empty for a directory
        /// that the recipe's own lies in.
        only: Vec<PathPattern>,
    },
    /// A package of Rust's registry that a `Cargo.lock` pins: a file that a URL names, unpacked as a directory of
    /// vendored packages has it. Without a digest it is the lock itself, which is not there to be read.
    Crate,
}

/// What is checked out of a git repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum GitReference {
    /// A whole commit number, 40 or 64 hexadecimal digits: the content is pinned by it.
    Commit(String),
    /// A tag, a branch or a shortened number: what it means may change.
    Name(String),
}

impl GitReference {
    /// Returns the reference that `text` is.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let is_commit = matches!(text.len(), 40 | 64)
            && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if is_commit {
            GitReference::Commit(text.to_owned())
        } else {
            GitReference::Name(text.to_owned())
        }
    }

    /// Returns the text of the reference.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            GitReference::Commit(text) | GitReference::Name(text) => text,
        }
    }
}

/// One source of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source {
    /// Where it is, after substitution: a URL, `git+URL#COMMIT`, or a path.
    pub location: String,
    /// What kind of place that is.
    pub kind: SourceKind,
    /// The directory below the build directory that it goes to; empty for the build directory itself.
    pub destination: String,
    /// The file name under which an HTTP source is kept and copied, the query of its URL included unless the
    /// recipe gives a name; the directory name of a git source; empty for local files and directories.
    pub cache_name: String,
    /// Whether it is an archive that is unpacked, rather than a file that is copied.
    pub extract: bool,
    /// What its bytes must be; absent for git, for directories, and where the recipe gives none.
    pub digest: Option<Digest>,
    /// Whether the recipe asks to take whatever comes: `SKIP` in a KISS recipe, or a git branch.
    pub is_unpinned: bool,
    /// Other places where the same bytes, or bytes that serve as well, can be had.
    pub alternatives: Vec<SourceAlternative>,
}

impl Source {
    /// Returns the name under which the source lies in its destination when it is not unpacked.
    #[must_use]
    pub fn file_name(&self) -> &str {
        if self.cache_name.is_empty() {
            last_component(&self.location)
        } else {
            &self.cache_name
        }
    }
}

/// Another place of a source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceAlternative {
    /// Where.
    pub location: AlternativeLocation,
    /// The digest of the file found there.
    pub sha256: Sha256,
    /// The file inside the one found there that is meant.
    pub inner: Option<Inner>,
    /// Why the bytes differ from upstream's; absent where they do not.
    pub repack: Option<String>,
}

/// Where an alternative is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AlternativeLocation {
    /// A file that a URL names.
    Url(String),
    /// A file of this name in a source package of Debian.
    Debian(String),
}

/// A file inside an archive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Inner {
    /// Its path in the archive.
    pub path: String,
    /// Its digest.
    pub sha256: Sha256,
}

/// Returns what to say about a digest of zeros: an error in our trees, a warning in foreign ones, which are read
/// as they are.
pub(crate) fn placeholder_digest(is_foreign: bool) -> Diagnostic {
    let code = "recipe-digest-placeholder";
    let message = "zeros are a placeholder digest: the source cannot be used";
    let diagnostic = if is_foreign {
        Diagnostic::warning(code, message)
    } else {
        Diagnostic::error(code, message)
    };
    diagnostic.hint("fill it in with `igos-build recipe checksum NAME`")
}

/// Returns what follows the last slash.
pub(crate) fn last_component(text: &str) -> &str {
    text.rsplit_once('/').map_or(text, |(_, last)| last)
}

/// Tells whether KISS unpacks a file of this name: `*.tar`, `*.tar.` and two to four characters, `*.t?z`.
#[must_use]
pub fn is_kiss_archive(name: &str) -> bool {
    if name.ends_with(".tar") {
        return true;
    }
    let mut last: Vec<char> = name.chars().rev().take(9).collect();
    last.reverse();
    let tail = |length: usize| last.len().checked_sub(length).map(|at| &last[at..]);
    let is_short = matches!(tail(4), Some(['.', 't', _, 'z']));
    is_short
        || (2..=4).any(|length| {
            tail(length + 5).is_some_and(|tail| tail.starts_with(&['.', 't', 'a', 'r', '.']))
        })
}

/// Tells whether a `package.yml` source of this name is unpacked unless it says otherwise: what KISS unpacks,
/// `*.tbz2` and `*.zip`.
#[must_use]
pub fn is_archive(name: &str) -> bool {
    is_kiss_archive(name) || name.ends_with(".tbz2") || name.ends_with(".zip")
}

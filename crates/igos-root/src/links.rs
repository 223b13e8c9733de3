//! The few symbolic links that stand for directories (threats note, E21).

use std::collections::BTreeMap;

use igos_format::RelPath;

use crate::{Kind, RootDir, RootError};

/// The links that may be followed; everything else that is a link where a directory is expected is a conflict.
const LISTED: [&str; 5] = ["bin", "lib", "lib64", "sbin", "var/run"];

/// The links of merged directories that a root has: `bin`, `lib`, `lib64`, `sbin` to below `usr`, `var/run` to `run`.
///
/// They are followed by substitution: [`FollowedLinks::place`] gives the path without links, which is then resolved
/// strictly. A link counts only if root, or the owner of the root directory itself, owns it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FollowedLinks(BTreeMap<RelPath, RelPath>);

impl FollowedLinks {
    /// Reads the listed links of a root.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn read(root: &RootDir) -> Result<Self, RootError> {
        let owner = root
            .top()
            .own_metadata()
            .map_err(|source| RootError::new("look at", root.to_string(), source))?
            .uid;
        let mut links = FollowedLinks::default();
        for path in Self::listed() {
            let found = match root.metadata(&path) {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                // `var` itself is a link: `var/run` is nothing we may look at.
                Err(error) if error.is_way_blocked() => continue,
                Err(error) => return Err(error),
            };
            if found.kind == Kind::Symlink
                && (found.uid == 0 || found.uid == owner)
                && let Some(target) = root.read_link(&path)?
            {
                links.insert(path, &target);
            }
        }
        Ok(links)
    }

    /// Returns the paths that may be such links.
    pub fn listed() -> impl Iterator<Item = RelPath> {
        LISTED
            .iter()
            .map(|path| path.parse().expect("the list holds paths"))
    }

    /// Adds a link that is about to be made; returns whether it is listed and leads to a path below the root.
    pub fn insert(&mut self, path: RelPath, target: &[u8]) -> bool {
        let Some(resolved) = Self::resolved(&path, target) else {
            return false;
        };
        self.0.insert(path, resolved);
        true
    }

    /// Returns where a link of this target at `path` leads; `None` if it is not listed or leads to no path below the root.
    #[must_use]
    pub fn resolved(path: &RelPath, target: &[u8]) -> Option<RelPath> {
        let is_listed = LISTED
            .iter()
            .any(|listed| listed.as_bytes() == path.as_bytes());
        // A link into itself is no place for anything.
        resolve(path, target).filter(|resolved| is_listed && !resolved.starts_with(path))
    }

    /// Returns where `path` leads: the directory a listed link stands for takes the link's place.
    ///
    /// The link itself stays the link. A result too long to be a path is `path` itself, which then is refused
    /// when it is resolved.
    #[must_use]
    pub fn place(&self, path: &RelPath) -> RelPath {
        for (link, target) in &self.0 {
            if path != link && path.starts_with(link) {
                let rest = &path.as_bytes()[link.as_bytes().len()..];
                let joined = [target.as_bytes(), rest].concat();
                return RelPath::from_bytes(&joined).unwrap_or_else(|_| path.clone());
            }
        }
        path.clone()
    }

    /// Returns where the directory `path` is: a listed link is the directory it leads to.
    #[must_use]
    pub fn directory_place(&self, path: &RelPath) -> RelPath {
        match self.0.get(path) {
            Some(target) => target.clone(),
            None => self.place(path),
        }
    }

    /// Returns where the listed link at `path` leads.
    #[must_use]
    pub fn target(&self, path: &RelPath) -> Option<&RelPath> {
        self.0.get(path)
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns the path below the root that `target`, read in the directory of `link`, names by its text.
fn resolve(link: &RelPath, target: &[u8]) -> Option<RelPath> {
    let mut parts: Vec<&[u8]> = Vec::new();
    if !target.starts_with(b"/") {
        parts.extend(link.components());
        parts.pop();
    }
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    RelPath::from_bytes(&parts.join(&b'/')).ok()
}

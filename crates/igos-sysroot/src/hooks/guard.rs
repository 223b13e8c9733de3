//! What no hook changes: state, cache and settings of the package manager.
//!
//! The directories are read-only to hooks, and they and everything above them are mount points: what is one can be
//! neither renamed nor removed nor exchanged, so that nothing else can come to stand where they are. What was not
//! there is made first. When a hook is over, they have to be the same; that they are not would be a hole in these locks,
//! and is told as what it is.

use std::collections::BTreeMap;

use igos_format::RelPath;
use igos_root::{RootDir, RootError};
use igos_sandbox::Access;

use super::error::HookError;

/// What the package manager knows and was told, and what it keeps; no package can bring anything there.
const OWN: [&str; 3] = ["etc/igos", "var/cache/igos", "var/lib/igos"];

/// Settings that packages bring, and what stands beside them: not made where no package did.
const BROUGHT: &str = "usr/lib/igos";

/// Which directory it is, and who may change what is in it.
type Identity = (u64, u64, u16, u32, u32);

/// The package manager's own directories, as they were before a hook.
#[derive(Debug)]
pub(super) struct Guard {
    /// Those that are read-only, by place.
    own: Vec<RelPath>,
    /// They and everything above them; `None` for what was not there and has to stay away.
    seen: BTreeMap<RelPath, Option<Identity>>,
}

impl Guard {
    /// Makes the directories that are not there, and looks at all of them.
    pub(super) fn set(root: &RootDir) -> Result<Self, HookError> {
        let mut guard = Guard {
            own: Vec::new(),
            seen: BTreeMap::new(),
        };
        for place in OWN {
            let place = path(place);
            root.create_directories(&place, 0o755)
                .map_err(|source| HookError::State {
                    operation: "make a directory of the package manager that hooks must not make",
                    source: source.into_io(),
                })?;
            guard.add(root, place)?;
        }
        let brought = path(BROUGHT);
        match root.directory(&brought) {
            Ok(_) => guard.add(root, brought)?,
            Err(error) if error.is_not_found() => {
                guard.seen.insert(brought, None);
            }
            Err(source) => return Err(HookError::Read { source }),
        }
        Ok(guard)
    }

    fn add(&mut self, root: &RootDir, place: RelPath) -> Result<(), HookError> {
        let way = std::iter::successors(Some(place.clone()), RelPath::parent);
        for directory in way {
            let found = identity(root, &directory).map_err(|source| HookError::Read { source })?;
            self.seen.insert(directory, found);
        }
        self.own.push(place);
        Ok(())
    }

    /// Returns what has to be a mount point, and what a hook may do there.
    pub(super) fn mounts(&self) -> impl Iterator<Item = (&RelPath, Access)> {
        let there = self.seen.iter().filter(|(_, found)| found.is_some());
        there.map(|(place, _)| match self.own.contains(place) {
            true => (place, Access::Read),
            false => (place, Access::Write),
        })
    }

    /// Tells whether everything is as it was.
    pub(super) fn check(&self, root: &RootDir, job: &str) -> Result<(), HookError> {
        for (place, before) in &self.seen {
            // What cannot be looked at any more is not what it was.
            let now = identity(root, place).unwrap_or_default();
            if now != *before {
                return Err(HookError::OwnExchanged {
                    job: job.to_owned(),
                    path: place.clone(),
                });
            }
        }
        Ok(())
    }
}

fn identity(root: &RootDir, place: &RelPath) -> Result<Option<Identity>, RootError> {
    let directory = match root.directory(place) {
        Ok(directory) => directory,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let found = directory
        .own_metadata()
        .map_err(|source| RootError::new("look at", place.to_string(), source))?;
    Ok(Some((
        found.device,
        found.inode,
        found.mode,
        found.uid,
        found.gid,
    )))
}

fn path(text: &str) -> RelPath {
    text.parse().expect("the lists hold paths")
}

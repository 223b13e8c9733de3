//! Which modes and owners of recorded paths `tmpfiles.d` files of packages change: not drift.

use std::collections::BTreeMap;

use igos_format::{RelPath, Sha256};
use igos_root::{FollowedLinks, Metadata, RootError};

use super::attributes::{Age, Wanted};
use super::files::{DropIn, Files};
use super::glob::{has_pattern, is_match_of};
use super::rights::{Author, Rights, adds_giving_bits};
use super::specifiers::Specifiers;
use super::tmpfiles::{Action, Declared, parse};
use crate::hooks::accounts::Accounts;
use crate::{Ownership, Sysroot};

/// What packages declare of modes and owners besides their manifests.
#[derive(Debug)]
pub(crate) struct DeclaredAttributes {
    lines: Vec<(Declared, Author)>,
    accounts: Accounts,
}

impl DeclaredAttributes {
    /// Reads the files that are as `recorded` says, by place: what somebody else wrote declares nothing here.
    pub(crate) fn read(
        sysroot: &Sysroot,
        recorded: impl Fn(&RelPath) -> Option<Sha256>,
    ) -> Result<Self, RootError> {
        let root = &sysroot.root;
        let links = FollowedLinks::read(root)?;
        let specifiers = Specifiers::read(root);
        let files = Files::read(root, DropIn::Tmpfiles)?;
        let mut lines = Vec::new();
        let mut made: BTreeMap<RelPath, ()> = BTreeMap::new();
        for file in &files.files {
            if recorded(&file.path) != Some(Sha256::of(&file.content)) {
                continue;
            }
            // A file whose package cannot be looked up explains nothing.
            let Ok(author) = Author::of(sysroot, &links, &file.path) else {
                continue;
            };
            // Lines that are not carried out declare nothing.
            let read = file.lines().flatten();
            for declared in read.filter_map(|line| parse(&line.text, &specifiers).ok()) {
                let is_first = declared.action.is_pattern()
                    || made.insert(declared.path.clone(), ()).is_none();
                if is_first {
                    lines.push((declared, author.clone()));
                }
            }
        }
        Ok(DeclaredAttributes {
            lines,
            accounts: Accounts::read(root)?,
        })
    }

    /// Tells whether a line makes something at a path, where its package may.
    pub(crate) fn make(&self, sysroot: &Sysroot, path: &RelPath) -> bool {
        let rights = Rights {
            sysroot,
            ownership: Ownership::of_caller(),
        };
        self.lines.iter().any(|(line, author)| {
            let is_safe = line.action == Action::Directory || rights.may_make(author, path);
            !line.action.is_pattern() && line.path == *path && is_safe
        })
    }

    /// Tells whether a path has the mode and owner that a line asks for, the one or the other where the line says
    /// nothing of it as `recorded` says. Lines speak of paths that their package alone has, and no line explains that
    /// something became setuid, setgid or writable by everybody: only manifests do.
    pub(crate) fn explain(
        &self,
        sysroot: &Sysroot,
        path: &RelPath,
        found: &Metadata,
        recorded: (u16, (u32, u32)),
        ownership: Ownership,
    ) -> bool {
        if adds_giving_bits(recorded.0, found.mode) {
            return false;
        }
        let rights = Rights { sysroot, ownership };
        let Ok(owners) = rights.owners(path) else {
            return false;
        };
        let is_its_own = |author: &Author| match author {
            Author::Administrator => true,
            Author::Package(package, _) => owners.iter().all(|owner| owner == package),
        };
        self.lines
            .iter()
            .filter(|(line, author)| applies(line, path) && is_its_own(author))
            .any(|(line, _)| {
                let Ok(wanted) = Wanted::of(line, &self.accounts, ownership) else {
                    return false;
                };
                let as_recorded = Metadata {
                    mode: recorded.0,
                    uid: recorded.1.0,
                    gid: recorded.1.1,
                    ..*found
                };
                wanted.after(&as_recorded, Age::Present) == (found.mode, (found.uid, found.gid))
            })
    }
}

fn applies(line: &Declared, path: &RelPath) -> bool {
    match line.action {
        Action::Directory | Action::File { .. } => line.path == *path,
        Action::Link { .. } => false,
        Action::Existing | Action::Adjust => is_match_of(&line.path, path),
        Action::AdjustAll => std::iter::successors(Some(path.clone()), RelPath::parent).any(
            |above| match has_pattern(&line.path) {
                true => is_match_of(&line.path, &above),
                false => line.path == above,
            },
        ),
    }
}

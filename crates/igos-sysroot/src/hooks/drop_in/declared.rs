//! Which modes and owners of recorded paths `tmpfiles.d` files of packages change: not drift.

use std::collections::BTreeMap;

use igos_format::{RelPath, Sha256};
use igos_root::{Metadata, RootDir, RootError};

use super::attributes::{Age, Wanted};
use super::files::{DropIn, Files};
use super::glob::{has_pattern, is_match_of};
use super::specifiers::Specifiers;
use super::tmpfiles::{Action, Declared, parse};
use crate::Ownership;
use crate::hooks::accounts::Accounts;

/// What packages declare of modes and owners besides their manifests.
#[derive(Debug)]
pub(crate) struct DeclaredAttributes {
    lines: Vec<Declared>,
    accounts: Accounts,
}

impl DeclaredAttributes {
    /// Reads the files that are as `recorded` says, by place: what somebody else wrote declares nothing here.
    pub(crate) fn read(
        root: &RootDir,
        recorded: impl Fn(&RelPath) -> Option<Sha256>,
    ) -> Result<Self, RootError> {
        let specifiers = Specifiers::read(root);
        let files = Files::read(root, DropIn::Tmpfiles)?;
        let mut lines = Vec::new();
        let mut made: BTreeMap<RelPath, ()> = BTreeMap::new();
        for file in &files.files {
            if recorded(&file.path) != Some(Sha256::of(&file.content)) {
                continue;
            }
            // Lines that are not carried out declare nothing.
            let read = file.lines().flatten();
            for declared in read.filter_map(|line| parse(&line.text, &specifiers).ok()) {
                let is_first = declared.action.is_pattern()
                    || made.insert(declared.path.clone(), ()).is_none();
                if is_first {
                    lines.push(declared);
                }
            }
        }
        Ok(DeclaredAttributes {
            lines,
            accounts: Accounts::read(root)?,
        })
    }

    /// Tells whether a line makes something at a path.
    pub(crate) fn make(&self, path: &RelPath) -> bool {
        let makes = |line: &&Declared| !line.action.is_pattern() && line.path == *path;
        self.lines.iter().any(|line| makes(&line))
    }

    /// Tells whether a path has the mode and owner that a line asks for, the one or the other where the line says
    /// nothing of it as `recorded` says.
    pub(crate) fn explain(
        &self,
        path: &RelPath,
        found: &Metadata,
        recorded: (u16, (u32, u32)),
        ownership: Ownership,
    ) -> bool {
        self.lines
            .iter()
            .filter(|line| applies(line, path))
            .any(|line| {
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

//! What a transaction writes besides the files of archives and the records: links of alternatives, configuration
//! files that are merged or accepted, pristine contents, and the texts of what waits, was chosen and is left out.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read};
use std::os::fd::AsFd;

use igos_format::{EntryKind, FileEntry, Hasher, PackageName, RelPath, Sha256, Xattrs};
use igos_root::{FollowedLinks, Kind, Metadata, extended_attributes};

use super::apply::Transaction;
use super::error::Refusal;
use super::journal::Identity;
use super::preflight::{OwnFile, PreFlight};
use super::stage::{Staged, Stager, modified_of};
use super::staging::Staging;
use super::{ApplyError, Attributes};
use crate::alternatives::Choices;
use crate::configuration::{MERGE_MAX_BYTES, Merged, Pending, merge, stored};
use crate::database::Database;
use crate::state_text::StateText;
use crate::{Exclusions, Ownership, PathAction, PathChange, Plan, Record, Was, WriteAs, layout};

/// Bytes copied at a time.
const COPY_BYTES: usize = 128 * 1024;

/// Staged inodes of archives, by package and path.
pub(super) type StagedFiles = HashMap<(PackageName, RelPath), Staged>;

/// Who a new file is to look like.
enum Look<'a> {
    /// Ours: anybody may read it.
    Own,
    /// An entry of a manifest.
    Entry(&'a FileEntry, i64),
    /// The file that it takes the place of, or stands beside.
    Present(Metadata, Xattrs),
}

fn stage_error(place: &RelPath) -> impl Fn(io::Error) -> ApplyError {
    let path = place.clone();
    move |source| ApplyError::Stage {
        path: path.clone(),
        source,
    }
}

impl Transaction<'_> {
    /// Stages what an action needs that no archive has; returns the action as it will be carried out, and its inode.
    /// Others are returned as they are.
    pub(super) fn stage_kept(
        &self,
        plan: &Plan,
        action: &PathAction,
        database: &Database,
        staged_files: &mut StagedFiles,
        stager: &mut Stager<'_>,
    ) -> Result<(PathAction, Option<Staged>), ApplyError> {
        let failed = stage_error(&action.place);
        let key = (action.package.clone(), action.path.clone());
        Ok(match &action.change {
            PathChange::Link { target } => {
                let staged = stager
                    .stage_link_to(&action.place, target, self.time)
                    .map_err(failed)?;
                (action.clone(), Some(staged))
            }
            PathChange::Write { content, look, .. } => {
                let staged = match look {
                    WriteAs::Package => {
                        let record = self.record_of(&action.package, database)?;
                        let modified = modified_of(record.manifest.source_date_epoch);
                        let entry = record
                            .entries()
                            .find(|entry| entry.path == action.path)
                            .ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
                        let look = Look::Entry(entry, modified);
                        self.stage_content(plan, action, *content, look, stager)?
                    }
                    WriteAs::Present => {
                        let look = self.look_of(&action.path, stager.ownership)?;
                        self.stage_content(plan, action, *content, look, stager)?
                    }
                };
                (action.clone(), Some(staged))
            }
            PathChange::Merge { base, beside } => {
                let new = staged_files
                    .remove(&key)
                    .ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
                self.merge(action, *base, beside, new, stager)?
            }
            PathChange::MoveAside { .. } => (action.clone(), None),
            _ => {
                let staged = staged_files.remove(&key);
                (action.clone(), staged)
            }
        })
    }

    /// Stages the pristine contents that come, from the inodes that archives gave.
    pub(super) fn stage_pristine(
        &self,
        plan: &Plan,
        staged_files: &StagedFiles,
        stager: &mut Stager<'_>,
        preflight: &mut PreFlight<'_>,
    ) -> Result<(), ApplyError> {
        for file in &plan.pristine {
            let place = layout::pristine(&file.sha256);
            let failed = stage_error(&place);
            let mut content = match staged_files.get(&(file.package.clone(), file.path.clone())) {
                Some(source) => stager.open_staged(source).map_err(&failed)?,
                // What is taken up is on disk.
                None => {
                    let read = |source| ApplyError::Read { source };
                    let links = FollowedLinks::read(self.root).map_err(read)?;
                    let found = self.root.open_file(&links.place(&file.path));
                    let found = found.map_err(read)?;
                    found.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?
                }
            };
            let staged = stager
                .stage_reader(&place, &mut content, file.sha256, Look::Own, self.time)
                .map_err(failed)?;
            preflight.add_own(OwnFile::Put(place, staged), &mut stager.staging)?;
        }
        Ok(())
    }

    /// Plans that pristine contents go which nobody needs: no package that stays or comes, and nothing that waits.
    pub(super) fn forget_pristine(
        &self,
        pending: &Pending,
        coming: &[Record],
        going: &BTreeSet<PackageName>,
        database: &Database,
        staging: &mut Staging<'_>,
        preflight: &mut PreFlight<'_>,
    ) -> Result<(), ApplyError> {
        let stored = stored(self.root).map_err(|source| ApplyError::Read { source })?;
        let mut needed: BTreeSet<Sha256> = pending.bases.values().copied().flatten().collect();
        for record in coming {
            let own = record.entries().filter(|entry| entry.is_configuration);
            needed.extend(own.filter_map(|entry| match entry.kind {
                EntryKind::File { sha256, .. } => Some(sha256),
                _ => None,
            }));
        }
        let is_replaced = |name: &PackageName| {
            going.contains(name)
                || coming
                    .iter()
                    .any(|record| record.manifest.package.name == *name)
        };
        for digest in stored.difference(&needed) {
            let users = database
                .configured_with(digest)
                .map_err(|source| ApplyError::Database { source })?;
            if users.iter().all(is_replaced) {
                let place = layout::pristine(digest);
                preflight.add_own(OwnFile::Remove(place), staging)?;
            }
        }
        Ok(())
    }

    /// Stages the texts of the root's state that change; returns what waits afterwards.
    pub(super) fn stage_texts(
        &self,
        plan: &Plan,
        actions: &[PathAction],
        stager: &mut Stager<'_>,
        preflight: &mut PreFlight<'_>,
    ) -> Result<Pending, ApplyError> {
        let text = |source| ApplyError::StateText { source };
        let pending = Pending::load(self.root).map_err(text)?;
        let waiting = pending.after(actions);
        put_text(&pending, &waiting, stager, preflight)?;
        let choices = Choices::load(self.root).map_err(text)?;
        let mut after = choices.clone();
        for (place, package) in &plan.choices {
            match package {
                Some(package) => after.packages.insert(place.clone(), package.clone()),
                None => after.packages.remove(place),
            };
        }
        put_text(&choices, &after, stager, preflight)?;
        let exclusions = Exclusions::load(self.root).map_err(text)?;
        put_text(&exclusions, &plan.exclusions, stager, preflight)?;
        Ok(waiting)
    }

    pub(super) fn record_of(
        &self,
        name: &PackageName,
        database: &Database,
    ) -> Result<Record, ApplyError> {
        let failed = |source| ApplyError::Database { source };
        let bytes = database.record(name).map_err(failed)?.unwrap_or_default();
        Record::read_of(name, &bytes).map_err(|source| ApplyError::Record {
            name: name.to_string(),
            source,
        })
    }

    fn stage_content(
        &self,
        plan: &Plan,
        action: &PathAction,
        content: Sha256,
        look: Look<'_>,
        stager: &mut Stager<'_>,
    ) -> Result<Staged, ApplyError> {
        let failed = stage_error(&action.place);
        let mut reader: Box<dyn Read> = match plan.contents.get(&content) {
            Some(bytes) => Box::new(io::Cursor::new(bytes.clone())),
            None => {
                let file = self.root.open_file(&layout::pristine(&content));
                let file = file.map_err(|source| ApplyError::Read { source })?;
                Box::new(file.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?)
            }
        };
        stager
            .stage_reader(&action.place, &mut *reader, content, look, self.time)
            .map_err(failed)
    }

    /// Returns what a file on disk looks like.
    fn look_of(&self, place: &RelPath, ownership: Ownership) -> Result<Look<'static>, ApplyError> {
        let read = |source| ApplyError::Read { source };
        let Some(file) = self.root.open_file(place).map_err(read)? else {
            return Err(ApplyError::Refused(vec![Refusal::Changed {
                path: place.clone(),
                found: "absent".to_owned(),
            }]));
        };
        // Of the file that is open, not of what has its name by now; special bits do not belong to a text either.
        let mut found = Metadata::of(&file).map_err(stage_error(place))?;
        found.mode &= 0o777;
        let mut xattrs = extended_attributes(&file).map_err(stage_error(place))?;
        xattrs.retain(|name, _| match ownership {
            Ownership::Recorded => name.starts_with("user."),
            // What the kernel computes of content, and what makes a program privileged, does not belong to a text.
            Ownership::Applied => !matches!(
                name.as_str(),
                "security.capability" | "security.ima" | "security.evm"
            ),
        });
        Ok(Look::Present(found, xattrs))
    }

    /// Merges the new version of a configuration file into the edited one; where that is in doubt, the new version
    /// goes beside it.
    fn merge(
        &self,
        action: &PathAction,
        base: Sha256,
        beside: &RelPath,
        new: Staged,
        stager: &mut Stager<'_>,
    ) -> Result<(PathAction, Option<Staged>), ApplyError> {
        let place = &action.place;
        let merged = self.merged(action, base, &new, stager)?;
        let Some(merged) = merged else {
            let change = PathChange::KeepEdited {
                beside: Some(beside.clone()),
                base: Some(base),
            };
            let action = PathAction {
                change,
                ..action.clone()
            };
            return Ok((action, Some(new)));
        };
        let look = self.look_of(place, stager.ownership)?;
        let digest = Sha256::of(&merged);
        let staged = stager
            .stage_reader(place, &mut merged.as_slice(), digest, look, self.time)
            .map_err(stage_error(place))?;
        let change = PathChange::Write {
            content: digest,
            look: WriteAs::Present,
            beside: None,
        };
        let action = PathAction {
            change,
            ..action.clone()
        };
        Ok((action, Some(staged)))
    }

    fn merged(
        &self,
        action: &PathAction,
        base: Sha256,
        new: &Staged,
        stager: &Stager<'_>,
    ) -> Result<Option<Vec<u8>>, ApplyError> {
        let place = &action.place;
        let mine = crate::configuration::read_text(self.root, place);
        let mine = mine.map_err(|source| ApplyError::Read { source })?;
        let base = crate::configuration::read_pristine(self.root, &base)
            .map_err(|source| ApplyError::Read { source })?;
        let mut bytes = Vec::new();
        stager
            .open_staged(new)
            .and_then(|file| file.take(MERGE_MAX_BYTES + 1).read_to_end(&mut bytes))
            .map_err(stage_error(place))?;
        let (Some(mine), Some(base)) = (mine, base) else {
            return Ok(None);
        };
        if action.was != Was::Content(Sha256::of(&mine)) {
            return Err(ApplyError::Refused(vec![Refusal::Changed {
                path: place.clone(),
                found: "a file with other content".to_owned(),
            }]));
        }
        Ok(match merge(&base, &mine, &bytes) {
            Ok(Merged::Clean(text)) => Some(text),
            Ok(Merged::Conflicts { .. }) | Err(_) => None,
        })
    }
}

/// Returns the places of edited configuration files that a plan wanted merged and that were.
pub(super) fn merged_of(plan: &Plan, carried_out: &[PathAction]) -> Vec<RelPath> {
    let is_merged = |place: &RelPath| {
        carried_out.iter().any(|action| {
            action.place == *place && matches!(action.change, PathChange::Write { .. })
        })
    };
    plan.paths
        .iter()
        .filter(|action| matches!(action.change, PathChange::Merge { .. }))
        .map(|action| action.place.clone())
        .filter(is_merged)
        .collect()
}

fn put_text<T: StateText>(
    old: &T,
    new: &T,
    stager: &mut Stager<'_>,
    preflight: &mut PreFlight<'_>,
) -> Result<(), ApplyError> {
    if old == new {
        return Ok(());
    }
    let place = T::place();
    let own = match new.to_bytes() {
        None => OwnFile::Remove(place),
        Some(bytes) => {
            let staged = stager
                .stage_bytes(&place, &bytes)
                .map_err(stage_error(&place))?;
            OwnFile::Put(place, staged)
        }
    };
    preflight.add_own(own, &mut stager.staging)
}

impl Stager<'_> {
    /// Makes a symbolic link of ours.
    fn stage_link_to(
        &mut self,
        place: &RelPath,
        target: &[u8],
        modified: i64,
    ) -> io::Result<Staged> {
        let row = FileEntry {
            path: place.clone(),
            kind: EntryKind::Symlink {
                target: target.to_vec(),
            },
            mode: 0o777,
            owner: igos_format::Owner::root(),
            is_configuration: false,
            capabilities: None,
            xattrs: Xattrs::new(),
        };
        self.stage_symlink(place, &row, modified)
    }

    /// Opens a staged file to read.
    fn open_staged(&self, staged: &Staged) -> io::Result<std::fs::File> {
        let (at, name) = self.slot_of(&staged.slot)?;
        at.open_file(&name)
    }

    /// Makes a file with the content of `reader`, which has to have the digest `expected`.
    fn stage_reader(
        &mut self,
        place: &RelPath,
        reader: &mut dyn Read,
        expected: Sha256,
        look: Look<'_>,
        now: i64,
    ) -> io::Result<Staged> {
        let (slot, mut file, found) = self.new_file(place)?;
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; COPY_BYTES];
        loop {
            let count = reader.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            self.mutations.write(&mut file, &buffer[..count])?;
        }
        if hasher.sha256() != expected {
            return Err(io::Error::other(format!(
                "its content is not the one with digest {expected}"
            )));
        }
        match look {
            Look::Own => self.mutations.set_mode(file.as_fd(), 0o644)?,
            Look::Entry(entry, modified) => self.finish_file(&file, found, entry, modified)?,
            Look::Present(present, xattrs) => {
                let owner = (present.uid, present.gid);
                self.mutations.set_attributes(
                    file.as_fd(),
                    &Attributes {
                        owner: (owner != (found.uid, found.gid)).then_some(owner),
                        xattrs: &xattrs,
                        capabilities: None,
                        mode: Some(present.mode),
                        modified: now,
                    },
                )?;
            }
        }
        Ok(Staged {
            slot,
            identity: Identity {
                kind: Kind::File,
                inode: found.inode,
                content: Some(expected),
            },
        })
    }
}

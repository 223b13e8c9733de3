//! The operation: from archives to a repository that readers see at once or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use igos_format::index::IndexEntry;
use igos_format::trust::{Root, TargetFile, Targets, UtcTime};
use igos_format::{PackageName, Sha256};
use igos_report::{Outcome, Reporter, Subject, Task};
use igos_root::FileLock;

use super::advisories::Advisories;
use super::collect;
use super::commit::{Commit, Draft, Renewal, Signing};
use super::contents::{Member, published_entries};
use super::error::PublishError;
use super::findings::Finding;
use super::genesis::{anchor, first_state};
use super::layout;
use super::lifetimes::Lifetimes;
use super::lists::{Lists, archive_file, packages_index, source_file};
use super::place::{PlaceError, Placer, Stop};
use super::request::{Execution, Publication, PublishRequest, Staging};
use super::ring::KeyRing;
use super::staging;
use super::state::{PACKAGES, State, StateError, authority};
use crate::lock::{self, Waiting, Work, open_shared};
use crate::trust::Signed;

/// A repository that is published to.
#[derive(Clone, Copy)]
pub struct Publisher<'a> {
    /// Its directory.
    pub directory: &'a Path,
    /// The keys at hand.
    pub ring: &'a KeyRing,
    /// How long metadata can be relied on.
    pub lifetimes: &'a Lifetimes,
    /// The time that counts as now.
    pub now: UtcTime,
    /// What to do while somebody else publishes.
    pub waiting: Waiting,
    /// Whether anything changes.
    pub execution: Execution,
    /// Asked before every change.
    pub stop: &'a Stop<'a>,
    /// Who listens.
    pub reporter: &'a dyn Reporter,
    /// How many archives are read at once.
    pub jobs: NonZeroUsize,
}

impl std::fmt::Debug for Publisher<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

/// A repository under the lock, with what is published in it.
pub(super) struct Opened {
    _lock: FileLock,
    pub(super) state: State,
}

impl Opened {
    /// Returns what is published.
    pub(super) fn published(&self, directory: &Path) -> Result<&State, StateError> {
        match self.state.lists {
            Some(_) => Ok(&self.state),
            None => Err(StateError::NoRepository {
                directory: directory.to_owned(),
            }),
        }
    }
}

/// Reads what is published, or what a repository begins with that is none yet.
pub(super) fn read_or_begin(directory: &Path, ring: &KeyRing) -> Result<State, PublishError> {
    let (root, beside) = anchor(ring.directories())?.ok_or_else(|| PublishError::NoRoot {
        directory: directory.to_owned(),
    })?;
    match State::read(directory, &root) {
        Ok(state) => Ok(state),
        Err(StateError::NoRepository { .. }) => Ok(first_state(root, beside)?),
        Err(error) => Err(error.into()),
    }
}

/// New keys, or longer lives for what offline keys signed.
pub(super) struct Redraft {
    /// The new root.
    pub(super) root: Option<Signed<Root>>,
    /// New targets.
    pub(super) targets: Option<Signed<Targets>>,
}

/// Everything that is to be put in place.
pub(super) struct Prepared {
    commit: Commit,
    lists: Lists,
    publication: Publication,
    /// Files of the staging area that are published now.
    staged: Vec<PathBuf>,
}

impl Publisher<'_> {
    /// Publishes.
    ///
    /// # Errors
    ///
    /// Returns why not; readers then see what they saw before.
    pub fn publish(&self, mut request: PublishRequest<'_>) -> Result<Publication, PublishError> {
        let opened = self.open()?;
        let state = opened.state;
        let published = published_entries(&state, self.directory)?;
        let advisories = self.advisories(&state, request.advisories.take())?;
        self.test_removals(&published, &request.remove)?;
        let waiting = staging::verified(self.directory, &state)?;
        let staged = waiting.iter().map(|given| given.path.clone()).collect();
        let chosen = self.choose(&request, waiting, published)?;
        let gone = chosen.gone.clone();
        let (mut fitting, findings) = self.fit(&state, chosen, &request)?;
        if !findings.is_empty() {
            let can_wait = findings.iter().all(Finding::can_wait);
            if request.staging == Staging::Refuse || !can_wait {
                return Err(PublishError::Inconsistent { findings });
            }
            return self.stage(&state, &fitting.new, findings);
        }
        self.add_sources(&state, &mut fitting, &request)?;
        self.sign_seals(&state.authority(PACKAGES), &mut fitting.members)?;
        for member in &mut fitting.members {
            member.entry.advisories = advisories.of(&member.entry.package);
        }
        let added = fitting.new.iter().map(|(_, e)| e.package.clone()).collect();
        let lists =
            Lists::of(fitting, &advisories).map_err(|source| PublishError::Index { source })?;
        let draft = Draft {
            root: None,
            targets: None,
            packages: lists.packages.clone(),
            archives: lists.archives.clone(),
            renewal: request.renewal,
        };
        let prepared = Prepared {
            publication: Publication {
                added,
                gone,
                ..Publication::empty(lists.count)
            },
            commit: Commit::sign(state, draft, self.signing())?,
            lists,
            staged,
        };
        self.finish(prepared, request.keep)
    }

    /// Signs new root and targets, and everything anew that keys which are gone have signed.
    pub(super) fn prepare(
        &self,
        opened: &Opened,
        redraft: Redraft,
    ) -> Result<Prepared, PublishError> {
        let state = opened.published(self.directory)?;
        let mut lists = Lists::published(state);
        let targets = redraft.targets.as_ref().unwrap_or(&state.targets.signed);
        let authority = authority(state.root.signed.value(), targets.value(), PACKAGES);
        let entries = published_entries(state, self.directory)?;
        lists.count = entries.len();
        let mut members: Vec<Member> = entries.into_iter().map(Member::published).collect();
        if self.sign_seals(&authority, &mut members)? > 0 {
            let entries = members.iter().map(|member| &member.entry);
            let bytes = packages_index(entries).map_err(|source| PublishError::Index { source })?;
            let name = layout::PACKAGES_INDEX.to_owned();
            lists.packages.insert(name.clone(), TargetFile::of(&bytes));
            lists.files.push((name, bytes));
        }
        let draft = Draft {
            root: redraft.root,
            targets: redraft.targets,
            packages: lists.packages.clone(),
            archives: lists.archives.clone(),
            renewal: Renewal::None,
        };
        Ok(Prepared {
            publication: Publication::empty(lists.count),
            commit: Commit::sign(state.clone(), draft, self.signing())?,
            lists,
            staged: Vec::new(),
        })
    }

    pub(super) fn signing(&self) -> Signing<'_> {
        Signing {
            ring: self.ring,
            lifetimes: self.lifetimes,
            now: self.now,
        }
    }

    /// Takes the lock and reads what is published, or what a new repository begins with.
    pub(super) fn open(&self) -> Result<Opened, PublishError> {
        let work = self.directory.join(layout::WORK);
        fs_err::create_dir_all(&work).map_err(PlaceError::io("make", &work))?;
        let place = self.directory.join(layout::LOCK);
        let lock = lock::take(
            open_shared(&place),
            &place,
            Work::Publishing,
            self.waiting,
            self.reporter,
        )?;
        let state = read_or_begin(self.directory, self.ring)?;
        Ok(Opened { _lock: lock, state })
    }

    fn advisories(
        &self,
        state: &State,
        given: Option<Advisories>,
    ) -> Result<Advisories, PublishError> {
        if let Some(advisories) = given {
            return Ok(advisories);
        }
        let published = state.read_target(self.directory, layout::ADVISORIES)?;
        let parsed = published
            .map(|(_, bytes)| Advisories::parse(&bytes))
            .transpose();
        Ok(parsed?.unwrap_or_default())
    }

    fn test_removals(
        &self,
        published: &[IndexEntry],
        remove: &BTreeSet<PackageName>,
    ) -> Result<(), PublishError> {
        let names: BTreeSet<&PackageName> = published.iter().map(|e| &e.package.name).collect();
        match remove.iter().find(|name| !names.contains(name)) {
            Some(name) => Err(PublishError::Absent { name: name.clone() }),
            None => Ok(()),
        }
    }

    /// Puts archives into the staging area.
    fn stage(
        &self,
        state: &State,
        new: &[(PathBuf, IndexEntry)],
        awaits: Vec<Finding>,
    ) -> Result<Publication, PublishError> {
        if self.execution == Execution::Real {
            let keys = self.ring.of(PACKAGES, &state.authority(PACKAGES))?;
            if let Some(key) = keys.first() {
                staging::add(self.directory, new, key, self.stop)?;
            }
        }
        let lists = state.lists.as_ref();
        Ok(Publication {
            snapshot: lists.map_or(0, |lists| lists.snapshot.file.version),
            staged: new.iter().map(|(_, entry)| entry.package.clone()).collect(),
            awaits,
            expires: state.expires(),
            ..Publication::empty(published_entries(state, self.directory)?.len())
        })
    }

    /// Puts everything in place, and deletes what no reader needs any more.
    pub(super) fn finish(
        &self,
        prepared: Prepared,
        keep: usize,
    ) -> Result<Publication, PublishError> {
        let (commit, mut publication) = (prepared.commit, prepared.publication);
        publication.snapshot = commit.snapshot_version();
        publication.has_changed = !commit.is_empty();
        publication.expires = commit.state.expires();
        if self.execution == Execution::DryRun {
            return Ok(publication);
        }
        let placer = Placer::new(self.directory, self.stop)?;
        self.place_targets(&placer, &prepared.lists)?;
        commit.place(&placer)?;
        staging::delete(&prepared.staged)?;
        publication.deleted = collect::unneeded(self.directory, publication.snapshot, keep)?;
        publication.deleted_bytes = collect::delete(&publication.deleted, &placer)?;
        Ok(publication)
    }

    fn place_targets(&self, placer: &Placer<'_>, lists: &Lists) -> Result<(), PublishError> {
        let count = lists.new.len() as u64;
        let subject = Subject::Group(format!("copy {count} archives"));
        let task = (count > 0).then(|| Task::start(self.reporter, None, subject));
        let mut pending = Vec::new();
        for (done, (from, entry)) in (0..).zip(&lists.new) {
            if let Some(task) = &task {
                task.advance(done, Some(count));
            }
            pending.push(placer.copy(from, &entry.archive.sha256, archive_file(entry))?);
        }
        if let Some(task) = task {
            task.finish(Outcome::Done);
        }
        // Outputs of one recipe have the same sources.
        let by_path = lists.sources.iter().map(|file| (source_file(file), file));
        for (path, file) in by_path.collect::<BTreeMap<_, _>>() {
            let location = &file.location;
            if placer.is_there(&path, location.size_bytes) {
                continue;
            }
            let name = Path::new(location.file_name.as_str());
            let (mut bytes, from) = file.open().map_err(PlaceError::io("open", name))?;
            pending.push(placer.stream(&mut bytes, from, &location.sha256, path)?);
        }
        placer.place(pending)?;
        for (target, bytes) in &lists.files {
            let path = layout::target_path(target, &Sha256::of(bytes));
            if !placer.is_there(&path, bytes.len() as u64) {
                placer.bytes(&path, bytes)?;
            }
        }
        for part in [layout::ARCHIVES, layout::SOURCES, layout::INDEX] {
            placer.settle(&format!("{}/{part}", layout::TARGETS))?;
        }
        Ok(())
    }
}

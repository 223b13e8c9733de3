//! From archives that were given to packages that fit together, each complete: verified, with sources and signature.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use igos_format::Sha256;
use igos_format::archive::Head;
use igos_format::index::IndexEntry;
use igos_format::trust::{Authority, KeyId};
use igos_report::{Outcome, Subject, Task};

use super::archive::{Given, ReadGivenError, Whole, find, in_parallel, read_head};
use super::choose::{Chosen, choose};
use super::contents::{Contents, Member, published_entries};
use super::error::PublishError;
use super::findings::Finding;
use super::layout;
use super::lists::{Fitting, archive_file};
use super::publisher::Publisher;
use super::relations;
use super::request::PublishRequest;
use super::sources::{Located, tell_apart};
use super::state::{ARCHIVES, PACKAGES, State, StateError};

impl Publisher<'_> {
    pub(super) fn choose(
        &self,
        request: &PublishRequest<'_>,
        staged: Vec<Given>,
        published: Vec<IndexEntry>,
    ) -> Result<Chosen, PublishError> {
        let paths = find(&request.archives)?;
        let mut given = in_parallel(paths, self.jobs, |path| {
            if (self.stop)() {
                return Err(ReadGivenError::Stopped);
            }
            Given::read(path)
        })?;
        given.extend(staged);
        let is_lost = |entry: &IndexEntry| !self.has_archive(entry);
        Ok(choose(
            given,
            published,
            &request.remove,
            &request.allow,
            &is_lost,
        ))
    }

    fn archive_path(&self, entry: &IndexEntry) -> PathBuf {
        self.directory.join(archive_file(entry))
    }

    fn has_archive(&self, entry: &IndexEntry) -> bool {
        let found = fs_err::symlink_metadata(self.archive_path(entry));
        found.is_ok_and(|found| found.is_file() && found.len() == entry.archive.size_bytes)
    }

    /// Reads new archives to their end, and looks whether all packages fit together.
    pub(super) fn fit(
        &self,
        state: &State,
        chosen: Chosen,
        request: &PublishRequest<'_>,
    ) -> Result<(Fitting, Vec<Finding>), PublishError> {
        let mut findings = chosen.findings;
        let mut members = Vec::new();
        for entry in chosen.kept {
            if !self.has_archive(&entry) {
                let path = self.archive_path(&entry);
                return Err(PublishError::ArchiveLost { path });
            }
            members.push(Member { entry, head: None });
        }
        let mut new = Vec::new();
        for Whole { path, head, entry } in self.verify(chosen.new)? {
            new.push((path, entry.clone()));
            members.push(Member {
                entry,
                head: Some(head),
            });
        }
        members.sort_by(|a, b| a.entry.package.cmp(&b.entry.package));
        let contents = Contents::gather(&mut members, state, self.directory)?;
        let mut beside = Vec::new();
        for directory in &request.beside {
            beside.extend(published_entries(&State::read_any(directory)?, directory)?);
        }
        let entries: Vec<&IndexEntry> = members.iter().map(|member| &member.entry).collect();
        findings.extend(relations::check(&entries, &beside));
        findings.extend(contents.findings.iter().cloned());
        let fitting = Fitting {
            members,
            contents,
            new,
            sources: Vec::new(),
        };
        Ok((fitting, findings))
    }

    fn verify(&self, new: Vec<Given>) -> Result<Vec<Whole>, PublishError> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let count = new.len() as u64;
        let subject = Subject::Group(format!("verify {count} archives"));
        let task = Task::start(self.reporter, None, subject);
        let done = AtomicU64::new(0);
        let whole = in_parallel(new, self.jobs, |given| {
            if (self.stop)() {
                return Err(ReadGivenError::Stopped);
            }
            let whole = given.verify()?;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            task.advance(done, Some(count));
            Ok(whole)
        })?;
        task.finish(Outcome::Done);
        Ok(whole)
    }

    /// Adds corresponding sources to the entries that have none.
    pub(super) fn add_sources(
        &self,
        state: &State,
        fitting: &mut Fitting,
        request: &PublishRequest<'_>,
    ) -> Result<(), PublishError> {
        let Some(sources) = request.sources else {
            return Ok(());
        };
        for member in &mut fitting.members {
            if !member.entry.sources.is_empty() {
                continue;
            }
            let package = &member.entry.package.name;
            let head = match member.head.take() {
                Some(head) => head,
                None => self.published_head(&member.entry)?,
            };
            let files = sources.of(&head).map_err(|source| PublishError::Sources {
                package: package.clone(),
                source,
            })?;
            let located: Result<Vec<Located>, _> = files.into_iter().map(Located::new).collect();
            let mut located = located.map_err(|source| PublishError::SourceUnreadable {
                package: package.clone(),
                source,
            })?;
            let known = &fitting.sources;
            tell_apart(&mut located, &|name| {
                let own = known.iter().find(|file| file.location.file_name == *name);
                let target = layout::target(layout::SOURCES, name);
                own.map(|file| file.location.sha256)
                    .or_else(|| state.target(ARCHIVES, &target).map(|target| target.sha256))
            });
            member.entry.sources = located.iter().map(|file| file.location.clone()).collect();
            member.head = Some(head);
            fitting.sources.extend(located);
        }
        Ok(())
    }

    /// Reads the head of a published archive, which must have the seal that the index says.
    fn published_head(&self, entry: &IndexEntry) -> Result<Head, PublishError> {
        let path = self.archive_path(entry);
        let head = read_head(&path)?;
        if head.seal_digest() == entry.seal {
            return Ok(head);
        }
        Err(StateError::Digest {
            path,
            expected: entry.seal,
            actual: head.seal_digest(),
        }
        .into())
    }

    /// Signs the seals that no key of this authority has signed yet; returns how many.
    pub(super) fn sign_seals(
        &self,
        authority: &Authority,
        members: &mut [Member],
    ) -> Result<usize, PublishError> {
        let names: BTreeSet<Sha256> = authority.keys.keys().map(KeyId::as_sha256).collect();
        let is_signed = |member: &Member| {
            let signature = member.entry.signature.as_ref();
            signature.is_some_and(|signature| names.contains(&signature.key))
        };
        let mut count = 0;
        for member in members {
            if is_signed(member) {
                continue;
            }
            let seal = match &member.head {
                Some(head) => head.seal().to_bytes(),
                None => self.published_head(&member.entry)?.seal().to_bytes(),
            };
            let keys = self.ring.of(PACKAGES, authority)?;
            member.entry.signature = keys.first().map(|key| key.sign_seal(&seal));
            count += 1;
        }
        Ok(count)
    }
}

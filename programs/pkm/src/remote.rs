//! Archives of repositories: heads to plan with, contents while a plan is carried out.

use std::collections::{BTreeMap, HashSet};
use std::io;

use fs_err as fs;
use igos_format::archive::Head;
use igos_format::{EntryKind, PackageId, Sha256};
use igos_repo::repository::{
    ArchiveJob, CacheError, Catalogue, Downloads, FetchedArchive, FetchedHead, Offered,
    RepositoryClient, WantedArchive,
};
use igos_repo::trust::{VerifyOfferError, verify_offer};
use igos_report::{Diagnostic, Explain, Reporter, diagnose};
use igos_sysroot::{
    ArchiveSource, Candidate, Change, FrameSource, OpenArchive, Plan, PlanError, Sysroot, Trust,
    Vouch,
};

/// An archive of a repository cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    /// What was fetched is not what the index names.
    #[error("the head of {package} cannot be used")]
    Head {
        /// The package.
        package: PackageId,
        /// Why.
        #[source]
        source: igos_format::archive::ReadArchiveError,
    },
    /// What was fetched cannot be read again.
    #[error("the head of {package} cannot be read")]
    Read {
        /// The package.
        package: PackageId,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not what the index says, or nobody who is trusted signed it.
    #[error("{package} is not installed on the word of its repository")]
    Offer {
        /// The package.
        package: PackageId,
        /// Why.
        #[source]
        source: VerifyOfferError,
    },
}

impl Explain for RemoteError {
    fn code(&self) -> &'static str {
        match self {
            RemoteError::Head { source, .. } => source.code(),
            RemoteError::Read { .. } => "archive-head-unreadable",
            RemoteError::Offer { source, .. } => source.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            RemoteError::Head { source, .. } => source.hints(),
            RemoteError::Offer { source, .. } => source.hints(),
            RemoteError::Read { .. } => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            RemoteError::Head { .. } | RemoteError::Offer { .. } => 1,
            RemoteError::Read { .. } => 4,
        }
    }
}

/// What is at hand of one archive of a repository.
#[derive(Debug)]
struct Chosen {
    fetched: FetchedHead,
    head: Head,
}

/// Archives of repositories that were chosen, with their heads.
#[derive(Debug, Default)]
pub(crate) struct Remote {
    client: Option<RepositoryClient>,
    chosen: BTreeMap<Sha256, Chosen>,
    candidates: Vec<Candidate>,
}

impl Remote {
    /// Fetches the heads of what was chosen, and verifies who vouches for each.
    pub(crate) fn fetch_heads(
        client: RepositoryClient,
        catalogue: &Catalogue,
        chosen: &[Offered],
        reporter: &dyn Reporter,
    ) -> Result<Self, Vec<Diagnostic>> {
        let wanted: Vec<WantedArchive> = chosen
            .iter()
            .map(|offered| WantedArchive::of(&offered.repository, &offered.entry))
            .collect();
        let mut remote = Remote::default();
        let mut errors = Vec::new();
        let results = client.fetch_heads(&wanted, reporter);
        for (offered, result) in chosen.iter().zip(results) {
            match result {
                Ok(fetched) => {
                    if let Err(error) = remote.add(catalogue, offered, fetched) {
                        errors.push(diagnose(&error));
                    }
                }
                Err(error) => errors.push(diagnose(&error)),
            }
        }
        remote.client = Some(client);
        if errors.is_empty() {
            Ok(remote)
        } else {
            Err(errors)
        }
    }

    fn add(
        &mut self,
        catalogue: &Catalogue,
        offered: &Offered,
        fetched: FetchedHead,
    ) -> Result<(), RemoteError> {
        let entry = &offered.entry;
        let package = || entry.package.clone();
        let file = fetched.open().map_err(|source| RemoteError::Read {
            package: package(),
            source,
        })?;
        let head = Head::read(file).map_err(|source| RemoteError::Head {
            package: package(),
            source,
        })?;
        let opened = catalogue.repository(&offered.repository);
        let keys = opened.map(|opened| opened.seal_keys().clone());
        let signature = verify_offer(entry, &head, &keys.unwrap_or_default());
        let signature = signature.map_err(|source| RemoteError::Offer {
            package: package(),
            source,
        })?;
        let vouch = Vouch {
            trust: Trust::Key(signature.key.to_string()),
            signature: Some(signature.clone()),
            repository: Some(offered.repository.clone()),
        };
        self.candidates.push(Candidate::of(&head, vouch));
        self.chosen.insert(entry.seal, Chosen { fetched, head });
        Ok(())
    }

    /// Returns what was chosen.
    pub(crate) fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Returns how many bytes the archives have that a plan needs; parts that are in the root need not be fetched.
    pub(crate) fn archive_bytes(&self, plan: &Plan) -> u64 {
        let seals = plan.changes.iter().filter_map(|change| change.seal);
        let chosen = seals.filter_map(|seal| self.chosen.get(&seal));
        chosen
            .map(|chosen| chosen.fetched.wanted().location.size_bytes)
            .sum()
    }

    /// Returns what to fetch for a plan, and which contents are not in the root.
    pub(crate) fn missing(&self, sysroot: &Sysroot, plan: &Plan) -> Result<Missing, PlanError> {
        let mut missing = Missing::default();
        for change in &plan.changes {
            let Some(chosen) = change.seal.and_then(|seal| self.chosen.get(&seal)) else {
                continue;
            };
            let needed = sysroot.frames_needed(plan, change, &chosen.head)?;
            for entry in &chosen.head.manifest().entries {
                if let (EntryKind::File { sha256, .. }, Some((_, frame))) =
                    (&entry.kind, chosen.head.locate(&entry.path))
                    && needed.contains(&frame)
                {
                    missing.contents.insert(*sha256);
                }
            }
            missing.jobs.push(ArchiveJob::Parts(chosen.fetched.clone()));
        }
        Ok(missing)
    }

    /// Deletes the heads and parts of archives that a plan was carried out with; whole archives stay in the cache.
    pub(crate) fn forget(&self, missing: &Missing) -> Result<(), CacheError> {
        let Some(client) = &self.client else {
            return Ok(());
        };
        let wanted: Vec<WantedArchive> = missing
            .jobs
            .iter()
            .map(|job| job.wanted().clone())
            .collect();
        client.forget_parts(&wanted)
    }

    /// Does some work while archives are fetched; what it opens, it waits for.
    pub(crate) fn while_fetching<T>(
        &self,
        missing: &Missing,
        local: &OpenArchive<'_>,
        reporter: &dyn Reporter,
        work: impl FnOnce(&OpenArchive<'_>) -> T,
    ) -> T {
        let Some(client) = self.client.as_ref().filter(|_| !missing.jobs.is_empty()) else {
            return work(local);
        };
        let is_on_disk = |sha256: &Sha256| !missing.contents.contains(sha256);
        client.in_background(&missing.jobs, &is_on_disk, reporter, |downloads| {
            work(&|change: &Change| match &change.seal {
                Some(seal) if self.chosen.contains_key(seal) => opened(downloads, seal),
                _ => local(change),
            })
        })
    }
}

/// What a plan needs of repositories.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    jobs: Vec<ArchiveJob>,
    contents: HashSet<Sha256>,
}

impl Missing {
    /// Returns the same with whole archives, for when the root turned out to have less than its record says.
    pub(crate) fn whole(&self) -> Self {
        let jobs = self.jobs.iter().map(|job| match job {
            ArchiveJob::Parts(head) => ArchiveJob::Whole(head.wanted().clone()),
            ArchiveJob::Whole(wanted) => ArchiveJob::Whole(wanted.clone()),
        });
        Missing {
            jobs: jobs.collect(),
            contents: self.contents.clone(),
        }
    }

    /// Tells whether anything comes from repositories.
    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }
}

fn opened(downloads: &Downloads, seal: &Sha256) -> io::Result<ArchiveSource> {
    match downloads.wait_for(seal) {
        Some(Ok(FetchedArchive::Whole(whole))) => Ok(ArchiveSource::Whole(Box::new(
            fs::File::from_parts(whole.open()?, whole.path()),
        ))),
        Some(Ok(FetchedArchive::Frames(frames))) => {
            Ok(ArchiveSource::Frames(Box::new(Frames(frames))))
        }
        Some(Err(error)) => Err(io::Error::other(error)),
        None => Err(io::Error::other(format!(
            "the archive with seal {seal} was handed out already"
        ))),
    }
}

/// Frames that were fetched, as the root wants them.
struct Frames(igos_repo::repository::FetchedFrames);

impl FrameSource for Frames {
    fn head(&self) -> &Head {
        self.0.head()
    }

    fn frame(&self, frame: usize) -> io::Result<Option<Box<dyn io::Read + '_>>> {
        Ok(self
            .0
            .frame(frame)
            .map(|bytes| Box::new(bytes) as Box<dyn io::Read>))
    }
}

//! `pkm adopt` and `pkm import`: packages whose files are on disk already.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use fs_err as fs;
use igos_cli::{Exit, Failure, Render};
use igos_format::archive::{Head, ReadArchiveError};
use igos_format::manifest::ManifestError;
use igos_format::{PackageName, Sha256};
use igos_report::Explain;
use igos_sysroot::{Adoption, Applied, Finding, Ownership, Plan, Unmanaged, Vouch};
use serde::Serialize;

use super::Context;
use super::context::Begin;
use super::plan;
use super::plan_why::Grounds;
use super::repair::archives_of;
use super::target::{self, Target};
use crate::archives::{ArchiveFile, Archives};

/// Longest text manifest, in bytes.
const MANIFEST_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Take up packages whose files are on disk already
///
/// Every path of the archive is compared with the disk. A package of which one differs is reported and not taken up;
/// configuration files may differ and count as edited. Nothing outside the record is written; links of alternatives that are
/// not there yet are found by `pkm verify` and made by `pkm repair`. Ends with 1 if a package was not taken up.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm --root /mnt/target adopt ./zlib-1.3.1-1.x86_64.igos.tar.zst --allow-unsigned\n  pkm adopt --archives ./archives zlib make --allow-unsigned"
)]
pub(super) struct Adopt {
    /// Archives, or names of packages in the directories given with --archives or in the settings
    #[arg(value_name = "NAME|ARCHIVE", required = true)]
    targets: Vec<OsString>,
    /// Look for archives in this directory; can be given several times
    #[arg(long, value_name = "DIR")]
    archives: Vec<PathBuf>,
    /// Accept archives that nobody signed; the history of the root says so
    #[arg(long)]
    allow_unsigned: bool,
}

/// Take up packages that text manifests describe: for roots that were made by other means
///
/// Every file of DIR is a manifest. Every path is compared with the disk, as `pkm adopt` does. Nobody vouches for a
/// text manifest, so --allow-unsigned is needed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm --root /mnt/target import ./manifests --allow-unsigned")]
pub(super) struct Import {
    /// Directory of text manifests
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Accept that nobody vouches for the files; the history of the root says so
    #[arg(long)]
    allow_unsigned: bool,
}

/// What is to be taken up cannot be read.
#[derive(Debug, thiserror::Error)]
enum OfferError {
    /// A file cannot be read; the cause names it.
    #[error("cannot read what is to be taken up")]
    Read(#[source] io::Error),
    /// A file is not an archive.
    #[error("cannot use archive {}", file.display())]
    Archive {
        file: PathBuf,
        #[source]
        source: ReadArchiveError,
    },
    /// A file is not a manifest.
    #[error("cannot use manifest {}", file.display())]
    Manifest {
        file: PathBuf,
        #[source]
        source: ManifestError,
    },
    /// No archive of this name is at hand.
    #[error("there is no archive of {name} among those given")]
    NoArchive { name: PackageName },
    /// Nobody vouches for it.
    #[error("nobody vouches for {name}")]
    Unsigned { name: PackageName },
}

impl Explain for OfferError {
    fn code(&self) -> &'static str {
        match self {
            OfferError::Read(_) => "archives-unreadable",
            OfferError::Archive { source, .. } => source.code(),
            OfferError::Manifest { source, .. } => source.code(),
            OfferError::NoArchive { .. } => "no-candidate",
            OfferError::Unsigned { .. } => "archive-unsigned",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            OfferError::Unsigned { .. } => {
                vec!["accept it, which is recorded, with `--allow-unsigned`".to_owned()]
            }
            OfferError::NoArchive { .. } => {
                vec!["name the directory that has it with `--archives`".to_owned()]
            }
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            OfferError::Read(_) => 4,
            OfferError::Archive { source, .. } => source.exit_code(),
            _ => 1,
        }
    }
}

impl Adopt {
    pub(super) fn run(self, context: &Context<'_>) -> Result<AdoptAnswer, Failure> {
        let archives = archives_of(&self.archives, context)?;
        let mut offers = Vec::new();
        for target in &self.targets {
            let offer = offer(target, &archives)?;
            if !self.allow_unsigned {
                let name = offer.name().clone();
                return Err(OfferError::Unsigned { name }.into());
            }
            offers.push(offer);
        }
        take_up(&offers, context)
    }
}

impl Import {
    pub(super) fn run(self, context: &Context<'_>) -> Result<AdoptAnswer, Failure> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(OfferError::Read)? {
            let path = entry.map_err(OfferError::Read)?.path();
            if path.is_file() {
                files.push(path);
            }
        }
        files.sort();
        let mut offers = Vec::new();
        for file in files {
            let offer = described(&file)?;
            if !self.allow_unsigned {
                let name = offer.name().clone();
                return Err(OfferError::Unsigned { name }.into());
            }
            offers.push(offer);
        }
        take_up(&offers, context)
    }
}

fn described(file: &Path) -> Result<Adoption, OfferError> {
    let mut bytes = Vec::new();
    fs::File::open(file)
        .and_then(|file| file.take(MANIFEST_MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(OfferError::Read)?;
    Adoption::of_manifest(&bytes).map_err(|source| OfferError::Manifest {
        file: file.to_owned(),
        source,
    })
}

fn offer(target: &OsStr, archives: &Archives) -> Result<Adoption, Failure> {
    let file = match Target::of(target)? {
        Target::Path(path) => ArchiveFile::Named(path.to_owned()),
        Target::Name(text) => {
            let name = target::name(text)?;
            let file = archives.file_of(&name);
            file.ok_or(OfferError::NoArchive { name })?
        }
    };
    let opened = file.open().map_err(OfferError::Read)?;
    let head = Head::read(opened).map_err(|source| OfferError::Archive {
        file: file.shown(),
        source,
    })?;
    Ok(Adoption::of(&head, Vouch::unsigned()))
}

fn take_up(offers: &[Adoption], context: &Context<'_>) -> Result<AdoptAnswer, Failure> {
    let sysroot = context.sysroot(Unmanaged::Empty)?;
    let planned = sysroot.plan_adopt(offers, Ownership::of_caller())?;
    drop(sysroot);
    let answer = context.carry_out(planned.plan, &Archives::default(), Begin::Allow)?;
    let (plan, applied) = answer.into_parts();
    let taken = |offer: &&Adoption| {
        let mut changes = plan.changes.iter();
        changes.any(|change| change.package.name == *offer.name())
    };
    let refused = offers.iter().filter(|offer| !taken(offer));
    Ok(AdoptAnswer {
        digest: plan.digest(),
        refused: refused.map(|offer| offer.name().clone()).collect(),
        differences: planned.differences,
        plan,
        applied,
    })
}

/// What was taken up, and where the disk differs.
#[derive(Debug, Serialize)]
pub(super) struct AdoptAnswer {
    digest: Sha256,
    plan: Plan,
    /// Packages that were not taken up.
    refused: Vec<PackageName>,
    differences: Vec<Finding>,
    applied: Option<Applied>,
}

impl Render for AdoptAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for finding in &self.differences {
            let package = finding.package.as_ref().map_or("-", PackageName::as_str);
            writeln!(
                out,
                "/{} of {package}: {}, expected {}, found {}",
                finding.path, finding.what, finding.expected, finding.observed
            )?;
        }
        for name in &self.refused {
            writeln!(out, "{name} is not taken up: its files differ")?;
        }
        if self.plan.is_empty() {
            return writeln!(out, "nothing to do");
        }
        if self.applied.is_none() {
            out.write_str(&plan::text(&self.plan, &Grounds::default(), &[]))?;
            return writeln!(out, "nothing was changed (dry run)");
        }
        for change in &self.plan.changes {
            writeln!(out, "took up {}", change.package)?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.refused.is_empty() {
            Exit::Done
        } else {
            Exit::No
        }
    }
}

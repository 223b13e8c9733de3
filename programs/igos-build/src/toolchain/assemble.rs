//! A toolchain of archives that were built here: what the next stage of a bootstrap builds with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::archive::Head;
use igos_format::manifest::{self, Manifest};
use igos_format::{Arch, EntryKind, PackageName, RelPath, Sha256, installed_bytes};
use igos_report::{Diagnostic, Explain, diagnose};

use super::document::{ARCHIVES, Document};
use super::files::{self, FileError};
use super::{LoadToolchainError, Toolchain, ToolchainArchive};

/// An archive of a build, as it was verified a moment ago.
#[derive(Debug, Clone)]
pub struct BuiltArchive {
    /// The file.
    pub path: PathBuf,
    /// Its digest.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}

/// What a toolchain is made of.
#[derive(Debug)]
pub struct AssembleInput<'a> {
    /// Its name.
    pub name: &'a PackageName,
    /// The machine it runs on.
    pub arch: Arch,
    /// The packages that it has in every case.
    pub packages: &'a BTreeSet<PackageName>,
    /// The archives among which they are, and among which what they need to run is looked for.
    pub archives: &'a [BuiltArchive],
    /// The directory of toolchains; the toolchain gets one of its name in it when it is kept.
    pub toolchains: &'a Path,
}

/// A toolchain that was made and has no name yet: whoever refuses it leaves what the name stands for as it was.
#[derive(Debug)]
pub struct Assembled {
    toolchain: Toolchain,
    document: Document,
    /// Where it lies until it is kept.
    draft: PathBuf,
    /// Where it will be.
    directory: PathBuf,
}

impl Assembled {
    /// Returns it, to be looked at.
    #[must_use]
    pub fn toolchain(&self) -> &Toolchain {
        &self.toolchain
    }

    /// Gives it its name, in place of a toolchain that has it.
    ///
    /// Whoever loads the name sees one of the two, and whole: archives come first, then the document, and what it does not
    /// name goes last.
    ///
    /// # Errors
    ///
    /// Returns what cannot be written.
    pub fn keep(self) -> Result<Toolchain, AssembleToolchainError> {
        let archives = self.directory.join(ARCHIVES);
        fs::create_dir_all(&archives).map_err(FileError::new("make", &archives))?;
        for archive in self.toolchain.archives() {
            let place = archives.join(archive.file_name());
            fs::rename(self.toolchain.path_of(archive), &place)
                .map_err(FileError::new("rename", place))?;
        }
        files::write_document(&self.directory, &self.document)?;
        files::delete_others(&archives, &self.document)?;
        delete_draft(&self.draft)?;
        Ok(Toolchain::load(&self.directory)?)
    }

    /// Deletes it; a toolchain of its name stays.
    ///
    /// # Errors
    ///
    /// Returns what cannot be deleted.
    pub fn discard(self) -> Result<(), AssembleToolchainError> {
        Ok(delete_draft(&self.draft)?)
    }
}

fn delete_draft(draft: &Path) -> Result<(), FileError> {
    match fs::remove_dir_all(draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(FileError::new("delete", draft)(error))
        }
        _ => Ok(()),
    }
}

/// A toolchain could not be made of archives.
#[derive(Debug, thiserror::Error)]
pub enum AssembleToolchainError {
    /// An archive cannot be read.
    #[error("cannot read archive {}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// Why not.
        #[source]
        source: igos_format::archive::ReadArchiveError,
    },
    /// What a package needs to run is not among the archives.
    #[error("the toolchain would lack {}", missing.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "))]
    Incomplete {
        /// The packages that nothing makes, and who needs them.
        missing: Vec<(PackageName, PackageName)>,
    },
    /// Packages have the same path.
    #[error("{} paths of the toolchain belong to more than one package", conflicts.len())]
    Conflicts {
        /// The paths and who has them.
        conflicts: Vec<(RelPath, [String; 2])>,
    },
    /// A file of the toolchain's directory could not be made.
    #[error(transparent)]
    File(#[from] FileError),
    /// It was made and cannot be loaded.
    #[error("cannot load what was made")]
    Load(#[from] LoadToolchainError),
}

impl Explain for AssembleToolchainError {
    fn code(&self) -> &'static str {
        match self {
            AssembleToolchainError::Archive { source, .. } => source.code(),
            AssembleToolchainError::Incomplete { .. } => "toolchain-incomplete",
            AssembleToolchainError::Conflicts { .. } => "toolchain-path-conflict",
            AssembleToolchainError::File(_) => "toolchain-unwritable",
            AssembleToolchainError::Load(error) => error.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            AssembleToolchainError::Incomplete { .. } => vec![
                "what the toolchain in use provides is not taken over: write recipes for it".into(),
            ],
            AssembleToolchainError::Conflicts { .. } => {
                vec!["leave one of the packages out, or move paths to outputs of their own".into()]
            }
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            AssembleToolchainError::Archive { source, .. } => source.exit_code(),
            AssembleToolchainError::Incomplete { .. }
            | AssembleToolchainError::Conflicts { .. } => 1,
            AssembleToolchainError::File(_) => 4,
            AssembleToolchainError::Load(error) => error.exit_code(),
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut own = diagnose(self);
        match self {
            AssembleToolchainError::Incomplete { missing } => {
                for (name, by) in missing {
                    own = own.because(format!("{by} needs {name} to run, and no recipe makes it"));
                }
            }
            AssembleToolchainError::Conflicts { conflicts } => {
                for (path, [one, other]) in conflicts {
                    own = own.because(format!("/{path} is in {one} and in {other}"));
                }
            }
            _ => {}
        }
        vec![own]
    }
}

/// Makes a toolchain of packages and everything that they need to run, without giving it its name.
///
/// Equal archives give an equal document.
///
/// # Errors
///
/// Returns what is missing, what does not fit together, or what cannot be written.
pub fn assemble(input: &AssembleInput<'_>) -> Result<Assembled, AssembleToolchainError> {
    let read: Vec<Candidate> = input
        .archives
        .iter()
        .map(Candidate::read)
        .collect::<Result<_, _>>()?;
    let chosen = closure(&read, input.packages)?;
    let conflicts = path_conflicts(chosen.iter().map(|one| &one.manifest));
    if !conflicts.is_empty() {
        return Err(AssembleToolchainError::Conflicts { conflicts });
    }
    // No name of a toolchain begins with a dot.
    let draft = input.toolchains.join(format!(".{}", input.name));
    delete_draft(&draft)?;
    let archives = draft.join(ARCHIVES);
    fs::create_dir_all(&archives).map_err(FileError::new("make", &archives))?;
    let mut listed = Vec::new();
    for one in chosen {
        let archive = one.listed();
        files::copy(&one.archive.path, &archives.join(archive.file_name()))?;
        listed.push(archive);
    }
    let mut inputs = String::from("igos toolchain of built archives 1\n");
    for archive in &listed {
        inputs.push_str(&format!("{} {}\n", archive.name, archive.seal));
    }
    let document = Document::new(
        input.name.clone(),
        input.arch,
        Sha256::of(inputs.as_bytes()),
        listed,
    );
    files::write_document(&draft, &document)?;
    Ok(Assembled {
        toolchain: Toolchain::load(&draft)?,
        document,
        draft,
        directory: input.toolchains.join(input.name.as_str()),
    })
}

/// An archive that may become part of the toolchain.
#[derive(Debug)]
struct Candidate<'a> {
    archive: &'a BuiltArchive,
    seal: Sha256,
    contents: Sha256,
    manifest: Manifest,
}

impl<'a> Candidate<'a> {
    fn read(archive: &'a BuiltArchive) -> Result<Self, AssembleToolchainError> {
        let path = &archive.path;
        let file = fs::File::open(path).map_err(FileError::new("open", path))?;
        let head = Head::read(std::io::BufReader::new(file)).map_err(|source| {
            AssembleToolchainError::Archive {
                path: path.to_owned(),
                source,
            }
        })?;
        Ok(Candidate {
            archive,
            seal: head.seal_digest(),
            contents: manifest::contents_digest(head.manifest_bytes()),
            manifest: Manifest::clone(head.manifest()),
        })
    }

    fn listed(&self) -> ToolchainArchive {
        let package = &self.manifest.package;
        ToolchainArchive {
            name: package.name.clone(),
            version: package.full_version(),
            arch: package.arch,
            seal: self.seal,
            contents: self.contents,
            size: self.archive.size,
            sha256: self.archive.sha256,
            installed_size: installed_bytes(&self.manifest.entries),
            origin: None,
        }
    }

    fn answers_to(&self, name: &PackageName) -> bool {
        let package = &self.manifest.package.name;
        package == name || self.manifest.provides.iter().any(|one| one.name == *name)
    }
}

/// Returns the packages and everything that they need to run, sorted by name.
fn closure<'a>(
    archives: &'a [Candidate<'a>],
    packages: &BTreeSet<PackageName>,
) -> Result<Vec<&'a Candidate<'a>>, AssembleToolchainError> {
    let mut chosen: BTreeMap<&PackageName, &Candidate<'_>> = BTreeMap::new();
    let mut missing = Vec::new();
    let mut pending: Vec<(PackageName, PackageName)> = packages
        .iter()
        .map(|name| (name.clone(), name.clone()))
        .collect();
    while let Some((name, by)) = pending.pop() {
        let own = archives
            .iter()
            .find(|one| one.manifest.package.name == name);
        let Some(one) = own.or_else(|| archives.iter().find(|one| one.answers_to(&name))) else {
            missing.push((name, by));
            continue;
        };
        let package = &one.manifest.package.name;
        if chosen.insert(package, one).is_none() {
            let needed = one.manifest.depends.iter();
            pending.extend(needed.map(|needed| (needed.name.clone(), package.clone())));
        }
    }
    if !missing.is_empty() {
        missing.sort();
        return Err(AssembleToolchainError::Incomplete { missing });
    }
    Ok(chosen.into_values().collect())
}

/// Returns the paths that several packages have, unless all have a directory there, and two of these packages.
pub(super) fn path_conflicts<'a>(
    packages: impl IntoIterator<Item = &'a Manifest>,
) -> Vec<(RelPath, [String; 2])> {
    let mut paths = BTreeMap::new();
    let mut conflicts = Vec::new();
    for manifest in packages {
        for entry in &manifest.entries {
            let before = paths.insert(&entry.path, (manifest, entry));
            if let Some((other, there)) = before
                && (there.kind != EntryKind::Directory || entry.kind != EntryKind::Directory)
            {
                let names = [
                    other.package.name.to_string(),
                    manifest.package.name.to_string(),
                ];
                conflicts.push((entry.path.clone(), names));
            }
        }
    }
    conflicts
}

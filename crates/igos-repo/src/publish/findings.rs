//! What can be inconsistent about the packages of a repository.

use std::path::PathBuf;

use igos_format::declaration::Feature;
use igos_format::manifest::Origin;
use igos_format::{Arch, Dependency, PackageId, RelPath, Sha256};
use igos_report::Diagnostic;

/// One reason why a set of packages is not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// Two archives are of the same version and not the same package.
    #[error("{} and {} are both {package} for {}, with seals {} and {}", archives[0].0.display(), archives[1].0.display(), package.arch, archives[0].1, archives[1].1)]
    SameVersion {
        /// The package.
        package: PackageId,
        /// Both archives, with their seals.
        archives: [(PathBuf, Sha256); 2],
    },
    /// The repository has another package of that version already.
    #[error("{package} for {} is published with seal {published}, {} has {seal}", package.arch, archive.display())]
    VersionPublished {
        /// The package.
        package: PackageId,
        /// The archive.
        archive: PathBuf,
        /// Its seal.
        seal: Sha256,
        /// The published one's.
        published: Sha256,
    },
    /// The repository has a newer version.
    #[error("{package} is older than {published}, which is published")]
    GoesBackwards {
        /// The package.
        package: PackageId,
        /// The published one.
        published: PackageId,
    },
    /// The name of an archive's file is that of another package.
    #[error("{} holds another package than its name says: {}", archive.display(), package.file_stem())]
    OtherName {
        /// The archive.
        archive: PathBuf,
        /// What it holds.
        package: PackageId,
    },
    /// The repository says something else about a package than its archive.
    #[error("{} holds {package} for {}, the index says {published} for {}", archive.display(), package.arch, published.arch)]
    IndexDiffers {
        /// The archive.
        archive: PathBuf,
        /// What it holds.
        package: PackageId,
        /// What the index says.
        published: PackageId,
    },
    /// A package was made in a way that the publisher did not allow.
    #[error("{package} was {}", unusual(*origin))]
    Origin {
        /// The package.
        package: PackageId,
        /// How it was made.
        origin: Origin,
    },
    /// Nothing satisfies a dependency.
    #[error("{package} for {} needs {dependency}, {}", package.arch, offered(found))]
    NoProvider {
        /// The package.
        package: PackageId,
        /// What it needs.
        dependency: Dependency,
        /// Versions of that name that there are.
        found: Vec<PackageId>,
    },
    /// No package has what others need.
    #[error(
        "{feature} for {arch} is in no package; it is needed by {}",
        listed(packages)
    )]
    NoFeature {
        /// What they need.
        feature: Feature,
        /// The packages that do.
        packages: Vec<PackageId>,
        /// For which machine.
        arch: Arch,
    },
    /// A path is a directory in one package and something else in another, and both can be installed together.
    #[error("{path} is a directory in {directory} and not in {file}")]
    FileAndDirectory {
        /// The path.
        path: RelPath,
        /// The package in which it is a directory.
        directory: PackageId,
        /// The package in which it is not.
        file: PackageId,
    },
    /// Two packages that can be installed together have one path.
    #[error("{path} is in {} and in {}", packages[0], packages[1])]
    SamePath {
        /// The path.
        path: RelPath,
        /// Both.
        packages: [PackageId; 2],
    },
}

impl Finding {
    /// Tells whether rebuilding packages that are not at hand yet can mend it: then archives can wait in the staging
    /// area.
    #[must_use]
    pub fn can_wait(&self) -> bool {
        use igos_format::declaration::FeatureKind::Soname;
        matches!(self, Finding::NoFeature { feature, .. } if feature.kind == Soname)
    }

    fn code(&self) -> &'static str {
        match self {
            Finding::SameVersion { .. } => "publish-same-version",
            Finding::VersionPublished { .. } => "publish-version-published",
            Finding::GoesBackwards { .. } => "publish-goes-backwards",
            Finding::OtherName { .. } => "publish-other-name",
            Finding::IndexDiffers { .. } => "publish-index-differs",
            Finding::Origin {
                origin: Origin::Imported,
                ..
            } => "publish-imported",
            Finding::Origin { .. } => "publish-weakened",
            Finding::NoProvider { .. } => "publish-no-provider",
            Finding::NoFeature { .. } if self.can_wait() => "publish-no-soname",
            Finding::NoFeature { .. } => "publish-no-feature",
            Finding::FileAndDirectory { .. } => "publish-file-and-directory",
            Finding::SamePath { .. } => "publish-same-path",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Finding::SameVersion { .. } | Finding::VersionPublished { .. } => {
                vec!["raise `release` of the recipe and build it again".to_owned()]
            }
            Finding::GoesBackwards { .. } => {
                vec!["if it is meant, `--allow-backwards`; better raise `epoch`".to_owned()]
            }
            Finding::OtherName { .. } => vec!["give the file its own name again".to_owned()],
            Finding::IndexDiffers { .. } => Vec::new(),
            Finding::Origin { origin, .. } => vec![match origin {
                Origin::Imported => "if it is meant, `--allow-imported`".to_owned(),
                _ => "build it in the sandbox, or `--allow-weakened`".to_owned(),
            }],
            Finding::NoProvider { .. } => {
                vec!["publish it together with what it needs".to_owned()]
            }
            Finding::NoFeature { packages, .. } if self.can_wait() => {
                let names: Vec<_> = packages.iter().map(|p| p.name.to_string()).collect();
                vec![
                    format!("rebuild: {}", names.join(" ")),
                    "collect archives until all are rebuilt: `--staging`".to_owned(),
                ]
            }
            Finding::NoFeature { .. } => vec!["publish it together with what it needs".to_owned()],
            Finding::FileAndDirectory { .. } | Finding::SamePath { .. } => {
                vec!["let one of them declare `supersedes` or `conflicts`".to_owned()]
            }
        }
    }

    /// Returns what is told about it.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let start = Diagnostic::error(self.code(), self.to_string());
        self.hints().into_iter().fold(start, Diagnostic::hint)
    }
}

/// Returns packages as a list in words.
fn listed(packages: &[PackageId]) -> String {
    let packages: Vec<String> = packages.iter().map(ToString::to_string).collect();
    packages.join(", ")
}

/// Says what there is of a name that is needed.
fn offered(found: &[PackageId]) -> String {
    match found {
        [] => "which nothing in the repository is".to_owned(),
        _ => format!("the repository has {}", listed(found)),
    }
}

/// Says what is unusual about an origin.
fn unusual(origin: Origin) -> &'static str {
    match origin {
        Origin::Imported => "imported from another distribution",
        _ => "built with something weakened; its provenance says what",
    }
}

//! What can be inconsistent about the packages of a repository.

use std::fmt;
use std::path::PathBuf;

use igos_format::declaration::Feature;
use igos_format::manifest::Origin;
use igos_format::{Arch, Dependency, PackageId, RelPath, Sha256};
use igos_report::Diagnostic;

/// One reason why a set of packages is not published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Two archives are of the same version and not the same package.
    SameVersion {
        /// The package.
        package: PackageId,
        /// Both archives, with their seals.
        archives: [(PathBuf, Sha256); 2],
    },
    /// The repository has another package of that version already.
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
    GoesBackwards {
        /// The package.
        package: PackageId,
        /// The published one.
        published: PackageId,
    },
    /// The name of an archive's file is that of another package.
    OtherName {
        /// The archive.
        archive: PathBuf,
        /// What it holds.
        package: PackageId,
    },
    /// The repository says something else about a package than its archive.
    IndexDiffers {
        /// The archive.
        archive: PathBuf,
        /// What it holds.
        package: PackageId,
        /// What the index says.
        published: PackageId,
    },
    /// A package was made in a way that the publisher did not allow.
    Origin {
        /// The package.
        package: PackageId,
        /// How it was made.
        origin: Origin,
    },
    /// Nothing satisfies a dependency.
    NoProvider {
        /// The package.
        package: PackageId,
        /// What it needs.
        dependency: Dependency,
        /// Versions of that name that there are.
        found: Vec<PackageId>,
    },
    /// No package has what others need.
    NoFeature {
        /// What they need.
        feature: Feature,
        /// The packages that do.
        packages: Vec<PackageId>,
        /// For which machine.
        arch: Arch,
    },
    /// Two packages that can be installed together have one path.
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
            Finding::SamePath { .. } => {
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

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::SameVersion {
                package,
                archives: [(one, first), (other, second)],
            } => write!(
                f,
                "{} and {} are both {package} for {}, with seals {first} and {second}",
                one.display(),
                other.display(),
                package.arch
            ),
            Finding::VersionPublished {
                package,
                archive,
                seal,
                published,
            } => write!(
                f,
                "{package} for {} is published with seal {published}, {} has {seal}",
                package.arch,
                archive.display()
            ),
            Finding::GoesBackwards { package, published } => {
                write!(f, "{package} is older than {published}, which is published")
            }
            Finding::OtherName { archive, package } => {
                let (file, stem) = (archive.display(), package.file_stem());
                write!(f, "{file} holds another package than its name says: {stem}")
            }
            Finding::IndexDiffers {
                archive,
                package,
                published,
            } => write!(
                f,
                "{} holds {package} for {}, the index says {published} for {}",
                archive.display(),
                package.arch,
                published.arch
            ),
            Finding::Origin { package, origin } => match origin {
                Origin::Imported => {
                    write!(f, "{package} was imported from another distribution")
                }
                _ => write!(
                    f,
                    "{package} was built with something weakened; its provenance says what"
                ),
            },
            Finding::NoProvider {
                package,
                dependency,
                found,
            } => {
                write!(f, "{package} for {} needs {dependency}, ", package.arch)?;
                if found.is_empty() {
                    return f.write_str("which nothing in the repository is");
                }
                let found: Vec<_> = found.iter().map(ToString::to_string).collect();
                write!(f, "the repository has {}", found.join(", "))
            }
            Finding::NoFeature {
                feature,
                packages,
                arch,
            } => {
                let names: Vec<_> = packages.iter().map(ToString::to_string).collect();
                let names = names.join(", ");
                write!(
                    f,
                    "{feature} for {arch} is in no package; it is needed by {names}"
                )
            }
            Finding::SamePath {
                path,
                packages: [one, other],
            } => write!(f, "{path} is in {one} and in {other}"),
        }
    }
}

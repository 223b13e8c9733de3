//! Why there is no plan.

use igos_format::{
    Arch, Dependency, PackageId, PackageName, RelPath, Sha256, declaration::Feature,
};
use igos_report::{Diagnostic, Explain, diagnose};
use igos_root::{Kind, RootError};

use crate::{
    DatabaseError, HookPlanError, QueryError, RecordError, StateTextError, UnknownRecords,
};

/// Something a package needs and nothing offers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    /// A package or provided name.
    #[error(
        "{package} needs {dependency}, which is neither installed nor among the archives given"
    )]
    Dependency {
        /// Who needs it.
        package: PackageName,
        /// What it needs.
        dependency: Dependency,
    },
    /// A library, module or file.
    #[error("{package} needs {feature}, which nothing installed or among the archives given has")]
    Feature {
        /// Who needs it.
        package: PackageName,
        /// What it needs.
        feature: Feature,
    },
}

impl Explain for Lack {
    fn code(&self) -> &'static str {
        match self {
            Lack::Dependency { .. } => "dependency-missing",
            Lack::Feature { .. } => "feature-missing",
        }
    }

    fn hints(&self) -> Vec<String> {
        vec!["name an archive that has it, or the directory of archives that holds one".to_owned()]
    }

    fn exit_code(&self) -> u8 {
        1
    }
}

/// Something in the way of a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// A path belongs to another package.
    #[error("cannot install {package}: {path} is owned by {owner}")]
    Owned {
        /// The package that brings it.
        package: PackageName,
        /// The path.
        path: RelPath,
        /// The package that has it.
        owner: PackageName,
    },
    /// Two packages of the plan bring the same path.
    #[error("cannot install {package} and {other} together: both bring {path}")]
    Both {
        /// One.
        package: PackageName,
        /// The other.
        other: PackageName,
        /// The path.
        path: RelPath,
    },
    /// A path is there, differs, and nobody owns it.
    #[error("cannot install {package}: {path} exists, differs, and no package owns it")]
    Unowned {
        /// The package that brings it.
        package: PackageName,
        /// The path.
        path: RelPath,
    },
    /// Something of another kind is in the way.
    #[error("cannot install {package}: {path} is a {found}, the package has a {expected}")]
    Kind {
        /// The package that brings it.
        package: PackageName,
        /// The path.
        path: RelPath,
        /// What is there.
        found: Kind,
        /// What the package has.
        expected: Kind,
    },
    /// A directory on the way to a path is a symbolic link that is not followed.
    #[error(
        "cannot install {package}: {directory} on the way to {path} is a {found}, not a directory"
    )]
    Parent {
        /// The package that brings it.
        package: PackageName,
        /// The path.
        path: RelPath,
        /// What should be a directory.
        directory: RelPath,
        /// What it is.
        found: Kind,
    },
    /// A directory that is to become something else holds things that stay.
    #[error(
        "cannot install {package}: directory {path} would become a {expected} but holds {inside}"
    )]
    DirectoryInUse {
        /// The package that brings it.
        package: PackageName,
        /// The directory.
        path: RelPath,
        /// What it would become.
        expected: Kind,
        /// Something in it that stays.
        inside: String,
    },
    /// Two packages declare that they cannot be installed together.
    #[error("{package} cannot be installed beside {other}: it declares the conflict {declared}")]
    Declared {
        /// Who declares it.
        package: PackageName,
        /// The other.
        other: PackageName,
        /// The declaration.
        declared: Dependency,
    },
    /// A path is another one to the disk.
    #[error(
        "cannot install {package}: the disk takes {} and {} for one name",
        path.as_bytes().escape_ascii(),
        other.as_bytes().escape_ascii()
    )]
    Folded {
        /// The package that brings it.
        package: PackageName,
        /// The path.
        path: RelPath,
        /// What is there, or what the record calls it.
        other: RelPath,
        /// A package that has it.
        owner: Option<PackageName>,
    },
    /// A path belongs to the package manager.
    #[error(
        "cannot install {package}: {path} leads to {place}, which belongs to the package manager"
    )]
    Reserved {
        /// The package that brings it.
        package: PackageName,
        /// The path.
        path: RelPath,
        /// Where it leads.
        place: RelPath,
    },
}

impl Explain for Conflict {
    fn code(&self) -> &'static str {
        match self {
            Conflict::Owned { .. } => "file-owned",
            Conflict::Both { .. } => "file-in-two-packages",
            Conflict::Unowned { .. } => "file-unowned",
            Conflict::Kind { .. } => "file-kind",
            Conflict::Parent { .. } => "directory-replaced",
            Conflict::DirectoryInUse { .. } => "directory-in-use",
            Conflict::Declared { .. } => "package-conflict",
            Conflict::Folded { .. } => "file-name-folded",
            Conflict::Reserved { .. } => "path-reserved",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Conflict::Owned { package, owner, .. } => vec![
                format!("remove it first: `pkm remove {owner}`"),
                format!("or ask the packager to declare that {package} supersedes {owner}"),
            ],
            Conflict::Both { package, other, .. } => {
                vec![format!("install one of {package} and {other}")]
            }
            Conflict::Unowned { .. } => vec![
                "move it away, or keep it beside as `.pkmold` with `--overwrite-unowned`"
                    .to_owned(),
            ],
            Conflict::Parent { directory, .. } => {
                vec![format!(
                    "make {directory} a directory again, or mount the other place there"
                )]
            }
            Conflict::Declared { other, .. } => {
                vec![format!("remove it first: `pkm remove {other}`")]
            }
            Conflict::Kind { path, .. } | Conflict::DirectoryInUse { path, .. } => {
                vec![format!("move {path} away")]
            }
            Conflict::Folded { other, owner, .. } => vec![match owner {
                Some(owner) => format!("remove it first: `pkm remove {owner}`"),
                None => format!("move {other} away"),
            }],
            Conflict::Reserved { .. } => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        1
    }
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Records of installed packages cannot be used.
    #[error("what is installed is not known well enough to plan anything")]
    Unknown {
        /// The packages.
        #[source]
        unknown: UnknownRecords,
    },
    /// What packages declare besides files cannot be carried out.
    #[error(transparent)]
    Hooks {
        /// Why.
        source: HookPlanError,
    },
    /// An exact request names a seal that no candidate has.
    #[error("no archive with seal {seal} was given")]
    NoSeal {
        /// The seal.
        seal: Sha256,
    },
    /// An exact request says two things about one package.
    #[error("{name} would be installed twice, or installed and removed, in one transaction")]
    Twice {
        /// The package.
        name: PackageName,
    },
    /// Something of the running kernel would go.
    #[error("{name} has /{path} of kernel {release}, which is running")]
    RunningKernel {
        /// The package.
        name: PackageName,
        /// The kernel's release.
        release: String,
        /// The first path of it that would go.
        path: RelPath,
    },
    /// A package is for another machine.
    #[error("{package} is for {found}, this root is for {expected}")]
    Arch {
        /// The package.
        package: PackageId,
        /// Its machine.
        found: Arch,
        /// The root's.
        expected: Arch,
    },
    /// An archive is not signed.
    #[error("archive of {package} is not signed")]
    Unsigned {
        /// The package.
        package: PackageId,
    },
    /// A newer version is installed.
    #[error("{installed} is installed, which is newer than {package}")]
    Downgrade {
        /// What would be installed.
        package: PackageId,
        /// What is.
        installed: PackageId,
    },
    /// Something needed is nowhere.
    #[error("{} of the packages cannot be installed: something they need is missing", .0.len())]
    Lacking(Vec<Lack>),
    /// Packages that stay need what would go.
    #[error("{} of the installed packages would lack something they need", .0.len())]
    Breaks(Vec<Lack>),
    /// Things are in the way.
    #[error("the packages cannot be installed: {} conflicts", .0.len())]
    Conflicts(Vec<Conflict>),
    /// A package that is to go is not installed.
    #[error("{name} is not installed")]
    NotInstalled {
        /// The name.
        name: PackageName,
    },
    /// Packages that stay need one that is to go.
    #[error("cannot remove {name}: {} need it", list(.dependants))]
    Needed {
        /// What is to go.
        name: PackageName,
        /// Who needs it.
        dependants: Vec<PackageName>,
    },
    /// An essential package is to go.
    #[error("cannot remove {name}: it is essential")]
    Essential {
        /// The name.
        name: PackageName,
    },
    /// The record of a package that takes part is damaged.
    #[error("the record of {name} is damaged")]
    Record {
        /// The package.
        name: PackageName,
        /// How.
        #[source]
        source: RecordError,
    },
    /// A package does not offer to serve a path.
    #[error("nothing serves {path} as asked")]
    NotOffered {
        /// The path.
        path: RelPath,
        /// The packages that do.
        offered: Vec<PackageName>,
    },
    /// No installed package has a service of this name that could be enabled.
    #[error("no installed package has a service {name} with a file that a service manager starts")]
    NoService {
        /// The service.
        name: PackageName,
    },
    /// Which services there are cannot be found out.
    #[error("cannot plan: the services cannot be found out")]
    Services {
        /// Why.
        #[source]
        source: QueryError,
    },
    /// A text of the root's state cannot be used.
    #[error("cannot plan: a text of the root's state cannot be used")]
    StateText {
        /// Why.
        #[source]
        source: StateTextError,
    },
    /// The disk cannot be read.
    #[error("cannot plan: a path of the root cannot be read")]
    Read {
        /// Why.
        #[source]
        source: RootError,
    },
    /// The database cannot be read.
    #[error("cannot plan: the database cannot be read")]
    Database {
        /// Why.
        #[source]
        source: DatabaseError,
    },
}

fn list(names: &[PackageName]) -> String {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    names.join(", ")
}

impl Explain for PlanError {
    fn code(&self) -> &'static str {
        match self {
            PlanError::Unknown { unknown } => unknown.code(),
            PlanError::NoSeal { .. } => "archive-absent",
            PlanError::Twice { .. } => "request-contradicts-itself",
            PlanError::RunningKernel { .. } => "kernel-running",
            PlanError::Arch { .. } => "wrong-architecture",
            PlanError::Unsigned { .. } => "archive-unsigned",
            PlanError::Downgrade { .. } => "newer-installed",
            PlanError::Lacking(_) => "dependencies-missing",
            PlanError::Breaks(_) => "dependants-broken",
            PlanError::Conflicts(_) => "conflicts",
            PlanError::NotInstalled { .. } => "not-installed",
            PlanError::Needed { .. } => "package-needed",
            PlanError::Essential { .. } => "package-essential",
            PlanError::Record { source, .. } => source.code(),
            PlanError::Read { source } => source.code(),
            PlanError::StateText { source } => source.code(),
            PlanError::NotOffered { .. } => "alternative-not-offered",
            PlanError::NoService { .. } => "service-unknown",
            PlanError::Services { source } => source.code(),
            PlanError::Database { source } => source.code(),
            PlanError::Hooks { source } => source.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            PlanError::Unknown { unknown } => unknown.hints(),
            PlanError::StateText { source } => source.hints(),
            PlanError::Services { source } => source.hints(),
            PlanError::Hooks { source } => source.hints(),
            PlanError::NotOffered { path, offered } if offered.is_empty() => vec![format!(
                "no installed package offers /{path}; see what there is: `pkm alternatives list`"
            )],
            PlanError::NotOffered { offered, .. } => {
                let names: Vec<&str> = offered.iter().map(PackageName::as_str).collect();
                vec![format!("choose one of {}", names.join(", "))]
            }
            PlanError::Unsigned { .. } => {
                vec!["accept it, which is recorded, with `--allow-unsigned`".to_owned()]
            }
            PlanError::RunningKernel { .. } => vec![
                "start another kernel first".to_owned(),
                "or let it go all the same with `--allow-running-kernel`".to_owned(),
            ],
            PlanError::Downgrade { .. } => vec!["go back with `--allow-downgrade`".to_owned()],
            PlanError::Needed { dependants, .. } => {
                let names: Vec<_> = dependants.iter().map(PackageName::as_str).collect();
                vec![format!(
                    "remove them too: `pkm remove … {}`",
                    names.join(" ")
                )]
            }
            PlanError::Essential { .. } => {
                vec!["remove it all the same with `--remove-essential`".to_owned()]
            }
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            PlanError::Unknown { .. }
            | PlanError::Read { .. }
            | PlanError::Database { .. }
            | PlanError::Record { .. }
            | PlanError::StateText { .. } => 4,
            PlanError::Hooks { source } => source.exit_code(),
            _ => 1,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut all = vec![diagnose(self)];
        match self {
            PlanError::Lacking(lacks) | PlanError::Breaks(lacks) => {
                all.extend(lacks.iter().map(|lack| diagnose(lack)));
            }
            PlanError::Conflicts(conflicts) => {
                all.extend(conflicts.iter().map(|conflict| diagnose(conflict)));
            }
            _ => {}
        }
        all
    }
}

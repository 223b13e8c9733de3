//! What a transaction runs and makes besides files: plain data, shown before anybody agrees to it.

use std::fmt;

use igos_format::declaration::HookMoment;
use igos_format::{PackageName, RelPath};
use serde::Serialize;

use super::DropIn;

/// Whether hooks and triggers are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookPolicy {
    /// They are.
    #[default]
    Run,
    /// They are not, because the administrator said so; the history says it too. Users and groups are made.
    Skip,
}

/// Everything that is run and made, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct HookPlan {
    /// Whether hooks and triggers are run.
    pub policy: HookPolicy,
    /// The jobs, in the order in which they are done.
    pub jobs: Vec<Job>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "job")]
pub enum Job {
    /// A group is made, unless the root has one of this name.
    Group(NewGroup),
    /// A user is made, unless the root has one of this name.
    User(NewUser),
    /// What drop-in files declare is made, see [`DropIn`].
    DropIn {
        /// Which kind of files.
        kind: DropIn,
        /// Their names; where they are is found out by precedence when it is done.
        files: Vec<String>,
    },
    /// Directories of packages get the modes and owners that are recorded, which a repair asks for.
    Directories {
        /// Where they are.
        paths: Vec<RelPath>,
    },
    /// A package's hook is run.
    Hook {
        /// The package.
        package: PackageName,
        /// The version that the hook belongs to, as `EPOCH:VERSION-RELEASE`.
        version: String,
        /// What happens to the package: a word of the history.
        operation: String,
        /// When it is run.
        moment: HookMoment,
        /// The program, absolute below the root, and its arguments.
        run: Vec<String>,
    },
    /// A trigger that packages declare is run.
    Trigger {
        /// Its name.
        name: PackageName,
        /// The packages that declare it.
        packages: Vec<PackageName>,
        /// The program, absolute below the root, and its arguments.
        run: Vec<String>,
    },
    /// A trigger of ours is run, see [`super::BUILT_IN`].
    BuiltIn {
        /// Its name.
        name: String,
        /// The program, absolute below the root, and its arguments.
        run: Vec<String>,
    },
}

/// A group to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewGroup {
    /// Its name.
    pub name: PackageName,
    /// Its number.
    pub gid: u32,
}

/// A user to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewUser {
    /// The name.
    pub name: PackageName,
    /// The number.
    pub uid: u32,
    /// The number of the primary group.
    pub gid: u32,
    /// The home directory.
    pub home: String,
    /// The login shell.
    pub shell: String,
    /// What the user is for.
    pub description: String,
}

impl Job {
    /// Returns the program and its arguments; nothing for what our own code does.
    #[must_use]
    pub fn run(&self) -> &[String] {
        match self {
            Job::Group(_) | Job::User(_) | Job::DropIn { .. } | Job::Directories { .. } => &[],
            Job::Hook { run, .. } | Job::Trigger { run, .. } | Job::BuiltIn { run, .. } => run,
        }
    }

    /// Tells whether it comes before anything of the root changes.
    #[must_use]
    pub fn is_before(&self) -> bool {
        matches!(self, Job::Hook { moment, .. } if moment.is_before())
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Job::Group(group) => write!(f, "group {} ({})", group.name, group.gid),
            Job::User(user) => write!(f, "user {} ({})", user.name, user.uid),
            Job::DropIn { kind, files } => {
                write!(f, "{}.d: {}", kind.as_str(), files.join(", "))
            }
            Job::Directories { paths } => {
                let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
                write!(f, "modes and owners of {}", paths.join(", "))
            }
            Job::Hook {
                package, moment, ..
            } => write!(f, "{moment} of {package}"),
            Job::Trigger { name, .. } => write!(f, "trigger {name}"),
            Job::BuiltIn { name, .. } => write!(f, "built-in trigger {name}"),
        }
    }
}

impl HookPlan {
    /// Returns the users and groups to be made, for the owners of new files.
    pub(crate) fn users(&self) -> impl Iterator<Item = &NewUser> {
        self.jobs.iter().filter_map(|job| match job {
            Job::User(user) => Some(user),
            _ => None,
        })
    }

    /// See [`HookPlan::users`].
    pub(crate) fn groups(&self) -> impl Iterator<Item = &NewGroup> {
        self.jobs.iter().filter_map(|job| match job {
            Job::Group(group) => Some(group),
            _ => None,
        })
    }

    /// Tells whether a path, as text, is the program of a hook that `package` wants run before anything changes.
    pub(crate) fn is_program_before(&self, package: &PackageName, path: &str) -> bool {
        self.jobs.iter().any(|job| {
            job.is_before()
                && matches!(job, Job::Hook { package: of, run, .. }
                    if of == package && run.first().is_some_and(|program| program.strip_prefix('/') == Some(path)))
        })
    }

    /// Tells whether any program is run.
    #[must_use]
    pub fn runs_programs(&self) -> bool {
        self.policy == HookPolicy::Run && self.jobs.iter().any(|job| !job.run().is_empty())
    }
}

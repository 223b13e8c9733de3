//! Building once more what the cache has, somewhere else, to see whether the same comes out.
//!
//! The cache gives what the package needs and stays as it is: whatever it has of the package itself is not looked at,
//! and what is made does not go into it.

use igos_format::{PackageName, Sha256};
use igos_report::{Explain, Outcome, Subject, Task, TaskId};

use super::node::Nodes;
use super::run::BuildRun;
use super::standing::Standing;
use crate::cache::{Cache, CachedBuild};
use crate::execute::BuildError;
use crate::plan::{KeyDocument, explain, summarise};

/// The packages of a run, and which of them the cache has.
pub struct Again<'r> {
    nodes: Nodes<'r>,
    standings: Vec<Kept>,
}

/// What the cache has of one package.
enum Kept {
    Here(Box<CachedBuild>),
    /// It has not this one, but everything that it needs.
    Absent(String),
    /// It has not even what the package needs.
    Blocked(String),
}

/// A package was not built once more.
#[derive(Debug, thiserror::Error)]
pub enum AgainError {
    /// The cache lacks it, or something that it needs.
    #[error("cannot build {package} again: {reason}")]
    Absent {
        /// The package.
        package: PackageName,
        /// What is missing, and why.
        reason: String,
    },
    /// What would go into the build is not what went into the archive.
    #[error("{package} cannot be made again from what is here: {reason}")]
    OtherInputs {
        /// The package.
        package: PackageName,
        /// What differs, as far as that is known.
        reason: String,
    },
    /// The build failed.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl Explain for AgainError {
    fn code(&self) -> &'static str {
        match self {
            AgainError::Absent { .. } => "reproduce-absent",
            AgainError::OtherInputs { .. } => "reproduce-other-inputs",
            AgainError::Build(error) => error.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            AgainError::Absent { package, .. } => {
                vec![format!("build it first: `igos-build build {package}`")]
            }
            AgainError::OtherInputs { .. } => vec![
                "name the recipes, the toolchain and the flags that it was built with".to_owned(),
            ],
            AgainError::Build(error) => error.hints(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            // It is not the answer no: nothing was compared.
            AgainError::Absent { .. } | AgainError::OtherInputs { .. } => 4,
            AgainError::Build(error) if error.exit_code() == 1 => 4,
            AgainError::Build(error) => error.exit_code(),
        }
    }

    fn diagnostics(&self) -> Vec<igos_report::Diagnostic> {
        match self {
            AgainError::Build(error) => error.diagnostics(),
            _ => vec![igos_report::diagnose(self)],
        }
    }
}

impl std::fmt::Debug for Again<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Again").finish_non_exhaustive()
    }
}

impl<'r> Again<'r> {
    /// Looks which packages of a run the cache has; their archives are verified.
    ///
    /// # Errors
    ///
    /// Returns what cannot be read.
    pub fn new(run: &'r BuildRun<'r>) -> Result<Self, BuildError> {
        let nodes = Nodes::new(run, TaskId(0));
        let mut standings: Vec<Kept> = Vec::new();
        for (node, needed) in run.graph.edges().iter().enumerate() {
            let name = |node: usize| &run.graph.nodes()[node].entry.recipe.name;
            let lost = needed
                .iter()
                .find(|one| !matches!(standings[**one], Kept::Here(_)));
            let kept = if let Some(fault) = &run.graph.nodes()[node].fault {
                Kept::Blocked(fault.to_string())
            } else if let Some(lost) = lost {
                Kept::Blocked(format!(
                    "it needs {}, which the cache does not have",
                    name(*lost)
                ))
            } else {
                match nodes.standing(node)? {
                    Standing::Cached(build, _) => {
                        nodes.settle(node, build.clone());
                        Kept::Here(Box::new(build))
                    }
                    Standing::Stale(stale) => Kept::Absent(stale.reason),
                }
            };
            standings.push(kept);
        }
        Ok(Again { nodes, standings })
    }

    /// Returns the build of a node that the cache has.
    ///
    /// # Errors
    ///
    /// Returns that it has none, and why.
    pub fn first(&self, node: usize) -> Result<&CachedBuild, AgainError> {
        match &self.standings[node] {
            Kept::Here(build) => Ok(build),
            Kept::Absent(reason) | Kept::Blocked(reason) => Err(AgainError::Absent {
                package: self.name(node).clone(),
                reason: format!("the cache has no build of it, because {reason}"),
            }),
        }
    }

    /// Builds a node once more and puts what it makes into `into`. `key` is that of the build which is repeated.
    ///
    /// # Errors
    ///
    /// Returns that what goes into the build is not the same as then, or that it failed.
    pub fn build(&self, node: usize, key: Sha256, into: &Cache) -> Result<CachedBuild, AgainError> {
        if let Kept::Blocked(reason) = &self.standings[node] {
            return Err(AgainError::Absent {
                package: self.name(node).clone(),
                reason: reason.clone(),
            });
        }
        let subject = Subject::Build(self.name(node).to_string());
        let task = Task::start(self.nodes.run.reporter, None, subject);
        let result = self.build_in(node, key, into, &task);
        task.finish(match &result {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Failed(error.to_string()),
        });
        result
    }

    fn build_in(
        &self,
        node: usize,
        key: Sha256,
        into: &Cache,
        task: &Task<'_>,
    ) -> Result<CachedBuild, AgainError> {
        let inputs = self.nodes.inputs(node, task)?;
        if inputs.document.key() != key {
            return Err(AgainError::OtherInputs {
                package: self.name(node).clone(),
                reason: self.what_differs(node, key, &inputs.document)?,
            });
        }
        let budget = &self.nodes.budget;
        let built = budget.sharing(|| self.nodes.build_from(node, &inputs, into, task));
        built.map_err(|error| AgainError::Build(without_directory(error)))
    }

    /// Says what of the inputs is not as it was, if the cache still knows them.
    fn what_differs(
        &self,
        node: usize,
        key: Sha256,
        now: &KeyDocument,
    ) -> Result<String, BuildError> {
        let last = self.nodes.run.cache.last_key_document(self.name(node))?;
        let of_then = last.filter(|last| Sha256::of(last.as_bytes()) == key);
        Ok(match of_then {
            Some(last) => summarise(&explain(&last, now.text())),
            None => format!(
                "its build would have the key {}, the archive has {key}",
                now.key()
            ),
        })
    }

    fn name(&self, node: usize) -> &'r PackageName {
        &self.nodes.entry(node).recipe.name
    }
}

/// Returns the failure of a build whose directory nobody can look into afterwards.
fn without_directory(error: BuildError) -> BuildError {
    match error {
        BuildError::Step {
            package,
            mut failure,
        } => {
            failure.kept = None;
            BuildError::Step { package, failure }
        }
        other => other,
    }
}

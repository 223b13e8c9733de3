//! What the administrator wants done about a configuration file: plans of one path.

use std::collections::BTreeMap;

use igos_format::{RelPath, Sha256};
use igos_report::Explain;
use igos_root::{Kind, RootError};

use super::{
    ConfigurationState, Found, MERGE_MAX_BYTES, Merged, NotText, backup_name, difference,
    free_name, merge, merge_name, read_pristine, read_text,
};
use crate::plan::marked;
use crate::{
    ChangeAction, Ownership, PathAction, PathChange, Plan, PlanError, QueryError, Sysroot, Was,
    WriteAs, layout,
};

/// What is wanted for a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigurationAnswer {
    /// The package's version takes its place; the present one is kept beside as `NAME.pkmold`.
    Accept,
    /// The present one stays, and this version is not asked about again.
    Reject,
    /// What the package changed is merged into it.
    Merge,
}

/// A configuration file cannot be compared or answered about.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// It cannot be looked up.
    #[error("cannot look up the configuration file")]
    Query {
        /// Why.
        #[source]
        source: QueryError,
    },
    /// It cannot be planned.
    #[error("cannot plan the change of the configuration file")]
    Plan {
        /// Why.
        #[source]
        source: PlanError,
    },
    /// The root cannot be read.
    #[error("the root cannot be read")]
    Read {
        /// Why.
        #[source]
        source: RootError,
    },
    /// No new version waits.
    #[error("no new version of {path} waits for an answer: it is {}", state.as_str())]
    NotPending {
        /// The file.
        path: RelPath,
        /// What became of it.
        state: ConfigurationState,
    },
    /// A version is not there to be compared or taken.
    #[error("{which} of {path} is not there")]
    NoVersion {
        /// The file.
        path: RelPath,
        /// Which version.
        which: &'static str,
    },
    /// It is no text that can be compared line by line.
    #[error("{path} cannot be compared or merged line by line: {reason}")]
    NotText {
        /// The file.
        path: RelPath,
        /// Why.
        reason: NotText,
    },
}

impl Explain for ConfigurationError {
    fn code(&self) -> &'static str {
        match self {
            ConfigurationError::Query { source } => source.code(),
            ConfigurationError::Plan { source } => source.code(),
            ConfigurationError::Read { source } => source.code(),
            ConfigurationError::NotPending { .. } => "configuration-not-pending",
            ConfigurationError::NoVersion { .. } => "configuration-version-missing",
            ConfigurationError::NotText { .. } => "configuration-not-text",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            ConfigurationError::Query { source } => source.hints(),
            ConfigurationError::Plan { source } => source.hints(),
            ConfigurationError::Read { .. } => Vec::new(),
            ConfigurationError::NotPending { .. } => {
                vec!["see what waits: `pkm config list`".to_owned()]
            }
            ConfigurationError::NoVersion { .. } => vec![
                "it is kept from the next installation of the package on: `pkm reinstall NAME`"
                    .to_owned(),
            ],
            ConfigurationError::NotText { path, .. } => vec![
                format!("take the new version: `pkm config accept /{path}`"),
                format!("keep yours: `pkm config reject /{path}`"),
            ],
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            ConfigurationError::Query { source } => source.exit_code(),
            ConfigurationError::Plan { source } => source.exit_code(),
            ConfigurationError::Read { .. } => 4,
            _ => 1,
        }
    }
}

/// A plan for one configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationPlan {
    /// What will be done.
    pub plan: Plan,
    /// How many places could not be merged and are marked in a file beside.
    pub conflicts: usize,
}

/// The differences of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ConfigurationDifference {
    /// The file.
    pub path: RelPath,
    /// From the version it was made from to the one on disk, unified; empty if they are equal.
    pub edits: String,
    /// From the one on disk to the new version that waits; `None` if none waits.
    pub news: Option<String>,
}

fn read(source: RootError) -> ConfigurationError {
    ConfigurationError::Read { source }
}

impl Sysroot {
    /// Compares a configuration file with the version it was made from, and with the one that waits.
    ///
    /// # Errors
    ///
    /// Returns that it is no configuration file, no text, or why it cannot be compared.
    pub fn configuration_difference(
        &self,
        path: &RelPath,
    ) -> Result<ConfigurationDifference, ConfigurationError> {
        let found = self.found(path)?;
        let place = &found.file.path;
        let mine = match found.file.state {
            ConfigurationState::Deleted => Vec::new(),
            _ => self.mine(place)?,
        };
        let base = match found.base {
            Some(digest) => self.version(place, &digest, "the version it was made from")?,
            None => Vec::new(),
        };
        let not_text = |reason| ConfigurationError::NotText {
            path: place.clone(),
            reason,
        };
        let (package, live) = (
            format!("{place} ({})", found.file.package),
            place.to_string(),
        );
        let edits = difference((&package, &base), (&live, &mine)).map_err(not_text)?;
        let news = match found.file.state {
            ConfigurationState::Pending => {
                let new = self.recorded(&found)?;
                let beside = format!("{place}.pkmnew");
                Some(difference((&live, &mine), (&beside, &new)).map_err(not_text)?)
            }
            _ => None,
        };
        Ok(ConfigurationDifference {
            path: place.clone(),
            edits,
            news,
        })
    }

    /// Plans an answer about a configuration file.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be given.
    pub fn plan_configuration(
        &self,
        path: &RelPath,
        answer: ConfigurationAnswer,
        ownership: Ownership,
    ) -> Result<ConfigurationPlan, ConfigurationError> {
        let found = self.found(path)?;
        let is_pending = found.file.state == ConfigurationState::Pending;
        // An edit can be given up, and a deletion, when no new version waits too.
        let may = match answer {
            ConfigurationAnswer::Accept => found.file.state != ConfigurationState::Unchanged,
            ConfigurationAnswer::Reject | ConfigurationAnswer::Merge => is_pending,
        };
        if !may {
            return Err(ConfigurationError::NotPending {
                path: found.file.path,
                state: found.file.state,
            });
        }
        let ground = self
            .ground()
            .map_err(|source| ConfigurationError::Plan { source })?;
        let record = self
            .record(&found.file.package)
            .map_err(|source| ConfigurationError::Query { source })?;
        let mut plan = ConfigurationPlan {
            plan: Plan {
                changes: vec![marked(&record, ChangeAction::Configure)],
                ..ground.nothing(ownership)
            },
            conflicts: 0,
        };
        match answer {
            ConfigurationAnswer::Accept => self.accept(&found, &mut plan)?,
            ConfigurationAnswer::Reject => plan.plan.paths.push(action(
                &found,
                &found.file.path,
                PathChange::KeepEdited {
                    beside: None,
                    base: None,
                },
                Was::Other,
            )),
            ConfigurationAnswer::Merge => self.merge(&found, &mut plan)?,
        }
        // The new version beside goes once it is answered; what somebody made of it stays.
        let is_answered = plan.conflicts == 0;
        if let (true, Some(beside), Some(recorded)) =
            (is_answered, &found.file.beside, found.recorded)
            && self.digest_at(beside)? == Some(recorded)
        {
            let change = PathChange::Remove;
            plan.plan
                .paths
                .push(action(&found, beside, change, Was::Content(recorded)));
        }
        Ok(plan)
    }

    fn accept(
        &self,
        found: &Found,
        plan: &mut ConfigurationPlan,
    ) -> Result<(), ConfigurationError> {
        let place = &found.file.path;
        let digest = found.recorded.ok_or(ConfigurationError::NoVersion {
            path: place.clone(),
            which: "the content of the package's version",
        })?;
        if self
            .root
            .metadata(&layout::pristine(&digest))
            .map_err(read)?
            .is_none()
        {
            return Err(ConfigurationError::NoVersion {
                path: place.clone(),
                which: "the package's version",
            });
        }
        let (beside, was) = match self.root.metadata(place).map_err(read)? {
            None => (None, Was::Absent),
            Some(present) => {
                let was = match present.kind {
                    Kind::File => self.digest_at(place)?.map_or(Was::Other, Was::Content),
                    _ => Was::Other,
                };
                let beside = free_name(&self.root, backup_name(place)).map_err(read)?;
                (beside, was)
            }
        };
        let change = PathChange::Write {
            content: digest,
            look: WriteAs::Package,
            beside,
        };
        plan.plan.paths.push(action(found, place, change, was));
        Ok(())
    }

    fn merge(&self, found: &Found, plan: &mut ConfigurationPlan) -> Result<(), ConfigurationError> {
        let place = &found.file.path;
        let base = found.base.ok_or(ConfigurationError::NoVersion {
            path: place.clone(),
            which: "the version it was made from",
        })?;
        let base = self.version(place, &base, "the version it was made from")?;
        let (mine, new) = (self.mine(place)?, self.recorded(found)?);
        let merged = merge(&base, &mine, &new).map_err(|reason| ConfigurationError::NotText {
            path: place.clone(),
            reason,
        })?;
        let (target, text, was) = match merged {
            Merged::Clean(text) => (place.clone(), text, Was::Content(Sha256::of(&mine))),
            // Markers never stand in the file that programs read.
            Merged::Conflicts { text, count } => {
                plan.conflicts = count;
                let beside = free_name(&self.root, merge_name(place)).map_err(read)?;
                let beside = beside.ok_or(ConfigurationError::NoVersion {
                    path: place.clone(),
                    which: "a free name beside",
                })?;
                (beside, text, Was::Absent)
            }
        };
        let digest = Sha256::of(&text);
        plan.plan.contents = BTreeMap::from([(digest, text)]);
        let change = PathChange::Write {
            content: digest,
            look: WriteAs::Present,
            beside: None,
        };
        plan.plan.paths.push(PathAction {
            path: place.clone(),
            ..action(found, &target, change, was)
        });
        Ok(())
    }

    fn found(&self, path: &RelPath) -> Result<Found, ConfigurationError> {
        self.configuration_at(path)
            .map_err(|source| ConfigurationError::Query { source })
    }

    fn mine(&self, place: &RelPath) -> Result<Vec<u8>, ConfigurationError> {
        let found = self.root.metadata(place).map_err(read)?;
        match found.map(|found| found.kind) {
            Some(Kind::File) => read_text(&self.root, place).map_err(read)?.ok_or_else(|| {
                ConfigurationError::NotText {
                    path: place.clone(),
                    reason: NotText::TooLong,
                }
            }),
            _ => Err(ConfigurationError::NoVersion {
                path: place.clone(),
                which: "a regular file",
            }),
        }
    }

    fn version(
        &self,
        place: &RelPath,
        digest: &Sha256,
        which: &'static str,
    ) -> Result<Vec<u8>, ConfigurationError> {
        let stored = self.root.metadata(&layout::pristine(digest));
        let stored = stored.map_err(read)?;
        if stored.is_some_and(|found| found.size > MERGE_MAX_BYTES) {
            return Err(ConfigurationError::NotText {
                path: place.clone(),
                reason: NotText::TooLong,
            });
        }
        read_pristine(&self.root, digest)
            .map_err(read)?
            .ok_or_else(|| ConfigurationError::NoVersion {
                path: place.clone(),
                which,
            })
    }

    fn recorded(&self, found: &Found) -> Result<Vec<u8>, ConfigurationError> {
        let which = "the new version";
        match &found.recorded {
            Some(digest) => self.version(&found.file.path, digest, which),
            None => Err(ConfigurationError::NoVersion {
                path: found.file.path.clone(),
                which,
            }),
        }
    }

    fn digest_at(&self, place: &RelPath) -> Result<Option<Sha256>, ConfigurationError> {
        let Some(file) = self.root.open_file(place).map_err(read)? else {
            return Ok(None);
        };
        let digest = Sha256::read(file)
            .map_err(|source| read(RootError::new("read", place.to_string(), source)))?;
        Ok(Some(digest))
    }
}

fn action(found: &Found, place: &RelPath, change: PathChange, was: Was) -> PathAction {
    PathAction {
        path: place.clone(),
        place: place.clone(),
        package: found.file.package.clone(),
        kind: Kind::File,
        change,
        was,
    }
}

//! Reading the settings of all repositories of a root, and the roots that they trust.

use std::path::PathBuf;
use std::sync::Arc;

use igos_format::RelPath;
use igos_report::{Diagnostic, Explain, diagnose};
use igos_root::{RootDir, RootError};

use super::places::SETTINGS;
use super::settings::FILE_MAX_BYTES;
use super::{RepositoryName, RepositoryPlaces, RepositorySettings, TrustedRoot};

/// What the names of settings files end with.
const SUFFIX: &str = ".toml";

/// The settings of repositories cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RepositorySettingsError {
    /// They say what cannot be understood; everything that is wrong is listed.
    #[error("{} settings of repositories are not understood", diagnostics.len())]
    Invalid {
        /// What is wrong, with places.
        diagnostics: Vec<Diagnostic>,
    },
    /// A file or directory is there and cannot be read.
    #[error("cannot read {} below {}", path, root.display())]
    Read {
        /// The root.
        root: PathBuf,
        /// The path below it.
        path: String,
        /// Why.
        #[source]
        source: RootError,
    },
    /// The file that a repository's settings name as trusted root is not there.
    #[error("repository {name} is to be trusted by {path}, which is not there")]
    NoRoot {
        /// The repository.
        name: RepositoryName,
        /// The path below the root.
        path: String,
    },
    /// There is no repository of this name.
    #[error("there is no repository {name}")]
    Unknown {
        /// The name.
        name: RepositoryName,
        /// Those that there are.
        known: Vec<RepositoryName>,
    },
}

impl Explain for RepositorySettingsError {
    fn code(&self) -> &'static str {
        match self {
            RepositorySettingsError::Invalid { .. } => "repository-settings-invalid",
            RepositorySettingsError::Read { .. } => "repository-settings-unreadable",
            RepositorySettingsError::NoRoot { .. } => "repository-root-missing",
            RepositorySettingsError::Unknown { .. } => "repository-unknown",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            RepositorySettingsError::Invalid { .. } | RepositorySettingsError::Read { .. } => {
                Vec::new()
            }
            RepositorySettingsError::NoRoot { name, .. } => vec![
                "get the root.json from those who run the repository, by a way you trust".into(),
                format!(
                    "then put it there, or add the repository again: `pkm repository remove {name}`, `pkm repository add {name} URL --root-key FILE`"
                ),
            ],
            RepositorySettingsError::Unknown { known, .. } if known.is_empty() => {
                vec!["add one: `pkm repository add NAME URL --root-key FILE`".into()]
            }
            RepositorySettingsError::Unknown { known, .. } => {
                let known: Vec<&str> = known.iter().map(RepositoryName::as_str).collect();
                vec![format!("there are {}", known.join(", "))]
            }
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            RepositorySettingsError::Unknown { .. } => 1,
            _ => 3,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            RepositorySettingsError::Invalid { diagnostics } => diagnostics.clone(),
            _ => vec![diagnose(self)],
        }
    }
}

/// A root, and names of files in a directory of it.
type Listed = (Arc<RootDir>, Vec<String>);

impl RepositoryPlaces {
    /// Reads the settings of all repositories, those that are not enabled too, by name.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong with all of them together.
    pub fn load(&self) -> Result<Vec<RepositorySettings>, RepositorySettingsError> {
        let Some((root, names)) = self.list()? else {
            return Ok(Vec::new());
        };
        let (mut loaded, mut wrong) = (Vec::new(), Vec::new());
        for file_name in names {
            let path = format!("{SETTINGS}/{file_name}");
            let shown = self.root().join(&path).display().to_string();
            let refuse = |message: String| {
                vec![Diagnostic::error("setting-invalid", message).at(shown.clone())]
            };
            let Some(bytes) = self.read(&root, &path)? else {
                continue;
            };
            let parsed = match (
                file_name.trim_end_matches(SUFFIX).parse::<RepositoryName>(),
                String::from_utf8(bytes),
            ) {
                (Ok(name), Ok(text)) => RepositorySettings::parse(name, &shown, &text),
                (Err(error), _) => Err(refuse(error.to_string())),
                (_, Err(error)) => Err(refuse(error.to_string())),
            };
            match parsed {
                Ok(settings) => loaded.push(settings),
                Err(diagnostics) => wrong.extend(diagnostics),
            }
        }
        if wrong.is_empty() {
            Ok(loaded)
        } else {
            Err(RepositorySettingsError::Invalid { diagnostics: wrong })
        }
    }

    /// Returns the settings of one repository.
    ///
    /// # Errors
    ///
    /// Those of [`RepositoryPlaces::load`], and that there is none of this name.
    pub fn load_one(
        &self,
        name: &RepositoryName,
    ) -> Result<RepositorySettings, RepositorySettingsError> {
        let all = self.load()?;
        let known = all.iter().map(|settings| settings.name.clone()).collect();
        all.into_iter()
            .find(|settings| settings.name == *name)
            .ok_or_else(|| RepositorySettingsError::Unknown {
                name: name.clone(),
                known,
            })
    }

    /// Returns the bytes of the root that a repository is trusted by, to begin with.
    ///
    /// # Errors
    ///
    /// Returns why the file that the settings name cannot be read.
    pub fn trusted_root(
        &self,
        settings: &RepositorySettings,
    ) -> Result<Vec<u8>, RepositorySettingsError> {
        let path = match &settings.trusted_root {
            TrustedRoot::Inline(text) => return Ok(text.clone().into_bytes()),
            TrustedRoot::File(path) => match path.strip_prefix('/') {
                Some(path) => path.to_owned(),
                None => format!("{SETTINGS}/{path}"),
            },
        };
        let root = self.root_for(&path)?;
        let bytes = self.read(&root, &path)?;
        bytes.ok_or_else(|| RepositorySettingsError::NoRoot {
            name: settings.name.clone(),
            path: format!("/{path}"),
        })
    }

    /// Returns the names of the settings files, sorted, and the root they are in; `None` if there is no directory of them.
    fn list(&self) -> Result<Option<Listed>, RepositorySettingsError> {
        let root = self.root_for(SETTINGS)?;
        let path: RelPath = SETTINGS.parse().expect("our own paths are paths");
        let directory = match root.directory(&path) {
            Ok(directory) => directory,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(source) => return Err(self.unreadable(SETTINGS, source)),
        };
        let entries = directory
            .entries()
            .map_err(|source| RootError::new("list", SETTINGS, source))
            .map_err(|source| self.unreadable(SETTINGS, source))?;
        let names = entries.into_iter();
        let names = names.filter_map(|entry| String::from_utf8(entry.name).ok());
        let mut names: Vec<String> = names
            .filter(|name| name.ends_with(SUFFIX) && !name.starts_with('.'))
            .collect();
        names.sort();
        Ok(Some((root, names)))
    }

    fn root_for(&self, path: &str) -> Result<Arc<RootDir>, RepositorySettingsError> {
        self.open().map_err(|source| self.unreadable(path, source))
    }

    fn read(&self, root: &RootDir, path: &str) -> Result<Option<Vec<u8>>, RepositorySettingsError> {
        let parsed = path.parse::<RelPath>().map_err(|error| {
            let diagnostic = Diagnostic::error("setting-invalid", error.to_string()).at(path);
            RepositorySettingsError::Invalid {
                diagnostics: vec![diagnostic],
            }
        })?;
        root.read_file(&parsed, FILE_MAX_BYTES)
            .map_err(|source| self.unreadable(path, source))
    }

    fn unreadable(&self, path: &str, source: RootError) -> RepositorySettingsError {
        RepositorySettingsError::Read {
            root: self.root().to_owned(),
            path: path.to_owned(),
            source,
        }
    }
}

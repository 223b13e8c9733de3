//! The definition of a repository in a declared set.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use igos_cli::Failure;
use igos_format::Sha256;
use igos_repo::repository::{
    Enabled, NamePattern, OfferedRoot, Priority, RepositoryAddress, RepositoryName,
    RepositorySettings, TrustedRoot,
};
use serde::{Deserialize, Serialize};

use super::WorldError;

/// Largest root that is read, in bytes; far more than one has, and enough to tell that it is none.
const ROOT_MAX_BYTES: u64 = 1024 * 1024;

/// A repository as it is declared: the keys of its settings, and the digest of the root that a file has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Definition {
    url: RepositoryAddress,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mirrors: Vec<RepositoryAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pins: Vec<NamePattern>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trusted_root_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trusted_root_sha256: Option<Sha256>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trusted_root: Option<String>,
}

/// A repository that is defined, with a root that vouches for itself and is the declared one.
#[derive(Debug)]
pub(crate) struct Defined {
    /// What its settings will be, with the root in them.
    pub(crate) settings: RepositorySettings,
    /// Whom it is believed, to begin with.
    pub(crate) root: OfferedRoot,
}

impl Definition {
    /// Returns the definition of a repository that is known, and trusted by `root` to begin with.
    pub(crate) fn of(settings: &RepositorySettings, root: String) -> Self {
        let default = RepositorySettings::new(
            settings.name.clone(),
            settings.url.clone(),
            settings.trusted_root.clone(),
        );
        Definition {
            url: settings.url.clone(),
            mirrors: settings.mirrors.clone(),
            priority: Some(settings.priority).filter(|priority| *priority != default.priority),
            pins: settings.pins.clone(),
            enabled: (settings.enabled == Enabled::No).then_some(false),
            trusted_root_file: None,
            trusted_root_sha256: None,
            trusted_root: Some(root),
        }
    }

    /// Returns what is defined. Paths are taken from the directory of `file`, which declares it.
    pub(crate) fn read(&self, name: &RepositoryName, file: &Path) -> Result<Defined, Failure> {
        let root = self.root(name, file)?;
        let root = OfferedRoot::read(name, root)?;
        let text = String::from_utf8_lossy(root.bytes()).into_owned();
        let mut settings =
            RepositorySettings::new(name.clone(), self.url.clone(), TrustedRoot::Inline(text));
        settings.mirrors.clone_from(&self.mirrors);
        settings.pins.clone_from(&self.pins);
        if let Some(priority) = self.priority {
            settings.priority = priority;
        }
        if self.enabled == Some(false) {
            settings.enabled = Enabled::No;
        }
        Ok(Defined { settings, root })
    }

    fn root(&self, name: &RepositoryName, file: &Path) -> Result<Vec<u8>, WorldError> {
        let (path, expected) = match (
            &self.trusted_root_file,
            &self.trusted_root_sha256,
            &self.trusted_root,
        ) {
            (None, None, Some(text)) => return Ok(text.clone().into_bytes()),
            (Some(path), Some(digest), None) => (path, *digest),
            _ => {
                return Err(WorldError::NoTrust {
                    file: file.display().to_string(),
                    name: name.clone(),
                });
            }
        };
        let root = file.parent().unwrap_or(Path::new("")).join(path);
        let bytes = read_bounded(&root).map_err(|source| WorldError::RootUnreadable {
            name: name.clone(),
            source,
        })?;
        let actual = Sha256::of(&bytes);
        if actual != expected {
            return Err(WorldError::OtherRoot {
                file: file.display().to_string(),
                name: name.clone(),
                root,
                expected,
                actual,
            });
        }
        Ok(bytes)
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs_err::File::open(path)?
        .take(ROOT_MAX_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

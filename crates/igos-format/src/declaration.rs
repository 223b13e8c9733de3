//! What a package declares beyond its files, so that nothing has to be scripted.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::{PackageName, RelPath, Version, escape};

/// A user that a package needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct UserDeclaration {
    /// The user's name.
    pub name: PackageName,
    /// The number, if the package insists on one.
    pub uid: Option<u32>,
    /// The primary group; a group of the user's name where absent.
    pub group: Option<PackageName>,
    /// The home directory, absolute.
    pub home: Option<String>,
    /// The login shell, absolute.
    pub shell: Option<String>,
    /// What the user is for.
    pub description: Option<String>,
}

/// A group that a package needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct GroupDeclaration {
    /// The group's name.
    pub name: PackageName,
    /// The number, if the package insists on one.
    pub gid: Option<u32>,
}

/// A service that a package brings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ServiceDeclaration {
    /// The service's name for the service manager.
    pub name: PackageName,
    /// Whether the package suggests enabling it; nothing is enabled unless the administrator asks for it.
    pub enabled: bool,
}

/// One candidate for a path that several packages can serve.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AlternativeDeclaration {
    /// The path that is served, for example `usr/bin/vi`.
    pub path: RelPath,
    /// The file of this package that serves it.
    pub target: RelPath,
    /// The highest priority wins unless the administrator chose.
    pub priority: i32,
}

/// A command that runs once after a transaction that changed matching paths.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TriggerDeclaration {
    /// The trigger's name; equal triggers of several packages run once.
    pub name: PackageName,
    /// Path patterns below the root: `*` matches within a component, `**` any number of components.
    pub paths: Vec<String>,
    /// The program, absolute below the root, and its arguments.
    pub run: Vec<String>,
}

/// When a package asks for a command to be run, as seen by that package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookMoment {
    /// Before it is installed for the first time.
    PreInstall,
    /// After it was installed for the first time.
    PostInstall,
    /// Before another version takes its place, or it is installed again: the arriving package's.
    PreUpgrade,
    /// After it took the place of another version, or was installed again.
    PostUpgrade,
    /// Before it is removed.
    PreRemove,
    /// After it was removed.
    PostRemove,
}

impl HookMoment {
    /// All moments.
    pub const ALL: [HookMoment; 6] = [
        HookMoment::PreInstall,
        HookMoment::PostInstall,
        HookMoment::PreUpgrade,
        HookMoment::PostUpgrade,
        HookMoment::PreRemove,
        HookMoment::PostRemove,
    ];

    /// Returns the word of manifests, recipes and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            HookMoment::PreInstall => "pre-install",
            HookMoment::PostInstall => "post-install",
            HookMoment::PreUpgrade => "pre-upgrade",
            HookMoment::PostUpgrade => "post-upgrade",
            HookMoment::PreRemove => "pre-remove",
            HookMoment::PostRemove => "post-remove",
        }
    }

    /// Tells whether it comes before anything of the root changes.
    #[must_use]
    pub fn is_before(self) -> bool {
        matches!(
            self,
            HookMoment::PreInstall | HookMoment::PreUpgrade | HookMoment::PreRemove
        )
    }
}

/// A text is not a moment for hooks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not one of pre-install, post-install, pre-upgrade, post-upgrade, pre-remove, post-remove"
)]
pub struct HookMomentError {
    text: String,
}

impl FromStr for HookMoment {
    type Err = HookMomentError;

    fn from_str(text: &str) -> Result<Self, HookMomentError> {
        let found = HookMoment::ALL
            .into_iter()
            .find(|moment| moment.as_str() == text);
        found.ok_or_else(|| HookMomentError {
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for HookMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A command that a package asks to be run around a transaction that changes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct HookDeclaration {
    /// When.
    pub moment: HookMoment,
    /// The program, absolute below the root, and its arguments.
    pub run: Vec<String>,
}

/// What kind of thing files of a package offer or need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FeatureKind {
    /// A shared library by its `DT_SONAME`.
    Soname,
    /// A pkg-config module by its name.
    PkgConfig,
    /// A file by its absolute path: ELF interpreters and those of `#!` lines.
    Path,
}

/// Something that files of a package offer to others or need from them, found by reading those files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Feature {
    /// What kind of thing.
    pub kind: FeatureKind,
    /// Its name: never empty, no control bytes.
    pub name: String,
}

impl FeatureKind {
    /// All kinds.
    pub const ALL: [FeatureKind; 3] = [
        FeatureKind::Soname,
        FeatureKind::PkgConfig,
        FeatureKind::Path,
    ];

    /// Returns the word of manifests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            FeatureKind::Soname => "soname",
            FeatureKind::PkgConfig => "pkgconfig",
            FeatureKind::Path => "path",
        }
    }
}

/// A text is not a feature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a feature such as `soname:libz.so.1`")]
pub struct FeatureError {
    text: String,
}

impl Feature {
    /// Returns the feature of this kind and name.
    ///
    /// # Errors
    ///
    /// Refuses an empty name and one with control characters.
    pub fn new(kind: FeatureKind, name: impl Into<String>) -> Result<Self, FeatureError> {
        let name = name.into();
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(FeatureError {
                text: format!("{}:{}", kind.as_str(), escape::escape(name.as_bytes())),
            });
        }
        Ok(Feature { kind, name })
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}",
            self.kind.as_str(),
            escape::escape(self.name.as_bytes())
        )
    }
}

impl FromStr for Feature {
    type Err = FeatureError;

    fn from_str(text: &str) -> Result<Self, FeatureError> {
        let error = || FeatureError {
            text: text.to_owned(),
        };
        let (kind, name) = text.split_once(':').ok_or_else(error)?;
        let kind = FeatureKind::ALL
            .into_iter()
            .find(|known| known.as_str() == kind)
            .ok_or_else(error)?;
        let name = escape::unescape(name).map_err(|_| error())?;
        Feature::new(kind, String::from_utf8(name).map_err(|_| error())?)
    }
}

impl Serialize for Feature {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A name that a package answers to besides its own, perhaps with a version: `sh` or `libjpeg=8`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Provided {
    /// The name.
    pub name: PackageName,
    /// The version it stands for.
    pub version: Option<Version>,
}

impl fmt::Display for Provided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        self.version
            .iter()
            .try_for_each(|version| write!(f, "={version}"))
    }
}

/// A text is not a provided name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a provided name such as `sh` or `libjpeg=8`")]
pub struct ProvidedError {
    text: String,
}

impl FromStr for Provided {
    type Err = ProvidedError;

    fn from_str(text: &str) -> Result<Self, ProvidedError> {
        let error = || ProvidedError {
            text: text.to_owned(),
        };
        let (name, version) = match text.split_once('=') {
            Some((name, version)) => (name, Some(version.parse().map_err(|_| error())?)),
            None => (text, None),
        };
        Ok(Provided {
            name: name.parse().map_err(|_| error())?,
            version,
        })
    }
}

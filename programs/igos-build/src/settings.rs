//! The settings of `igos-build`.

use std::collections::BTreeMap;

use igos_cli::settings::{Key, KeyKind, Settings};
use igos_format::archive::{Compression, CompressionError};
use igos_repo::DebianSettings;
use igos_sandbox::Limits;
use serde::{Deserialize, Serialize};

use crate::profile::Profile;

/// The settings of `igos-build`, from all layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FactorySettings {
    /// Where builds are kept; below the user's cache directory where absent.
    pub cache: Option<String>,
    /// How archives are compressed.
    pub compression: String,
    /// Whether what debuggers read is kept, in packages `NAME-debug`.
    pub debug_packages: bool,
    /// The Debian archive, as a provider of sources and of the imported toolchain.
    pub debian: DebianTable,
    /// How much one build may use; what is absent stays as it is.
    pub limits: LimitsTable,
    /// Directories and addresses that sources are looked for in first.
    pub mirrors: Vec<String>,
    /// Variables of compilers and linkers, over the built-in profile.
    pub profile: BTreeMap<String, String>,
    /// The toolchain that builds see: the name of an imported one.
    pub toolchain: Option<String>,
    /// Whether the addresses that recipes give are asked for sources.
    pub upstream: bool,
}

impl Default for FactorySettings {
    fn default() -> Self {
        FactorySettings {
            cache: None,
            compression: Compression::default().to_string(),
            debug_packages: false,
            debian: DebianTable::default(),
            limits: LimitsTable::default(),
            mirrors: Vec::new(),
            profile: BTreeMap::new(),
            toolchain: None,
            upstream: true,
        }
    }
}

/// Which Debian archive is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DebianTable {
    /// Whether it is asked for sources at all.
    pub enabled: bool,
    /// Its address.
    pub mirror: String,
    /// The suites.
    pub suites: Vec<String>,
    /// The components.
    pub components: Vec<String>,
    /// The keys that sign its indices.
    pub keyring: String,
}

impl Default for DebianTable {
    fn default() -> Self {
        let built_in = DebianSettings::default();
        DebianTable {
            enabled: true,
            mirror: built_in.mirror,
            suites: built_in.suites,
            components: built_in.components,
            keyring: built_in.keyring.display().to_string(),
        }
    }
}

/// How much one build may use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsTable {
    /// Processes and threads at one time.
    pub processes: Option<u64>,
    /// Memory of all processes together, in bytes.
    pub memory_bytes: Option<u64>,
    /// Time on the clock, in seconds.
    pub wall_seconds: Option<u64>,
    /// Disk space, in bytes.
    pub disk_bytes: Option<u64>,
}

const fn key(
    name: &'static str,
    kind: KeyKind,
    variable: Option<&'static str>,
    description: &'static str,
) -> Key<'static> {
    Key {
        name,
        kind,
        variable,
        description,
    }
}

impl Settings for FactorySettings {
    const PROGRAM: &'static str = "igos-build";
    const KEYS: &'static [Key<'static>] = &[
        key(
            "cache",
            KeyKind::Text,
            Some("IGOS_CACHE"),
            "Where builds, sources and toolchains are kept",
        ),
        key(
            "compression",
            KeyKind::Text,
            None,
            "How archives are compressed, for example `zstd:9`",
        ),
        key(
            "debian.components",
            KeyKind::List,
            None,
            "Components of the Debian archive that are looked at",
        ),
        key(
            "debian.enabled",
            KeyKind::Switch,
            None,
            "Whether the Debian archive is asked for sources",
        ),
        key(
            "debian.keyring",
            KeyKind::Text,
            None,
            "The keys that sign the indices of the Debian archive",
        ),
        key(
            "debian.mirror",
            KeyKind::Text,
            Some("IGOS_DEBIAN_MIRROR"),
            "Address of the Debian archive",
        ),
        key(
            "debian.suites",
            KeyKind::List,
            None,
            "Suites of the Debian archive, the preferred one first",
        ),
        key(
            "debug_packages",
            KeyKind::Switch,
            None,
            "Whether what debuggers read is kept, in packages `NAME-debug`",
        ),
        key(
            "limits.disk_bytes",
            KeyKind::Number,
            None,
            "Disk space that one build may use, in bytes",
        ),
        key(
            "limits.memory_bytes",
            KeyKind::Number,
            None,
            "Memory that one build may use, in bytes",
        ),
        key(
            "limits.processes",
            KeyKind::Number,
            None,
            "Processes and threads that one build may have",
        ),
        key(
            "limits.wall_seconds",
            KeyKind::Number,
            None,
            "How long one step of a build may take, in seconds",
        ),
        key(
            "mirrors",
            KeyKind::List,
            Some("IGOS_MIRRORS"),
            "Directories and addresses that sources are looked for in first",
        ),
        key(
            "profile",
            KeyKind::Table,
            None,
            "Variables of compilers and linkers, such as `CFLAGS`",
        ),
        key(
            "toolchain",
            KeyKind::Text,
            Some("IGOS_TOOLCHAIN"),
            "The name of the imported toolchain that builds see",
        ),
        key(
            "upstream",
            KeyKind::Switch,
            Some("IGOS_UPSTREAM"),
            "Whether the addresses that recipes give are asked for sources",
        ),
    ];
}

impl FactorySettings {
    /// Returns the compression.
    ///
    /// # Errors
    ///
    /// Refuses a text that names none.
    pub fn compression(&self) -> Result<Compression, CompressionError> {
        self.compression.parse()
    }

    /// Returns the limits of one build.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let built_in = Limits::default();
        let table = &self.limits;
        Limits {
            processes: table.processes.unwrap_or(built_in.processes),
            memory_bytes: table.memory_bytes.unwrap_or(built_in.memory_bytes),
            wall: table
                .wall_seconds
                .map_or(built_in.wall, std::time::Duration::from_secs),
            disk_bytes: table.disk_bytes.unwrap_or(built_in.disk_bytes),
            ..built_in
        }
    }

    /// Returns the compiler-flag policy.
    #[must_use]
    pub fn profile(&self) -> Profile {
        Profile::default().with(&self.profile)
    }

    /// Returns the settings of the Debian archive.
    #[must_use]
    pub fn debian(&self) -> DebianSettings {
        DebianSettings {
            mirror: self.debian.mirror.clone(),
            suites: self.debian.suites.clone(),
            components: self.debian.components.clone(),
            keyring: self.debian.keyring.clone().into(),
            ..DebianSettings::default()
        }
    }
}

//! Which archive, which suites, which programs.

use std::path::PathBuf;
use std::time::Duration;

/// Settings of a [`super::DebianArchive`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebianSettings {
    /// Address of the archive. Default: the archive's own name, as its documentation gives it.
    pub mirror: String,
    /// Suites whose sources are looked at, the first one preferred. Default `bookworm`, `trixie`.
    pub suites: Vec<String>,
    /// Components. Default `main`.
    pub components: Vec<String>,
    /// The keys that sign the indices. Default: where the package `debian-archive-keyring` puts them.
    pub keyring: PathBuf,
    /// How old indices may be before a digest that is not in them leads to an update. Default 24 h.
    pub max_age: Duration,
    /// The program that updates indices. Default `/usr/bin/apt-get`.
    pub apt_get: PathBuf,
    /// The program that downloads files and reads indices. Default `/usr/lib/apt/apt-helper`.
    pub apt_helper: PathBuf,
    /// Longest time for one run of either. Default 30 min.
    pub timeout: Duration,
}

impl Default for DebianSettings {
    fn default() -> Self {
        DebianSettings {
            mirror: "http://deb.debian.org/debian".into(),
            suites: vec!["bookworm".into(), "trixie".into()],
            components: vec!["main".into()],
            keyring: "/usr/share/keyrings/debian-archive-keyring.gpg".into(),
            max_age: Duration::from_secs(24 * 60 * 60),
            apt_get: "/usr/bin/apt-get".into(),
            apt_helper: "/usr/lib/apt/apt-helper".into(),
            timeout: Duration::from_secs(30 * 60),
        }
    }
}

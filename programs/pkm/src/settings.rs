//! What can be set besides flags.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use igos_cli::settings::{Key, KeyKind, Settings};
use serde::{Deserialize, Serialize};

/// The settings of `pkm`; nothing here can weaken a protection, which takes a flag.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PkmSettings {
    /// Directories of archives that dependencies and names are looked up in.
    pub(crate) archives: Vec<PathBuf>,
    /// How many things to work on at a time.
    pub(crate) jobs: Option<NonZeroUsize>,
}

impl Settings for PkmSettings {
    const PROGRAM: &'static str = "pkm";
    const KEYS: &'static [Key<'static>] = &[
        Key {
            name: "archives",
            kind: KeyKind::List,
            variable: Some("IGOS_ARCHIVES"),
            description: "Directories of archives in which names and dependencies are looked up",
        },
        Key {
            name: "jobs",
            kind: KeyKind::Number,
            variable: Some("IGOS_JOBS"),
            description: "How many things to work on at a time; by default the number of processors",
        },
    ];
}

//! What can be set besides flags.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use igos_cli::settings::{Key, KeyKind, Settings};
use igos_sysroot::UndoLimits;
use serde::{Deserialize, Serialize};

/// The settings of `pkm`; nothing here can weaken a protection, which takes a flag.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PkmSettings {
    /// Directories of archives that dependencies and names are looked up in.
    pub(crate) archives: Vec<PathBuf>,
    /// How many things to work on at a time.
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Whether what is new is merged into edited configuration files.
    #[serde(rename = "merge-config")]
    pub(crate) merge_config: bool,
    /// How much is kept to undo transactions.
    pub(crate) undo: UndoSettings,
}

/// The table `undo`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UndoSettings {
    /// How many transactions can be undone.
    transactions: Option<u32>,
    /// How many bytes are kept to undo them.
    bytes: Option<u64>,
}

impl UndoSettings {
    /// Returns the limits in force.
    pub(crate) fn limits(&self) -> UndoLimits {
        let built_in = UndoLimits::default();
        UndoLimits {
            transactions: self.transactions.unwrap_or(built_in.transactions),
            bytes: self.bytes.unwrap_or(built_in.bytes),
        }
    }
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
            name: "merge-config",
            kind: KeyKind::Switch,
            variable: None,
            description: "Whether what is new is merged into edited configuration files where nothing is in doubt",
        },
        Key {
            name: "undo.transactions",
            kind: KeyKind::Number,
            variable: None,
            description: "How many transactions can be undone; 10 by default, 0 keeps nothing",
        },
        Key {
            name: "undo.bytes",
            kind: KeyKind::Number,
            variable: None,
            description: "How many bytes of replaced files are kept to undo transactions; 4 GiB by default",
        },
        Key {
            name: "jobs",
            kind: KeyKind::Number,
            variable: Some("IGOS_JOBS"),
            description: "How many things to work on at a time; by default the number of processors",
        },
    ];
}

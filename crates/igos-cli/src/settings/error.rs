//! What can be wrong with settings.

use std::io;
use std::path::PathBuf;

use igos_report::{Diagnostic, Explain, diagnose};

use crate::Exit;

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Files or variables say what cannot be understood; everything that is wrong is listed.
    #[error("{} settings are not understood", diagnostics.len())]
    Invalid {
        /// What is wrong, with places.
        diagnostics: Vec<Diagnostic>,
    },
    /// A file is there and cannot be read.
    #[error("cannot read settings from {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Explain for SettingsError {
    fn code(&self) -> &'static str {
        match self {
            SettingsError::Invalid { .. } => "settings-invalid",
            SettingsError::Read { .. } => "settings-unreadable",
        }
    }

    fn exit_code(&self) -> u8 {
        Exit::Settings.code()
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            SettingsError::Invalid { diagnostics } => diagnostics.clone(),
            SettingsError::Read { .. } => vec![diagnose(self)],
        }
    }
}

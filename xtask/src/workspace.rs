//! The workspace as Cargo sees it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use igos_report::Explain;
use serde::Deserialize;

/// A chore cannot be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChoreError {
    /// A file of the workspace cannot be read or written; the cause names it.
    #[error("cannot read or write a file of the workspace")]
    File(#[source] io::Error),
    /// Cargo cannot describe the workspace.
    #[error("`cargo metadata` failed: {message}")]
    Metadata {
        /// What it says.
        message: String,
    },
}

impl Explain for ChoreError {
    fn code(&self) -> &'static str {
        match self {
            ChoreError::File(_) => "chore-file",
            ChoreError::Metadata { .. } => "chore-metadata",
        }
    }
}

/// Returns the top directory of the workspace.
pub(crate) fn top() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent()
        .expect("xtask is a directory of the workspace")
        .to_owned()
}

/// A crate of the workspace.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Edge>,
}

/// A dependency as a manifest lists it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Edge {
    pub(crate) name: String,
    /// `None`, `dev` or `build`.
    pub(crate) kind: Option<String>,
    pub(crate) features: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// Returns the command that runs Cargo in the workspace.
#[expect(
    clippy::disallowed_methods,
    reason = "a chore of the workspace, not shipped; it runs Cargo and nothing else"
)]
pub(crate) fn cargo(top: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(top);
    cargo
}

/// Returns all crates of the workspace.
pub(crate) fn packages(top: &Path) -> Result<Vec<Package>, ChoreError> {
    let failed = |message: String| ChoreError::Metadata { message };
    let output = cargo(top)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
    Ok(metadata.packages)
}

//! Building one package: from a recipe and verified sources to archives in the cache.
//!
//! [`build_package`] makes a directory for the build, unpacks the sources and runs the steps, each in a fresh
//! sandbox over the same directories; then every process is dead, and what was installed is staged. Everything
//! that a step prints goes to the log of the build; a failure names it and shows its end.

mod chamber;
mod environment;
mod error;
mod features;
mod finish;
mod hint;
mod log;
mod package;
mod provenance;
mod session;
mod settings;
mod steps;
mod unpack;

pub use error::{BuildError, StepFailure};
pub use package::{PackageBuild, build_package};
pub use provenance::WEAKENED_HOST_ROOT;
pub use session::{SessionCommand, open_shell};
pub use settings::BuildSettings;
pub use steps::Step;

pub(crate) use chamber::Chamber;
pub(crate) use environment::BuildEnvironment;
pub(crate) use log::BuildLog;
pub(crate) use steps::PatchPlace;

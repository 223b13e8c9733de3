//! How our programs meet a person: flags, settings, progress, prompts, answers and exit codes.
//!
//! A program is a function from its parsed command line and a [`Session`] to an [`Answer`] or a [`Failure`];
//! [`run()`] does the rest. This crate alone prints, reads the environment and decides how a process ends.
//! It knows events, diagnostics and nothing of packages.

mod answer;
mod completion;
mod environment;
mod exit;
mod flags;
mod interrupt;
mod prompt;
mod render;
mod reporter;
mod run;
pub mod settings;
mod text;
mod units;

pub use answer::{Answer, Failure, Render};
pub use completion::{CommandWords, complete_names};
pub use environment::Environment;
pub use exit::{EXIT_CODES_HELP, Exit};
pub use flags::{Color, Globals, NetworkFlags, Program, Report};
pub use interrupt::{Interrupt, Interrupted};
pub use prompt::{Consent, PromptError};
pub use reporter::LogFile;
pub use run::{Session, run};
pub use text::{escape_line, escape_text};
pub use units::{Elapsed, Size};

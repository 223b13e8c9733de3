//! What happened, what went wrong, and what to do about it.
//!
//! Libraries return values and send [`Event`]s to a [`Reporter`]; errors implement [`Explain`] and are turned
//! into a [`Diagnostic`] by the program. Nothing here prints, and nothing here knows a package or a recipe:
//! a [`Subject`] holds text, so that this crate depends on nothing of ours.

mod diagnostic;
mod event;
mod reporter;

pub use diagnostic::{Diagnostic, Explain, Place, Severity, Span, diagnose};
pub use event::{Event, Outcome, Outlook, Stream, Subject, TaskId};
pub use reporter::{Quiet, Recorder, Reporter, Task, Tee};

//! The pipeline: from a recipe tree to a whole system, in phases that can be resumed and proven.
//!
//! A [`Phase`] is a function of its inputs. Its [`Receipt`] says what they were and what came out, and names the
//! receipt before it. A phase whose inputs are those of its receipt, and whose outputs are still there, is skipped;
//! everything else runs, which costs little where the cache has the packages. `docs/formats/pipeline.md` is the
//! normative description; [`explain()`] says the same of one phase.

mod archives;
pub mod bootstrap;
pub mod configuration;
mod decide;
mod document;
mod drawing;
mod error;
mod explain;
mod facts;
mod generations;
pub mod logins;
mod people;
mod phase;
mod preview;
pub mod profile;
mod receipt;
mod report;
mod root;
mod run;
mod selection;
mod sources;
mod system;
mod times;
mod validate;
mod work;

pub use document::DocumentError;
pub use drawing::{draw_graph, draw_schedule};
pub use error::PhaseError;
pub use explain::{Explanation, explain};
pub use facts::Facts;
pub use phase::{Phase, PhaseNameError};
pub use preview::{Detail, preview};
pub use profile::Profile;
pub use receipt::{Found, Receipt, Receipts};
pub use report::{PhasePackage, PhaseReport, PhaseStatus, PipelineReport};
pub use run::{Span, run};
pub use selection::Selection;
pub use work::{Pipeline, Publish};

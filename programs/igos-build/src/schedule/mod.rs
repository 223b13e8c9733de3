//! Building many packages along their graph, several at once.
//!
//! [`pool`] knows numbers and edges and decides what runs next; [`node`] decides for one package whether the cache
//! has it, and builds it if not; [`run`] joins them and returns a report of every package. [`again`] builds what the cache has
//! once more.

mod again;
mod forecast;
mod graph;
mod node;
mod outlook;
mod pool;
mod report;
mod run;
mod standing;

pub use again::{Again, AgainError};
pub use forecast::{Forecast, Slot, forecast};
pub use graph::{BuildGraph, GraphError, GraphNode};
pub use pool::OnFailure;
pub use report::{OutputReport, PackageReport, PackageStatus, RunReport};
pub use run::{AssembleError, BuildRun, assemble_root, build, preview};

//! Making files that are not as recorded so again.

mod plan;

pub use plan::{RepairConfiguration, RepairError, RepairPlan, RepairRequest};

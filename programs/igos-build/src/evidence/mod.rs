//! What is known of archives and roots, in the words of others: provenance as in-toto and SLSA have it, and bills of
//! materials as SPDX and CycloneDX have them.
//!
//! Everything is taken from what an archive, a receipt and a record hold; what they do not say is left out. Equal
//! archives give equal documents: there is no clock in them, and no random number.

mod bill;
mod cyclonedx;
mod license;
mod material;
mod package_url;
mod spdx;
mod statement;

pub use bill::{Bill, BillError, BilledFile, BilledPackage, BilledSource};
pub use cyclonedx::cyclonedx;
pub use license::{License, license};
pub use material::{Evidence, EvidenceError, ToolchainMaterial};
pub use package_url::package_url;
pub use spdx::spdx;
pub use statement::statement;

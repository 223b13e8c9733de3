//! Which kernels are installed.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::PackageName;

use super::QueryError;
use crate::Sysroot;
use crate::kernels::kept_kernels;

/// Below this directory each kernel has one of its own, named by its release.
const MODULES: &str = "usr/lib/modules";

/// One installed kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct InstalledKernel {
    /// The packages that have something of it: the kernel itself, and those that bring modules for it.
    pub packages: BTreeSet<PackageName>,
    /// Whether it was replaced while it was running, and stays until another was started.
    pub is_kept: bool,
}

impl Sysroot {
    /// Returns the kernels, by release.
    ///
    /// # Errors
    ///
    /// Returns why the database or the root cannot be read.
    pub fn kernels(&self) -> Result<BTreeMap<String, InstalledKernel>, QueryError> {
        self.require_known()?;
        let modules = MODULES.parse().expect("the directory of modules is a path");
        let directories = self
            .database
            .directories_in(&modules)
            .map_err(|source| QueryError::Database { source })?;
        let mut kernels: BTreeMap<String, InstalledKernel> = BTreeMap::new();
        for (place, package) in directories {
            let release = String::from_utf8_lossy(place.file_name()).into_owned();
            kernels.entry(release).or_default().packages.insert(package);
        }
        for kept in kept_kernels(&self.root).map_err(|source| QueryError::Read { source })? {
            kernels.entry(kept.release).or_default().is_kept = true;
        }
        Ok(kernels)
    }
}

//! Which kernels are installed.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::PackageName;

use super::QueryError;
use crate::Sysroot;

/// Below this directory each kernel has one of its own, named by its release.
const MODULES: &str = "usr/lib/modules";

impl Sysroot {
    /// Returns the packages that have something of each installed kernel, by its release: the kernel itself, and those
    /// that bring modules for it.
    ///
    /// # Errors
    ///
    /// Returns why the database cannot be read.
    pub fn kernels(&self) -> Result<BTreeMap<String, BTreeSet<PackageName>>, QueryError> {
        let modules = MODULES.parse().expect("the directory of modules is a path");
        let directories = self
            .database
            .directories_in(&modules)
            .map_err(|source| QueryError::Database { source })?;
        let mut kernels: BTreeMap<String, BTreeSet<PackageName>> = BTreeMap::new();
        for (place, package) in directories {
            let release = String::from_utf8_lossy(place.file_name()).into_owned();
            kernels.entry(release).or_default().insert(package);
        }
        Ok(kernels)
    }
}

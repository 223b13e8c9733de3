//! What `/` is while a package is built: the toolchain and the declared dependencies, each a read-only layer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use igos_format::manifest::{Manifest, Origin};
use igos_format::{PackageName, Sha256};
use igos_sandbox::RootView;

use crate::cache::{Cache, CacheError, read_head};
use crate::plan::RootMode;
use crate::stage::{Visibility, VisiblePackage};
use crate::toolchain::Toolchain;

/// The compilers and tools that every build sees.
#[derive(Debug, Clone)]
pub struct ToolchainView {
    /// The digest of everything in it.
    pub digest: Sha256,
    /// Directories, topmost first, absolute or relative to the cache.
    pub layers: Vec<PathBuf>,
    /// What its packages are.
    pub manifests: Vec<Manifest>,
}

impl ToolchainView {
    /// Returns what builds see of a toolchain.
    ///
    /// # Errors
    ///
    /// As for [`ToolchainView::of_archives`].
    pub fn of_toolchain(cache: &Cache, toolchain: &Toolchain) -> Result<Self, CacheError> {
        let archives: Vec<PathBuf> = toolchain
            .archives()
            .iter()
            .map(|archive| toolchain.path_of(archive))
            .collect();
        Self::of_archives(cache, toolchain.digest(), &archives)
    }

    /// Returns the names of its packages.
    #[must_use]
    pub fn names(&self) -> BTreeSet<PackageName> {
        let names = self.manifests.iter();
        names
            .map(|manifest| manifest.package.name.clone())
            .collect()
    }

    /// Returns the toolchain whose archives these are, as one layer.
    ///
    /// # Errors
    ///
    /// Returns an archive that cannot be read or unpacked.
    pub fn of_archives(
        cache: &Cache,
        digest: Sha256,
        archives: &[PathBuf],
    ) -> Result<Self, CacheError> {
        let layer = cache.merged_layer(&format!("toolchain-{digest}"), archives)?;
        let manifests = archives
            .iter()
            .map(|archive| Ok(read_head(archive)?.0))
            .collect::<Result<_, _>>()?;
        Ok(ToolchainView {
            digest,
            layers: vec![layer],
            manifests,
        })
    }
}

/// An archive that a build shall see, and why.
#[derive(Debug, Clone)]
pub struct NeededArchive {
    /// The archive, verified.
    pub archive: PathBuf,
    /// Why.
    pub visibility: Visibility,
}

/// What `/` is while a package is built.
#[derive(Debug, Clone)]
pub struct BuildRoot {
    /// The directory that relative paths of the view are relative to: the cache whose layers they are.
    base: PathBuf,
    view: RootView,
    packages: BTreeMap<PackageName, (Manifest, Visibility)>,
}

impl BuildRoot {
    /// Makes layers of `needed` and puts them above the toolchain.
    ///
    /// In host mode the host's own files are seen instead, whatever is declared: an overlay of the host's
    /// directories cannot be made without the right to change them.
    ///
    /// # Errors
    ///
    /// Returns an archive that cannot be unpacked.
    pub fn assemble(
        cache: &Cache,
        mode: RootMode,
        toolchain: Option<&ToolchainView>,
        needed: &BTreeMap<PackageName, NeededArchive>,
    ) -> Result<Self, CacheError> {
        let mut packages = BTreeMap::new();
        let mut layers = Vec::new();
        for manifest in toolchain.iter().flat_map(|toolchain| &toolchain.manifests) {
            packages.insert(
                manifest.package.name.clone(),
                (manifest.clone(), Visibility::Toolchain),
            );
        }
        for (name, one) in needed {
            let layer = cache.layer(&one.archive)?;
            layers.push(layer.directory);
            packages.insert(name.clone(), (layer.manifest, one.visibility));
        }
        layers.extend(
            toolchain
                .iter()
                .flat_map(|toolchain| toolchain.layers.iter().cloned()),
        );
        let view = match mode {
            RootMode::Packages => RootView::Layers(layers),
            RootMode::Host => RootView::Host,
        };
        Ok(BuildRoot {
            base: cache.root().to_owned(),
            view,
            packages,
        })
    }

    /// Returns the directory that relative paths of the view are relative to.
    #[must_use]
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Returns what the sandbox shows as `/`.
    #[must_use]
    pub fn view(&self) -> &RootView {
        &self.view
    }

    /// Returns the names of the packages above the toolchain that were not compiled here.
    #[must_use]
    pub fn imported(&self) -> BTreeSet<PackageName> {
        let packages = self.packages.iter().filter(|(_, (manifest, visibility))| {
            manifest.origin == Origin::Imported && *visibility != Visibility::Toolchain
        });
        packages.map(|(name, _)| name.clone()).collect()
    }

    /// Returns the packages that can be seen, sorted by name.
    #[must_use]
    pub fn visible(&self) -> Vec<VisiblePackage<'_>> {
        self.packages
            .values()
            .map(|(manifest, visibility)| VisiblePackage {
                manifest,
                visibility: *visibility,
            })
            .collect()
    }
}

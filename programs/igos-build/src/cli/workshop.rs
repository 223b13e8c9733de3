//! What every command that builds or fetches works with: cache, settings, sources, toolchain.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use igos_cli::settings::{Layers, Loaded};
use igos_cli::{Exit, Failure, Globals, NetworkFlags, Session};
use igos_format::{Arch, PackageName};
use igos_repo::{
    DebianArchive, Downloader, FetchSettings, Fetcher, Mirror, Network, Proxies, SourceStore,
    Unpinned, Upstream,
};
use igos_report::Diagnostic;

use super::recipes::RecipeFlags;
use crate::build_root::ToolchainView;
use crate::cache::{Cache, Waiting};
use crate::execute::BuildSettings;
use crate::plan::{Confinement, Debugging, RootMode};
use crate::settings::FactorySettings;
use crate::toolchain::Toolchain;

const HEADING: &str = "Building";

/// Where things are kept and looked for.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(super) struct WorkshopFlags {
    /// Keep builds, sources and toolchains in DIR
    #[arg(long, value_name = "DIR", global = true, help_heading = HEADING)]
    cache: Option<PathBuf>,
    /// Look for sources in this directory or at this address first; may be repeated
    #[arg(long, value_name = "URL-OR-DIR", global = true, help_heading = HEADING)]
    mirror: Vec<String>,
    /// Build with the imported toolchain NAME [default: the only one there is]
    #[arg(long, value_name = "NAME", global = true, help_heading = HEADING)]
    toolchain: Option<String>,
    #[command(flatten)]
    network: NetworkFlags,
}

/// How packages are built.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(super) struct PolicyFlags {
    /// What builds see as `/`
    #[arg(long, value_enum, default_value_t = ModeFlag::Packages)]
    mode: ModeFlag,
    /// Do not run upstream's tests; recorded in the archives
    #[arg(long)]
    no_check: bool,
    /// Take sources that nothing pins; recorded in the archives
    #[arg(long)]
    allow_unpinned: bool,
    /// Build without a sandbox: every recipe can do whatever you can; recorded in the archives
    #[arg(long)]
    unsafe_no_sandbox: bool,
    /// Compress archives with `zstd`, `gzip` or `xz`, perhaps with a level as in `zstd:19`
    #[arg(long, value_name = "FORMAT[:LEVEL]")]
    compression: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModeFlag {
    /// The declared dependencies and the toolchain, nothing of this machine
    Packages,
    /// The `/usr` of this machine, read-only; recorded in the archives
    Host,
}

/// What every command that builds or fetches works with.
#[derive(Debug)]
pub(super) struct Workshop {
    pub(super) cache: Cache,
    pub(super) settings: FactorySettings,
    pub(super) waiting: Waiting,
    pub(super) network: Network,
    jobs: NonZeroUsize,
    toolchain: Option<String>,
    mirrors: Vec<Mirror>,
    proxies: Proxies,
    downloader: Downloader,
    store: SourceStore,
    debian: DebianArchive,
}

/// Loads the settings of all layers, the file of the first recipe tree among them.
///
/// # Errors
///
/// Returns everything that is wrong with them (exit code 3).
pub(super) fn load_settings(
    recipes: &RecipeFlags,
    session: &Session,
) -> Result<Loaded<FactorySettings>, Failure> {
    let tree_file = recipes
        .settings(session)
        .path
        .first()
        .map(|first| first.join("igos.toml"));
    let layers = Layers {
        root: Path::new("/"),
        tree_file: tree_file.as_deref(),
        environment: session.environment(),
        flags: Vec::new(),
    };
    layers.load()
}

impl WorkshopFlags {
    /// Reads the settings and opens the cache.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the settings, or why the cache cannot be used.
    pub(super) fn open(
        &self,
        globals: &Globals,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Workshop, Failure> {
        let settings = load_settings(recipes, session)?.settings;
        let directory = self
            .cache
            .clone()
            .or_else(|| settings.cache.as_ref().map(PathBuf::from))
            .or_else(|| Some(session.environment().cache_directory()?.join("build")))
            .ok_or_else(no_cache)?;
        let cache = Cache::open(&directory, igos_sandbox::build_identity())?;
        let network = if self.network.offline {
            Network::Offline
        } else {
            Network::Online
        };
        let mut mirrors = Vec::new();
        for text in self.mirror.iter().chain(&settings.mirrors) {
            mirrors.push(Mirror::parse(text).map_err(|error| bad_setting("mirror", text, &error))?);
        }
        let store = SourceStore::open(cache.sources())?;
        let debian = DebianArchive::new(cache.root().join("debian"), settings.debian(), network);
        Ok(Workshop {
            waiting: if globals.wait {
                Waiting::Wait
            } else {
                Waiting::Refuse
            },
            toolchain: self
                .toolchain
                .clone()
                .or_else(|| settings.toolchain.clone()),
            jobs: globals.jobs(),
            cache,
            settings,
            network,
            mirrors,
            proxies: Proxies::from_variables(|name| session.environment().text(name))?,
            downloader: match self.network.unsafe_unconfined_downloads {
                true => Downloader::Unconfined,
                false => Downloader::confined(|name| session.environment().text(name)),
            },
            store,
            debian,
        })
    }
}

impl Workshop {
    /// Returns what gets sources.
    pub(super) fn fetcher(&self) -> Fetcher<'_> {
        let mut settings = self.fetch_settings();
        settings.upstream = if self.settings.upstream {
            Upstream::Ask
        } else {
            Upstream::Never
        };
        let debian = self.settings.debian.enabled.then_some(&self.debian);
        Fetcher::new(&self.store, settings, debian)
    }

    /// Returns what gets packages of the imported toolchain, whatever the settings say about sources.
    pub(super) fn debian(&self) -> &DebianArchive {
        &self.debian
    }

    /// Returns a fetcher that asks the Debian archive in every case.
    pub(super) fn debian_fetcher(&self) -> Fetcher<'_> {
        Fetcher::new(&self.store, self.fetch_settings(), Some(&self.debian))
    }

    fn fetch_settings(&self) -> FetchSettings {
        let mut settings = FetchSettings::new(self.cache.root());
        settings.network = self.network;
        settings.mirrors = self.mirrors.clone();
        settings.proxies = self.proxies.clone();
        settings.downloader = self.downloader.clone();
        settings
    }

    /// Returns how many packages are built at once.
    pub(super) fn jobs(&self) -> NonZeroUsize {
        self.jobs
    }

    /// Returns what is the same for all packages of a run.
    ///
    /// # Errors
    ///
    /// Refuses a compression that there is not.
    pub(super) fn build_settings(&self, flags: &PolicyFlags) -> Result<BuildSettings, Failure> {
        let text = flags
            .compression
            .as_ref()
            .unwrap_or(&self.settings.compression);
        let compression = text
            .parse()
            .map_err(|error| bad_setting("compression", text, &error))?;
        Ok(BuildSettings {
            arch: Arch::native(),
            mode: match flags.mode {
                ModeFlag::Packages => RootMode::Packages,
                ModeFlag::Host => RootMode::Host,
            },
            confinement: if flags.unsafe_no_sandbox {
                Confinement::None
            } else {
                Confinement::Sandbox
            },
            wants_check: !flags.no_check,
            unpinned: if flags.allow_unpinned {
                Unpinned::Allow
            } else {
                Unpinned::Refuse
            },
            profile: self.settings.profile(),
            debugging: if self.settings.debug_packages {
                Debugging::Packaged
            } else {
                Debugging::Removed
            },
            limits: self.settings.limits(),
            compression,
            processors: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        })
    }

    /// Loads the toolchain that builds see; none in host mode.
    ///
    /// # Errors
    ///
    /// Returns that there is none, several, or that it cannot be read.
    pub(super) fn toolchain(&self, mode: RootMode) -> Result<Option<ToolchainView>, Failure> {
        if mode == RootMode::Host {
            return Ok(None);
        }
        let toolchain = Toolchain::load(&self.toolchain_directory()?)?;
        Ok(Some(ToolchainView::of_toolchain(&self.cache, &toolchain)?))
    }

    fn toolchain_directory(&self) -> Result<PathBuf, Failure> {
        let all = self.cache.toolchains();
        if let Some(name) = &self.toolchain {
            return Ok(all.join(name));
        }
        let mut found: Vec<PathBuf> = fs_err::read_dir(&all)
            .map(|entries| {
                entries
                    .filter_map(Result::ok)
                    .map(|entry| entry.path())
                    .collect()
            })
            .unwrap_or_default();
        found.retain(|path| {
            path.file_name()
                .is_some_and(|name| !name.as_encoded_bytes().starts_with(b"."))
        });
        found.sort();
        match found.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(Failure::new(
                Exit::Unfinished,
                Diagnostic::error("toolchain-absent", "no toolchain was imported")
                    .hint("import one: `igos-build toolchain import`")
                    .hint("or build with the tools of this machine: `--mode host`"),
            )),
            several => {
                let names: Vec<_> = several
                    .iter()
                    .filter_map(|path| path.file_name()?.to_str())
                    .collect();
                let message = format!("there are several toolchains: {}", names.join(", "));
                Err(Failure::usage(message).hint("choose one with `--toolchain NAME`"))
            }
        }
    }
}

/// Returns the names of a toolchain's packages.
pub(super) fn provided(toolchain: Option<&ToolchainView>) -> BTreeSet<PackageName> {
    toolchain.map(ToolchainView::names).unwrap_or_default()
}

/// Tests that a sandbox can be made here.
///
/// # Errors
///
/// Returns everything that is missing (exit code 4).
pub(super) fn require_sandbox(confinement: Confinement) -> Result<(), Failure> {
    if confinement == Confinement::None {
        return Ok(());
    }
    let Err(missing) = igos_sandbox::probe() else {
        return Ok(());
    };
    let diagnostics = missing
        .iter()
        .map(|one| {
            Diagnostic::error(
                "sandbox-feature-missing",
                format!("cannot make a sandbox: {one}"),
            )
            .hint(one.remedy.clone())
            .hint("or build without one, which is recorded: `--unsafe-no-sandbox`")
        })
        .collect();
    Err(Failure {
        exit: Exit::Unfinished,
        diagnostics,
    })
}

fn no_cache() -> Failure {
    let message = "cannot tell where to keep builds: neither `HOME` nor `XDG_CACHE_HOME` is set";
    Failure::usage(message).hint("name a directory with `--cache DIR`")
}

fn bad_setting(name: &str, text: &str, error: &dyn std::error::Error) -> Failure {
    let message = format!("cannot use {name} {text:?}");
    Failure::new(
        Exit::Settings,
        Diagnostic::error("setting-invalid", message).because(error.to_string()),
    )
}

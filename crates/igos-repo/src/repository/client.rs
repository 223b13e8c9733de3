//! The client: all repositories of a root, and what it takes to ask them.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::cache::ArchiveCache;
use super::copies::Copies;
use super::download::Spare;
use super::transport::Transport;
use super::{PlaceError, RepositoryName, RepositoryPlaces, RepositorySettings};
use crate::fetch::{Certificates, Downloader, HttpLimits, Network, Proxies};

/// What the client is allowed and told to do.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// Whether the network may be used.
    pub network: Network,
    /// How many things are fetched at once.
    pub jobs: NonZeroUsize,
    /// Limits of each request.
    pub http: HttpLimits,
    /// Proxies.
    pub proxies: Proxies,
    /// Which process talks to servers.
    pub downloader: Downloader,
    /// Where archives are kept if the root's own cache cannot be written to: an ordinary user may download what the
    /// administrator's root is offered.
    pub own_cache: Option<PathBuf>,
    /// Set when the user asks to stop.
    pub interrupted: Arc<AtomicBool>,
}

impl Default for ClientSettings {
    /// Returns the defaults: online, four at once, two tries before the next copy is asked, no proxies, confined.
    fn default() -> Self {
        ClientSettings {
            network: Network::Online,
            jobs: NonZeroUsize::MIN.saturating_add(3),
            http: HttpLimits {
                silence: Duration::from_secs(30),
                tries: 2,
                ..HttpLimits::default()
            },
            proxies: Proxies::default(),
            downloader: Downloader::Confined(Certificates::default()),
            own_cache: None,
            interrupted: Arc::default(),
        }
    }
}

/// All repositories of a root, and what it takes to ask them.
#[derive(Debug)]
pub struct RepositoryClient {
    pub(super) places: RepositoryPlaces,
    pub(super) cache: ArchiveCache,
    pub(super) repositories: Vec<RepositorySettings>,
    copies: BTreeMap<RepositoryName, Copies>,
    pub(super) transport: Transport,
    pub(super) jobs: NonZeroUsize,
    pub(super) spare: Spare,
}

impl RepositoryClient {
    /// Returns the client of these repositories, whose cache is below the root of `places`.
    ///
    /// # Errors
    ///
    /// Returns why the cache cannot be used.
    pub fn new(
        places: RepositoryPlaces,
        repositories: Vec<RepositorySettings>,
        settings: ClientSettings,
    ) -> Result<Self, PlaceError> {
        let copies = repositories
            .iter()
            .map(|repository| (repository.name.clone(), Copies::of(repository)))
            .collect();
        Ok(RepositoryClient {
            cache: ArchiveCache::open(&places, settings.own_cache)?,
            copies,
            places,
            repositories,
            transport: Transport::new(
                settings.http,
                &settings.proxies,
                &settings.downloader,
                settings.network,
                settings.interrupted,
            ),
            jobs: settings.jobs,
            spare: Spare::default(),
        })
    }

    /// Returns the settings of the repositories.
    #[must_use]
    pub fn repositories(&self) -> &[RepositorySettings] {
        &self.repositories
    }

    pub(super) fn copies(&self, name: &RepositoryName) -> Option<&Copies> {
        self.copies.get(name)
    }
}

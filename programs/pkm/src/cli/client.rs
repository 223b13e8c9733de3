//! The client of the repositories of the root.

use igos_cli::{Exit, Failure};
use igos_format::PackageName;
use igos_repo::repository::{
    ClientSettings, RepositoryClient, RepositoryName, RepositorySettings, Waiting,
};
use igos_repo::{Downloader, Network, Proxies};
use igos_report::Diagnostic;

use super::Context;

impl Context<'_> {
    /// Returns what the client of repositories is allowed and told to do.
    pub(super) fn client_settings(&self) -> Result<ClientSettings, Failure> {
        let environment = self.session.environment();
        Ok(ClientSettings {
            network: if self.is_offline() {
                Network::Offline
            } else {
                Network::Online
            },
            jobs: self.jobs()?,
            proxies: Proxies::from_variables(|name| environment.text(name))?,
            downloader: match self.is_unconfined() {
                true => Downloader::Unconfined,
                false => Downloader::confined(|name| environment.text(name)),
            },
            own_cache: environment.cache_directory().map(|cache| cache.join("pkm")),
            interrupted: self.session.interrupt().flag(),
            ..ClientSettings::default()
        })
    }

    /// Returns the client of these repositories.
    pub(super) fn client(
        &self,
        repositories: Vec<RepositorySettings>,
    ) -> Result<RepositoryClient, Failure> {
        let settings = self.client_settings()?;
        Ok(RepositoryClient::new(
            self.places(),
            repositories,
            settings,
        )?)
    }

    /// Returns whether to wait for others that synchronise a repository.
    pub(super) fn waiting(&self) -> Waiting {
        if self.is_waiting() {
            Waiting::Wait
        } else {
            Waiting::Refuse
        }
    }
}

/// Returns the failure of a root without repositories.
pub(super) fn no_repositories() -> Failure {
    let diagnostic = Diagnostic::error("no-repositories", "there are no repositories")
        .hint("add one: `pkm repository add NAME URL --root-key FILE`");
    Failure::new(Exit::Settings, diagnostic)
}

/// Returns the failure of a name that no repository offers.
pub(super) fn not_offered(name: &PackageName) -> Failure {
    let message = format!("no repository offers a package {name}");
    let diagnostic = Diagnostic::error("package-not-offered", message)
        .hint(format!("look for it: `pkm search {name}`"))
        .hint("ask the repositories for what is new: `pkm sync`");
    Failure::new(Exit::No, diagnostic)
}

/// Reads the name of a repository on the command line.
pub(super) fn parse_name(text: &str) -> Result<RepositoryName, String> {
    text.parse()
        .map_err(|error: igos_repo::repository::RepositoryNameError| error.to_string())
}

//! Services that packages bring, and the links that enable them.
//!
//! A link that enables a service is one that a package offers and nobody gets without asking: the same choices decide
//! about it as about alternatives, so that it comes and goes in transactions, goes with its package, and is verified.

use std::collections::BTreeMap;

use igos_format::manifest::Manifest;
use igos_format::{PackageName, RelPath};
use igos_root::FollowedLinks;
use serde::Serialize;

use super::Choices;
use crate::plan::plan_choice;
use crate::state_text::StateText;
use crate::{Ownership, Plan, PlanError, QueryError, ServiceManager, Sysroot};

/// Where OpenRC looks for what it starts.
const RUNLEVEL: &str = "etc/runlevels/default/";

/// Where systemd looks for what it starts.
const WANTS: &str = "etc/systemd/system/multi-user.target.wants/";

/// A service that an installed package brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstalledService {
    /// Its name.
    pub name: PackageName,
    /// The package.
    pub package: PackageName,
    /// Whether the package suggests enabling it.
    pub is_suggested: bool,
    /// The links that enable it.
    pub links: Vec<ServiceLink>,
}

/// A link that enables a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceLink {
    /// Who looks there.
    pub manager: ServiceManager,
    /// Where it is.
    pub path: RelPath,
    /// Whether it is wanted.
    pub is_enabled: bool,
}

/// What is wanted of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceWish {
    /// It starts with the machine.
    Enabled,
    /// It does not.
    Disabled,
}

/// Tells whether a link is made only for those who ask for it.
pub(crate) fn is_on_request(place: &RelPath) -> bool {
    [RUNLEVEL, WANTS]
        .iter()
        .any(|directory| place.as_bytes().starts_with(directory.as_bytes()))
}

/// Returns where the link that enables a service for a manager is, and the files of packages it can lead to.
fn places(manager: ServiceManager, name: &PackageName) -> (String, Vec<String>) {
    match manager {
        ServiceManager::OpenRc => (
            format!("{RUNLEVEL}{name}"),
            vec![format!("etc/init.d/{name}")],
        ),
        ServiceManager::Systemd => (
            format!("{WANTS}{name}.service"),
            ["usr/lib", "lib"]
                .map(|above| format!("{above}/systemd/system/{name}.service"))
                .to_vec(),
        ),
    }
}

/// Returns the links that a package's services have, and what each leads to, as the manifest has it.
pub(super) fn offers(manifest: &Manifest) -> Vec<(RelPath, RelPath)> {
    let mut offers = Vec::new();
    for service in &manifest.services {
        for manager in [ServiceManager::OpenRc, ServiceManager::Systemd] {
            let (link, targets) = places(manager, &service.name);
            let target = targets
                .iter()
                .filter_map(|target| target.parse::<RelPath>().ok())
                .find(|target| manifest.entries.iter().any(|entry| entry.path == *target));
            if let (Ok(link), Some(target)) = (link.parse(), target) {
                offers.push((link, target));
            }
        }
    }
    offers
}

impl Sysroot {
    /// Returns the services that installed packages declare, by name.
    ///
    /// # Errors
    ///
    /// Returns why that cannot be found out.
    pub fn services(&self) -> Result<Vec<InstalledService>, QueryError> {
        self.require_known()?;
        let links =
            FollowedLinks::read(&self.root).map_err(|source| QueryError::Read { source })?;
        let choices =
            Choices::load(&self.root).map_err(|source| QueryError::StateText { source })?;
        let installed = self
            .database
            .packages(None)
            .map_err(|source| QueryError::Database { source })?;
        let mut services = Vec::new();
        for row in installed {
            let manifest = self.record(&row.package.name)?.manifest;
            let offered = offers(&manifest);
            for service in &manifest.services {
                let link = |manager| {
                    let (path, _) = places(manager, &service.name);
                    let (path, _) = offered.iter().find(|(link, _)| link.to_string() == path)?;
                    let chosen = choices.packages.get(&links.place(path));
                    Some(ServiceLink {
                        manager,
                        path: path.clone(),
                        is_enabled: chosen == Some(&manifest.package.name),
                    })
                };
                services.push(InstalledService {
                    name: service.name.clone(),
                    package: manifest.package.name.clone(),
                    is_suggested: service.enabled,
                    links: [ServiceManager::OpenRc, ServiceManager::Systemd]
                        .into_iter()
                        .filter_map(link)
                        .collect(),
                });
            }
        }
        services.sort_by(|a, b| (&a.name, &a.package).cmp(&(&b.name, &b.package)));
        Ok(services)
    }

    /// Plans that services start with the machine, or do not: links for the managers whose files their packages have.
    /// Nothing is started or stopped.
    ///
    /// # Errors
    ///
    /// Returns that no installed package has such a service, or what stands against it.
    pub fn plan_services(
        &self,
        wishes: &BTreeMap<PackageName, ServiceWish>,
        ownership: Ownership,
    ) -> Result<Plan, PlanError> {
        let ground = self.ground()?;
        let services = self
            .services()
            .map_err(|source| PlanError::Services { source })?;
        let mut wanted = ground.choices.clone();
        for (name, wish) in wishes {
            let mut found = services
                .iter()
                .filter(|service| service.name == *name && !service.links.is_empty())
                .peekable();
            if found.peek().is_none() {
                return Err(PlanError::NoService { name: name.clone() });
            }
            for service in found {
                for link in &service.links {
                    let place = ground.links.place(&link.path);
                    match wish {
                        ServiceWish::Enabled => {
                            wanted.packages.insert(place, service.package.clone());
                        }
                        ServiceWish::Disabled => {
                            wanted.packages.remove(&place);
                        }
                    }
                }
            }
        }
        plan_choice(&ground, wanted, ownership)
    }
}

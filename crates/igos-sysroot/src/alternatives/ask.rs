//! Which paths are served by whom, and choosing another.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{PackageName, RelPath};
use igos_root::FollowedLinks;
use serde::Serialize;

use super::services::is_on_request;
use super::{Choices, Link, links_of};
use crate::plan::plan_choice;
use crate::state_text::StateText;
use crate::{Ownership, Plan, PlanError, QueryError, Sysroot};

/// A path that packages can serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alternative {
    /// The path.
    pub path: RelPath,
    /// The package that serves it.
    pub package: PackageName,
    /// Whether the administrator chose it.
    pub is_chosen: bool,
    /// Every package that offers to.
    pub offers: Vec<Offer>,
}

/// One package that offers to serve a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// The package.
    pub package: PackageName,
    /// Where its file is.
    pub target: RelPath,
    /// The highest wins, unless the administrator chose.
    pub priority: i32,
}

/// What the administrator wants for a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// This package, whatever the priorities say.
    Package(PackageName),
    /// Whatever the priorities say.
    ByPriority,
}

impl Sysroot {
    /// Returns all paths that installed packages offer to serve, by path; each with the highest priority first.
    ///
    /// # Errors
    ///
    /// Returns why that cannot be found out.
    pub fn alternatives(&self) -> Result<Vec<Alternative>, QueryError> {
        self.require_known()?;
        let links =
            FollowedLinks::read(&self.root).map_err(|source| QueryError::Read { source })?;
        let choices =
            Choices::load(&self.root).map_err(|source| QueryError::StateText { source })?;
        let declared = self
            .database
            .alternatives()
            .map_err(|source| QueryError::Database { source })?;
        let mut all = Vec::new();
        for (place, link) in links_of(&declared, &choices, &links) {
            // Those are told by name: `Sysroot::services`.
            if is_on_request(&place) {
                continue;
            }
            let mut offers: Vec<Offer> = declared
                .iter()
                .filter(|offer| links.place(&offer.path) == place)
                .map(|offer| Offer {
                    package: offer.package.clone(),
                    target: offer.target.clone(),
                    priority: offer.priority,
                })
                .collect();
            offers.sort_by(|a, b| (b.priority, &a.package).cmp(&(a.priority, &b.package)));
            all.push(Alternative {
                is_chosen: choices.packages.get(&place) == Some(&link.package),
                path: place,
                package: link.package,
                offers,
            });
        }
        Ok(all)
    }

    /// Plans that a path is served by this package, or by whatever the priorities say.
    ///
    /// # Errors
    ///
    /// Returns that the package does not offer it, or what stands against it.
    pub fn plan_alternative(
        &self,
        path: &RelPath,
        choice: &Choice,
        ownership: Ownership,
    ) -> Result<Plan, PlanError> {
        let ground = self.ground()?;
        let place = ground.links.place(path);
        let declared = self
            .database
            .alternatives()
            .map_err(|source| PlanError::Database { source })?;
        let offered: BTreeSet<PackageName> = declared
            .into_iter()
            .filter(|offer| ground.links.place(&offer.path) == place)
            .map(|offer| offer.package)
            .collect();
        let mut wanted = ground.choices.clone();
        match choice {
            Choice::Package(package) if offered.contains(package) => {
                wanted.packages.insert(place, package.clone());
            }
            Choice::ByPriority if !offered.is_empty() => {
                wanted.packages.remove(&place);
            }
            _ => {
                return Err(PlanError::NotOffered {
                    path: path.clone(),
                    offered: offered.into_iter().collect(),
                });
            }
        }
        plan_choice(&ground, wanted, ownership)
    }

    /// Returns the links of ours that should be there, by place.
    pub(crate) fn own_links(
        &self,
        links: &FollowedLinks,
    ) -> Result<BTreeMap<RelPath, Link>, QueryError> {
        let choices =
            Choices::load(&self.root).map_err(|source| QueryError::StateText { source })?;
        let declared = self
            .database
            .alternatives()
            .map_err(|source| QueryError::Database { source })?;
        Ok(links_of(&declared, &choices, links))
    }
}

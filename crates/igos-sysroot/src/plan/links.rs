//! What happens to the links of alternatives.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::manifest::is_reserved;
use igos_format::{PackageName, RelPath, Sha256};
use igos_root::Kind;

use super::change::marked;
use super::configuration::Content;
use super::exact::finish_conflicts;
use super::ground::Ground;
use super::ground::database;
use super::paths::{Around, Claims, PathPlan, PathPlanner, was_content};
use super::{
    ChangeAction, Conflict, EditedConfiguration, PathAction, PathChange, Plan, PlanError, Unowned,
    Was,
};
use crate::Ownership;
use crate::alternatives::{Choices, Declared, Link, links_of};
use crate::configuration::backup_name;

/// The links of a root before and after a plan.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub(super) before: BTreeMap<RelPath, Link>,
    pub(super) after: BTreeMap<RelPath, Link>,
    /// Choices that change: a package, or nobody any more.
    pub(super) choices: BTreeMap<RelPath, Option<PackageName>>,
}

impl Links {
    /// Tells whether what the disk has at `place` is a link of ours that goes.
    pub(super) fn is_own(&self, place: &RelPath, disk: Content) -> bool {
        !self.after.contains_key(place)
            && self
                .before
                .get(place)
                .is_some_and(|link| content(link) == disk)
    }
}

/// The choices of a root, and those that are wanted.
#[derive(Debug, Clone, Default)]
pub(super) struct ChoiceRequest {
    pub(super) present: Choices,
    pub(super) wanted: Choices,
}

impl ChoiceRequest {
    /// Returns the request to leave all choices as they are.
    pub(super) fn unchanged(present: &Choices) -> Self {
        ChoiceRequest {
            present: present.clone(),
            wanted: present.clone(),
        }
    }
}

fn content(link: &Link) -> Content {
    Content::Symlink(Sha256::of(&link.target))
}

impl PathPlanner<'_> {
    /// Returns which links there are and which there will be.
    pub(super) fn links(&self) -> Result<Links, PlanError> {
        let installed = self.database.alternatives().map_err(database)?;
        let mut offers: Vec<Declared> = installed
            .iter()
            .filter(|offer| !self.leaving.contains_key(&offer.package))
            .cloned()
            .collect();
        for candidate in self.arriving.values() {
            offers.extend(Declared::all_of(
                candidate.manifest(),
                self.exclusions,
                self.links,
            ));
        }
        let offered: BTreeSet<(RelPath, &PackageName)> = offers
            .iter()
            .map(|offer| (self.links.place(&offer.path), &offer.package))
            .collect();
        let mut kept = Choices::default();
        for (place, package) in &self.choices.wanted.packages {
            if offered.contains(&(place.clone(), package)) {
                kept.packages.insert(place.clone(), package.clone());
            }
        }
        let (old, new) = (&self.choices.present.packages, &kept.packages);
        let choices = old
            .keys()
            .chain(new.keys())
            .filter(|place| old.get(*place) != new.get(*place))
            .map(|place| (place.clone(), new.get(place).cloned()))
            .collect();
        Ok(Links {
            before: links_of(&installed, &self.choices.present, self.links),
            after: links_of(&offers, &kept, self.links),
            choices,
        })
    }

    /// Plans the links that come, change and go.
    pub(super) fn plan_links(
        &self,
        links: &Links,
        claims: &Claims<'_>,
        around: &Around<'_>,
        plan: &mut PathPlan,
    ) -> Result<(), PlanError> {
        for (place, link) in &links.after {
            if let Some(conflict) = self.link_conflict(place, link, claims)? {
                plan.conflicts.push(conflict);
                continue;
            }
            self.plan_link(place, link, links.before.get(place), around, plan)?;
        }
        for (place, link) in &links.before {
            if links.after.contains_key(place) || claims.files.contains_key(place) {
                continue;
            }
            if let Some(disk) = self.content_at(place)? {
                let change = if disk == content(link) {
                    PathChange::Remove
                } else {
                    PathChange::Abandon
                };
                plan.actions
                    .push(action(place, link, change, was_content(disk)));
            }
        }
        Ok(())
    }

    fn link_conflict(
        &self,
        place: &RelPath,
        link: &Link,
        claims: &Claims<'_>,
    ) -> Result<Option<Conflict>, PlanError> {
        let (package, path) = (link.package.clone(), link.path.clone());
        if is_reserved(place) {
            return Ok(Some(Conflict::Reserved {
                package,
                path,
                place: place.clone(),
            }));
        }
        let claimed = claims
            .files
            .get(place)
            .map(|claim| claim.package)
            .or_else(|| claims.directories.get(place).map(|needed| needed.package));
        if let Some(other) = claimed {
            return Ok(Some(if self.arriving.contains_key(&package) {
                Conflict::Both {
                    package,
                    other: other.clone(),
                    path,
                }
            } else {
                Conflict::Owned {
                    package: other.clone(),
                    path,
                    owner: package,
                }
            }));
        }
        let owner = self.database.owner(place).map_err(database)?;
        Ok(owner
            .filter(|row| !self.leaving.contains_key(&row.package))
            .map(|row| Conflict::Owned {
                package,
                path,
                owner: row.package,
            }))
    }

    fn plan_link(
        &self,
        place: &RelPath,
        link: &Link,
        before: Option<&Link>,
        around: &Around<'_>,
        plan: &mut PathPlan,
    ) -> Result<(), PlanError> {
        let found = self.look(place, around.fresh)?;
        let was_owned = self.database.owner(place).map_err(database)?.is_some();
        if let Some(found) = found.filter(|_| before.is_none() && !was_owned)
            && let Some(conflict) = around.spellings.conflict(place, &found, &link.package)?
        {
            plan.conflicts.push(conflict);
            return Ok(());
        }
        let disk = match found {
            None => None,
            Some(found) => Some(self.content_on_disk(place, found.kind)?),
        };
        let new = PathChange::Link {
            target: link.target.clone(),
        };
        let mut act = |change, was| plan.actions.push(action(place, link, change, was));
        let Some(disk) = disk else {
            // A link that somebody deleted comes back when it would change, or with its package.
            if before.is_none_or(|before| before.target != link.target)
                || self.arriving.contains_key(&link.package)
            {
                act(new, Was::Absent);
            }
            return Ok(());
        };
        if disk == content(link) {
            return Ok(());
        }
        match before {
            Some(before) if before.target == link.target => {}
            Some(before) if disk == content(before) => act(new, was_content(disk)),
            // Somebody put something else there: that stays.
            Some(_) => act(
                PathChange::KeepEdited {
                    beside: None,
                    base: None,
                },
                was_content(disk),
            ),
            None if was_owned && disk != Content::Other => act(new, was_content(disk)),
            None if self.unowned == Unowned::Backup && disk != Content::Other => {
                match self.free_name(backup_name(place))? {
                    Some(beside) => {
                        act(PathChange::MoveAside { beside }, was_content(disk));
                        act(new, Was::Absent);
                    }
                    None => plan.conflicts.push(unowned(link)),
                }
            }
            None => plan.conflicts.push(unowned(link)),
        }
        Ok(())
    }
}

fn unowned(link: &Link) -> Conflict {
    Conflict::Unowned {
        package: link.package.clone(),
        path: link.path.clone(),
    }
}

fn action(place: &RelPath, link: &Link, change: PathChange, was: Was) -> PathAction {
    PathAction {
        path: link.path.clone(),
        place: place.clone(),
        package: link.package.clone(),
        kind: Kind::Symlink,
        change,
        was,
    }
}

/// Plans that the links follow these choices.
pub(crate) fn plan_choice(
    ground: &Ground<'_>,
    wanted: Choices,
    ownership: Ownership,
) -> Result<Plan, PlanError> {
    let planner = PathPlanner {
        root: ground.root,
        database: ground.database,
        links: &ground.links,
        unowned: Unowned::Refuse,
        edited: EditedConfiguration::Keep,
        earlier: None,
        pending: &ground.pending,
        choices: ChoiceRequest {
            present: ground.choices.clone(),
            wanted,
        },
        exclusions: &ground.exclusions,
        arriving: BTreeMap::new(),
        leaving: BTreeMap::new(),
    };
    let paths = planner.plan()?;
    finish_conflicts(paths.conflicts)?;
    let serving: BTreeSet<&PackageName> = paths
        .actions
        .iter()
        .map(|action| &action.package)
        .chain(paths.choices.values().flatten())
        .collect();
    let mut changes = Vec::new();
    for name in serving {
        changes.push(marked(&ground.installed(name)?, ChangeAction::Choose));
    }
    Ok(Plan {
        changes,
        paths: paths.actions,
        pristine: paths.pristine,
        choices: paths.choices,
        ..ground.nothing(ownership)
    })
}

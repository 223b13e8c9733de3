//! Which arriving package gets which place.

use igos_format::manifest::is_reserved;
use igos_format::{EntryKind, PackageName, RelPath};
use igos_root::FollowedLinks;

use super::paths::{Claim, Claims, NeededDirectory, PathPlan, PathPlanner};
use super::{Conflict, Yield};
use crate::places::{implied_directories, place_of};

impl PathPlanner<'_> {
    /// Gives every place of the arriving packages to one of them.
    pub(super) fn claims<'b>(&'b self, plan: &mut PathPlan) -> Claims<'b> {
        let mut claims = Claims::default();
        for (package, candidate) in &self.arriving {
            let manifest = candidate.manifest();
            let entries = manifest.entries.iter();
            for entry in entries.filter(|entry| !self.exclusions.leaves_out(entry)) {
                let place = place_of(manifest, entry, self.links);
                // A link that paths of others would be followed through counts as what it leads to.
                let led = match &entry.kind {
                    EntryKind::Symlink { target } => FollowedLinks::resolved(&entry.path, target),
                    _ => None,
                };
                if let Some(reserved) = [Some(&place), led.as_ref()]
                    .into_iter()
                    .flatten()
                    .find(|at| is_reserved(at))
                {
                    plan.conflicts.push(Conflict::Reserved {
                        package: package.clone(),
                        path: entry.path.clone(),
                        place: reserved.clone(),
                    });
                } else if entry.kind == EntryKind::Directory {
                    claims.directories.entry(place).or_insert(NeededDirectory {
                        package,
                        path: entry.path.clone(),
                    });
                } else {
                    self.claim_file(place, Claim { package, entry }, &mut claims, plan);
                }
            }
        }
        for (package, candidate) in &self.arriving {
            for place in implied_directories(candidate.manifest(), self.exclusions, self.links) {
                claims
                    .directories
                    .entry(place.clone())
                    .or_insert(NeededDirectory {
                        package,
                        path: place,
                    });
            }
        }
        for (place, claim) in &claims.files {
            if let Some(needed) = claims.directories.get(place) {
                plan.conflicts.push(Conflict::Both {
                    package: claim.package.clone(),
                    other: needed.package.clone(),
                    path: claim.entry.path.clone(),
                });
            }
        }
        claims
    }

    fn claim_file<'b>(
        &self,
        place: RelPath,
        claim: Claim<'b>,
        claims: &mut Claims<'b>,
        plan: &mut PathPlan,
    ) {
        let Some(other) = claims.files.get(&place) else {
            claims.files.insert(place, claim);
            return;
        };
        let supersedes = |a: &PackageName, b: &PackageName| {
            a != b && self.arriving[a].manifest().supersedes.contains(b)
        };
        if supersedes(claim.package, other.package) {
            plan.yields.insert(Yield {
                from: other.package.clone(),
                to: claim.package.clone(),
            });
            claims.files.insert(place, claim);
        } else if supersedes(other.package, claim.package) {
            plan.yields.insert(Yield {
                from: claim.package.clone(),
                to: other.package.clone(),
            });
        } else {
            plan.conflicts.push(Conflict::Both {
                package: claim.package.clone(),
                other: other.package.clone(),
                path: claim.entry.path.clone(),
            });
        }
    }
}

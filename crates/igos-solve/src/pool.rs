//! Everything that a solution may consist of, numbered: names, their candidates, needs and conflicts.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use igos_format::declaration::Feature;
use igos_format::{Dependency, PackageId, PackageName};

use crate::{InstalledPackage, Offer, Relations};

/// Number of a name in a [`Pool`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NameNo(pub(crate) u32);

/// Number of a candidate in a [`Pool`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CandidateNo(pub(crate) u32);

/// Number of a need in a [`Pool`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NeedNo(pub(crate) u32);

/// What may become of a name.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// What is installed stays as it is.
    Installed(Arc<InstalledPackage>),
    /// This is installed.
    Offer(Arc<Offer>),
    /// What is installed goes, and another package of this name takes its place.
    Succeeded(PackageName),
    /// What is installed goes.
    Gone,
}

/// One of the things that may become of a name.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) name: NameNo,
    pub(crate) kind: Kind,
    /// What it needs, without what it has itself.
    pub(crate) needs: Vec<NeedNo>,
    /// Candidates of other names that cannot be there with it.
    pub(crate) conflicts: Vec<CandidateNo>,
}

impl Candidate {
    /// Returns identity and relations of what will be there; `None` if nothing will.
    pub(crate) fn package(&self) -> Option<(&PackageId, &Relations)> {
        match &self.kind {
            Kind::Installed(package) => Some((&package.package, &package.relations)),
            Kind::Offer(offer) => Some((&offer.package, &offer.relations)),
            Kind::Succeeded(_) | Kind::Gone => None,
        }
    }

    pub(crate) fn is_installed(&self) -> bool {
        matches!(self.kind, Kind::Installed(_))
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Installed(package) => write!(f, "{} (installed)", package.package),
            Kind::Offer(offer) => write!(f, "{offer}"),
            Kind::Succeeded(by) => write!(f, "{by} in its place"),
            Kind::Gone => f.write_str("nothing"),
        }
    }
}

/// Why an offer is not considered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exclusion {
    /// It is for another machine.
    Arch,
    /// The name is pinned to this repository.
    Pinned(String),
    /// This repository, which comes first, has the name too.
    Hidden(String),
    /// The installed package comes from this repository, which comes first.
    Lower(String),
    /// The installed package is held.
    Held,
    /// It is older than what is installed.
    Older,
    /// It is the version that is installed, from another build.
    Same,
}

impl Exclusion {
    /// Returns why, as the end of a sentence about the offer.
    pub(crate) fn words(&self, name: &PackageName) -> String {
        match self {
            Exclusion::Arch => "is for another machine".to_owned(),
            Exclusion::Pinned(repository) => {
                format!("is not used: {name} is pinned to repository {repository}")
            }
            Exclusion::Hidden(repository) => {
                format!("is not used: repository {repository} has {name} and comes first")
            }
            Exclusion::Lower(repository) => {
                format!(
                    "is not used: {name} is installed from repository {repository}, which comes first"
                )
            }
            Exclusion::Held => format!("is not used: {name} is held"),
            Exclusion::Older => "is older than what is installed".to_owned(),
            Exclusion::Same => "is the version that is installed".to_owned(),
        }
    }

    /// Returns what to do about it.
    pub(crate) fn hint(&self, name: &PackageName) -> Option<String> {
        match self {
            Exclusion::Held => Some(format!("let it change: `pkm unhold {name}`")),
            Exclusion::Older => Some("let versions go backwards: `--allow-downgrade`".to_owned()),
            _ => None,
        }
    }
}

/// What a request means for one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Its best candidate.
    Best,
    /// What is installed.
    Keep,
    /// Nothing, unless something needs it.
    None,
}

/// A name and what may become of it.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) name: PackageName,
    /// Candidates, the most welcome first.
    pub(crate) candidates: Vec<CandidateNo>,
    pub(crate) installed: Option<CandidateNo>,
    /// Whether something of the name is installed, even if it is to go.
    pub(crate) is_there: bool,
    pub(crate) excluded: Vec<(Arc<Offer>, Exclusion)>,
    pub(crate) aim: Aim,
}

/// What somebody needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum What {
    Dependency(Dependency),
    Feature(Feature),
    /// A package called `by` that takes the place of `of`.
    Successor {
        of: PackageName,
        by: PackageName,
    },
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Dependency(dependency) => write!(f, "{dependency}"),
            What::Feature(feature) => write!(f, "{feature}"),
            What::Successor { of, by } => write!(f, "{by} in the place of {of}"),
        }
    }
}

/// What somebody needs, and who has it.
#[derive(Debug)]
pub(crate) struct Need {
    pub(crate) what: What,
    /// Candidates that have it, by name; names and candidates in the order of welcome.
    pub(crate) satisfied_by: Vec<(NameNo, Vec<CandidateNo>)>,
}

impl Need {
    pub(crate) fn candidates(&self) -> impl Iterator<Item = CandidateNo> + '_ {
        self.satisfied_by
            .iter()
            .flat_map(|(_, list)| list.iter().copied())
    }
}

/// Everything that a solution may consist of.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    pub(crate) names: Vec<Name>,
    pub(crate) by_name: HashMap<PackageName, NameNo>,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) needs: Vec<Need>,
    /// Installed packages that already lack something, with what.
    pub(crate) broken: BTreeMap<PackageName, Vec<What>>,
}

impl Pool {
    pub(crate) fn name(&self, no: NameNo) -> &Name {
        &self.names[no.0 as usize]
    }

    pub(crate) fn candidate(&self, no: CandidateNo) -> &Candidate {
        &self.candidates[no.0 as usize]
    }

    pub(crate) fn need(&self, no: NeedNo) -> &Need {
        &self.needs[no.0 as usize]
    }

    pub(crate) fn name_of(&self, no: CandidateNo) -> &Name {
        self.name(self.candidate(no).name)
    }

    pub(crate) fn find(&self, name: &PackageName) -> Option<&Name> {
        self.by_name.get(name).map(|no| self.name(*no))
    }

    pub(crate) fn numbers(&self) -> impl Iterator<Item = NameNo> + use<> {
        (0..u32::try_from(self.names.len()).unwrap_or(u32::MAX)).map(NameNo)
    }

    /// Adds a candidate after those that its name has.
    pub(crate) fn add(&mut self, name: NameNo, kind: Kind) -> CandidateNo {
        let no = CandidateNo(u32::try_from(self.candidates.len()).expect("memory ends first"));
        self.candidates.push(Candidate {
            name,
            kind,
            needs: Vec::new(),
            conflicts: Vec::new(),
        });
        self.names[name.0 as usize].candidates.push(no);
        no
    }
}

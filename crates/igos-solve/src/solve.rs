//! From a request to a solution or an explanation.

use std::collections::BTreeSet;

use igos_format::PackageName;
use igos_report::{Diagnostic, Explain, diagnose};

use crate::answer::answer;
use crate::build::{Builder, Scope, upgraded};
use crate::choose::{choose, demands, is_best};
use crate::explanation::{Explanation, Impossible, explain, is_asked};
use crate::refute::refute;
use crate::remedy::remedies;
use crate::request::Essentials;
use crate::{Offers, OffersError, Request, Solution, Universe, Upgrade, Wanted, Which};

/// There is no solution, or it cannot be looked for.
#[derive(Debug, thiserror::Error)]
pub enum SolveError {
    /// Offers cannot be looked up.
    #[error(transparent)]
    Offers(#[from] OffersError),
    /// The request cannot be fulfilled.
    #[error("{0}")]
    Impossible(Box<Explanation>),
}

impl Explain for SolveError {
    fn code(&self) -> &'static str {
        match self {
            SolveError::Offers(source) => source.code(),
            SolveError::Impossible(explanation) => match explanation.kind {
                Impossible::NotInstalled => "not-installed",
                Impossible::NotOffered => "package-not-offered",
                Impossible::Ambiguous => "name-ambiguous",
                Impossible::Needed => "package-needed",
                Impossible::Essential => "package-essential",
                Impossible::NoSolution => "no-solution",
            },
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            SolveError::Offers(source) => source.hints(),
            SolveError::Impossible(explanation) => explanation.hints.clone(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            SolveError::Offers(source) => source.exit_code(),
            SolveError::Impossible(_) => 1,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            SolveError::Offers(source) => vec![diagnose(source)],
            SolveError::Impossible(explanation) => {
                let mut diagnostic = Diagnostic::error(self.code(), &explanation.headline);
                diagnostic.because = explanation.because.clone();
                diagnostic.hints = explanation.hints.clone();
                vec![diagnostic]
            }
        }
    }
}

fn impossible(kind: Impossible, headline: String, hints: Vec<String>) -> SolveError {
    SolveError::Impossible(Box::new(Explanation {
        kind,
        headline,
        because: Vec::new(),
        hints,
    }))
}

/// Finds the best solution of a request.
///
/// # Errors
///
/// Returns why there is none, in words, or why it cannot be looked for.
pub fn solve(
    universe: &Universe,
    offers: &dyn Offers,
    request: &Request,
) -> Result<Solution, SolveError> {
    let request = resolve_names(universe, offers, request)?;
    test_installed(universe, &request)?;
    let upgraded = upgraded(universe, offers, &request)?;
    if request.upgrade == Upgrade::Nothing {
        let pool = Builder::new(universe, offers, &request, &upgraded, Scope::Named).build()?;
        if let Some(chosen) = choose(&pool, universe, &request, &upgraded)
            && (request.is_removal() || is_best(&pool, &request, &chosen.model))
        {
            return Ok(answer(&pool, universe, &request, &upgraded, &chosen));
        }
    }
    let pool = Builder::new(universe, offers, &request, &upgraded, Scope::Whole).build()?;
    if let Some(chosen) = choose(&pool, universe, &request, &upgraded) {
        return Ok(answer(&pool, universe, &request, &upgraded, &chosen));
    }
    let demands = demands(&pool, universe, &request, &upgraded);
    let proof = refute(&pool, &demands, |demand| is_asked(&pool, &request, demand));
    let mut explanation = explain(&pool, offers, &request, &demands, proof.as_ref())?;
    explanation
        .hints
        .extend(remedies(universe, offers, &request)?);
    Err(SolveError::Impossible(Box::new(explanation)))
}

/// Returns the request with the one package that provides a name in the place of a name that no package has.
fn resolve_names(
    universe: &Universe,
    offers: &dyn Offers,
    request: &Request,
) -> Result<Request, SolveError> {
    let mut request = request.clone();
    for wanted in &mut request.install {
        let name = &wanted.name;
        let is_known = universe.packages.contains_key(name) || !offers.named(name)?.is_empty();
        if is_known || !matches!(wanted.which, Which::Newest | Which::Constraint(_)) {
            continue;
        }
        let installed = universe.packages.values();
        let installed = installed
            .filter(|installed| installed.relations.provides_name(name))
            .map(|installed| installed.package.name.clone());
        let offered = offers.providing(name)?;
        let offered = offered.iter().map(|offer| offer.package.name.clone());
        let names: BTreeSet<PackageName> = installed.chain(offered).collect();
        let mut names = names.into_iter();
        match (names.next(), names.len()) {
            (None, _) => {}
            (Some(only), 0) => {
                *wanted = Wanted {
                    name: only,
                    which: Which::Newest,
                };
            }
            (Some(first), _) => {
                let all: Vec<String> = std::iter::once(first)
                    .chain(names)
                    .map(|name| name.to_string())
                    .collect();
                return Err(impossible(
                    Impossible::Ambiguous,
                    format!(
                        "{name} is no package, and several provide it: {}",
                        all.join(", ")
                    ),
                    vec!["name the one that is meant".to_owned()],
                ));
            }
        }
    }
    Ok(request)
}

/// Refuses what names something that is not installed, and removals of what is essential.
fn test_installed(universe: &Universe, request: &Request) -> Result<(), SolveError> {
    let upgrade = match &request.upgrade {
        Upgrade::Names(names) => names.iter().collect(),
        _ => Vec::new(),
    };
    let again = request.install.iter();
    let again = again.filter(|wanted| wanted.which == Which::Again);
    let names = request.remove.iter().chain(upgrade);
    for name in names.chain(again.map(|wanted| &wanted.name)) {
        if !universe.packages.contains_key(name) {
            return Err(impossible(
                Impossible::NotInstalled,
                format!("{name} is not installed"),
                Vec::new(),
            ));
        }
    }
    for name in &request.remove {
        if universe.packages[name].is_essential && request.policy.essentials == Essentials::Keep {
            return Err(impossible(
                Impossible::Essential,
                format!("cannot remove {name}: it is essential"),
                vec!["remove it all the same with `--remove-essential`".to_owned()],
            ));
        }
    }
    Ok(())
}

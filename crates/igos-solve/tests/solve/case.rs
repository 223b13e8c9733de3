//! Cases as text: what is installed, what is offered, what is asked for.
//!
//! A package is one line: `NAME [EPOCH:]VERSION[-RELEASE]`, then words and lists, separated by `;`.

use std::collections::BTreeSet;

use igos_format::{Arch, PackageId, PackageName, Sha256};
use igos_solve::{
    Downgrades, Essentials, Holds, InstalledPackage, MemoryOffers, Offer, Reason, Relations,
    Removals, Request, Solution, SolveError, Source, Universe, Upgrade, Wanted, Which, solve,
};

/// What a case gives.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) universe: Universe,
    pub(crate) offered: Vec<Offer>,
    pub(crate) request: Request,
}

/// One package line.
struct Line<'a> {
    package: PackageId,
    relations: Relations,
    words: BTreeSet<&'a str>,
    source: Option<Source>,
}

pub(crate) fn name(text: &str) -> PackageName {
    text.parse()
        .unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn package(text: &str) -> PackageId {
    let (name_text, version) = text.split_once(' ').expect("a name and a version");
    let (epoch, version) = version.split_once(':').unwrap_or(("0", version));
    let (version, release) = version.rsplit_once('-').unwrap_or((version, "1"));
    PackageId {
        name: name(name_text),
        epoch: epoch.parse().expect("an epoch"),
        version: version.parse().expect("a version"),
        release: release.parse().expect("a release"),
        arch: Arch::X86_64,
    }
}

fn line(text: &str) -> Line<'_> {
    let mut fields = text.split(';').map(str::trim);
    let mut line = Line {
        package: package(fields.next().expect("a line has a field")),
        relations: Relations::default(),
        words: BTreeSet::new(),
        source: None,
    };
    for field in fields {
        let Some((word, values)) = field.split_once(' ') else {
            line.words.insert(field);
            continue;
        };
        for value in values.split(',').map(str::trim) {
            let relations = &mut line.relations;
            let parsed = match word {
                "needs" => value.parse().map(|it| relations.depends.insert(it)).is_ok(),
                "provides" => value
                    .parse()
                    .map(|it| relations.provides.insert(it))
                    .is_ok(),
                "conflicts" => value
                    .parse()
                    .map(|it| relations.conflicts.insert(it))
                    .is_ok(),
                "supersedes" => {
                    relations.supersedes.insert(name(value));
                    true
                }
                "has" => value
                    .parse()
                    .map(|it| relations.features_provided.insert(it))
                    .is_ok(),
                "uses" => value
                    .parse()
                    .map(|it| relations.features_required.insert(it))
                    .is_ok(),
                "path" => relations.paths.insert(value.to_owned()),
                "from" => {
                    line.source = Some(source(value));
                    true
                }
                "arch" => {
                    line.package.arch = value.parse().expect("a machine");
                    true
                }
                _ => false,
            };
            assert!(parsed, "{text:?}: {word} {value}");
        }
    }
    line
}

fn source(text: &str) -> Source {
    if text == "archive" {
        return Source::Archive;
    }
    let (name, priority) = text.split_once('=').unwrap_or((text, "0"));
    Source::Repository {
        name: name.to_owned(),
        priority: priority.parse().expect("a priority"),
    }
}

fn seal(text: &str) -> Sha256 {
    Sha256::of(text.as_bytes())
}

impl Case {
    /// Reads a case; what comes after `expect:` is returned as it is.
    pub(crate) fn parse(text: &str) -> (Self, String) {
        let (given, expected) = text
            .split_once("expect:\n")
            .expect("a case expects something");
        let mut case = Case {
            universe: Universe::empty(Arch::X86_64),
            offered: Vec::new(),
            request: Request::default(),
        };
        let mut part = "";
        for line in given.lines().map(str::trim) {
            match line {
                "" => {}
                _ if line.starts_with('#') => {}
                "installed:" | "offered:" | "request:" => part = line,
                _ if part == "installed:" => case.add_installed(line),
                _ if part == "offered:" => case.add_offered(line),
                _ if part == "request:" => case.add_request(line),
                _ => panic!("a line belongs nowhere: {line}"),
            }
        }
        (case, expected.to_owned())
    }

    fn add_installed(&mut self, text: &str) {
        let line = line(text);
        self.universe.packages.insert(
            line.package.name.clone(),
            InstalledPackage {
                seal: seal(&line.package.to_string()),
                relations: line.relations,
                reason: if line.words.contains("automatic") {
                    Reason::Automatic
                } else {
                    Reason::Explicit
                },
                is_held: line.words.contains("held"),
                is_essential: line.words.contains("essential"),
                source: line.source,
                installed_bytes: 0,
                package: line.package,
            },
        );
    }

    fn add_offered(&mut self, text: &str) {
        let line = line(text);
        let source = line.source.unwrap_or_else(|| source("main"));
        // What is installed and offered by the same repository is the same archive, unless the line says `rebuilt`.
        let seal = if line.words.contains("rebuilt") || source == Source::Archive {
            seal(text)
        } else {
            seal(&line.package.to_string())
        };
        self.offered.push(Offer {
            seal,
            source,
            relations: line.relations,
            is_security: line.words.contains("security"),
            installed_bytes: 0,
            archive_bytes: None,
            package: line.package,
        });
    }

    fn add_request(&mut self, text: &str) {
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let request = &mut self.request;
        let policy = &mut request.policy;
        match verb {
            "install" => {
                for word in rest.split(' ') {
                    let wanted = self.wanted(word);
                    self.request.install.push(wanted);
                }
            }
            "reinstall" => request.install.push(Wanted {
                name: name(rest),
                which: Which::Again,
            }),
            "remove" => request.remove.extend(rest.split(' ').map(name)),
            "upgrade" if rest.is_empty() => request.upgrade = Upgrade::All,
            "upgrade" => request.upgrade = Upgrade::Names(rest.split(' ').map(name).collect()),
            "security-upgrade" => request.upgrade = Upgrade::Security,
            "allow-downgrade" => policy.downgrades = Downgrades::Allow,
            "allow-removals" => policy.removals = Removals::Allow,
            "remove-essential" => policy.essentials = Essentials::Remove,
            "ignore-holds" => policy.holds = Holds::Ignore,
            "pin" => {
                let (package, repository) = rest.split_once(' ').expect("a name and a repository");
                policy.pins.insert(name(package), repository.to_owned());
            }
            _ => panic!("nobody asks that: {text}"),
        }
    }

    /// Reads `NAME`, `NAME=VERSION`, `NAME>=VERSION`, or `archive:NAME` for the loose archive of that name.
    fn wanted(&self, word: &str) -> Wanted {
        if let Some(archive) = word.strip_prefix("archive:") {
            let offer = self
                .offered
                .iter()
                .find(|offer| {
                    offer.source == Source::Archive && offer.package.name.as_str() == archive
                })
                .expect("the archive is offered");
            return Wanted {
                name: name(archive),
                which: Which::Seal(offer.seal),
            };
        }
        match word.split_once('=') {
            Some((package, version)) if !package.ends_with(['<', '>']) => Wanted {
                name: name(package),
                which: Which::Version(version.to_owned()),
            },
            _ => {
                let dependency: igos_format::Dependency = word.parse().expect("a dependency");
                Wanted {
                    name: dependency.name,
                    which: dependency
                        .constraint
                        .map_or(Which::Newest, Which::Constraint),
                }
            }
        }
    }

    pub(crate) fn offers(&self) -> MemoryOffers {
        let mut offers = MemoryOffers::default();
        offers.extend(self.offered.iter().cloned());
        offers
    }

    pub(crate) fn solve(&self) -> Result<Solution, SolveError> {
        solve(&self.universe, &self.offers(), &self.request)
    }
}

/// Returns an answer as cases expect it.
pub(crate) fn shown(answer: &Result<Solution, SolveError>) -> String {
    let mut lines = Vec::new();
    match answer {
        Ok(solution) => {
            for choice in &solution.install {
                let from = choice.installed.as_ref();
                let from =
                    from.map_or(String::new(), |old| format!(" from {}", old.full_version()));
                lines.push(format!(
                    "install {}{from}, {}: {}",
                    choice.offer,
                    choice.reason.as_str(),
                    choice.why
                ));
            }
            for removal in &solution.remove {
                lines.push(format!("remove {}: {}", removal.package, removal.why));
            }
            for package in &solution.unchanged {
                lines.push(format!("unchanged {package}"));
            }
            for name in &solution.now_explicit {
                lines.push(format!("explicit {name}"));
            }
            for kept in &solution.kept_back {
                let why = kept.why.as_deref().unwrap_or("others stand against it");
                lines.push(format!("kept {}: {} {why}", kept.installed, kept.offered));
            }
            if lines.is_empty() {
                lines.push("nothing".to_owned());
            }
        }
        Err(SolveError::Impossible(explanation)) => {
            lines.push(explanation.headline.clone());
            lines.extend(explanation.because.iter().map(|line| format!("  {line}")));
            lines.extend(explanation.hints.iter().map(|hint| format!("hint: {hint}")));
        }
        Err(error) => lines.push(format!("error: {error}")),
    }
    lines.push(String::new());
    lines.join("\n")
}

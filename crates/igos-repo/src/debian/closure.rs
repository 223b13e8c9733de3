//! A named list of binary packages with everything they depend on, from one `Packages` index.
//!
//! The rules are ours and few, so that equal indices give equal lists: `Depends` and `Pre-Depends` are followed,
//! `Recommends` are not; of `a | b` the first that is chosen already, else the first that exists; of several
//! providers of a virtual name the first by name. Version constraints are not looked at: within one suite of the
//! archive they hold, or the suite would not be consistent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use igos_format::{Digest, PackageName, RelPath, Sha256};
use igos_report::{Diagnostic, Explain, diagnose};

use super::DebianError;
use super::control::{Paragraph, paragraphs};
use crate::{Location, SourceRequest, Unpinned};

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Packages to have, with their dependencies.
    pub names: BTreeSet<String>,
    /// Packages to leave out although something depends on them.
    pub without: BTreeSet<String>,
}

/// A binary package of the archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BinaryPackage {
    /// Its name.
    pub name: PackageName,
    /// Its version, as Debian writes it.
    pub version: String,
    /// Its architecture, as Debian names it, or `all`.
    pub arch: String,
    /// The name of the source package it was built from.
    pub source: String,
    /// Its path in the archive.
    pub path: String,
    /// The digest of the `.deb`, from the signed index.
    pub sha256: Sha256,
    /// The size of the `.deb` in bytes.
    pub size: u64,
    /// The names of the packages of this list that it depends on.
    pub depends: BTreeSet<String>,
}

impl BinaryPackage {
    /// Returns the request for its `.deb`.
    #[must_use]
    pub fn request(&self) -> SourceRequest {
        SourceRequest {
            package: self.name.clone(),
            version: self.version.clone(),
            cache_name: self.path.clone(),
            location: Location::Debian {
                path: self.path.clone(),
                size: self.size,
            },
            digest: Some(Digest::Sha256(self.sha256)),
            alternatives: Vec::new(),
            unpinned: Unpinned::Refuse,
        }
    }
}

/// A list of packages could not be closed.
#[derive(Debug, thiserror::Error)]
pub enum ClosureError {
    /// The index cannot be had.
    #[error(transparent)]
    Archive(#[from] DebianError),
    /// Names that the suite does not have, each with what needs it.
    #[error("suite {suite} does not have {}", missing.join(", "))]
    Missing {
        /// The suite.
        suite: String,
        /// The names, with `(needed by X)` where a dependency asked for it.
        missing: Vec<String>,
    },
}

impl Explain for ClosureError {
    fn code(&self) -> &'static str {
        match self {
            ClosureError::Archive(error) => error.code(),
            ClosureError::Missing { .. } => "debian-package-absent",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            ClosureError::Archive(error) => error.hints(),
            ClosureError::Missing { .. } => {
                vec!["correct the list, or name another suite with `--suite`".into()]
            }
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            ClosureError::Archive(error) => error.exit_code(),
            ClosureError::Missing { .. } => 1,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        vec![diagnose(self)]
    }
}

#[derive(Debug, Clone)]
struct Row {
    package: BinaryPackage,
    /// Groups of which one each is needed.
    needs: Vec<Vec<String>>,
}

/// The packages of one suite and architecture.
#[derive(Debug, Default)]
pub(super) struct Packages {
    rows: BTreeMap<String, Row>,
    providers: BTreeMap<String, BTreeSet<String>>,
}

const FIELDS: [&str; 10] = [
    "Package",
    "Version",
    "Architecture",
    "Source",
    "Filename",
    "Size",
    "SHA256",
    "Depends",
    "Pre-Depends",
    "Provides",
];

impl Packages {
    /// Adds the packages of an index; of several with one name the first stays. Paragraphs without a digest or
    /// with an unusable name are passed over, and so are not found.
    pub(super) fn add(&mut self, index: &str) {
        for paragraph in paragraphs(index, &FIELDS) {
            if let Some((row, provides)) = parse_row(&paragraph) {
                let name = row.package.name.to_string();
                for provided in provides {
                    self.providers
                        .entry(provided)
                        .or_default()
                        .insert(name.clone());
                }
                self.rows.entry(name).or_insert(row);
            }
        }
    }
}

fn parse_row(paragraph: &Paragraph<'_>) -> Option<(Row, Vec<String>)> {
    let name = paragraph.field("Package")?;
    let path = paragraph.field("Filename")?;
    let is_plain =
        path.parse::<RelPath>().is_ok() && path.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain {
        return None;
    }
    let mut needs = Vec::new();
    for field in ["Pre-Depends", "Depends"] {
        needs.extend(groups(paragraph.field(field).unwrap_or_default()));
    }
    let source = paragraph.field("Source").unwrap_or(name);
    let package = BinaryPackage {
        name: name.parse().ok()?,
        version: paragraph.field("Version")?.to_owned(),
        arch: paragraph.field("Architecture")?.to_owned(),
        source: source.split(' ').next().unwrap_or(name).to_owned(),
        path: path.to_owned(),
        sha256: paragraph.field("SHA256")?.parse().ok()?,
        size: paragraph.field("Size")?.parse().ok()?,
        depends: BTreeSet::new(),
    };
    let provides = groups(paragraph.field("Provides").unwrap_or_default());
    Some((
        Row { package, needs },
        provides.into_iter().flatten().collect(),
    ))
}

/// Reads `a (>= 1) | b:any, c` as `[[a, b], [c]]`.
fn groups(field: &str) -> Vec<Vec<String>> {
    let name = |text: &str| {
        let end = text.find([' ', '(', ':', '[', '<']).unwrap_or(text.len());
        text[..end].to_owned()
    };
    field
        .split(',')
        .map(|group| {
            let names = group.split('|').map(|text| name(text.trim()));
            names.filter(|name| !name.is_empty()).collect::<Vec<_>>()
        })
        .filter(|group| !group.is_empty())
        .collect()
}

pub(super) fn close(
    packages: &Packages,
    wanted: &Wanted,
    suite: &str,
) -> Result<Vec<BinaryPackage>, ClosureError> {
    let mut chosen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut missing = Vec::new();
    let mut queue = VecDeque::new();
    for name in &wanted.names {
        if packages.rows.contains_key(name) {
            chosen.insert(name.clone(), BTreeSet::new());
            queue.push_back(name.clone());
        } else {
            missing.push(name.clone());
        }
    }
    while let Some(name) = queue.pop_front() {
        for group in &packages.rows[&name].needs {
            let Some(choice) = choose(packages, &chosen, group, &wanted.without) else {
                if group.iter().all(|name| !wanted.without.contains(name)) {
                    missing.push(format!("{} (needed by {name})", group.join(" or ")));
                }
                continue;
            };
            if let Some(depends) = chosen.get_mut(&name)
                && choice != name
            {
                depends.insert(choice.clone());
            }
            if !chosen.contains_key(&choice) {
                chosen.insert(choice.clone(), BTreeSet::new());
                queue.push_back(choice);
            }
        }
    }
    if !missing.is_empty() {
        return Err(ClosureError::Missing {
            suite: suite.to_owned(),
            missing,
        });
    }
    Ok(chosen
        .into_iter()
        .map(|(name, depends)| BinaryPackage {
            depends,
            ..packages.rows[&name].package.clone()
        })
        .collect())
}

/// Returns the package that satisfies a group, `None` if none does.
fn choose(
    packages: &Packages,
    chosen: &BTreeMap<String, BTreeSet<String>>,
    group: &[String],
    without: &BTreeSet<String>,
) -> Option<String> {
    let empty = BTreeSet::new();
    let providers = |name: &String| packages.providers.get(name).unwrap_or(&empty).iter();
    let candidates: Vec<&String> = group
        .iter()
        .flat_map(|name| {
            packages
                .rows
                .get_key_value(name)
                .map(|(name, _)| name)
                .into_iter()
                .chain(providers(name))
        })
        .filter(|name| !without.contains(*name))
        .collect();
    let already = candidates.iter().find(|name| chosen.contains_key(**name));
    already.or(candidates.first()).map(|name| (*name).clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use igos_format::Sha256;

    use super::{ClosureError, Packages, Wanted, close};

    fn packages(text: &str) -> Packages {
        let mut packages = Packages::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, fields) = line.split_once(' ').unwrap_or((line, ""));
            packages.add(&format!(
                "Package: {name}\nVersion: 1\nArchitecture: amd64\nFilename: pool/{name}.deb\nSize: 1\n\
                 SHA256: {}\n{}\n\n",
                Sha256::of(b""),
                fields.replace("; ", "\n")
            ));
        }
        packages
    }

    fn wanted(names: &[&str], without: &[&str]) -> Wanted {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Wanted {
            names: set(names),
            without: set(without),
        }
    }

    fn names(packages: &Packages, wanted: &Wanted) -> Vec<String> {
        let found = close(packages, wanted, "s").expect("everything is there");
        found
            .iter()
            .map(|package| {
                let depends: Vec<&str> = package.depends.iter().map(String::as_str).collect();
                format!("{}: {}", package.name, depends.join(" "))
            })
            .collect()
    }

    #[test]
    fn list_is_closed_under_dependencies_and_cycles_end() {
        let packages = packages(
            "gcc Depends: cpp (= 1), libc6:any (>= 2.3), base | other
             cpp Pre-Depends: gcc
             libc6
             other
             unrelated",
        );
        assert_eq!(
            names(&packages, &wanted(&["gcc"], &[])),
            ["cpp: gcc", "gcc: cpp libc6 other", "libc6: ", "other: "]
        );
    }

    #[test]
    fn chosen_alternative_wins_over_an_earlier_one_and_over_a_provider() {
        let packages = packages(
            "tool Depends: awk, a | b
             a
             b
             gawk Provides: awk
             mawk Provides: awk (= 1)",
        );
        assert_eq!(
            names(&packages, &wanted(&["tool", "mawk", "b"], &[])),
            ["b: ", "mawk: ", "tool: b mawk"]
        );
        assert_eq!(
            names(&packages, &wanted(&["tool"], &[])),
            ["a: ", "gawk: ", "tool: a gawk"]
        );
        assert_eq!(
            names(&packages, &wanted(&["tool"], &["gawk", "a", "b"])),
            ["mawk: ", "tool: mawk"]
        );
    }

    #[test]
    fn everything_that_is_missing_is_named() {
        let packages = packages("tool Depends: x | y, z\nz");
        let error =
            close(&packages, &wanted(&["absent", "tool"], &[]), "s").expect_err("two are missing");
        let ClosureError::Missing { missing, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(missing, ["absent", "x or y (needed by tool)"]);
        let without: BTreeSet<String> = ["x".to_owned()].into();
        let wanted = Wanted {
            names: ["tool".to_owned()].into(),
            without,
        };
        assert_eq!(names(&packages, &wanted), ["tool: z", "z: "]);
    }
}

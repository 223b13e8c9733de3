//! From the files of a KISS directory to the recipe.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use igos_report::Diagnostic;

use super::lines::File;
use super::sources::Identity;
use super::{checksums, depends, sources, version};
use crate::{
    Dialect, FileKind, FileList, FlagOverrides, ForeignKeys, Output, OverlayPackage, Parsed,
    Recipe, RecipeDependency, Source, Style, TestPolicy, Triples,
};
use igos_format::declaration::{HookDeclaration, HookMoment};
use igos_format::{DependencyKind, PackageName};

/// The texts of one recipe.
#[derive(Clone, Copy)]
pub struct KissDirectory<'a> {
    /// The path of the directory as the user would name it.
    pub directory: &'a str,
    /// Its last component: the name of the package.
    pub name: &'a str,
    /// The dialect of the repository.
    pub dialect: Dialect,
    /// What lies in the directory.
    pub files: &'a FileList,
    /// The bytes of `version`.
    pub version: Option<&'a [u8]>,
    /// The bytes of `depends`.
    pub depends: Option<&'a [u8]>,
    /// The bytes of `sources`.
    pub sources: Option<&'a [u8]>,
    /// The bytes of `checksums`.
    pub checksums: Option<&'a [u8]>,
    /// Tells what a path of the host, given without its leading slash, is.
    pub absolute: &'a dyn Fn(&str) -> Option<FileKind>,
    /// What the repository's overlay says about the package.
    pub overlay: Option<&'a OverlayPackage>,
}

impl fmt::Debug for KissDirectory<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KissDirectory")
            .field("directory", &self.directory)
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}

/// Parses a KISS directory.
#[must_use]
pub fn parse_kiss_directory(input: &KissDirectory<'_>) -> Parsed {
    let mut diagnostics = Vec::new();
    let name = match input.name.parse::<PackageName>() {
        Ok(name) => Some(name),
        Err(error) => {
            diagnostics.push(
                Diagnostic::error("kiss-name-invalid", error.to_string()).at(input.directory),
            );
            None
        }
    };
    programs(input, &mut diagnostics);
    let identity = match input.version {
        None => {
            diagnostics.push(missing("kiss-version-missing", "version", input));
            None
        }
        Some(bytes) => {
            with_file(input, "version", bytes, &mut diagnostics, version::version).flatten()
        }
    };
    let dependencies = match input.depends {
        None => Vec::new(),
        Some(bytes) => with_file(input, "depends", bytes, &mut diagnostics, depends::depends)
            .unwrap_or_default(),
    };
    let (Some(name), Some((version, release))) = (name, identity) else {
        return Parsed {
            recipe: None,
            diagnostics,
        };
    };
    let identity = Identity {
        name,
        version,
        release,
    };
    let sources = read_sources(input, &identity, &mut diagnostics);
    let mut recipe = recipe(input, identity, dependencies, sources);
    if let Some(overlay) = input.overlay {
        overlay.apply(&mut recipe);
    }
    Parsed {
        recipe: Some(recipe),
        diagnostics,
    }
}

fn missing(code: &str, file: &str, input: &KissDirectory<'_>) -> Diagnostic {
    Diagnostic::error(code, format!("there is no `{file}`")).at(input.directory)
}

/// Tests the files that are run.
fn programs(input: &KissDirectory<'_>, diagnostics: &mut Vec<Diagnostic>) {
    match input.files.get("build") {
        Some(FileKind::Executable) => {}
        Some(FileKind::File) => diagnostics.push(
            Diagnostic::error("kiss-build-not-executable", "`build` is not executable")
                .at(format!("{}/build", input.directory))
                .hint(format!(
                    "make it so with `chmod +x {}/build`",
                    input.directory
                )),
        ),
        Some(FileKind::Directory) | None => {
            diagnostics.push(missing("kiss-build-missing", "build", input))
        }
    }
    for (hook, _) in HOOKS {
        if input.files.get(hook) == Some(&FileKind::File) {
            let message = format!("`{hook}` is not executable and will not run");
            diagnostics.push(
                Diagnostic::warning("kiss-hook-not-executable", message)
                    .at(format!("{}/{hook}", input.directory)),
            );
        }
    }
}

/// Programs that a package asks to run on the system, and when: KISS does not tell an upgrade from an installation.
const HOOKS: [(&str, &[HookMoment]); 2] = [
    (
        "post-install",
        &[HookMoment::PostInstall, HookMoment::PostUpgrade],
    ),
    ("pre-remove", &[HookMoment::PreRemove]),
];

/// Returns where the package of a KISS recipe has a program that the recipe asks to run on the system.
#[must_use]
pub fn hook_place(package: &PackageName, script: &str) -> String {
    format!("usr/lib/igos/hooks/{package}/{script}")
}

fn with_file<T>(
    input: &KissDirectory<'_>,
    name: &str,
    bytes: &[u8],
    diagnostics: &mut Vec<Diagnostic>,
    read: impl FnOnce(&mut File<'_>) -> T,
) -> Option<T> {
    match File::open(format!("{}/{name}", input.directory), bytes) {
        Ok(mut file) => {
            let value = read(&mut file);
            diagnostics.append(&mut file.diagnostics);
            Some(value)
        }
        Err(diagnostic) => {
            diagnostics.push(diagnostic);
            None
        }
    }
}

fn read_sources(
    input: &KissDirectory<'_>,
    identity: &Identity,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Source> {
    let Some(bytes) = input.sources else {
        return Vec::new();
    };
    let before = diagnostics.len();
    let read = with_file(input, "sources", bytes, diagnostics, |file| {
        sources::sources(file, input, identity)
    });
    let mut found = read.unwrap_or_default();
    if diagnostics.len() > before {
        // A source that could not be read would shift the lines of all that follow.
        return found;
    }
    let about = match input.checksums {
        Some(bytes) => with_file(input, "checksums", bytes, diagnostics, |file| {
            checksums::checksums(Some(file), input.dialect, &mut found)
        }),
        None => Some(checksums::checksums(None, input.dialect, &mut found)),
    };
    diagnostics.extend(
        about
            .into_iter()
            .flatten()
            .map(|one| one.at(input.directory)),
    );
    found
}

fn recipe(
    input: &KissDirectory<'_>,
    identity: Identity,
    dependencies: Vec<RecipeDependency>,
    sources: Vec<Source>,
) -> Recipe {
    let main = Output {
        name: identity.name.clone(),
        description: String::new(),
        paths: Vec::new(),
        dependencies: dependencies
            .iter()
            .filter(|needed| needed.kind == DependencyKind::Run)
            .map(|needed| needed.dependency.clone())
            .collect(),
        provides: Vec::new(),
        conflicts: Vec::new(),
        supersedes: Vec::new(),
        is_essential: false,
    };
    let hook_scripts: Vec<String> = HOOKS
        .into_iter()
        .map(|(script, _)| script.to_owned())
        .filter(|script| input.files.get(script.as_str()) == Some(&FileKind::Executable))
        .collect();
    let hooks = HOOKS
        .iter()
        .filter(|(script, _)| hook_scripts.iter().any(|found| found == script))
        .flat_map(|(script, moments)| {
            let run = format!("/{}", hook_place(&identity.name, script));
            moments.iter().map(move |moment| HookDeclaration {
                moment: *moment,
                run: vec![run.clone()],
            })
        })
        .collect();
    Recipe {
        name: identity.name,
        dialect: input.dialect,
        format: 0,
        epoch: 0,
        version: identity.version,
        release: identity.release,
        tier: None,
        arch: Vec::new(),
        description: String::new(),
        license: String::new(),
        homepage: String::new(),
        dependencies,
        imported: None,
        sources,
        patches: Vec::new(),
        style: Style::Kiss,
        declared_style: Style::Kiss,
        functions: BTreeSet::new(),
        install_function: String::new(),
        configure_flags: Vec::new(),
        tests: TestPolicy::default(),
        outputs: vec![main],
        supersedes: Vec::new(),
        verify_paths: Vec::new(),
        flags: FlagOverrides::default(),
        environment: BTreeMap::new(),
        files: Vec::new(),
        configuration: Vec::new(),
        users: Vec::new(),
        groups: Vec::new(),
        services: Vec::new(),
        alternatives: Vec::new(),
        triggers: Vec::new(),
        hooks,
        hook_scripts,
        source_date_epoch: None,
        triples: Triples::default(),
        foreign: ForeignKeys::default(),
    }
}

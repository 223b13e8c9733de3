//! What a package's page tells of its archives, where the cache has them.

use igos_cli::Size;
use igos_format::declaration::Feature;
use igos_format::installed_bytes;
use igos_format::trust::UtcTime;
use igos_recipe::Output;

use super::page::{Depth, anchor, fact, name_link};
use super::{Built, BuiltFrom, BuiltOutput, Reference};
use crate::markup::Html;

const HERE: Depth = Depth::Below;

/// Adds the sizes of everything, or that there is nothing.
pub(super) fn summary(html: &mut Html, reference: &Reference<'_>, at: usize) {
    let Some(built) = &reference.built[at] else {
        fact(html, "Archives", |value| {
            value.classed("span", "absent", "not built here");
        });
        return;
    };
    let outputs = built.outputs.iter();
    let archives: u64 = outputs.clone().map(|one| one.archive.size_bytes).sum();
    let installed: u64 = outputs
        .map(|one| installed_bytes(&one.manifest.entries))
        .sum();
    fact(html, "Archives", |value| {
        value.text(&format!(
            "{}, {} installed",
            Size(archives),
            Size(installed)
        ));
        if built.from == BuiltFrom::EarlierRecipe {
            value.fixed(" ").classed(
                "span",
                "warning",
                &format!("of {}, built from an earlier recipe", built.receipt.version),
            );
        }
    });
}

/// Adds every output, with what its archive says of it.
pub(super) fn outputs(html: &mut Html, reference: &Reference<'_>, at: usize) {
    for output in &reference.tree.entries[at].recipe.outputs {
        let name = output.name.as_str();
        let built = reference.built[at].as_ref();
        let made = built.and_then(|built| {
            let mut outputs = built.outputs.iter();
            outputs.find(|one| one.archive.name == output.name)
        });
        html.element("article", &[("id", &anchor("output", name))], |article| {
            article.word("h3", name);
            if !output.description.is_empty() {
                article.word("p", &output.description);
            }
            article.element("dl", &[("class", "facts")], |list| {
                declared(list, reference, output);
                if let Some(made) = made {
                    measured(list, reference, made);
                }
            });
        });
        html.fixed("\n");
    }
}

fn declared(list: &mut Html, reference: &Reference<'_>, output: &Output) {
    if !output.paths.is_empty() {
        let paths: Vec<String> = output.paths.iter().map(ToString::to_string).collect();
        fact(list, "Takes", |value| {
            value.word("code", &paths.join(" "));
        });
    }
    let names = |list: &mut Html, title: &str, names: Vec<String>| {
        if !names.is_empty() {
            fact(list, title, |value| {
                value.text(&names.join(", "));
            });
        }
    };
    let texts = |all: &[igos_format::Dependency]| all.iter().map(ToString::to_string).collect();
    let provides = output.provides.iter().map(ToString::to_string).collect();
    names(list, "Answers to", provides);
    names(list, "Not beside", texts(&output.conflicts));
    let supersedes = output.supersedes.iter().map(ToString::to_string).collect();
    names(list, "Takes over from", supersedes);
    if !output.dependencies.is_empty() {
        fact(list, "Needs to run", |value| {
            links(
                value,
                reference,
                output.dependencies.iter().map(|one| one.name.as_str()),
            );
        });
    }
    if output.is_essential {
        fact(list, "Essential", |value| {
            value.text("removed only with an explicit flag");
        });
    }
}

fn measured(list: &mut Html, reference: &Reference<'_>, made: &BuiltOutput) {
    let manifest = &made.manifest;
    fact(list, "Archive", |value| {
        value.word("code", &made.archive.archive).text(", ");
        value.text(&Size(made.archive.size_bytes).to_string());
        value.fixed("<br>sha256 ");
        value.classed("code", "digest", &made.archive.sha256.to_string());
    });
    fact(list, "Installed", |value| {
        let size = Size(installed_bytes(&manifest.entries));
        value.text(&format!("{size} in {} paths", manifest.entries.len()));
    });
    if !manifest.depends.is_empty() {
        fact(list, "Found to need", |value| {
            links(
                value,
                reference,
                manifest.depends.iter().map(|one| one.name.as_str()),
            );
        });
    }
    for (title, features) in [
        ("Its files offer", &manifest.features_provided),
        ("Its files need", &manifest.features_required),
    ] {
        let texts: Vec<String> = features.iter().map(Feature::to_string).collect();
        if !texts.is_empty() {
            fact(list, title, |value| {
                value.word("code", &texts.join(" "));
            });
        }
    }
}

fn links<'n>(html: &mut Html, reference: &Reference<'_>, names: impl Iterator<Item = &'n str>) {
    for (number, name) in names.enumerate() {
        if number > 0 {
            html.text(", ");
        }
        name_link(html, reference, HERE, name);
    }
}

/// Adds the configuration files of the archives, and the patterns of the recipe.
pub(super) fn configuration(html: &mut Html, reference: &Reference<'_>, at: usize) {
    let patterns = &reference.tree.entries[at].recipe.configuration;
    let files: Vec<String> = configuration_files(reference, at)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    if !patterns.is_empty() {
        let texts: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        html.element("p", &[], |line| {
            line.text("Beside what lies below /etc, the recipe names ");
            line.word("code", &texts.join(" ")).text(".");
        });
    }
    if !files.is_empty() {
        html.element("ul", &[("class", "paths")], |list| {
            for file in files {
                list.element("li", &[], |item| {
                    item.word("code", &file);
                });
            }
        });
    }
}

/// Returns the configuration files of a recipe's archives, and the package of each.
pub(super) fn configuration_files(reference: &Reference<'_>, at: usize) -> Vec<(String, String)> {
    let outputs = reference.built[at].iter().flat_map(|built| &built.outputs);
    let mut found: Vec<(String, String)> = outputs
        .flat_map(|output| {
            let entries = output.manifest.entries.iter();
            entries
                .filter(|entry| entry.is_configuration)
                .map(|entry| (format!("/{}", entry.path), output.archive.name.to_string()))
        })
        .collect();
    found.sort();
    found
}

/// Adds how the archives came to be.
pub(super) fn provenance(html: &mut Html, reference: &Reference<'_>, at: usize) {
    let Some(built) = &reference.built[at] else {
        return;
    };
    let provenance = &built.provenance;
    html.element("dl", &[("class", "facts")], |list| {
        fact(list, "Confined", |value| {
            let root = match provenance.sandbox.root.as_str() {
                "packages" => "saw nothing but packages",
                _ => "saw the files of the machine it was built on",
            };
            let confinement = &provenance.sandbox.confinement;
            value.text(&format!("{confinement}; the build {root}"));
            for weakness in &provenance.weakened {
                value.fixed(" ").classed("span", "warning", weakness);
            }
        });
        digest(list, "Build key", &built.receipt.key.to_string());
        if let Some(toolchain) = &provenance.toolchain {
            digest(list, "Toolchain", &toolchain.to_string());
        }
        fact(list, "Time of files", |value| {
            let seconds = i64::try_from(provenance.source_date_epoch);
            let time = seconds.ok().and_then(|it| UtcTime::from_seconds(it).ok());
            let text = time.map_or_else(|| "out of range".to_owned(), |time| time.to_string());
            value.text(&text);
        });
    });
    details(html, built, reference);
}

fn digest(list: &mut Html, name: &str, digest: &str) {
    fact(list, name, |value| {
        value.classed("code", "digest", digest);
    });
}

/// Adds the long lists of digests, folded.
fn details(html: &mut Html, built: &Built, reference: &Reference<'_>) {
    let provenance = &built.provenance;
    let files = provenance.recipe.files.iter();
    let recipe: Vec<(String, String)> = files
        .map(|(name, sha256)| (name.clone(), sha256.to_string()))
        .collect();
    let used = provenance.sources.iter();
    let sources: Vec<(String, String)> = used
        .map(|source| (source.location.clone(), source.sha256.to_string()))
        .collect();
    let packages: Vec<(String, String)> = provenance
        .dependencies
        .iter()
        .map(|(name, seal)| (name.to_string(), seal.to_string()))
        .collect();
    for (title, rows, is_names) in [
        ("Files of the recipe", recipe, false),
        ("Sources that were used", sources, false),
        (
            "Packages that the build saw, by their seals",
            packages,
            true,
        ),
    ] {
        if rows.is_empty() {
            continue;
        }
        html.element("details", &[], |details| {
            details.word("summary", &format!("{title} ({})", rows.len()));
            details.element("table", &[("class", "digests")], |table| {
                for (name, digest) in rows {
                    table.element("tr", &[], |row| {
                        row.element("td", &[], |cell| {
                            if is_names {
                                name_link(cell, reference, HERE, &name);
                            } else {
                                cell.word("code", &name);
                            }
                        });
                        row.element("td", &[], |cell| {
                            cell.classed("code", "digest", &digest);
                        });
                    });
                }
            });
        });
        html.fixed("\n");
    }
}

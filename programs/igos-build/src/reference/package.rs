//! The page of a package: what its recipe says.

use igos_format::DependencyKind;
use igos_recipe::{AlternativeLocation, Recipe, Source, TestFailure};

use super::page::{
    Depth, fact, licence_link, listing_path, name_link, page as whole_page, recipe_link, section,
    tier_path, tier_word,
};
use super::{Reference, graph, made};
use crate::markup::Html;

const HERE: Depth = Depth::Below;

/// Returns the page.
pub(super) fn page(reference: &Reference<'_>, at: usize) -> String {
    let entry = &reference.tree.entries[at];
    let recipe = &entry.recipe;
    let mut html = Html::new();
    html.element("h1", &[], |title| {
        title.text(recipe.name.as_str()).fixed(" ");
        title.classed("span", "version", &recipe.full_version());
    });
    html.fixed("\n");
    if !recipe.description.is_empty() {
        html.classed("p", "lead", &recipe.description).fixed("\n");
    }
    if entry.has_errors {
        html.fixed("<p class=\"warning\">This recipe has errors and cannot be built.</p>\n");
    }
    html.fixed("<dl class=\"facts\">\n");
    facts(&mut html, reference, at);
    html.fixed("</dl>\n");
    section(&mut html, "dependencies", "What it needs", |inside| {
        needs(inside, reference, at);
    });
    section(&mut html, "needed-by", "What needs it", |inside| {
        needed_by(inside, reference, at);
    });
    if let Some(drawing) = graph::neighbours(reference, at) {
        html.fixed("<section id=\"graph\">\n<h2>Neighbours</h2>\n<div class=\"graph\">\n");
        html.drawing(drawing).fixed("</div>\n</section>\n");
    }
    section(&mut html, "outputs", "Packages it makes", |inside| {
        made::outputs(inside, reference, at);
    });
    section(&mut html, "sources", "Sources", |inside| {
        sources(inside, recipe)
    });
    section(
        &mut html,
        "configuration",
        "Configuration files",
        |inside| {
            made::configuration(inside, reference, at);
        },
    );
    section(
        &mut html,
        "system",
        "What it asks of the system",
        |inside| {
            system(inside, recipe);
        },
    );
    section(&mut html, "provenance", "How it came to be", |inside| {
        made::provenance(inside, reference, at);
    });
    let title = format!("{} – Package reference", recipe.name);
    whole_page(reference, HERE, &title, &html)
}

fn facts(html: &mut Html, reference: &Reference<'_>, at: usize) {
    let entry = &reference.tree.entries[at];
    let recipe = &entry.recipe;
    fact(html, "Tier", |value| {
        let path = format!("{}{}", HERE.up(), tier_path(recipe.tier));
        value.link(&path, tier_word(recipe.tier));
    });
    fact(html, "Licence", |value| {
        licence_link(value, HERE, &recipe.license)
    });
    if !recipe.homepage.is_empty() {
        fact(html, "Home page", |value| {
            value.outside_link(&recipe.homepage);
        });
    }
    if !recipe.arch.is_empty() {
        let machines: Vec<&str> = recipe.arch.iter().map(|arch| arch.as_str()).collect();
        fact(html, "Machines", |value| {
            value.text(&machines.join(", "));
        });
    }
    fact(html, "Recipe", |value| {
        let style = recipe.style.as_str();
        value.text(&format!("{}, style {style}", entry.repository));
        if reference.tree.repositories.len() > 1 {
            value.text(&format!(", {}", recipe.dialect.as_str()));
        }
    });
    fact(html, "Upstream's tests", |value| {
        tests(value, reference, at)
    });
    made::summary(html, reference, at);
    if reference.built[at].is_some() {
        fact(html, "Files", |value| {
            let path = format!("{}{}", HERE.up(), listing_path(reference.name(at)));
            value.link(&path, "all files, with their sizes");
        });
    }
}

fn tests(html: &mut Html, reference: &Reference<'_>, at: usize) {
    let tests = &reference.tree.entries[at].recipe.tests;
    html.text(match (tests.is_enabled, tests.failure) {
        (false, _) => "not run",
        (true, TestFailure::Strict) => "run where there are any; a failure stops the build",
        (true, TestFailure::KnownFailures) => "run; failures are recorded",
    });
    if !tests.reason.is_empty() {
        html.text(&format!(": {}", tests.reason));
    }
    if let Some(built) = &reference.built[at]
        && tests.is_enabled
    {
        html.text(match built.receipt.check.as_str() {
            "passed" => ". They passed",
            "known-failures" => ". Some failed",
            "skipped" => ". They were skipped",
            _ => ". The build had none",
        });
    }
}

/// Adds what a recipe needs, kind by kind; what its further outputs need is told there.
fn needs(html: &mut Html, reference: &Reference<'_>, at: usize) {
    let recipe = &reference.tree.entries[at].recipe;
    for (kind, heading) in [
        (DependencyKind::Build, "To build, as programs"),
        (DependencyKind::Host, "To build, as libraries and headers"),
        (DependencyKind::Run, "To run"),
    ] {
        let all: Vec<_> = recipe
            .dependencies
            .iter()
            .filter(|needed| needed.kind == kind)
            .collect();
        if all.is_empty() {
            continue;
        }
        html.word("h3", heading);
        html.element("ul", &[("class", "names")], |list| {
            for needed in all {
                list.element("li", &[], |item| {
                    name_link(item, reference, HERE, needed.dependency.name.as_str());
                    if let Some(constraint) = &needed.dependency.constraint {
                        item.text(&format!(" {constraint}"));
                    }
                });
            }
        });
        html.fixed("\n");
    }
}

fn needed_by(html: &mut Html, reference: &Reference<'_>, at: usize) {
    let by = &reference.needed_by[at];
    for (kind, heading) in [
        (DependencyKind::Build, "To build, as a program"),
        (DependencyKind::Host, "To build, as a library or headers"),
        (DependencyKind::Run, "To run"),
    ] {
        let all: Vec<usize> = by
            .iter()
            .filter(|(other, kinds)| **other != at && kinds.contains(&kind))
            .map(|(other, _)| *other)
            .collect();
        if all.is_empty() {
            continue;
        }
        html.word("h3", heading);
        html.element("ul", &[("class", "names")], |list| {
            for other in all {
                list.element("li", &[], |item| {
                    recipe_link(item, reference, HERE, other);
                });
            }
        });
        html.fixed("\n");
    }
}

fn sources(html: &mut Html, recipe: &Recipe) {
    if !recipe.sources.is_empty() {
        html.element("ul", &[("class", "sources")], |list| {
            for one in &recipe.sources {
                list.element("li", &[], |item| source(item, one));
                list.fixed("\n");
            }
        });
    }
    if !recipe.patches.is_empty() {
        html.word("h3", "Patches");
        html.element("ul", &[], |list| {
            for patch in &recipe.patches {
                list.element("li", &[], |item| {
                    item.word("code", &patch.file);
                });
            }
        });
    }
}

fn source(html: &mut Html, source: &Source) {
    html.outside_link(&source.location);
    if source.is_unpinned {
        html.fixed(" <span class=\"absent\">not pinned</span>");
    }
    if let Some(digest) = &source.digest {
        html.fixed("<br>").text(digest.algorithm()).fixed(" ");
        html.classed("code", "digest", &digest.to_string());
    }
    for other in &source.alternatives {
        html.fixed("<br>or ");
        match &other.location {
            AlternativeLocation::Url(url) => html.outside_link(url),
            AlternativeLocation::Debian(name) => html.text("Debian's ").word("code", name),
        };
        if let Some(inner) = &other.inner {
            html.text(", in it ").word("code", &inner.path);
        }
        html.fixed("<br>sha256 ");
        html.classed("code", "digest", &other.sha256.to_string());
        if let Some(why) = &other.repack {
            html.fixed("<br>").classed("span", "note", why);
        }
    }
}

/// Adds users, groups, services, alternatives, triggers and hooks.
fn system(html: &mut Html, recipe: &Recipe) {
    let mut lines: Vec<(&'static str, String)> = Vec::new();
    for user in &recipe.users {
        let number = user.uid.map(|uid| format!(", number {uid}"));
        let purpose = user.description.as_ref().map(|text| format!(": {text}"));
        let (number, purpose) = (number.unwrap_or_default(), purpose.unwrap_or_default());
        lines.push(("User", format!("{}{number}{purpose}", user.name)));
    }
    for group in &recipe.groups {
        let number = group.gid.map(|gid| format!(", number {gid}"));
        lines.push((
            "Group",
            format!("{}{}", group.name, number.unwrap_or_default()),
        ));
    }
    for service in &recipe.services {
        let word = if service.enabled {
            "suggested to be enabled"
        } else {
            "not enabled unless asked for"
        };
        lines.push(("Service", format!("{}, {word}", service.name)));
    }
    for one in &recipe.alternatives {
        let text = format!(
            "/{} can be /{}, priority {}",
            one.path, one.target, one.priority
        );
        lines.push(("Alternative", text));
    }
    for trigger in &recipe.triggers {
        let (paths, run) = (trigger.paths.join(" "), trigger.run.join(" "));
        lines.push(("Trigger", format!("when {paths} changed: {run}")));
    }
    for hook in &recipe.hooks {
        lines.push(("Hook", format!("{}: {}", hook.moment, hook.run.join(" "))));
    }
    if lines.is_empty() {
        return;
    }
    html.element("dl", &[("class", "facts")], |list| {
        for (name, text) in lines {
            fact(list, name, |value| {
                value.text(&text);
            });
        }
    });
}

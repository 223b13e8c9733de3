//! The front page: all packages, and the search.

use igos_cli::Size;

use super::Reference;
use super::page::{Depth, licence_link, package_path, page as whole_page, tier_path, tier_word};
use crate::markup::Html;

/// Returns the front page. The list is all there without scripts; the search hides and sorts its lines.
pub(super) fn page(reference: &Reference<'_>) -> String {
    let mut html = Html::new();
    let count = reference.tree.entries.len();
    let outputs: usize = reference
        .tree
        .entries
        .iter()
        .map(|entry| entry.recipe.outputs.len())
        .sum();
    let built = reference.built.iter().flatten().count();
    html.word("h1", "Packages").fixed("\n");
    html.element("p", &[("class", "lead")], |lead| {
        lead.text(&format!(
            "{count} recipes make {outputs} packages; {built} of the recipes have archives here."
        ));
    });
    html.fixed("\n<div class=\"search\">\n<input type=\"search\" id=\"query\" placeholder=\"Name, program, library, licence …\" aria-label=\"Search packages\" autocomplete=\"off\" spellcheck=\"false\" hidden>\n<p id=\"count\" role=\"status\" hidden></p>\n</div>\n");
    html.element("ul", &[("class", "tiers")], |list| {
        for tier in reference.tiers() {
            let count = reference.members(tier).len();
            list.element("li", &[], |item| {
                item.link(&tier_path(tier), tier_word(tier))
                    .text(&format!(" {count}"));
            });
        }
    });
    html.fixed("\n");
    let all: Vec<usize> = (0..count).collect();
    table(&mut html, reference, Depth::Top, &all);
    html.fixed("<script src=\"packages.js\"></script>\n<script src=\"search.js\"></script>\n");
    whole_page(reference, Depth::Top, "Package reference", &html)
}

/// Adds a table of recipes.
pub(super) fn table(html: &mut Html, reference: &Reference<'_>, depth: Depth, recipes: &[usize]) {
    html.fixed("<div class=\"scroll\"><table class=\"packages\">\n<thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Version</th><th scope=\"col\">Tier</th><th scope=\"col\">Description</th><th scope=\"col\">Licence</th><th scope=\"col\" class=\"number\">Archives</th></tr></thead>\n<tbody>\n");
    for at in recipes {
        let recipe = &reference.tree.entries[*at].recipe;
        let path = format!("{}{}", depth.up(), package_path(reference.name(*at)));
        html.element("tr", &[], |row| {
            row.element("th", &[("scope", "row")], |cell| {
                cell.link(&path, reference.name(*at));
            });
            row.word("td", &recipe.full_version());
            row.word("td", tier_word(recipe.tier));
            row.word("td", &recipe.description);
            row.element("td", &[("class", "licence")], |cell| {
                licence_link(cell, depth, &recipe.license);
            });
            let size = reference.built[*at].as_ref().map(|built| {
                let outputs = built.outputs.iter();
                outputs.map(|output| output.archive.size_bytes).sum()
            });
            let size = size.map(|size| Size(size).to_string());
            row.classed("td", "number", &size.unwrap_or_default());
        });
        html.fixed("\n");
    }
    html.fixed("</tbody>\n</table></div>\n");
}

/// Returns the script with the words by which packages are found beside those in the list: for each line of the list,
/// in its order, a list of words.
pub(super) fn search_index(reference: &Reference<'_>) -> String {
    let mut text = String::from("\"use strict\";\nconst IGOS_TERMS = [\n");
    for at in 0..reference.tree.entries.len() {
        let terms = reference.terms(at);
        let line = serde_json::to_string(&terms).expect("texts have a form in JSON");
        // Were the script ever put into a page, nothing in it could end it.
        text.push_str(&line.replace('<', "\\u003c"));
        text.push_str(",\n");
    }
    text.push_str("];\n");
    text
}

//! The page of configuration files: which package brings which.

use super::Reference;
use super::made::configuration_files;
use super::page::{Depth, name_link, page as whole_page, recipe_link};
use crate::markup::Html;

/// Returns the page.
pub(super) fn page(reference: &Reference<'_>) -> String {
    let mut files: Vec<(String, String)> = (0..reference.tree.entries.len())
        .flat_map(|at| configuration_files(reference, at))
        .collect();
    files.sort();
    let unknown: Vec<usize> = (0..reference.tree.entries.len())
        .filter(|at| reference.built[*at].is_none())
        .collect();
    let mut html = Html::new();
    html.word("h1", "Configuration files").fixed("\n");
    html.element("p", &[("class", "lead")], |lead| {
        lead.text(&format!(
            "{} files whose local edits are kept when packages are upgraded.",
            files.len()
        ));
    });
    html.fixed("\n");
    if !files.is_empty() {
        html.fixed("<div class=\"scroll\"><table class=\"files\">\n<thead><tr><th scope=\"col\">File</th><th scope=\"col\">Package</th></tr></thead>\n<tbody>\n");
        for (path, package) in &files {
            html.element("tr", &[], |row| {
                row.element("td", &[], |cell| {
                    cell.word("code", path);
                });
                row.element("td", &[], |cell| {
                    name_link(cell, reference, Depth::Top, package);
                });
            });
            html.fixed("\n");
        }
        html.fixed("</tbody>\n</table></div>\n");
    }
    if !unknown.is_empty() {
        html.fixed("<section>\n<h2>Not known</h2>\n<p>These have no archives here, so that nobody can tell:</p>\n");
        html.element("ul", &[("class", "names")], |list| {
            for at in unknown {
                list.element("li", &[], |item| {
                    recipe_link(item, reference, Depth::Top, at);
                });
            }
        });
        html.fixed("\n</section>\n");
    }
    whole_page(
        reference,
        Depth::Top,
        "Configuration files – Package reference",
        &html,
    )
}

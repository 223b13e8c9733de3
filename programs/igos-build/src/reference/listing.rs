//! The list of a package's files.

use igos_cli::Size;
use igos_format::{EntryKind, FileEntry, escape, installed_bytes};

use super::page::{Depth, page as whole_page, recipe_link};
use super::{BuiltOutput, Reference};
use crate::markup::Html;

/// Returns the list of the files of a recipe's archives; `None` where there are no archives.
pub(super) fn page(reference: &Reference<'_>, at: usize) -> Option<String> {
    let built = reference.built[at].as_ref()?;
    let mut html = Html::new();
    html.element("h1", &[], |title| {
        title.text("Files of ");
        recipe_link(title, reference, Depth::Below, at);
        title
            .fixed(" ")
            .classed("span", "version", &built.receipt.version);
    });
    html.fixed("\n");
    for output in &built.outputs {
        table(&mut html, output);
    }
    let title = format!("Files of {} – Package reference", reference.name(at));
    Some(whole_page(reference, Depth::Below, &title, &html))
}

fn table(html: &mut Html, output: &BuiltOutput) {
    let entries = &output.manifest.entries;
    html.word("h2", output.archive.name.as_str());
    html.element("p", &[("class", "lead")], |lead| {
        let size = Size(installed_bytes(entries));
        lead.text(&format!("{} paths, {size}", entries.len()));
    });
    html.fixed("<div class=\"scroll\"><table class=\"files\">\n<thead><tr><th scope=\"col\">Mode</th><th scope=\"col\">Owner</th><th scope=\"col\" class=\"number\">Size</th><th scope=\"col\">Path</th></tr></thead>\n<tbody>\n");
    for entry in entries {
        html.element("tr", &[], |row| line(row, entry));
        html.fixed("\n");
    }
    html.fixed("</tbody>\n</table></div>\n");
}

fn line(row: &mut Html, entry: &FileEntry) {
    let (letter, size, target) = match &entry.kind {
        EntryKind::Directory => ('d', None, None),
        EntryKind::File { size, .. } => ('-', Some(*size), None),
        EntryKind::Symlink { target } => ('l', None, Some(escape::escape(target))),
    };
    row.classed("td", "mode", &format!("{letter}{:04o}", entry.mode));
    row.word("td", &format!("{}:{}", entry.owner.user, entry.owner.group));
    let size = size.map(|size| Size(size).to_string());
    row.classed("td", "number", &size.unwrap_or_default());
    row.element("td", &[], |cell| {
        cell.word("code", &format!("/{}", entry.path));
        if let Some(target) = target {
            cell.text(" → ").word("code", &target);
        }
        if let Some(capabilities) = &entry.capabilities {
            cell.fixed(" ")
                .classed("span", "note", &capabilities.to_string());
        }
        if entry.is_configuration {
            cell.fixed(" <span class=\"note\">configuration</span>");
        }
    });
}

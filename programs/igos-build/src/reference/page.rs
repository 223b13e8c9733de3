//! What all pages have in common.

use igos_format::Tier;

use super::Reference;
use crate::markup::Html;

/// How deep a page lies in the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// In the directory of the site.
    Top,
    /// In a directory of it.
    Below,
}

impl Depth {
    /// Returns the way from a page to the directory of the site.
    pub(super) fn up(self) -> &'static str {
        match self {
            Depth::Top => "",
            Depth::Below => "../",
        }
    }
}

/// Returns the path of a package's page.
pub(super) fn package_path(name: &str) -> String {
    format!("packages/{name}.html")
}

/// Returns the path of the list of a package's files.
pub(super) fn listing_path(name: &str) -> String {
    format!("files/{name}.html")
}

/// Returns the path of a tier's page.
pub(super) fn tier_path(tier: Option<Tier>) -> String {
    format!("tiers/{}.html", tier_word(tier))
}

/// Returns the name of a tier, or the word for recipes without one.
pub(super) fn tier_word(tier: Option<Tier>) -> &'static str {
    tier.map_or("other", Tier::as_str)
}

/// Returns what the packages of a tier are for.
pub(super) fn tier_summary(tier: Option<Tier>) -> &'static str {
    match tier {
        Some(Tier::Toolchain) => "Compilers and what bootstraps them",
        Some(Tier::Core) => "What boots to a shell, and what other packages are built with",
        Some(Tier::Base) => "What an administrator expects",
        Some(Tier::Desktop) => "Graphical programs",
        Some(Tier::Extra) => "Everything else",
        Some(Tier::Ai) => "The local assistant",
        None => "Recipes that name no tier",
    }
}

/// Returns a whole page.
pub(super) fn page(reference: &Reference<'_>, depth: Depth, title: &str, body: &Html) -> String {
    let up = depth.up();
    let to = |path: &str| format!("{up}{path}");
    let mut html = Html::new();
    html.fixed("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html.fixed("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.fixed("<meta name=\"color-scheme\" content=\"light dark\">\n");
    // Nothing is loaded but style and script of the site, even if markup of others got into a page.
    html.fixed("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'self' file:; script-src 'self' file:; form-action 'self' file:; base-uri 'none'\">\n");
    html.word("title", title).fixed("\n");
    let style = to("style.css");
    html.void("link", &[("rel", "stylesheet"), ("href", &style)]);
    html.fixed("\n</head>\n<body>\n<header class=\"site\">\n");
    let front = to("index.html");
    html.element("a", &[("class", "home"), ("href", &front)], |home| {
        home.text("Package reference");
    });
    html.fixed("\n");
    if depth == Depth::Below {
        html.element("form", &[("action", &front), ("role", "search")], |form| {
            form.fixed("<input type=\"search\" name=\"q\" placeholder=\"Search packages\" aria-label=\"Search packages\">");
        });
        html.fixed("\n");
    }
    html.fixed("<nav aria-label=\"Site\">");
    for tier in reference.tiers() {
        html.link(&to(&tier_path(tier)), tier_word(tier))
            .fixed("\n");
    }
    html.link(&to("licences.html"), "licences").fixed("\n");
    html.link(&to("configuration.html"), "configuration");
    html.fixed("</nav>\n</header>\n<main>\n").html(body);
    html.fixed("</main>\n</body>\n</html>\n");
    html.finish()
}

/// Adds a section with a heading, unless nothing is in it.
pub(super) fn section(html: &mut Html, id: &str, heading: &str, inside: impl FnOnce(&mut Html)) {
    let mut content = Html::new();
    inside(&mut content);
    if content == Html::new() {
        return;
    }
    html.element("section", &[("id", id)], |section| {
        section.word("h2", heading).fixed("\n").html(&content);
    });
    html.fixed("\n");
}

/// Adds one line of a list of facts: what it is called, and what `inside` adds.
pub(super) fn fact(html: &mut Html, name: &str, inside: impl FnOnce(&mut Html)) {
    html.element("div", &[], |line| {
        line.word("dt", name).element("dd", &[], inside);
    });
    html.fixed("\n");
}

/// Adds a link to the page of a recipe.
pub(super) fn recipe_link(html: &mut Html, reference: &Reference<'_>, depth: Depth, at: usize) {
    let name = reference.name(at);
    html.link(&format!("{}{}", depth.up(), package_path(name)), name);
}

/// Adds a link to whatever recipe makes the package of this name, and the name alone where none does.
pub(super) fn name_link(html: &mut Html, reference: &Reference<'_>, depth: Depth, name: &str) {
    match reference.graph.resolve(name) {
        Some(at) => {
            let path = package_path(reference.name(at));
            html.link(&format!("{}{path}", depth.up()), name);
        }
        None => {
            html.classed("span", "absent", name);
        }
    }
}

/// Returns an id for a part of a page: letters, digits, `.` and `-` of the text, other bytes as numbers.
pub(super) fn anchor(prefix: &str, text: &str) -> String {
    let mut id = format!("{prefix}-");
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' => id.push(byte.into()),
            other => id.push_str(&format!("_{other:02x}")),
        }
    }
    id
}

/// Adds a licence expression, which leads to its part of the page of licences.
pub(super) fn licence_link(html: &mut Html, depth: Depth, expression: &str) {
    if expression.is_empty() {
        html.classed("span", "absent", "not stated");
        return;
    }
    let to = format!(
        "{}licences.html#{}",
        depth.up(),
        anchor("licence", expression)
    );
    html.link(&to, expression);
}

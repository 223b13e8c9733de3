//! The page of a tier: its packages, and which of them needs which.

use igos_format::Tier;

use super::Reference;
use super::page::{Depth, page as whole_page, tier_summary};
use super::{front, graph};
use crate::markup::Html;

/// Returns the page.
pub(super) fn page(reference: &Reference<'_>, tier: Option<Tier>) -> String {
    let members = reference.members(tier);
    let mut html = Html::new();
    let title = match tier {
        Some(tier) => format!("Tier {tier}"),
        None => "Recipes without a tier".to_owned(),
    };
    html.word("h1", &title).fixed("\n");
    html.element("p", &[("class", "lead")], |lead| {
        let noun = if members.len() == 1 {
            "recipe"
        } else {
            "recipes"
        };
        let summary = tier_summary(tier);
        lead.text(&format!("{summary}. {} {noun}.", members.len()));
    });
    html.fixed("\n");
    front::table(&mut html, reference, Depth::Below, &members);
    if let Some(drawing) = graph::tier(reference, tier) {
        html.fixed("<section id=\"graph\">\n<h2>Which needs which</h2>\n<p>Each package is right of those of this tier that it needs. What it needs also by way of another one has no line of its own.</p>\n<div class=\"graph\">\n");
        html.drawing(drawing).fixed("</div>\n</section>\n");
    }
    let title = format!("{title} – Package reference");
    whole_page(reference, Depth::Below, &title, &html)
}

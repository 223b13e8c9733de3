//! The page of licences: every expression, and who has it.

use std::collections::{BTreeMap, BTreeSet};

use super::Reference;
use super::page::{Depth, anchor, page as whole_page, recipe_link};
use crate::markup::Html;

/// Words of licence expressions that name no licence (SPDX 2.3, annex D).
const OPERATORS: [&str; 3] = ["AND", "OR", "WITH"];

/// Returns the page.
pub(super) fn page(reference: &Reference<'_>) -> String {
    let mut by_expression: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut by_name: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (at, entry) in reference.tree.entries.iter().enumerate() {
        let expression = entry.recipe.license.as_str();
        by_expression.entry(expression).or_default().push(at);
        for name in names(expression) {
            by_name.entry(name).or_default().insert(expression);
        }
    }
    let mut html = Html::new();
    html.word("h1", "Licences").fixed("\n");
    html.element("p", &[("class", "lead")], |lead| {
        lead.text(&format!(
            "{} expressions made of {} licences and exceptions, as the recipes state them.",
            by_expression.keys().filter(|one| !one.is_empty()).count(),
            by_name.len()
        ));
    });
    html.fixed("\n");
    html.element("dl", &[("class", "licences")], |list| {
        for (expression, recipes) in &by_expression {
            if !expression.is_empty() {
                let id = anchor("licence", expression);
                list.element("dt", &[("id", &id)], |term| {
                    term.word("code", expression);
                });
            } else {
                list.fixed("<dt class=\"absent\">not stated</dt>");
            }
            list.element("dd", &[], |value| {
                value.element("ul", &[("class", "names")], |names| {
                    for at in recipes {
                        names.element("li", &[], |item| {
                            recipe_link(item, reference, Depth::Top, *at);
                        });
                    }
                });
            });
            list.fixed("\n");
        }
    });
    html.fixed("<h2>By licence</h2>\n");
    html.element("dl", &[("class", "licences")], |list| {
        for (name, expressions) in &by_name {
            list.element("dt", &[], |term| {
                term.word("code", name);
            });
            list.element("dd", &[], |value| {
                for (number, expression) in expressions.iter().enumerate() {
                    if number > 0 {
                        value.text("; ");
                    }
                    let to = format!("#{}", anchor("licence", expression));
                    value.link(&to, expression);
                }
            });
            list.fixed("\n");
        }
    });
    whole_page(reference, Depth::Top, "Licences – Package reference", &html)
}

/// Returns the licences and exceptions that an expression names.
fn names(expression: &str) -> impl Iterator<Item = &str> {
    expression
        .split([' ', '\t', '(', ')'])
        .filter(|word| !word.is_empty() && !OPERATORS.contains(word))
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn licences_are_the_words_of_an_expression_that_are_no_operators() {
        let found: Vec<&str> =
            names("(GPL-3.0-or-later WITH GCC-exception-3.1) OR MIT AND Zlib").collect();
        assert_eq!(
            found,
            ["GPL-3.0-or-later", "GCC-exception-3.1", "MIT", "Zlib"]
        );
    }
}

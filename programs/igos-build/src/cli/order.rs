//! `igos-build order`

use std::fmt;

use clap::Args;
use igos_cli::{Answer, Exit, Failure, Render, Session};
use igos_report::{Diagnostic, Severity};
use serde::Serialize;

use super::recipes::{self, RecipeFlags};
use crate::plan::{Graph, Order, Reason, order, order_all};
use crate::tree::{self, Tree};

#[derive(Debug, Args)]
pub(super) struct OrderCommand {
    /// Packages to build
    #[arg(required_unless_present = "all")]
    names: Vec<String>,
    /// All packages of the search path
    #[arg(long, conflicts_with = "names")]
    all: bool,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct OrderAnswer {
    order: Order,
    #[serde(skip)]
    exit: Exit,
}

impl OrderCommand {
    pub(super) fn execute(self, flags: &RecipeFlags, session: &Session) -> Result<Answer, Failure> {
        let tree = tree::load(&flags.settings(session))?;
        let graph = Graph::of_tree(&tree);
        let order = if self.all {
            order_all(&graph)
        } else {
            order(&graph, &self.names)
        };
        for diagnostic in tree
            .diagnostics
            .iter()
            .filter(|one| one.severity == Severity::Error)
        {
            session.notice(diagnostic.clone());
        }
        for diagnostic in obstacles(&tree, &order) {
            session.notice(diagnostic);
        }
        let is_buildable = order.is_complete() && !is_broken(&tree, &order);
        let exit = if is_buildable { Exit::Done } else { Exit::No };
        Ok(Answer::from(OrderAnswer { order, exit }))
    }
}

/// Tells whether a recipe of the order has errors.
fn is_broken(tree: &Tree, order: &Order) -> bool {
    let mut names = order.order.iter().filter_map(|step| step.name.parse().ok());
    names.any(|name| tree.find(&name).is_some_and(|entry| entry.has_errors))
}

/// Returns what stands in the way of building.
pub(super) fn obstacles(tree: &Tree, order: &Order) -> Vec<Diagnostic> {
    let missing = order.missing.iter().map(|missing| {
        let name = &missing.name;
        match (&missing.required_by, missing.kind) {
            (Some(by), Some(kind)) => Diagnostic::error(
                "recipe-absent",
                format!("{by} needs {name} ({kind}), which no recipe makes"),
            ),
            _ => recipes::absent(tree, name),
        }
    });
    let cycles = order.cycles.iter().map(|cycle| {
        let first = cycle.first().map(String::as_str).unwrap_or_default();
        let path = cycle.join(" → ");
        Diagnostic::error("recipe-cycle", format!("recipes need each other: {path} → {first}"))
            .hint("break the circle with a recipe that is built twice, the second of which `supersedes` the first")
    });
    missing.chain(cycles).collect()
}

impl Render for OrderAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for step in &self.order.order {
            match (&step.required_by, step.reason) {
                (Some(by), Reason::Implicit) => writeln!(out, "{}  (needed by {by})", step.name)?,
                _ => writeln!(out, "{}", step.name)?,
            }
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        self.exit
    }
}

//! `igos-build graph`

use std::fmt;

use clap::{Args, ValueEnum};
use igos_cli::{Answer, Exit, Failure, Render, Session};
use igos_format::DependencyKind;
use serde::Serialize;

use super::order::obstacles;
use super::recipes::RecipeFlags;
use crate::plan::{Graph, Order, order, order_all};
use crate::tree;

#[derive(Debug, Args)]
pub(super) struct GraphCommand {
    /// Packages to begin with [default: all]
    names: Vec<String>,
    /// How to print the graph; `--json` means `json`
    #[arg(long, value_enum, default_value_t = Format::Dot)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The language of Graphviz
    Dot,
    /// One JSON value
    Json,
}

#[derive(Debug, Serialize)]
struct GraphAnswer {
    nodes: Vec<String>,
    edges: Vec<(String, String, DependencyKind)>,
    missing: Vec<String>,
    cycles: Vec<Vec<String>>,
    #[serde(skip)]
    format: Format,
    #[serde(skip)]
    exit: Exit,
}

impl GraphCommand {
    pub(super) fn execute(self, flags: &RecipeFlags, session: &Session) -> Result<Answer, Failure> {
        let tree = tree::load(&flags.settings(session))?;
        let graph = Graph::of_tree(&tree);
        let order = if self.names.is_empty() {
            order_all(&graph)
        } else {
            order(&graph, &self.names)
        };
        for diagnostic in obstacles(&tree, &order) {
            session.notice(diagnostic);
        }
        Ok(Answer::from(answer(order, self.format)))
    }
}

fn answer(order: Order, format: Format) -> GraphAnswer {
    let exit = if order.is_complete() {
        Exit::Done
    } else {
        Exit::No
    };
    let mut missing: Vec<String> = order
        .missing
        .into_iter()
        .map(|missing| missing.name)
        .collect();
    missing.sort();
    missing.dedup();
    GraphAnswer {
        nodes: order.order.into_iter().map(|step| step.name).collect(),
        edges: order.edges,
        missing,
        cycles: order.cycles,
        format,
        exit,
    }
}

/// Writes a text as an identifier of Graphviz.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Render for GraphAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        if self.format == Format::Json {
            let text = serde_json::to_string_pretty(self).map_err(|_| fmt::Error)?;
            return writeln!(out, "{text}");
        }
        writeln!(
            out,
            "digraph recipes {{\n  rankdir=LR;\n  node [shape=box];"
        )?;
        for node in &self.nodes {
            let is_missing = self.missing.contains(node);
            let style = if is_missing { " [style=dashed]" } else { "" };
            writeln!(out, "  {}{style};", quoted(node))?;
        }
        for (from, to, kind) in &self.edges {
            let style = match kind {
                DependencyKind::Build => "dashed",
                DependencyKind::Host => "solid",
                DependencyKind::Run => "bold",
            };
            writeln!(out, "  {} -> {} [style={style}];", quoted(from), quoted(to))?;
        }
        writeln!(out, "}}")
    }

    fn exit(&self) -> Exit {
        self.exit
    }
}

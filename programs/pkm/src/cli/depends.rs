//! `pkm depends`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render, complete_names};
use igos_format::{Arch, PackageName};
use igos_solve::Graph;
use igos_sysroot::{Dependant, QueryError, Unmanaged};
use serde::Serialize;

use super::Context;
use super::completion;

/// Show what an installed package needs, or what needs it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pkm depends pigz\n  \
    pkm depends zlib --reverse\n  \
    pkm depends nginx --tree")]
pub(super) struct Depends {
    /// The package
    #[arg(add = complete_names(completion::known), value_name = "NAME")]
    name: PackageName,
    /// Show what needs the package instead
    #[arg(long)]
    reverse: bool,
    /// Follow what was found to what that needs, or to what needs that, to the end
    #[arg(long)]
    tree: bool,
}

impl Depends {
    pub(super) fn run(self, context: &Context<'_>) -> Result<DependsAnswer, Failure> {
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        if self.tree {
            let universe = sysroot.universe(Arch::native(), &|_| None)?;
            if !universe.packages.contains_key(&self.name) {
                return Err(QueryError::NotInstalled { name: self.name }.into());
            }
            let names = names(&Graph::of(&universe), self.reverse);
            return Ok(DependsAnswer::Tree(Node::of(
                &self.name,
                &names,
                &mut BTreeSet::new(),
            )));
        }
        Ok(if self.reverse {
            DependsAnswer::Dependants(sysroot.dependants(&self.name)?)
        } else {
            DependsAnswer::Needs(sysroot.depends(&self.name)?)
        })
    }
}

/// For each package, those that the tree goes on with.
type Names = BTreeMap<PackageName, BTreeSet<PackageName>>;

fn names(graph: &Graph, is_reverse: bool) -> Names {
    let mut names = Names::new();
    for edge in graph.edges.values().flatten() {
        let (from, to) = if is_reverse {
            (&edge.to, &edge.from)
        } else {
            (&edge.from, &edge.to)
        };
        names.entry(from.clone()).or_default().insert(to.clone());
    }
    names
}

/// What a package needs, or what needs it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum DependsAnswer {
    Needs(Vec<Dependant>),
    Dependants(Vec<Dependant>),
    Tree(Node),
}

/// A package of a tree. What it goes on with is shown where it is met first.
#[derive(Debug, Serialize)]
pub(super) struct Node {
    name: PackageName,
    /// Whether it is shown elsewhere in full.
    is_repeated: bool,
    nodes: Vec<Node>,
}

impl Node {
    fn of(name: &PackageName, names: &Names, seen: &mut BTreeSet<PackageName>) -> Self {
        let is_repeated = !seen.insert(name.clone());
        let below = names.get(name).filter(|_| !is_repeated);
        Node {
            name: name.clone(),
            is_repeated: is_repeated && names.contains_key(name),
            nodes: below
                .into_iter()
                .flatten()
                .map(|name| Node::of(name, names, seen))
                .collect(),
        }
    }

    fn render(&self, out: &mut dyn fmt::Write, depth: usize) -> fmt::Result {
        let again = if self.is_repeated { " …" } else { "" };
        writeln!(out, "{:1$}{2}{again}", "", 2 * depth, self.name)?;
        let mut nodes = self.nodes.iter();
        nodes.try_for_each(|node| node.render(out, depth + 1))
    }
}

impl Render for DependsAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        match self {
            DependsAnswer::Tree(node) => node.render(out, 0),
            DependsAnswer::Dependants(needs) => needs
                .iter()
                .try_for_each(|need| writeln!(out, "{} needs {}", need.package, need.needs)),
            DependsAnswer::Needs(needs) => needs.iter().try_for_each(|need| {
                let names: Vec<&str> = need.satisfied_by.iter().map(PackageName::as_str).collect();
                if names.is_empty() {
                    writeln!(out, "{}, which nothing installed has", need.needs)
                } else if names == [need.needs.as_str()] {
                    writeln!(out, "{}", need.needs)
                } else {
                    writeln!(out, "{} of {}", need.needs, names.join(", "))
                }
            }),
        }
    }
}

//! The packages to build with their edges, as numbers.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{DependencyKind, PackageName};
use igos_report::Explain;

use super::pool::OnFailure;
use crate::plan::{Graph, Need, Order, Target, misused_imports};
use crate::tree::{Tree, TreeEntry};

/// One package to build.
#[derive(Debug, Clone)]
pub struct GraphNode<'a> {
    /// Its recipe.
    pub entry: &'a TreeEntry,
    /// The packages that its recipe names, with the node that makes each and the strongest kind; those that the
    /// toolchain has are left out.
    pub direct: BTreeMap<PackageName, (usize, DependencyKind)>,
    /// The nodes that make what its further outputs need to run: its own build does not see that, but whoever needs
    /// such an output does.
    pub beside: BTreeSet<usize>,
    /// Why it cannot be built, which only a run that keeps going is made of.
    pub fault: Option<GraphError>,
}

/// The packages to build; dependencies come before their dependants.
#[derive(Debug, Clone)]
pub struct BuildGraph<'a> {
    nodes: Vec<GraphNode<'a>>,
    /// By every name that a package answers to: its node and its own name.
    makers: BTreeMap<PackageName, (usize, PackageName)>,
}

/// The packages cannot be built in this order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Nothing makes a package of this name.
    #[error("no recipe makes {name}{}", required_by.as_ref().map(|by| format!(", which {by} needs")).unwrap_or_default())]
    Missing {
        /// The name.
        name: String,
        /// Who needs it.
        required_by: Option<String>,
    },
    /// The recipe has errors.
    #[error("the recipe of {name} has errors")]
    BadRecipe {
        /// The name.
        name: PackageName,
    },
    /// The recipe wants what was not compiled here for more than its build.
    #[error(
        "{name} needs {dependency} ({kind}), which is imported and may be needed for building alone"
    )]
    Imported {
        /// The recipe.
        name: PackageName,
        /// The imported one.
        dependency: PackageName,
        /// When it needs it.
        kind: DependencyKind,
    },
    /// Packages need each other.
    #[error("recipes need each other: {}", cycle.join(" → "))]
    Cycle {
        /// The circle, its first name again at the end.
        cycle: Vec<String>,
    },
    /// A dependency does not come before its dependant.
    #[error("{name} needs {dependency}, which does not come before it in the build order")]
    OutOfOrder {
        /// The dependant.
        name: PackageName,
        /// The dependency.
        dependency: PackageName,
    },
}

impl Explain for GraphError {
    fn code(&self) -> &'static str {
        match self {
            GraphError::Missing { .. } => "recipe-absent",
            GraphError::BadRecipe { .. } => "recipe-invalid",
            GraphError::Imported { .. } => "recipe-imported-needed",
            GraphError::Cycle { .. } => "recipe-cycle",
            GraphError::OutOfOrder { .. } => "build-order-broken",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            GraphError::Missing { .. } => {
                vec!["list what there is: `igos-build recipe list`".into()]
            }
            GraphError::BadRecipe { name } => vec![format!(
                "see what is wrong: `igos-build recipe lint {name}`"
            )],
            GraphError::Imported { dependency, .. } => vec![format!(
                "name {dependency} under `build`, or say with `imported` why this recipe compiles nothing either"
            )],
            GraphError::Cycle { .. } => {
                vec!["break the circle with a recipe that is built twice, the second of which `supersedes` the first".into()]
            }
            GraphError::OutOfOrder { name, .. } => {
                vec![format!("see the order: `igos-build order {name}`")]
            }
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            GraphError::OutOfOrder { .. } => 70,
            _ => 1,
        }
    }
}

impl<'a> BuildGraph<'a> {
    /// Returns the packages of `order` as a graph. Names in `provided` are those of the toolchain's packages: where
    /// no recipe makes them, they are there already.
    ///
    /// # Errors
    ///
    /// Returns the first package that needs itself and, unless the run keeps going, that nothing makes or that has a
    /// bad recipe.
    pub fn new(
        tree: &'a Tree,
        graph: &Graph,
        order: &Order,
        provided: &BTreeSet<PackageName>,
        on_failure: OnFailure,
    ) -> Result<Self, GraphError> {
        if let Some(cycle) = order.cycles.first() {
            let cycle = cycle.iter().chain(cycle.first()).cloned().collect();
            return Err(GraphError::Cycle { cycle });
        }
        let mut built = BuildGraph {
            nodes: Vec::new(),
            makers: BTreeMap::new(),
        };
        let mut numbers = BTreeMap::new();
        for at in order.order.iter().filter_map(|step| graph.find(&step.name)) {
            let entry = &tree.entries[at];
            let fault = fault(entry, &graph.needs[at], provided)
                .or_else(|| misused_import(tree, graph, at));
            if let (Some(fault), OnFailure::Stop) = (&fault, on_failure) {
                return Err(fault.clone());
            }
            let direct = direct(tree, graph, at, &numbers)?;
            let further = graph.needs[at].iter().skip(entry.recipe.dependencies.len());
            let beside = further
                .filter_map(|need| match need.target {
                    Target::Recipe(to) => numbers.get(&to).copied(),
                    Target::Missing(_) => None,
                })
                .collect();
            numbers.insert(at, built.nodes.len());
            built.add(GraphNode {
                entry,
                direct,
                beside,
                fault,
            });
        }
        Ok(built)
    }

    fn add(&mut self, node: GraphNode<'a>) {
        let number = self.nodes.len();
        let entry = node.entry;
        for output in &entry.recipe.outputs {
            self.makers
                .insert(output.name.clone(), (number, output.name.clone()));
        }
        for output in &entry.recipe.outputs {
            for provided in &output.provides {
                let made = || (number, output.name.clone());
                self.makers
                    .entry(provided.name.clone())
                    .or_insert_with(made);
            }
        }
        self.nodes.push(node);
    }

    /// Returns the nodes, dependencies first.
    #[must_use]
    pub fn nodes(&self) -> &[GraphNode<'a>] {
        &self.nodes
    }

    /// Returns the node that makes the package which answers to `name`, and the package's own name.
    #[must_use]
    pub fn maker(&self, name: &PackageName) -> Option<(usize, &PackageName)> {
        self.makers.get(name).map(|(node, own)| (*node, own))
    }

    /// Returns the numbers of the nodes that each node needs.
    pub(crate) fn edges(&self) -> Vec<Vec<usize>> {
        let makers = |node: &GraphNode<'_>| -> BTreeSet<usize> {
            let direct = node.direct.values().map(|(maker, _)| *maker);
            direct.chain(node.beside.iter().copied()).collect()
        };
        self.nodes
            .iter()
            .map(|node| makers(node).into_iter().collect())
            .collect()
    }
}

/// Returns why a recipe cannot be built, whatever becomes of the others.
fn fault(
    entry: &TreeEntry,
    needs: &[Need],
    provided: &BTreeSet<PackageName>,
) -> Option<GraphError> {
    let recipe = &entry.recipe.name;
    if entry.has_errors {
        let name = recipe.clone();
        return Some(GraphError::BadRecipe { name });
    }
    let is_there = |name: &str| name.parse().is_ok_and(|name| provided.contains(&name));
    let absent = needs.iter().find_map(|need| match &need.target {
        Target::Missing(name) if !is_there(name) => Some(name.clone()),
        Target::Missing(_) | Target::Recipe(_) => None,
    });
    absent.map(|name| GraphError::Missing {
        name,
        required_by: Some(recipe.to_string()),
    })
}

/// Returns that a recipe wants an imported one for more than its build.
fn misused_import(tree: &Tree, graph: &Graph, at: usize) -> Option<GraphError> {
    let (needed, kind) = misused_imports(tree, graph, at).into_iter().next()?;
    Some(GraphError::Imported {
        name: graph.names[at].clone(),
        dependency: needed.name.clone(),
        kind,
    })
}

/// Returns the packages that the recipe `at` names, by their own names.
fn direct(
    tree: &Tree,
    graph: &Graph,
    at: usize,
    numbers: &BTreeMap<usize, usize>,
) -> Result<BTreeMap<PackageName, (usize, DependencyKind)>, GraphError> {
    let recipe = &tree.entries[at].recipe;
    let mut direct: BTreeMap<PackageName, (usize, DependencyKind)> = BTreeMap::new();
    for (needed, need) in recipe.dependencies.iter().zip(&graph.needs[at]) {
        let Target::Recipe(to) = need.target else {
            continue;
        };
        let maker = &tree.entries[to].recipe;
        let wanted = &needed.dependency.name;
        let provides = |output: &&igos_recipe::Output| {
            output
                .provides
                .iter()
                .any(|provided| provided.name == *wanted)
        };
        let own = maker.outputs.iter().find(|output| output.name == *wanted);
        let own = own
            .or_else(|| maker.outputs.iter().find(provides))
            .unwrap_or(maker.main_output());
        let Some(&number) = numbers.get(&to) else {
            let (name, dependency) = (recipe.name.clone(), own.name.clone());
            return Err(GraphError::OutOfOrder { name, dependency });
        };
        let kind = direct
            .entry(own.name.clone())
            .or_insert((number, needed.kind));
        // What is needed to run counts as that, whatever else it is needed for.
        if needed.kind == DependencyKind::Run {
            kind.1 = DependencyKind::Run;
        }
    }
    Ok(direct)
}

//! The order against the rule of KISS, retold in its own words, and against large graphs.

use std::time::{Duration, Instant};

use igos_format::DependencyKind::{self, Build, Host, Run};
use proptest::prelude::*;

use super::{Missing, Order, Reason, Step, order, order_all};
use crate::plan::Graph;

type Recipes = Vec<(String, Vec<(String, DependencyKind)>)>;

/// Returns recipes written as `name: dependency dependency…` a line.
fn recipes(text: &str) -> Recipes {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (name, needs) = line.split_once(':').expect("the test gives a colon");
            let needs = needs
                .split_whitespace()
                .map(|need| (need.to_owned(), Run))
                .collect();
            (name.to_owned(), needs)
        })
        .collect()
}

fn names(order: &Order) -> Vec<&str> {
    order.order.iter().map(|step| step.name.as_str()).collect()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The rule as KISS has it: a list that grows, and a walk that calls itself.
fn kiss_order(recipes: &Recipes, asked: &[String]) -> Vec<String> {
    fn depends(recipes: &Recipes, name: &str, is_explicit: bool, found: &mut Vec<String>) {
        if found.iter().any(|other| other == name) {
            return;
        }
        let needs = recipes
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, needs)| needs);
        for (need, _) in needs.into_iter().flatten() {
            depends(recipes, need, false, found);
        }
        if !is_explicit {
            found.push(name.to_owned());
        }
    }
    let mut sorted = Vec::new();
    for name in asked {
        depends(recipes, name, false, &mut sorted);
    }
    sorted.retain(|name| asked.contains(name));
    let mut found = Vec::new();
    for name in &sorted {
        depends(recipes, name, true, &mut found);
    }
    let left: Vec<String> = sorted
        .into_iter()
        .filter(|name| !found.contains(name))
        .collect();
    found.extend(left);
    found
}

/// Recipes without circles: each needs some of those before it, in any order, now and then one that there is not.
fn any_recipes() -> impl Strategy<Value = (Recipes, Vec<String>)> {
    let needs = prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8), 0..5);
    let all = prop::collection::vec(needs, 1..25);
    let asked = prop::collection::vec(any::<prop::sample::Index>(), 1..6);
    (all, asked).prop_map(|(all, asked)| {
        let kinds = [Build, Host, Run];
        let recipes: Recipes = all
            .iter()
            .enumerate()
            .map(|(at, needs)| {
                let needs = needs.iter().map(|(index, kind)| {
                    let kind = kinds[usize::from(*kind)];
                    match index.index(at + 2) {
                        to if to < at => (format!("n{to}"), kind),
                        to if to == at => ("absent".to_owned(), kind),
                        _ => (format!("n{}", at / 2), kind),
                    }
                });
                (
                    format!("n{at}"),
                    needs
                        .filter(|(name, _)| *name != format!("n{at}"))
                        .collect(),
                )
            })
            .collect();
        let mut names: Vec<String> = asked
            .iter()
            .map(|index| format!("n{}", index.index(recipes.len())))
            .collect();
        names.dedup();
        (recipes, names)
    })
}

proptest! {
    #[test]
    fn order_is_that_of_kiss((recipes, asked) in any_recipes()) {
        let graph = Graph::of_names(&recipes);
        let result = order(&graph, &asked);
        prop_assert_eq!(names(&result), kiss_order(&recipes, &asked));
        prop_assert_eq!(&result.cycles, &Vec::<Vec<String>>::new());
        let mut all: Vec<String> = recipes.iter().map(|(name, _)| name.clone()).collect();
        all.sort();
        let everything = order_all(&graph);
        prop_assert_eq!(names(&everything), kiss_order(&recipes, &all));
    }

    #[test]
    fn dependencies_come_before_those_who_need_them((recipes, asked) in any_recipes()) {
        let result = order(&Graph::of_names(&recipes), &asked);
        let place = |name: &str| result.order.iter().position(|step| step.name == name);
        for (dependant, dependency, _) in &result.edges {
            prop_assert!(place(dependency) < place(dependant), "{} before {}", dependency, dependant);
            prop_assert!(place(dependency).is_some());
        }
    }
}

#[test]
fn explicit_package_that_another_one_needs_becomes_implicit() {
    let graph = Graph::of_names(&recipes("a: c b\nb:\nc: d\nd:\ne: a"));
    let result = order(&graph, &words("b a e"));
    let step = |name: &str, required_by: Option<&str>| Step {
        name: name.to_owned(),
        reason: if required_by.is_some() {
            Reason::Implicit
        } else {
            Reason::Explicit
        },
        required_by: required_by.map(str::to_owned),
    };
    assert_eq!(
        result.order,
        [
            step("d", Some("c")),
            step("c", Some("a")),
            step("b", Some("a")),
            step("a", Some("e")),
            step("e", None)
        ]
    );
}

#[test]
fn missing_dependency_keeps_its_place_and_is_named() {
    let graph = Graph::of_names(&recipes("a: gone b\nb: gone"));
    let result = order(&graph, &words("a nowhere"));
    assert_eq!(names(&result), ["gone", "b", "a"]);
    let missing = |name: &str, required_by: Option<&str>, kind| Missing {
        name: name.to_owned(),
        required_by: required_by.map(str::to_owned),
        kind,
    };
    assert_eq!(
        result.missing,
        [
            missing("nowhere", None, None),
            missing("gone", Some("b"), Some(Run)),
            missing("gone", Some("a"), Some(Run)),
        ]
    );
    assert!(!result.is_complete());
}

#[test]
fn each_circle_is_named_once_with_its_whole_path() {
    let graph = Graph::of_names(&recipes(
        "c: a\na: b\nb: c\nself: self\nx: y z\ny: x\nz: x\nok: a",
    ));
    let cycles = |asked: &str| {
        let mut found = order(&graph, &words(asked)).cycles;
        found.sort();
        found
            .iter()
            .map(|cycle| cycle.join(" "))
            .collect::<Vec<_>>()
    };
    assert_eq!(cycles("a"), ["a b c"]);
    assert_eq!(cycles("c b a ok"), ["a b c"]);
    assert_eq!(cycles("self"), ["self"]);
    assert_eq!(cycles("x"), ["x y", "x z"]);
    let everything = order_all(&graph);
    assert_eq!(everything.cycles.len(), 4);
    let mut listed = names(&everything);
    listed.sort_unstable();
    assert_eq!(
        listed,
        ["a", "b", "c", "ok", "self", "x", "y", "z"],
        "each package once, even on a circle"
    );
}

#[test]
fn chain_of_ten_thousand_does_not_overflow_the_stack() {
    let count = 10_000;
    let chain: Recipes = (0..count)
        .map(|at| {
            let needs = if at + 1 < count {
                vec![(format!("n{}", at + 1), Build)]
            } else {
                Vec::new()
            };
            (format!("n{at}"), needs)
        })
        .collect();
    let result = order(&Graph::of_names(&chain), &words("n0"));
    assert_eq!(result.order.len(), count);
    assert_eq!(result.order[0].name, "n9999");
    assert_eq!(result.order[count - 1].reason, Reason::Explicit);
}

#[test]
fn ten_thousand_recipes_are_ordered_in_well_under_a_second() {
    let count = 10_000_usize;
    let wide: Recipes = (0..count)
        .map(|at| {
            // Eight dependencies each, spread over everything that comes before, as real hubs are.
            let needs = (1..=8)
                .filter(|step| at > 0 && at * step % 7 != 0)
                .map(|step| (at * step * 31) % at.max(1));
            (
                format!("n{at}"),
                needs.map(|to| (format!("n{to}"), Host)).collect(),
            )
        })
        .collect();
    let graph = Graph::of_names(&wide);
    let start = Instant::now();
    let result = order_all(&graph);
    let spent = start.elapsed();
    assert_eq!(result.order.len(), count);
    assert!(result.is_complete());
    // Without optimisation on a busy machine; a walk that looked at paths instead of edges would take years.
    assert!(spent < Duration::from_secs(1), "{spent:?}");
}

//! Small random worlds: the solver finds a solution exactly when there is one, and what it finds is one.

use igos_solve::SolveError;
use proptest::prelude::*;

use crate::brute::{State, after, all, is_valid, losses};
use crate::case::{Case, shown};

fn relation() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c", "d", "e", "v"]);
    let own = prop::sample::select(vec!["a", "b", "c", "d", "e"]);
    let constraint = prop::sample::select(vec!["", "", ">=2", "<2", "=1", ">=3"]);
    let soname = prop::sample::select(vec!["x.so.1", "x.so.2", "y.so.1"]);
    prop_oneof![
        4 => (name.clone(), constraint.clone()).prop_map(|(name, it)| format!("; needs {name}{it}")),
        1 => (name, constraint).prop_map(|(name, it)| format!("; conflicts {name}{it}")),
        1 => Just("; provides v".to_owned()),
        1 => Just("; provides v=2".to_owned()),
        2 => soname.clone().prop_map(|it| format!("; has soname:{it}")),
        2 => soname.prop_map(|it| format!("; uses soname:{it}")),
        1 => own.prop_map(|it| format!("; supersedes {it}; provides {it}=1")),
    ]
}

fn package() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c", "d", "e"]);
    (name, 1..4_u8, prop::collection::vec(relation(), 0..3))
        .prop_map(|(name, version, relations)| format!("{name} {version}{}", relations.concat()))
        // A package does not take its own place.
        .prop_filter("supersedes itself", |line| {
            let name = &line[..1];
            !line.contains(&format!("supersedes {name};"))
        })
}

fn installed() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec!["", "", "; automatic", "; held"]);
    (package(), word).prop_map(|(line, word)| format!("{line}{word}"))
}

fn request() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c", "d", "e"]);
    let flag = prop::sample::select(vec!["", "", "allow-removals", "allow-downgrade"]);
    prop_oneof![
        6 => (name.clone(), flag.clone()).prop_map(|(name, flag)| format!("install {name}\n{flag}")),
        2 => (name.clone(), name.clone(), flag.clone())
            .prop_map(|(a, b, flag)| format!("install {a} {b}\n{flag}")),
        1 => (name.clone(), flag.clone()).prop_map(|(a, flag)| format!("install {a}=2\n{flag}")),
        2 => Just("upgrade".to_owned()),
        2 => (name, flag).prop_map(|(name, flag)| format!("remove {name}\n{flag}")),
    ]
}

fn case() -> impl Strategy<Value = String> {
    (
        prop::collection::vec(installed(), 0..4),
        prop::collection::vec(package(), 0..9),
        request(),
    )
        .prop_map(|(installed, mut offered, request)| {
            // One repository has a version once.
            let identity = |line: &String| line.split(';').next().unwrap_or_default().to_owned();
            offered.sort_by_key(identity);
            offered.dedup_by_key(|line| identity(line));
            format!(
                "installed:\n{}\noffered:\n{}\nrequest:\n{request}\nexpect:\n",
                installed.join("\n"),
                offered.join("\n")
            )
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_global_rejects: 100_000, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn there_is_a_solution_exactly_when_one_can_be_found_by_trying_everything(text in case()) {
        let (case, _) = Case::parse(&text);
        let named = case.request.remove.iter().any(|name| !case.universe.packages.contains_key(name));
        prop_assume!(!named);
        // A name that others provide stands for one of them: there are cases about that.
        let is_known = |name| {
            case.universe.packages.contains_key(name)
                || case.offered.iter().any(|offer| offer.package.name == *name)
        };
        prop_assume!(case.request.install.iter().all(|wanted| is_known(&wanted.name)));
        let worlds = all(&case);
        match case.solve() {
            Ok(solution) => {
                let world = after(&case, &solution);
                prop_assert!(is_valid(&case, &world), "{}", shown(&Ok(solution)));
                for wanted in &case.request.install {
                    prop_assert!(world[&wanted.name] != State::Absent);
                }
                // Nothing goes that could stay.
                let lost = losses(&case, &world);
                let better = worlds.iter().find(|other| {
                    let less = losses(&case, other);
                    less.is_subset(&lost) && less != lost
                });
                prop_assert!(better.is_none(), "{}{better:?}", shown(&Ok(solution)));
            }
            Err(SolveError::Impossible(explanation)) => {
                prop_assert!(worlds.is_empty(), "{explanation}: {:?}", worlds[0]);
                prop_assert!(!explanation.headline.is_empty());
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
    }

    #[test]
    fn order_of_offers_does_not_matter(text in case(), seed in any::<prop::sample::Index>()) {
        let (case, _) = Case::parse(&text);
        let mut turned = case.clone();
        if !turned.offered.is_empty() {
            let by = seed.index(turned.offered.len());
            turned.offered.rotate_left(by);
        }
        prop_assert_eq!(shown(&case.solve()), shown(&turned.solve()));
    }
}

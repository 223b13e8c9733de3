//! Why something is there, and what nothing needs any more.

use igos_format::PackageName;
use igos_solve::Graph;

use crate::case::{Case, name};

const INSTALLED: &str = "installed:
  app 1; needs lib, mta
  lib 1; automatic; uses soname:libc.so.6
  glibc 2.41; automatic; has soname:libc.so.6
  postfix 3; automatic; provides mta
  exim 4; automatic; provides mta
  left 1; automatic; needs right
  right 1; automatic; needs left
  kept 1; automatic; held; needs helper
  helper 1; automatic
  init 1; automatic; essential
  kept-kernel 6.12; automatic; needs firmware
  firmware 1; automatic
offered:
request:
expect:
";

fn graph() -> (Case, Graph) {
    let (case, _) = Case::parse(INSTALLED);
    let graph = Graph::of(&case.universe);
    (case, graph)
}

#[test]
fn chain_leads_from_what_was_asked_for_to_the_package() {
    let (case, graph) = graph();
    let why = |text: &str| {
        let chain = graph.why(&case.universe, &name(text))?;
        let steps = chain.iter();
        let steps = steps.map(|edge| format!("{} needs {} of {}", edge.from, edge.what, edge.to));
        Some(steps.collect::<Vec<_>>())
    };
    assert_eq!(why("app"), Some(Vec::new()));
    assert_eq!(
        why("glibc"),
        Some(vec![
            "app needs lib of lib".to_owned(),
            "lib needs soname:libc.so.6 of glibc".to_owned(),
        ])
    );
    assert_eq!(why("left"), None);
}

#[test]
fn orphans_are_found_through_circles_and_any_provider_in_use_stays() {
    let (case, graph) = graph();
    let orphans: Vec<PackageName> = graph
        .orphans(&case.universe, &[name("kept-kernel")].into())
        .into_iter()
        .collect();
    assert_eq!(orphans, [name("left"), name("right")]);
}

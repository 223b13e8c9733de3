//! Every line of the escape list that a probe can try: one package for each.

use std::collections::BTreeMap;

use crate::quiet::say;
use crate::state::Host;
use crate::world::{Said, Seat, User, World};
use crate::{Length, Test};

pub(crate) const TESTS: &[Test] = &[
    (
        "document_has_a_row_for_every_probe",
        Length::Short,
        document_has_a_row_for_every_probe,
    ),
    (
        "every_probe_is_contained_without_a_terminal",
        Length::Short,
        every_probe_is_contained_without_a_terminal,
    ),
    (
        "every_probe_is_contained_with_a_terminal",
        Length::Short,
        every_probe_is_contained_with_a_terminal,
    ),
    (
        "a_shell_at_a_terminal_is_contained",
        Length::Short,
        a_shell_at_a_terminal_is_contained,
    ),
    (
        "without_a_sandbox_probes_escape",
        Length::Short,
        without_a_sandbox_probes_escape,
    ),
];

/// Lines that the probe tries; the others are hostile outputs, bombs and recipes.
const LINES: [u32; 17] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18];

fn package(line: u32) -> String {
    format!("escape-line{line:02}")
}

/// Writes a package for each line; its build goes on after the probe.
fn write_packages(world: &World) {
    world.forget();
    for line in LINES {
        world.recipe(
            &package(line),
            &format!(
                "build() {{\n    prepare\n    /build/probe run /recipe/world {line}\n}}\ndo_install() {{ :; }}\n"
            ),
        );
    }
}

/// What a probe said, by part.
fn verdicts(text: &str) -> BTreeMap<String, (String, String)> {
    text.lines()
        .filter_map(|line| {
            let (head, seen) = line.trim().split_once(": ")?;
            let words: Vec<&str> = head.split(' ').collect();
            let ["probe", _, name, verdict] = words.as_slice() else {
                return None;
            };
            Some(((*name).to_owned(), ((*verdict).to_owned(), seen.to_owned())))
        })
        .collect()
}

/// Returns what the probe says about its parts: line, name, and what makes each escape.
fn list(world: &World) -> Vec<[String; 3]> {
    #[expect(clippy::disallowed_methods, reason = "a test asks its probe")]
    let listed = std::process::Command::new(world.probe())
        .arg("list")
        .output()
        .expect("the probe runs");
    let text = String::from_utf8_lossy(&listed.stdout);
    let rows = text.lines().map(|line| {
        let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
        fields.try_into().expect("three fields")
    });
    rows.collect()
}

fn document_has_a_row_for_every_probe(world: &World) {
    // Read when this is compiled: where the tests run, a checkout below /tmp is out of sight.
    let document = include_str!("../../../../docs/sandbox-proof.md");
    let (_, table) = document
        .split_once("## Which lock stops which probe")
        .expect("it has the table");
    let written: Vec<&str> = table
        .lines()
        .filter(|line| {
            line.starts_with("| ") && !line.starts_with("| Probe") && !line.starts_with("| ---")
        })
        .collect();
    let mut parts = list(world);
    parts.sort_by_key(|[line, ..]| line.parse::<u32>().expect("a number"));
    let expected: Vec<String> = parts
        .iter()
        .map(|[_, name, bite]| format!("| {name} | {} |", told(bite)))
        .collect();
    assert_eq!(written, expected);
}

/// Returns what the document says about how a probe escapes.
fn told(bite: &str) -> String {
    let (locks, is_optional) = match bite.strip_suffix(" optional") {
        Some(locks) => (locks, true),
        None => (bite, false),
    };
    let mut text = match locks.strip_prefix('-') {
        Some(reason) => format!("never: {reason}"),
        None if locks == "root-of-host" => "any sandbox, as root of the machine".to_owned(),
        None => locks.replace(' ', ", "),
    };
    if is_optional {
        text += " (where the kernel has it)";
    }
    text
}

fn are_contained(world: &World, seat: Seat) -> Said {
    write_packages(world);
    let before = Host::of(world);
    let said = world.run(
        seat,
        &[],
        &["build", "--all", "--keep-going", "--force", "--jobs", "2"],
    );
    assert_eq!(said.code, Some(0), "the builds go on: {said:?}");
    assert_eq!(before.differences(world), [""; 0]);
    let mut all = BTreeMap::new();
    for line in LINES {
        all.extend(verdicts(&world.log(&package(line))));
    }
    let expected: Vec<String> = list(world).into_iter().map(|[_, name, _]| name).collect();
    let not_contained: Vec<String> = expected
        .iter()
        .filter(|name| {
            all.get(*name)
                .is_none_or(|(verdict, _)| verdict != "contained")
        })
        .map(|name| format!("{name}: {:?}", all.get(name)))
        .collect();
    assert_eq!(not_contained, [""; 0]);
    assert!(!said.printed.contains("escaped"), "{}", said.printed);
    say(&format!(
        "{} probes in {} packages, {} contained; {} things of the host compared",
        expected.len(),
        LINES.len(),
        all.len(),
        before.len()
    ));
    said
}

fn every_probe_is_contained_without_a_terminal(world: &World) {
    are_contained(world, Seat::Nothing);
}

fn every_probe_is_contained_with_a_terminal(world: &World) {
    are_contained(world, Seat::Terminal);
}

fn a_shell_at_a_terminal_is_contained(world: &World) {
    world.forget();
    world.recipe("seat", "build() { prepare; false; }\ndo_install() { :; }\n");
    assert_eq!(
        world.run(Seat::Nothing, &[], &["build", "seat"]).code,
        Some(1)
    );
    let before = Host::of(world);
    // Of the shell's own terminal nothing leads to that of the caller, though it controls it.
    let command = "/build/probe run /recipe/world 12 1 16";
    let said = world.run(
        Seat::Terminal,
        &[],
        &["shell", "seat", "--failed", "--command", command],
    );
    let found = verdicts(&said.printed.replace('\r', ""));
    assert!(found.len() > 30, "{said:?}");
    let escaped: Vec<&String> = found
        .iter()
        .filter(|(_, (verdict, _))| verdict != "contained")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(escaped, Vec::<&String>::new(), "{said:?}");
    assert_eq!(before.differences(world), [""; 0]);
    say(&format!("{} probes in a shell, all contained", found.len()));
}

/// The same packages with the one switch that takes the sandbox away, in the quiet host's own namespaces.
fn without_a_sandbox_probes_escape(world: &World) {
    write_packages(world);
    let lines = [1, 2, 4, 16, 17].map(package);
    let mut arguments = vec![
        "build",
        "--keep-going",
        "--unsafe-no-sandbox",
        "--mode",
        "host",
    ];
    arguments.extend(lines.iter().map(String::as_str));
    for line in &lines {
        // Without a root of its own the build has its directories elsewhere, and the world where the host has it.
        let file = world.path.join("packages/core").join(line).join("build.sh");
        let text = fs_err::read_to_string(&file).expect("it was written");
        let here = world.path.join("host/world").display().to_string();
        let text = text
            .replace("/recipe/world", &here)
            .replace("/build/probe", "./probe-here")
            .replace("/dest/", "$DESTDIR/");
        fs_err::write(&file, text).expect("it is ours");
    }
    let said = world.run(Seat::Nothing, &[], &arguments);
    assert_eq!(said.code, Some(0), "{said:?}");
    let mut escaped = Vec::new();
    for line in &lines {
        let found = verdicts(&world.log(line));
        escaped.extend(
            found
                .into_iter()
                .filter(|(_, (verdict, _))| verdict == "escaped")
                .map(|(name, _)| name),
        );
    }
    // An ordinary user's quiet host has no network to speak of.
    let of_network: &[&str] = match world.user {
        User::Myself => &[],
        User::Root | User::Ordinary(_) => &["interfaces", "tcp-to-host-loopback"],
    };
    let of_all = ["abstract-stream", "descriptor-passed-out", "hold-process"];
    for name in of_network.iter().chain(&of_all) {
        assert!(escaped.contains(&(*name).to_owned()), "{name}: {escaped:?}");
    }
    say(&format!(
        "{} probes escape with --unsafe-no-sandbox: {}",
        escaped.len(),
        escaped.join(" ")
    ));
}

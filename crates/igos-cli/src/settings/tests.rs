//! Layers laid over each other in directories of their own.

use std::collections::BTreeMap;
use std::path::Path;

use fs_err as fs;
use serde::{Deserialize, Serialize};

use super::{Key, KeyKind, Layers, Loaded, Settings, SettingsAnswer};
use crate::{Answer, Environment, Exit, Failure};

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct Sample {
    jobs: u32,
    recipes: Vec<String>,
    dialects: BTreeMap<String, String>,
    sources: Sources,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Sources {
    mirrors: Vec<String>,
    offline: bool,
    cache: Option<String>,
}

impl Default for Sample {
    fn default() -> Self {
        Sample {
            jobs: 2,
            recipes: Vec::new(),
            dialects: BTreeMap::new(),
            sources: Sources::default(),
        }
    }
}

const fn key(name: &'static str, kind: KeyKind, variable: Option<&'static str>) -> Key<'static> {
    Key {
        name,
        kind,
        variable,
        description: "For a test",
    }
}

impl Settings for Sample {
    const PROGRAM: &'static str = "sample";
    const KEYS: &'static [Key<'static>] = &[
        key("dialects", KeyKind::Table, None),
        key("jobs", KeyKind::Number, Some("IGOS_JOBS")),
        key("recipes", KeyKind::List, Some("IGOS_RECIPES")),
        key("sources.cache", KeyKind::Text, None),
        key("sources.mirrors", KeyKind::List, None),
        key("sources.offline", KeyKind::Switch, Some("IGOS_OFFLINE")),
    ];
}

fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a temporary directory");
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("files are in directories"))
            .expect("the root is ours");
        fs::write(path, text).expect("the root is ours");
    }
    root
}

fn load(root: &Path, variables: &[(&str, &str)]) -> Result<Loaded<Sample>, Failure> {
    let environment: Environment = variables.iter().copied().collect();
    Layers {
        root,
        tree_file: None,
        environment: &environment,
        flags: Vec::new(),
    }
    .load()
}

fn messages(failure: &Failure) -> Vec<&str> {
    failure
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.message.as_str())
        .collect()
}

#[test]
fn higher_layers_replace_values_and_merge_tables() {
    let root = root(&[
        (
            "usr/lib/igos/sample.toml",
            "jobs = 3\n[sources]\nmirrors = [\"vendor\"]\noffline = true\n",
        ),
        (
            "etc/igos/sample.toml",
            "[dialects]\na = \"kiss-ng\"\n[sources]\nmirrors = [\"site\"]\n",
        ),
        ("etc/igos/sample.d/20-b.toml", "[dialects]\nb = \"auto\"\n"),
        (
            "etc/igos/sample.d/10-a.toml",
            "[dialects]\nb = \"kiss-classic\"\n",
        ),
        ("etc/igos/sample.d/README", "not settings"),
        ("tree/igos.toml", "recipes = [\"tree\"]\n"),
    ]);
    let environment: Environment = [("IGOS_JOBS", "5"), ("IGOS_RECIPES", "x:y")]
        .into_iter()
        .collect();
    let layers = Layers {
        root: root.path(),
        tree_file: Some(&root.path().join("tree/igos.toml")),
        environment: &environment,
        flags: vec![("jobs", "--jobs", toml::Value::Integer(7))],
    };
    let loaded: Loaded<Sample> = layers.load().expect("all layers are valid");
    assert_eq!(loaded.settings.jobs, 7);
    assert_eq!(loaded.settings.recipes, ["x", "y"]);
    assert_eq!(loaded.settings.sources.mirrors, ["site"]);
    assert!(loaded.settings.sources.offline);
    let dialects: Vec<_> = loaded
        .settings
        .dialects
        .iter()
        .map(|(path, name)| (path.as_str(), name.as_str()))
        .collect();
    assert_eq!(dialects, [("a", "kiss-ng"), ("b", "auto")]);

    let answer = Answer::from(SettingsAnswer::new(&loaded, true)).to_text();
    let root = root.path().display();
    assert_eq!(
        answer,
        format!(
            "dialects = {{\"a\":\"kiss-ng\",\"b\":\"auto\"}}\n    For a test\n    from: {root}/etc/igos/sample.d/20-b.toml\n\
             jobs = 7\n    For a test\n    from: flag --jobs, or IGOS_JOBS\n\
             recipes = [\"x\",\"y\"]\n    For a test\n    from: variable IGOS_RECIPES, or IGOS_RECIPES\n\
             sources.cache = # not set\n    For a test\n    from: built-in\n\
             sources.mirrors = [\"site\"]\n    For a test\n    from: {root}/etc/igos/sample.toml\n\
             sources.offline = true\n    For a test\n    from: {root}/usr/lib/igos/sample.toml, or IGOS_OFFLINE\n"
        )
    );
}

#[test]
fn everything_wrong_in_all_layers_is_told_at_once_with_places() {
    let root = root(&[
        (
            "usr/lib/igos/sample.toml",
            "job = 3\n[sources]\nmirors = []\n",
        ),
        ("etc/igos/sample.toml", "jobs = \"many\"\n"),
        ("etc/igos/sample.d/a.toml", "jobs = \n"),
    ]);
    let failure =
        load(root.path(), &[("IGOS_OFFLINE", "perhaps")]).expect_err("nothing here is valid");
    assert_eq!(failure.exit, Exit::Settings);
    assert_eq!(
        messages(&failure),
        [
            "there is no setting `job`",
            "there is no setting `sources.mirors`",
            "invalid type: string \"many\", expected u32",
            "string values must be quoted, expected literal string",
            "IGOS_OFFLINE has a value that `sources.offline` cannot take",
        ]
    );
    assert_eq!(failure.diagnostics[0].hints, ["did you mean `jobs`?"]);
    assert_eq!(
        failure.diagnostics[1].hints,
        ["did you mean `sources.mirrors`?"]
    );
    let Some(igos_report::Place::Source { span, .. }) = &failure.diagnostics[1].place else {
        panic!("the second diagnostic has a place in its file")
    };
    assert_eq!((span.line, span.column), (3, 1));
}

#[test]
fn links_in_a_root_do_not_lead_out_of_it() {
    let root = root(&[("etc/igos/sample.d/a.toml", "")]);
    let secret = root.path().join("outside.toml");
    fs::write(&secret, "jobs = 9").expect("the root is ours");
    let inner = root.path().join("root");
    fs::create_dir_all(inner.join("etc/igos")).expect("the root is ours");
    fs_err::os::unix::fs::symlink("../../../outside.toml", inner.join("etc/igos/sample.toml"))
        .expect("the root is ours");
    let loaded = load(&inner, &[]).expect("a file that is not there is no layer");
    assert_eq!(loaded.settings.jobs, 2);
}

#[test]
fn settings_that_cannot_be_read_are_an_error() {
    let root = root(&[("etc/igos/sample.toml/keep", "")]);
    let failure = load(root.path(), &[]).expect_err("a directory is not a file");
    assert_eq!(failure.exit, Exit::Settings);
    assert_eq!(failure.diagnostics[0].code, "settings-unreadable");
}

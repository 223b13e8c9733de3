//! The key document of a recipe of tinyworld is the example of `docs/formats/build-cache.md`.

use std::collections::BTreeMap;
use std::path::Path;

use igos_format::archive::Compression;
use igos_format::{Arch, PackageName, Sha256};
use igos_recipe::Recipe;
use igos_sandbox::Limits;

use super::{
    CheckMode, Confinement, Debugging, KeyDocument, KeyInput, RecipeFile, RememberedSource,
    RootMode, SourceInput, explain, remembered_sources,
};
use crate::tree::{TreeSettings, load};

const DOCUMENT: &str = include_str!("../../../../docs/formats/build-cache.md");
const LOCATION: &str = "https://tinyworld.example/poem-1.0.tar.gz";

/// What a key is made from, owned.
#[derive(Clone)]
struct Inputs {
    recipe: Recipe,
    arch: Arch,
    files: BTreeMap<String, RecipeFile>,
    sources: Vec<SourceInput>,
    dependencies: BTreeMap<PackageName, Sha256>,
    toolchain: Option<Sha256>,
    mode: RootMode,
    confinement: Confinement,
    flags: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    policy: String,
    limits: Limits,
    debugging: Debugging,
    check: CheckMode,
    compression: Compression,
}

fn digest(text: &str) -> Sha256 {
    Sha256::of(text.as_bytes())
}

impl Inputs {
    fn sample() -> Self {
        let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/tinyworld/packages");
        let tree = load(&TreeSettings {
            path: vec![tree],
            ..TreeSettings::default()
        })
        .expect("tinyworld is there");
        let poem = "poem".parse().expect("a name");
        let file = |text: &str, is_executable| RecipeFile {
            sha256: digest(text),
            is_executable,
        };
        let variable =
            |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        Inputs {
            recipe: tree
                .find(&poem)
                .expect("tinyworld has a poem")
                .recipe
                .clone(),
            arch: Arch::X86_64,
            files: BTreeMap::from([
                ("build.sh".to_owned(), file("script", true)),
                ("package.yml".to_owned(), file("recipe", false)),
            ]),
            sources: vec![SourceInput {
                location: LOCATION.into(),
                destination: String::new(),
                file_name: "poem-1.0.tar.gz".into(),
                content: digest("tarball"),
                alternative: Some(2),
                is_unpinned: false,
            }],
            dependencies: BTreeMap::from([(
                "alphabet".parse().expect("a name"),
                digest("alphabet"),
            )]),
            toolchain: Some(digest("toolchain")),
            mode: RootMode::Packages,
            confinement: Confinement::Sandbox,
            flags: variable("CFLAGS", "-O2 -pipe"),
            environment: variable("LC_ALL", "POSIX"),
            policy: "igos-sandbox 1\nsystem-calls read,write".into(),
            limits: Limits::default(),
            debugging: Debugging::Removed,
            check: CheckMode::Unavailable,
            compression: Compression::default(),
        }
    }

    fn document(&self) -> KeyDocument {
        KeyDocument::new(&KeyInput {
            recipe: &self.recipe,
            arch: self.arch,
            recipe_files: &self.files,
            sources: &self.sources,
            dependencies: &self.dependencies,
            toolchain: self.toolchain,
            mode: self.mode,
            confinement: self.confinement,
            flags: &self.flags,
            environment: &self.environment,
            policy: &self.policy,
            limits: &self.limits,
            debugging: self.debugging,
            check: self.check,
            compression: self.compression,
        })
    }
}

#[test]
fn example_of_the_document_is_what_is_written() {
    let fenced = DOCUMENT.split("```").skip(1).step_by(2);
    let mut examples = fenced
        .filter_map(|block| block.split_once('\n'))
        .map(|(_, text)| text);
    let example = examples
        .find(|text| text.starts_with("igos build key 1\n"))
        .expect("the document has it");
    assert_eq!(Inputs::sample().document().text(), example);
}

#[test]
fn every_input_changes_the_key_and_is_named() {
    let first = Inputs::sample().document();
    type Change = fn(&mut Inputs);
    let changes: [(&str, Change); 14] = [
        ("debugging", |inputs| {
            inputs.debugging = Debugging::Packaged;
        }),
        ("package", |inputs| inputs.arch = Arch::Aarch64),
        ("recipe", |inputs| {
            inputs
                .files
                .values_mut()
                .for_each(|file| file.is_executable = true)
        }),
        ("source", |inputs| {
            inputs.sources[0].content = digest("other")
        }),
        ("source", |inputs| {
            inputs.sources[0].destination = "doc".into()
        }),
        ("dependency", |inputs| inputs.dependencies.clear()),
        ("toolchain", |inputs| inputs.toolchain = None),
        ("sandbox", |inputs| inputs.mode = RootMode::Host),
        ("sandbox", |inputs| inputs.confinement = Confinement::None),
        ("flag", |inputs| inputs.flags.clear()),
        ("environment", |inputs| inputs.environment.clear()),
        ("policy", |inputs| {
            inputs.policy = "igos-sandbox 2\nsystem-calls read,write".into()
        }),
        ("limit", |inputs| inputs.limits.processes = 1),
        ("check", |inputs| inputs.check = CheckMode::Run),
    ];
    for (kind, change) in changes {
        let mut inputs = Inputs::sample();
        change(&mut inputs);
        let next = inputs.document();
        assert_ne!(next.key(), first.key(), "{kind}");
        let named: Vec<String> = explain(first.text(), next.text())
            .into_iter()
            .map(|one| one.kind)
            .collect();
        assert_eq!(named, [kind]);
    }
}

#[test]
fn sources_can_be_read_back_out_of_a_document() {
    let remembered = remembered_sources(Inputs::sample().document().text());
    let expected = RememberedSource {
        content: digest("tarball"),
        alternative: Some(2),
    };
    assert_eq!(
        remembered,
        BTreeMap::from([((0, LOCATION.to_owned()), expected)])
    );
    assert_eq!(
        remembered_sources("igos build key 1\nsource 0:x zz\nsource\n"),
        BTreeMap::new()
    );
}

//! What is said of archives and roots in the formats of others: provenance and bills of materials.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use igos_format::Sha256;
use serde_json::Value;

use crate::world::{Said, World, text};
use crate::{installed, oracle};

/// Builds `book` and all that it needs, and returns what was said.
fn built(world: &World) -> Said {
    let said = world.run(&["build", "book", "lone"]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    said
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

/// Returns the resolved dependencies of a kind.
fn materials(statement: &Value, kind: &str) -> Vec<Value> {
    let all = statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array();
    let all = all.cloned().unwrap_or_default();
    all.into_iter()
        .filter(|one| one["annotations"]["kind"] == kind)
        .collect()
}

/// Tests the rules of in-toto's ResourceDescriptor and Statement, and of SLSA's predicate, that have no schema.
fn expect_statement(statement: &Value) {
    let keys: Vec<&String> = statement.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["_type", "predicate", "predicateType", "subject"]);
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
    let definition = &statement["predicate"]["buildDefinition"];
    assert!(text(&definition["buildType"]).starts_with("urn:igos:"));
    assert!(definition["externalParameters"].is_object());
    assert!(
        text(&statement["predicate"]["runDetails"]["builder"]["id"])
            .starts_with("urn:igos:builder:")
    );
    let descriptors = [&statement["subject"], &definition["resolvedDependencies"]];
    for descriptor in descriptors
        .into_iter()
        .flat_map(|list| list.as_array().expect("a list"))
    {
        let digests = descriptor["digest"].as_object().expect("each has digests");
        assert!(!digests.is_empty());
        for digest in digests.values() {
            assert!(text(digest).parse::<Sha256>().is_ok(), "{descriptor:#}");
        }
        let known = ["annotations", "digest", "name", "uri"];
        for key in descriptor.as_object().expect("an object").keys() {
            assert!(known.contains(&key.as_str()), "{key}");
        }
    }
}

#[test]
fn provenance_names_everything_that_went_into_a_build() {
    let Some(world) = World::new() else { return };
    let said = built(&world);
    let archive = said.archive_file("book");
    let statement = world.run(&["provenance", &show(&archive)]);
    assert_eq!(statement.code, Some(0), "{}", statement.story);
    let statement = statement.answer;
    expect_statement(&statement);
    let subject = &statement["subject"][0];
    assert_eq!(
        text(&subject["digest"]["sha256"]),
        Sha256::of(&fs_err::read(&archive).expect("it is there")).to_string()
    );
    assert_eq!(subject["annotations"]["origin"], "built");
    // All digests are those of the archive's own account.
    let account = said.provenance("book");
    let definition = &statement["predicate"]["buildDefinition"];
    assert_eq!(
        definition["internalParameters"]["buildKey"],
        account["build_key"]
    );
    let files = materials(&statement, "recipe");
    assert_eq!(
        files.len(),
        account["recipe"]["files"]
            .as_object()
            .map_or(0, |all| all.len())
    );
    for file in files {
        let name = text(&file["name"]);
        let name = name.strip_prefix("recipe/").expect("it says what it is");
        assert_eq!(file["digest"]["sha256"], account["recipe"]["files"][name]);
    }
    let packages = materials(&statement, "package");
    assert_eq!(
        packages.len(),
        account["dependencies"]
            .as_object()
            .map_or(0, |all| all.len())
    );
    for package in packages {
        let name = text(&package["name"]);
        assert_eq!(
            package["digest"]["igosContents"],
            account["dependencies"][&name]
        );
    }
    let source = &materials(
        &world
            .run(&["provenance", &show(&said.archive_file("poem"))])
            .answer,
        "source",
    )[0];
    assert_eq!(
        source["digest"]["sha256"],
        said.provenance("poem")["sources"][0]["sha256"]
    );
    // Beside the archive lies what the machine knows: the measures, and what the toolchain is made of.
    let toolchain = materials(&statement, "toolchain");
    assert_eq!(
        toolchain[0]["digest"]["igosToolchain"],
        account["toolchain"]
    );
    let imported = materials(&statement, "toolchain-package");
    assert_eq!(imported.len(), 1, "{statement:#}");
    assert_eq!(imported[0]["annotations"]["origin"], "imported");
    let measures = &statement["predicate"]["runDetails"]["igos_measures"];
    assert_eq!(measures["confinement"], "sandbox");
}

#[test]
fn archive_alone_tells_less_and_always_the_same() {
    let Some(world) = World::new() else { return };
    let said = built(&world);
    let elsewhere = world.path().join("book.igos.tar.zst");
    fs_err::copy(said.archive_file("book"), &elsewhere).expect("the world is ours");
    let first = world.run(&["provenance", &show(&elsewhere)]).answer;
    expect_statement(&first);
    assert_eq!(
        first["predicate"]["runDetails"]["igos_measures"],
        Value::Null
    );
    assert_eq!(materials(&first, "toolchain").len(), 1);
    assert_eq!(materials(&first, "toolchain-package").len(), 0);
    assert_eq!(first, world.run(&["provenance", &show(&elsewhere)]).answer);
    // A receipt of another build is no evidence.
    let other = said.archive_file("lone").with_file_name("receipt.json");
    fs_err::copy(other, elsewhere.with_file_name("receipt.json")).expect("the world is ours");
    assert_eq!(first, world.run(&["provenance", &show(&elsewhere)]).answer);
    let broken = world.path().join("packages/core/book/build.sh");
    let said = world.run(&["provenance", &show(&broken)]);
    assert_eq!(said.code, Some(4), "{}", said.story);
}

#[test]
fn bill_of_archives_lists_packages_files_and_what_needs_what() {
    let Some(world) = World::new() else { return };
    let said = built(&world);
    let archives = ["book", "alphabet", "poem"].map(|name| show(&said.archive_file(name)));
    for format in ["spdx", "cyclonedx"] {
        let command = |order: [usize; 3]| {
            let mut words = vec!["sbom", "--format", format];
            words.extend(order.map(|at| archives[at].as_str()));
            let said = world.run(&words);
            assert_eq!(said.code, Some(0), "{}", said.story);
            said.answer
        };
        let bill = command([0, 1, 2]);
        assert_eq!(
            bill,
            command([2, 0, 1]),
            "the order of the archives does not matter"
        );
        let (names, files, needs) = match format {
            "spdx" => read_spdx(&bill),
            _ => read_cyclonedx(&bill),
        };
        assert_eq!(
            names,
            ["alphabet", "book", "poem"].map(str::to_owned).into()
        );
        let mut expected = BTreeSet::new();
        for name in ["book", "alphabet", "poem"] {
            for entry in &said.archive(name).manifest().entries {
                if let igos_format::EntryKind::File { sha256, .. } = &entry.kind {
                    expected.insert((entry.path.to_string(), sha256.to_string()));
                }
            }
        }
        assert_eq!(files, expected);
        let needed = ("poem".to_owned(), "alphabet".to_owned());
        assert_eq!(needs, BTreeSet::from([needed]));
        let file = world.path().join(format!("bill.{format}.json"));
        fs_err::write(&file, bill.to_string()).expect("the world is ours");
        if let Some(complaints) = oracle::complaints(format, &file) {
            assert_eq!(complaints, "", "{format}");
        }
    }
}

#[test]
fn bill_of_a_root_lists_what_is_installed() {
    let Some(world) = World::new() else { return };
    let said = built(&world);
    let root = world.path().join("root");
    fs_err::create_dir(&root).expect("the world is ours");
    let archives: Vec<PathBuf> = ["book", "alphabet", "poem", "greet", "hello"]
        .map(|name| said.archive_file(name))
        .into();
    installed::install(&root, &archives);
    for format in ["spdx", "cyclonedx"] {
        let bill = world.run(&["sbom", "--root", &show(&root), "--format", format]);
        assert_eq!(bill.code, Some(0), "{}", bill.story);
        let (names, files, _) = match format {
            "spdx" => read_spdx(&bill.answer),
            _ => read_cyclonedx(&bill.answer),
        };
        assert_eq!(
            names,
            ["alphabet", "book", "greet", "hello", "poem"]
                .map(str::to_owned)
                .into()
        );
        assert_eq!(files, BTreeSet::new());
        let file = world.path().join(format!("root.{format}.json"));
        fs_err::write(&file, bill.answer.to_string()).expect("the world is ours");
        if let Some(complaints) = oracle::complaints(format, &file) {
            assert_eq!(complaints, "", "{format}");
        }
    }
    let said = world.run(&["sbom", "--root", &show(&world.path().join("mirror"))]);
    assert_eq!(said.code, Some(4), "it has no record: {}", said.story);
}

/// Names, files with their digests, and who needs whom.
type Read = (
    BTreeSet<String>,
    BTreeSet<(String, String)>,
    BTreeSet<(String, String)>,
);

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn read_spdx(bill: &Value) -> Read {
    let packages = list(&bill["packages"]);
    let is_ours = |package: &&Value| text(&package["SPDXID"]).starts_with("SPDXRef-Package-");
    let names = packages
        .iter()
        .filter(is_ours)
        .map(|one| text(&one["name"]));
    let named = |id: &Value| {
        let found = packages.iter().find(|one| one["SPDXID"] == *id);
        text(&found.expect("each reference leads to a package")["name"])
    };
    let files = list(&bill["files"]).into_iter().map(|file| {
        let path = text(&file["fileName"]);
        let path = path.strip_prefix("./").expect("it is relative").to_owned();
        assert_eq!(file["checksums"][1]["algorithm"], "SHA256");
        (path, text(&file["checksums"][1]["checksumValue"]))
    });
    let needs = list(&bill["relationships"]).into_iter();
    let needs = needs
        .filter(|one| one["relationshipType"] == "DEPENDS_ON")
        .map(|one| {
            (
                named(&one["spdxElementId"]),
                named(&one["relatedSpdxElement"]),
            )
        });
    (names.collect(), files.collect(), needs.collect())
}

fn read_cyclonedx(bill: &Value) -> Read {
    let components = list(&bill["components"]);
    let names = components.iter().map(|one| text(&one["name"]));
    let named = |reference: &Value| {
        let found = components.iter().find(|one| one["bom-ref"] == *reference);
        text(&found.expect("each reference leads to a component")["name"])
    };
    let files = components.iter().flat_map(|one| list(&one["components"]));
    let files = files.map(|file| {
        let path = text(&file["name"]);
        let path = path.strip_prefix('/').expect("it is absolute").to_owned();
        (path, text(&file["hashes"][0]["content"]))
    });
    let needs = list(&bill["dependencies"]).into_iter().flat_map(|one| {
        let name = named(&one["ref"]);
        let needed = list(&one["dependsOn"]);
        let pairs: Vec<_> = needed.iter().map(|to| (name.clone(), named(to))).collect();
        pairs
    });
    (names.collect(), files.collect(), needs.collect())
}

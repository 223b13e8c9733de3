//! The provenance of an archive as an in-toto Statement (version 1) with a SLSA Provenance (version 1) inside.
//!
//! `docs/formats/evidence.md` says which field comes from where.

use igos_format::manifest::Origin;
use serde_json::{Map, Value, json};

use super::material::{Evidence, ToolchainMaterial};
use super::package_url::package_url;

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://slsa.dev/provenance/v1";
/// How packages are built from recipes.
const BUILD: &str = "urn:igos:build:1";
/// How packages of another distribution are converted.
const IMPORT: &str = "urn:igos:import:1";

/// Returns the statement, `None` if the archive's own account is of a kind that we do not know.
#[must_use]
pub fn statement(evidence: &Evidence) -> Option<Value> {
    let account = &evidence.provenance;
    let predicate = if account["kind"] == "imported" && account["schema"] == 1 {
        imported(evidence)
    } else if account["format"] == 1 && account["builder"]["name"] == "igos-build" {
        built(evidence)
    } else {
        return None;
    };
    Some(json!({
        "_type": STATEMENT,
        "subject": [subject(evidence)],
        "predicateType": PREDICATE,
        "predicate": predicate,
    }))
}

fn subject(evidence: &Evidence) -> Value {
    json!({
        "name": evidence.file_name,
        "uri": package_url(&evidence.manifest.package),
        "digest": { "sha256": evidence.sha256 },
        "annotations": {
            "igosContents": evidence.manifest.contents_digest(),
            "igosSeal": evidence.seal,
            "origin": evidence.manifest.origin,
        },
    })
}

/// Returns the predicate of a package that was built.
fn built(evidence: &Evidence) -> Value {
    let account = &evidence.provenance;
    let recipe = &account["recipe"];
    let external = known([
        ("recipe", recipe["name"].clone()),
        ("version", recipe["version"].clone()),
        ("dialect", recipe["dialect"].clone()),
        ("arch", json!(evidence.manifest.package.arch)),
        ("root", account["sandbox"]["root"].clone()),
        ("confinement", account["sandbox"]["confinement"].clone()),
        ("imported", account["imported"].clone()),
        ("weakened", account["weakened"].clone()),
    ]);
    let internal = known([
        ("buildKey", account["build_key"].clone()),
        ("flags", account["flags"].clone()),
        ("sourceDateEpoch", account["source_date_epoch"].clone()),
        (
            "sandboxPolicySha256",
            account["sandbox"]["policy_sha256"].clone(),
        ),
        ("check", known_of(&account["check"])),
    ]);
    let mut dependencies = recipe_files(recipe);
    dependencies.extend(sources(&account["sources"]));
    dependencies.extend(packages(
        &account["dependencies"],
        &account["imported_dependencies"],
    ));
    dependencies.extend(toolchain(&account["toolchain"], &evidence.toolchain));
    let builder = match evidence.manifest.origin {
        Origin::Built => "urn:igos:builder:sandbox",
        Origin::BuiltWeakened => "urn:igos:builder:weakened",
        Origin::Imported => "urn:igos:builder:import",
    };
    let mut run = known([(
        "builder",
        json!({
            "id": builder,
            "version": { "igos-build": text_of(&account["builder"]["version"]) },
        }),
    )]);
    if let Some(measures) = evidence
        .receipt
        .as_ref()
        .and_then(|one| one.measures.as_ref())
    {
        run["igos_measures"] = json!(measures);
    }
    json!({
        "buildDefinition": {
            "buildType": BUILD,
            "externalParameters": external,
            "internalParameters": internal,
            "resolvedDependencies": dependencies,
        },
        "runDetails": run,
    })
}

/// Returns the predicate of a package that was converted.
fn imported(evidence: &Evidence) -> Value {
    let account = &evidence.provenance;
    let from = &account["from"];
    let (name, version) = (text_of(&from["package"]), text_of(&from["version"]));
    let mut dependency = Map::new();
    let annotations = known([
        ("kind", json!("imported-package")),
        ("origin", json!(Origin::Imported)),
        ("path", from["path"].clone()),
        ("source", from["source"].clone()),
    ]);
    let uri = (!name.is_empty()).then(|| deb_url(from, &name, &version));
    dependency.extend(uri.map(|uri| ("uri".to_owned(), json!(uri))));
    let sha256 = &from["sha256"];
    if sha256.is_string() {
        dependency.insert("digest".to_owned(), json!({ "sha256": sha256 }));
    }
    dependency.insert("annotations".to_owned(), annotations);
    let importer = text_of(&account["importer"]);
    json!({
        "buildDefinition": {
            "buildType": IMPORT,
            "externalParameters": known_of(from),
            "internalParameters": known([("changed", known_of(&account["changed"]))]),
            "resolvedDependencies": [dependency],
        },
        "runDetails": {
            "builder": {
                "id": "urn:igos:builder:import",
                "version": { "importer": importer },
            },
        },
    })
}

fn deb_url(from: &Value, name: &str, version: &str) -> String {
    let distribution = text_of(&from["distribution"]).to_ascii_lowercase();
    let encoded = version.replace('+', "%2B").replace(':', "%3A");
    let name = name.replace('+', "%2B");
    let arch = text_of(&from["architecture"]);
    format!("pkg:deb/{distribution}/{name}@{encoded}?arch={arch}")
}

fn recipe_files(recipe: &Value) -> Vec<Value> {
    let files = recipe["files"].as_object().into_iter().flatten();
    files
        .map(|(name, sha256)| {
            json!({
                "name": format!("recipe/{name}"),
                "digest": { "sha256": sha256 },
                "annotations": { "kind": "recipe" },
            })
        })
        .collect()
}

fn sources(sources: &Value) -> Vec<Value> {
    let rows = sources.as_array().into_iter().flatten();
    rows.map(|source| {
        let mut annotations = known([
            ("kind", json!("source")),
            ("destination", source["destination"].clone()),
            ("alternative", source["alternative"].clone()),
            ("repack", source["repack"].clone()),
        ]);
        if source["is_unpinned"] == true {
            annotations["unpinned"] = json!(true);
        }
        // Other bytes than upstream's have another address, which the archive does not tell.
        let place = match source["alternative"] {
            Value::Null => "uri",
            _ => "name",
        };
        json!({
            place: source["location"],
            "digest": { "sha256": source["sha256"] },
            "annotations": annotations,
        })
    })
    .collect()
}

fn packages(dependencies: &Value, imported: &Value) -> Vec<Value> {
    let imported: Vec<&Value> = imported.as_array().into_iter().flatten().collect();
    let rows = dependencies.as_object().into_iter().flatten();
    rows.map(|(name, contents)| {
        let is_imported = imported.iter().any(|one| *one == name);
        let origin = is_imported.then_some(Origin::Imported);
        json!({
            "name": name,
            "digest": { "igosContents": contents },
            "annotations": known([("kind", json!("package")), ("origin", json!(origin))]),
        })
    })
    .collect()
}

fn toolchain(digest: &Value, materials: &[ToolchainMaterial]) -> Vec<Value> {
    let Value::String(digest) = digest else {
        return Vec::new();
    };
    let mut found = vec![json!({
        "name": "toolchain",
        "digest": { "igosToolchain": digest },
        "annotations": { "kind": "toolchain" },
    })];
    found.extend(materials.iter().map(|material| {
        let archive = &material.archive;
        let mut annotations = known([
            ("kind", json!("toolchain-package")),
            ("origin", json!(material.origin)),
            ("version", json!(archive.version)),
        ]);
        if let Some(deb) = &archive.origin {
            annotations["importedFrom"] = json!({
                "version": deb.version,
                "path": deb.path,
                "sha256": deb.sha256,
            });
        }
        json!({
            "name": archive.name,
            "digest": { "sha256": archive.sha256, "igosContents": archive.contents },
            "annotations": annotations,
        })
    }));
    found
}

/// Returns an object of the fields that say something.
fn known<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields = fields.into_iter().filter(|(_, value)| !is_nothing(value));
    let fields = fields.map(|(name, value)| (name.to_owned(), value));
    Value::Object(fields.collect())
}

/// Returns an object without its fields that say nothing.
fn known_of(value: &Value) -> Value {
    let fields = value.as_object().into_iter().flatten();
    let fields = fields.filter(|(_, value)| !is_nothing(value));
    let fields = fields.map(|(name, value)| (name.clone(), value.clone()));
    Value::Object(fields.collect())
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use igos_format::manifest::{Manifest, Origin};
    use igos_format::{Arch, PackageId, Sha256};
    use serde_json::{Value, json};

    use super::{Evidence, statement};

    const DOCUMENT: &str = include_str!("../../../../docs/formats/evidence.md");

    fn digest(text: &str) -> Sha256 {
        text.parse().expect("a digest")
    }

    fn evidence(provenance: Value) -> Evidence {
        let package = PackageId {
            name: "dash".parse().expect("a name"),
            epoch: 0,
            version: "0.5.12".parse().expect("a version"),
            release: "2".parse().expect("a release"),
            arch: Arch::X86_64,
        };
        Evidence {
            manifest: Manifest::new(package, Origin::Imported, Sha256::of(b"")),
            provenance,
            file_name: "dash-0.5.12-2.x86_64.igos.tar.zst".to_owned(),
            sha256: digest("0d9bfcaa0eb3b1c6ba5b8dc9c7d11c2b1c7d8e0d0ee9fbc4ed2d3e7cb8db7df5"),
            seal: digest("fa31f9a63351c78d2199e5c3e6db919adaebcdba5cf1c0816132f9827fb092a9"),
            receipt: None,
            toolchain: Vec::new(),
        }
    }

    #[test]
    fn documented_statement_is_that_of_the_documented_archive() {
        let evidence = evidence(json!({
            "schema": 1,
            "kind": "imported",
            "importer": 1,
            "from": {
                "distribution": "debian",
                "package": "dash",
                "source": "dash",
                "version": "0.5.12-2",
                "architecture": "amd64",
                "path": "pool/main/d/dash/dash_0.5.12-2_amd64.deb",
                "sha256": "33ea40061da2f1a861ec46212b2b6a34f0776a049b1a3f0abce2fb8cb994258f",
            },
            "changed": { "modes": [], "owners": [], "dropped": 8 },
        }));
        let (_, rest) = DOCUMENT.split_once("```json\n").expect("an example");
        let (example, _) = rest.split_once("```").expect("it ends");
        let example: Value = serde_json::from_str(example).expect("it is JSON");
        assert_eq!(statement(&evidence), Some(example));
    }

    #[test]
    fn account_of_another_kind_gives_no_statement() {
        for account in [
            json!({}),
            json!({ "format": 2, "builder": { "name": "igos-build" } }),
            json!({ "format": 1, "builder": { "name": "another" } }),
            json!({ "schema": 2, "kind": "imported" }),
        ] {
            assert_eq!(statement(&evidence(account.clone())), None, "{account}");
        }
    }
}

//! Bills of materials in CycloneDX 1.6 (ECMA-424), as JSON.

use std::collections::BTreeSet;

use igos_format::Sha256;
use serde_json::{Value, json};

use super::bill::{Bill, BilledPackage, BilledSource};
use super::license::{License, license};
use super::package_url::package_url;
use super::spdx::told;

/// Returns the document of a bill; `program` is the version of this program.
#[must_use]
pub fn cyclonedx(bill: &Bill, program: &str) -> Value {
    let components = bill.packages.iter().map(component);
    let needs = bill.needs();
    let dependencies = bill.packages.iter().zip(&needs).map(|(one, needs)| {
        let references: BTreeSet<String> = needs
            .iter()
            .map(|at| reference(&bill.packages[*at]))
            .collect();
        json!({ "ref": reference(one), "dependsOn": references })
    });
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", uuid(&bill.digest())),
        "version": 1,
        "metadata": {
            "timestamp": bill.time(),
            "tools": {
                "components": [{ "type": "application", "name": "igos-build", "version": program }],
            },
        },
        "components": components.collect::<Vec<_>>(),
        "dependencies": dependencies.collect::<Vec<_>>(),
    })
}

/// Returns a UUID made of a digest: version 8 of RFC 9562, section 5.8, which is for that.
fn uuid(digest: &Sha256) -> String {
    let text = digest.to_string();
    // The variant takes two bits of the digit, and the version all of its own.
    let variant = ["8", "9", "a", "b"][usize::from(text.as_bytes()[16] % 4)];
    format!(
        "{}-{}-8{}-{variant}{}-{}",
        &text[..8],
        &text[8..12],
        &text[13..16],
        &text[17..20],
        &text[20..32]
    )
}

/// Returns the name by which a package is referred to: its seal, because one bill may list two builds of one version.
fn reference(package: &BilledPackage) -> String {
    format!("igos:{}", package.seal)
}

fn component(package: &BilledPackage) -> Value {
    let manifest = &package.manifest;
    let mut value = json!({
        "type": "application",
        "bom-ref": reference(package),
        "name": manifest.package.name,
        "version": manifest.package.full_version(),
        "purl": package_url(&manifest.package),
        "properties": [
            { "name": "igos:origin", "value": manifest.origin.as_str() },
            { "name": "igos:recipe", "value": manifest.recipe },
            { "name": "igos:seal", "value": package.seal },
        ],
    });
    match license(&manifest.license) {
        License::Unknown => {}
        License::Expression(expression) => {
            value["licenses"] = json!([{ "expression": expression }])
        }
        License::Text(text) => value["licenses"] = json!([{ "license": { "name": text } }]),
    }
    if !manifest.description.is_empty() {
        value["description"] = json!(manifest.description);
    }
    if let Some((_, sha256)) = &package.archive {
        value["hashes"] = hashes(sha256);
    }
    let mut references: Vec<Value> = package.sources.iter().map(source).collect();
    if !manifest.homepage.is_empty() {
        references.insert(0, json!({ "type": "website", "url": manifest.homepage }));
    }
    if !references.is_empty() {
        value["externalReferences"] = Value::Array(references);
    }
    if !package.files.is_empty() {
        let files = package.files.iter().map(|file| {
            json!({
                "type": "file",
                "name": format!("/{}", file.path),
                "hashes": hashes(&file.sha256),
            })
        });
        value["components"] = files.collect();
    }
    value
}

fn source(source: &BilledSource) -> Value {
    let mut value = json!({
        "type": "source-distribution",
        "url": source.location,
    });
    // The digest is that of what was used, which an alternative need not have from this address.
    match told(source) {
        None => value["hashes"] = hashes(&source.sha256),
        Some(told) => value["comment"] = json!(format!("{told}; sha256 {}", source.sha256)),
    }
    value
}

fn hashes(sha256: &Sha256) -> Value {
    json!([{ "alg": "SHA-256", "content": sha256 }])
}

#[cfg(test)]
mod tests {
    use igos_format::Sha256;

    #[test]
    fn serial_number_is_a_uuid_that_follows_from_what_is_listed() {
        let uuid = super::uuid(&Sha256::of(b"a bill"));
        assert_eq!(uuid, super::uuid(&Sha256::of(b"a bill")));
        assert_ne!(uuid, super::uuid(&Sha256::of(b"another bill")));
        let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(&uuid[14..15], "8");
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    }
}

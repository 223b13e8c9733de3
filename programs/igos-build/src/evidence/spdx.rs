//! Bills of materials in SPDX 2.3 (ISO/IEC 5962:2021 and its successor), as JSON.

use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::bill::{Bill, BilledFile, BilledPackage, BilledSource, hexadecimal};
use super::license::{License, license};
use super::package_url::package_url;

const NOTHING: &str = "NOASSERTION";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";

/// Returns the document of a bill; `program` is the version of this program.
#[must_use]
pub fn spdx(bill: &Bill, program: &str) -> Value {
    let mut document = Document::default();
    for (number, package) in bill.packages.iter().enumerate() {
        document.add(number, package);
    }
    for (number, needs) in bill.needs().iter().enumerate() {
        for needed in needs {
            document.relate(&package_id(number), "DEPENDS_ON", &package_id(*needed));
        }
    }
    let mut value = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": bill.name,
        "documentNamespace": format!("urn:igos:sbom:spdx:{}", bill.digest()),
        "creationInfo": {
            "created": bill.time(),
            "creators": [format!("Tool: igos-build-{program}")],
        },
        "packages": document.packages,
        "relationships": document.relationships,
    });
    if !document.files.is_empty() {
        value["files"] = Value::Array(document.files);
    }
    value
}

#[derive(Default)]
struct Document {
    packages: Vec<Value>,
    files: Vec<Value>,
    relationships: Vec<Value>,
}

fn package_id(number: usize) -> String {
    format!("SPDXRef-Package-{}", number + 1)
}

impl Document {
    fn relate(&mut self, from: &str, how: &str, to: &str) {
        self.relationships.push(json!({
            "spdxElementId": from,
            "relationshipType": how,
            "relatedSpdxElement": to,
        }));
    }

    fn add(&mut self, number: usize, package: &BilledPackage) {
        let id = package_id(number);
        self.packages.push(package_value(&id, package));
        self.relate(DOCUMENT, "DESCRIBES", &id);
        for (at, file) in package.files.iter().enumerate() {
            let file_id = format!("SPDXRef-File-{}-{}", number + 1, at + 1);
            self.files.push(file_value(&file_id, file));
            self.relate(&id, "CONTAINS", &file_id);
        }
        for (at, source) in package.sources.iter().enumerate() {
            let source_id = format!("SPDXRef-Source-{}-{}", number + 1, at + 1);
            self.packages.push(source_value(&source_id, source));
            self.relate(&id, "GENERATED_FROM", &source_id);
        }
    }
}

fn package_value(id: &str, package: &BilledPackage) -> Value {
    let manifest = &package.manifest;
    let mut value = json!({
        "SPDXID": id,
        "name": manifest.package.name,
        "versionInfo": manifest.package.full_version(),
        "downloadLocation": NOTHING,
        "filesAnalyzed": !package.files.is_empty(),
        "licenseConcluded": NOTHING,
        "licenseDeclared": NOTHING,
        "copyrightText": NOTHING,
        "sourceInfo": format!("seal {}, origin {}", package.seal, manifest.origin.as_str()),
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": package_url(&manifest.package),
        }],
    });
    match license(&manifest.license) {
        License::Unknown => {}
        License::Expression(expression) => value["licenseDeclared"] = json!(expression),
        License::Text(text) => value["licenseComments"] = json!(text),
    }
    if !manifest.homepage.is_empty() {
        value["homepage"] = json!(manifest.homepage);
    }
    if !manifest.description.is_empty() {
        value["summary"] = json!(manifest.description);
    }
    if let Some((name, sha256)) = &package.archive {
        value["packageFileName"] = json!(name);
        value["checksums"] = json!([{ "algorithm": "SHA256", "checksumValue": sha256 }]);
    }
    if !package.files.is_empty() {
        value["packageVerificationCode"] =
            json!({ "packageVerificationCodeValue": verification_code(&package.files) });
        value["licenseInfoFromFiles"] = json!([NOTHING]);
    }
    value
}

/// Returns the digest over the files of a package that clause 7.9 defines.
fn verification_code(files: &[BilledFile]) -> String {
    let mut digests: Vec<&str> = files.iter().map(|file| file.sha1.as_str()).collect();
    digests.sort_unstable();
    hexadecimal(&Sha1::digest(digests.concat().as_bytes()))
}

fn file_value(id: &str, file: &BilledFile) -> Value {
    json!({
        "SPDXID": id,
        "fileName": format!("./{}", file.path),
        "checksums": [
            { "algorithm": "SHA1", "checksumValue": file.sha1 },
            { "algorithm": "SHA256", "checksumValue": file.sha256 },
        ],
        "licenseConcluded": NOTHING,
        "licenseInfoInFiles": [NOTHING],
        "copyrightText": NOTHING,
    })
}

fn source_value(id: &str, source: &BilledSource) -> Value {
    let is_upstream = source.alternative.is_none() && source.location.contains("://");
    let mut value = json!({
        "SPDXID": id,
        "name": source.location.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("source"),
        "downloadLocation": if is_upstream { &source.location } else { NOTHING },
        "filesAnalyzed": false,
        "licenseConcluded": NOTHING,
        "licenseDeclared": NOTHING,
        "copyrightText": NOTHING,
        "checksums": [{ "algorithm": "SHA256", "checksumValue": source.sha256 }],
        "primaryPackagePurpose": "SOURCE",
    });
    if let Some(told) = told(source) {
        value["sourceInfo"] = json!(told);
    }
    value
}

/// Says where bytes come from that are not upstream's own file.
pub(super) fn told(source: &BilledSource) -> Option<String> {
    let number = source.alternative?;
    let location = &source.location;
    Some(match &source.repack {
        Some(why) => format!("alternative {number} of {location}, other bytes: {why}"),
        None => format!("alternative {number} of {location}"),
    })
}

//! From the files of a binary package to an archive of ours.

use std::collections::BTreeSet;
use std::io::{Cursor, Read};

use igos_format::declaration::{Feature, FeatureKind};
use igos_format::manifest::{self, Manifest, Origin};
use igos_format::{
    Arch, Dependency, EntryKind, PackageId, PackageName, RelPath, Release, Sha256, Version,
};
use igos_repo::debian::BinaryPackage;

use super::deb::{Changes, DebFiles};
use super::payload::Payload;
use crate::stage::{elf_facts, pkg_config_facts, read_elf, script_facts, usr_merged};

/// Raised whenever the same `.deb` and list give another archive.
pub(super) const IMPORTER: u32 = 1;

/// Largest machine code that is looked into, in bytes; the compiler proper has 30 MB.
const ELF_MAX_BYTES: u64 = 512 << 20;

/// Bytes of a script that are looked at.
const SCRIPT_BYTES: u64 = 256;

/// Everything that an archive is written from.
#[derive(Debug)]
pub(super) struct Converted {
    pub(super) manifest: Manifest,
    pub(super) provenance: Vec<u8>,
    pub(super) payload: Payload,
}

/// A version of a Debian package in our words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DebianVersion {
    pub(super) epoch: u32,
    pub(super) version: Version,
    pub(super) release: Release,
}

impl DebianVersion {
    /// Splits `[EPOCH:]UPSTREAM[-REVISION]` (deb-version(7)); characters that ours do not have become dots, and
    /// a package without revision has release 0. The original text stands in the provenance.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
        let (version, release) = rest.rsplit_once('-').unwrap_or((rest, "0"));
        let plain = |text: &str, marks: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || marks.contains(c);
            text.replace(|c: char| !fits(c), ".")
        };
        Some(DebianVersion {
            epoch: epoch.parse().ok()?,
            version: plain(version, "+._-~").parse().ok()?,
            release: plain(release, "+._~").parse().ok()?,
        })
    }
}

/// Makes manifest and provenance of a package.
pub(super) fn convert(
    files: DebFiles,
    package: &BinaryPackage,
    arch: Arch,
) -> std::io::Result<Converted> {
    let invalid =
        |what: &str| std::io::Error::other(format!("its {what} cannot be written in our form"));
    let version = DebianVersion::parse(&package.version).ok_or_else(|| invalid("version"))?;
    let id = PackageId {
        name: package.name.clone(),
        epoch: version.epoch,
        version: version.version,
        release: version.release,
        arch: if package.arch == "all" {
            Arch::Any
        } else {
            arch
        },
    };
    let depends = package
        .depends
        .iter()
        .map(|name| name.parse::<PackageName>())
        .collect::<Result<Vec<_>, _>>()
        .map_err(std::io::Error::other)?;
    let provenance = provenance(package, &files.changes);
    let mut manifest = imported(id, files.epoch, Sha256::of(&provenance));
    manifest.depends = depends
        .into_iter()
        .map(|name| Dependency {
            name,
            constraint: None,
        })
        .collect();
    manifest.description = format!("{} of Debian", package.name);
    let payload = files.payload;
    add_entries(&mut manifest, &payload)?;
    Ok(Converted {
        manifest,
        provenance,
        payload,
    })
}

/// Returns the manifest of an imported package without entries.
pub(super) fn imported(package: PackageId, source_date_epoch: u64, build_key: Sha256) -> Manifest {
    Manifest {
        source_date_epoch,
        ..Manifest::new(package, Origin::Imported, build_key)
    }
}

/// Fills in the entries, and what their files offer and need.
fn add_entries(manifest: &mut Manifest, payload: &Payload) -> std::io::Result<()> {
    let mut inside = BTreeSet::new();
    let mut required = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for (path, entry) in &payload.entries {
        inside.extend(Feature::new(
            FeatureKind::Path,
            usr_merged(&path.to_string()),
        ));
        if let EntryKind::File { sha256, size, .. } = &entry.kind
            && (seen.insert(*sha256) || path.as_bytes().ends_with(b".pc"))
        {
            let facts = look(payload, path, *sha256, *size, entry.mode)?;
            manifest.features_provided.extend(facts.provided);
            inside.extend(facts.known_inside);
            required.extend(facts.required);
        }
    }
    manifest.features_required = required.difference(&inside).cloned().collect();
    manifest.entries = payload.entries.values().cloned().collect();
    manifest::normalise(manifest);
    Ok(())
}

fn look(
    payload: &Payload,
    path: &RelPath,
    sha256: Sha256,
    size: u64,
    mode: u16,
) -> std::io::Result<crate::stage::Facts> {
    let mut start = Vec::new();
    payload
        .open(&sha256)?
        .take(SCRIPT_BYTES)
        .read_to_end(&mut start)?;
    if start.starts_with(b"\x7fELF") && size <= ELF_MAX_BYTES {
        let mut content = Vec::new();
        payload.open(&sha256)?.read_to_end(&mut content)?;
        // Libraries of test data may be broken on purpose; they offer nothing then.
        if let Ok(Some(elf)) = read_elf(Cursor::new(content)) {
            return Ok(elf_facts(path, &elf));
        }
    }
    Ok(if mode & 0o111 == 0 {
        pkg_config_facts(path)
    } else {
        script_facts(&start)
    })
}

fn provenance(package: &BinaryPackage, changes: &Changes) -> Vec<u8> {
    let modes: Vec<_> = changes
        .modes
        .iter()
        .map(|(path, mode)| serde_json::json!({ "path": path, "mode": format!("{mode:04o}") }))
        .collect();
    let owners: Vec<_> = changes
        .owners
        .iter()
        .map(|(path, owner)| serde_json::json!({ "path": path, "owner": owner }))
        .collect();
    let value = serde_json::json!({
        "schema": 1,
        "kind": "imported",
        "importer": IMPORTER,
        "from": {
            "distribution": "debian",
            "package": package.name,
            "source": package.source,
            "version": package.version,
            "architecture": package.arch,
            "path": package.path,
            "sha256": package.sha256,
        },
        "changed": { "modes": modes, "owners": owners, "dropped": changes.dropped },
    });
    let mut bytes = value.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::DebianVersion;

    #[test]
    fn versions_of_debian_become_epoch_version_and_release() {
        for (text, expected) in [
            ("2.36-9+deb12u10", (0, "2.36", "9+deb12u10")),
            ("4:12.2.0-3", (4, "12.2.0", "3")),
            ("1.0", (0, "1.0", "0")),
            ("1:5.4~rc1-2-1~b", (1, "5.4~rc1-2", "1~b")),
        ] {
            let found = DebianVersion::parse(text).expect("it is a version");
            assert_eq!(
                (found.epoch, found.version.as_str(), found.release.as_str()),
                expected
            );
        }
        assert_eq!(DebianVersion::parse("x:1"), None);
        assert_eq!(DebianVersion::parse(""), None);
    }
}

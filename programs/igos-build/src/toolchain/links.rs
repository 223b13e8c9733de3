//! The archive of links: what maintainer scripts would have made, and the merge below `usr`.

use std::collections::BTreeMap;

use igos_format::manifest::Manifest;
use igos_format::{Arch, EntryKind, PackageId, RelPath};

use super::ImportError;
use super::assemble::path_conflicts;
use super::convert::{Converted, IMPORTER, imported};
use super::list::ToolchainList;
use super::payload::{Payload, plain_entry};

/// Its name; no package of a distribution has it.
const NAME: &str = "toolchain-links";

/// Makes the archive of links. Every link must lead to something that one of the `packages` or another link has.
pub(super) fn make_links(
    list: &ToolchainList,
    packages: &[Manifest],
    arch: Arch,
) -> Result<Converted, ImportError> {
    let mut conflicts = path_conflicts(packages);
    let paths: BTreeMap<_, _> = packages
        .iter()
        .flat_map(|manifest| {
            manifest
                .entries
                .iter()
                .map(move |entry| (&entry.path, manifest))
        })
        .collect();
    let links = all_links(list)?;
    for path in links.keys() {
        if let Some(manifest) = paths.get(path) {
            let names = [manifest.package.name.to_string(), NAME.to_owned()];
            conflicts.push((path.clone(), names));
        }
    }
    if !conflicts.is_empty() {
        return Err(ImportError::Conflicts { conflicts });
    }
    let is_there = |path: &RelPath| paths.contains_key(path) || links.contains_key(path);
    // The directories of the merge are part of this archive.
    let is_merge = |path: &RelPath| list.usr_merge.contains(&path.to_string());
    let dangling: Vec<_> = links
        .iter()
        .filter(|(path, target)| {
            !is_merge(path) && !resolve(path, target).is_some_and(|target| is_there(&target))
        })
        .map(|(path, target)| (path.clone(), target.clone()))
        .collect();
    if !dangling.is_empty() {
        return Err(ImportError::Dangling { links: dangling });
    }
    let epoch = packages
        .iter()
        .map(|manifest| manifest.source_date_epoch)
        .max()
        .unwrap_or(0);
    archive_of(&links, list, epoch, arch)
}

fn archive_of(
    links: &BTreeMap<RelPath, String>,
    list: &ToolchainList,
    epoch: u64,
    arch: Arch,
) -> Result<Converted, ImportError> {
    let keep = |source| ImportError::Convert {
        package: NAME.to_owned(),
        source: super::DebError::Keep(source),
    };
    let mut payload = Payload::new().map_err(keep)?;
    let mut add_directories = |mut deepest: Option<RelPath>| {
        while let Some(directory) = deepest {
            deepest = directory.parent();
            let entry = plain_entry(directory.clone(), EntryKind::Directory, 0o755);
            payload.entries.entry(directory).or_insert(entry);
        }
    };
    for (path, target) in links {
        add_directories(path.parent());
        if list.usr_merge.contains(&path.to_string()) {
            add_directories(resolve(path, target));
        }
    }
    for (path, target) in links {
        let kind = EntryKind::Symlink {
            target: target.clone().into_bytes(),
        };
        payload
            .entries
            .insert(path.clone(), plain_entry(path.clone(), kind, 0o777));
    }
    let value = serde_json::json!({
        "schema": 1,
        "kind": "imported",
        "importer": IMPORTER,
        "from": { "list": list.name, "sha256": list.sha256 },
    });
    let provenance = format!("{value}\n").into_bytes();
    let id = PackageId {
        name: NAME.parse().expect("it is a name"),
        epoch: 0,
        version: "1".parse().expect("it is a version"),
        release: "1".parse().expect("it is a release"),
        arch: if arch == Arch::Any {
            Arch::native()
        } else {
            Arch::Any
        },
    };
    let mut manifest = imported(id, epoch, igos_format::Sha256::of(&provenance));
    manifest.description = "links that maintainer scripts would have made".to_owned();
    manifest.entries = payload.entries.values().cloned().collect();
    Ok(Converted {
        manifest,
        provenance,
        payload,
    })
}

/// Returns the declared links and those of the merge below `usr`.
fn all_links(list: &ToolchainList) -> Result<BTreeMap<RelPath, String>, ImportError> {
    let mut links = list.links.clone();
    for directory in &list.usr_merge {
        let path = directory.parse().map_err(|source| ImportError::Convert {
            package: NAME.to_owned(),
            source: super::DebError::Path(source),
        })?;
        links.insert(path, format!("usr/{directory}"));
    }
    Ok(links)
}

/// Returns the path below the root that a link leads to, `None` if it leaves the root.
fn resolve(path: &RelPath, target: &str) -> Option<RelPath> {
    let mut place: Vec<Vec<u8>> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => path
            .parent()
            .iter()
            .flat_map(|parent| parent.components().map(<[u8]>::to_vec).collect::<Vec<_>>())
            .collect(),
    };
    for component in target.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                place.pop()?;
            }
            name => place.push(name.as_bytes().to_vec()),
        }
    }
    RelPath::from_bytes(&place.join(&b'/')).ok()
}

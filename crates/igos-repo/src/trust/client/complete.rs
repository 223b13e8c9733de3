//! From a timestamp to the complete set of metadata that it stands for (TUF 1.0, 5.5 to 5.6.7).

use igos_format::trust::{
    Authority, MetaFile, Metadata, Root, Snapshot, Targets, Timestamp, TopRole,
};

use super::judge::{self, Rules};
use super::store::Store;
use super::trusted::{PACKAGES, Trusted};
use super::{MetadataSource, RefreshError};

/// Largest metadata file whose size a foreign repository does not sign.
const UNNAMED_SIZE_MAX: u64 = 5_000_000;

/// Where files come from: what is kept already, and a source for the rest.
#[derive(Clone, Copy)]
pub(super) struct Shelf<'a> {
    pub(super) store: &'a Store,
    pub(super) source: Option<&'a dyn MetadataSource>,
}

impl Shelf<'_> {
    /// Returns the file of a role, as other metadata names it.
    pub(super) fn open<T: Metadata>(
        &self,
        role: &str,
        meta: &MetaFile,
        authority: &Authority,
    ) -> Result<T, RefreshError> {
        let file = format!("{}.{role}.json", meta.version);
        let kept = self.store.read(&file)?;
        let kept = kept.filter(|bytes| judge::test_meant(&file, bytes, meta).is_ok());
        let kept = kept.map(|bytes| judge::open_meant(&file, &bytes, meta, authority));
        let source = match (kept, self.source) {
            (Some(Ok(metadata)), _) => return Ok(metadata),
            (Some(Err(error)), None) => return Err(error),
            (None, None) => return Err(RefreshError::Absent { file }),
            // What was verified with earlier keys is fetched anew.
            (_, Some(source)) => source,
        };
        let limit = meta.length.unwrap_or(UNNAMED_SIZE_MAX);
        let bytes = judge::fetch(source, &file, limit)?;
        let metadata = judge::open_meant(&file, &bytes, meta, authority)?;
        self.store.write(&file, &bytes)?;
        Ok(metadata)
    }
}

/// Verifies the set that a verified timestamp stands for, from the root down.
///
/// `previous` is the newest snapshot that was trusted. Without `rules`, what is kept is opened again: it was compared
/// with the clock and with what came before it when it was fetched.
pub(super) fn complete(
    root: &Root,
    timestamp: Timestamp,
    previous: Option<&Snapshot>,
    shelf: Shelf<'_>,
    mut rules: Option<&mut Rules>,
) -> Result<Trusted, RefreshError> {
    let authority = root.authority(TopRole::Snapshot);
    let snapshot: Snapshot = shelf.open("snapshot", &timestamp.snapshot, &authority)?;
    if let Some(rules) = rules.as_deref_mut() {
        if let Some(previous) = previous {
            test_progress(previous, &snapshot, rules)?;
        }
        rules.test_fresh("snapshot.json", &snapshot)?;
    }
    let authority = root.authority(TopRole::Targets);
    let targets: Targets = shelf.open("targets", named(&snapshot, "targets")?, &authority)?;
    if let Some(rules) = rules.as_deref_mut() {
        rules.test_fresh("targets.json", &targets)?;
    }
    let packages = match targets.delegations.role(PACKAGES) {
        Some((_, authority)) => {
            let meta = named(&snapshot, PACKAGES)?;
            Some(shelf.open::<Targets>(PACKAGES, meta, &authority)?)
        }
        None => None,
    };
    if let (Some(rules), Some(packages)) = (rules, &packages) {
        rules.test_fresh("packages.json", packages)?;
    }
    Ok(Trusted {
        root: root.clone(),
        timestamp,
        snapshot,
        targets,
        packages,
    })
}

fn named<'a>(snapshot: &'a Snapshot, role: &str) -> Result<&'a MetaFile, RefreshError> {
    let file = format!("{role}.json");
    let meta = snapshot.meta.get(&file);
    meta.ok_or(RefreshError::Absent { file })
}

/// Tests that no role went back or vanished (5.5.5).
fn test_progress(
    previous: &Snapshot,
    next: &Snapshot,
    rules: &mut Rules,
) -> Result<(), RefreshError> {
    for (file, before) in &previous.meta {
        let Some(after) = next.meta.get(file) else {
            let file = file.clone();
            return Err(RefreshError::Vanished { file });
        };
        rules.test_version(file, before.version, after.version)?;
    }
    Ok(())
}

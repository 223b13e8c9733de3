//! Texts against a database that can be used: what each has that the other lacks, and writing texts again.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;

use igos_format::{PackageName, RelPath};
use igos_report::Diagnostic;
use igos_root::{Directory, RootDir, RootError};

use super::load::history_path;
use super::{Record, RootTexts, Unknown};
use crate::database::Database;
use crate::open_error::state_error;
use crate::{DatabaseError, Mutations, OpenError, layout};

/// Name, in the state directory, of a text that is being restored.
const RESTORED: &[u8] = b"record.new";

/// A text that is damaged or gone, as the database has it.
#[derive(Debug)]
pub(crate) struct Restorable {
    path: RelPath,
    /// Whose record it is; none's, for a text of the history.
    pub(crate) package: Option<PackageName>,
    bytes: Vec<u8>,
    was: &'static str,
}

/// What comparing texts with a database found.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// Texts that the database can give back, records first.
    pub(crate) restorable: Vec<Restorable>,
    /// Whole texts that are not as the database has them.
    pub(crate) differing: Vec<RelPath>,
}

/// Compares texts with a database that took up as many transactions as the history has, or more.
pub(crate) fn compare(texts: &RootTexts, database: &Database) -> Result<Compared, DatabaseError> {
    let mut compared = Compared::default();
    let mut records: BTreeMap<&PackageName, &Record> = texts
        .records
        .iter()
        .map(|record| (&record.manifest.package.name, record))
        .collect();
    for row in database.packages(None)? {
        let name = row.package.name;
        let Some(copy) = database.record(&name)? else {
            continue;
        };
        let why = texts.unknown.why(&name);
        match records.remove(&name) {
            Some(record) if record.to_bytes() == copy => {}
            Some(_) => compared.differing.push(layout::record(&name)),
            // What is there may be whole.
            None if why == Some(Unknown::Unreadable) => {}
            None => compared.restorable.extend(copy_of(name, copy, why)),
        }
    }
    let others = records.into_keys();
    compared.differing.extend(others.map(layout::record));
    let mut history = texts.history.clone();
    // The oldest first: while the last one is not there, the database stays ahead.
    for entry in database.history(None)?.into_iter().rev() {
        let path = history_path(entry.transaction);
        match history.remove(&entry.transaction) {
            Some(text) if text == entry => {}
            Some(_) => compared.differing.push(path),
            None => compared.restorable.push(Restorable {
                path,
                package: None,
                bytes: entry.to_bytes(),
                was: was(texts.damaged.contains_key(&entry.transaction)),
            }),
        }
    }
    let others = history.into_keys();
    compared.differing.extend(others.map(history_path));
    Ok(compared)
}

fn was(is_damaged: bool) -> &'static str {
    if is_damaged { "damaged" } else { "gone" }
}

/// Returns the database's copy of a record, if that is whole itself.
fn copy_of(name: PackageName, copy: Vec<u8>, why: Option<Unknown>) -> Option<Restorable> {
    Record::read_of(&name, &copy).is_ok().then(|| Restorable {
        path: layout::record(&name),
        bytes: copy,
        was: was(why == Some(Unknown::Damaged)),
        package: Some(name),
    })
}

/// Returns the records that are gone, as the database has them; looks at names alone.
pub(crate) fn gone(root: &RootDir, database: &Database) -> Result<Vec<Restorable>, OpenError> {
    let failed = |source| crate::open_error::database_error(root, source);
    let records = root
        .directory(&layout::records())
        .map_err(|source| state_error(root, source))?;
    let mut gone = Vec::new();
    for row in database.packages(None).map_err(failed)? {
        let name = row.package.name;
        let found = records
            .metadata_if_present(name.as_str().as_bytes())
            .map_err(|source| {
                let path = layout::record(&name).to_string();
                state_error(root, RootError::new("look at", path, source))
            })?;
        if found.is_none()
            && let Some(copy) = database.record(&name).map_err(failed)?
        {
            gone.extend(copy_of(name, copy, None));
        }
    }
    Ok(gone)
}

/// Writes texts again, each at once and whole.
pub(crate) fn restore(
    root: &RootDir,
    state: &Directory,
    mutations: &dyn Mutations,
    restorable: &[Restorable],
) -> Result<Vec<Diagnostic>, OpenError> {
    let mut notices = Vec::new();
    for text in restorable {
        write(root, state, mutations, &text.path, &text.bytes)?;
        notices.push(text.notice());
    }
    Ok(notices)
}

/// Writes a text beside, waits for the disk, and gives it its name.
pub(super) fn write(
    root: &RootDir,
    state: &Directory,
    mutations: &dyn Mutations,
    path: &RelPath,
    bytes: &[u8],
) -> Result<(), OpenError> {
    let write = || -> io::Result<()> {
        if state.metadata_if_present(RESTORED)?.is_some() {
            mutations.delete(state, RESTORED)?;
        }
        let mut file = mutations.create_file(state, RESTORED)?;
        mutations.write(&mut file, bytes)?;
        mutations.set_mode(file.as_fd(), 0o644)?;
        file.sync_all()?;
        let parent = path.parent().unwrap_or_else(layout::state);
        let directory = root.directory(&parent).map_err(RootError::into_io)?;
        mutations.rename(state, RESTORED, &directory, path.file_name())
    };
    write().map_err(|source| state_error(root, RootError::new("write", path.to_string(), source)))
}

impl Restorable {
    fn notice(&self) -> Diagnostic {
        let was = self.was;
        match &self.package {
            Some(name) => Diagnostic::warning(
                "record-restored",
                format!("the record of {name} was {was} and is restored from the database"),
            )
            .at(name.as_str()),
            None => Diagnostic::warning(
                "history-restored",
                format!("a text of the history was {was} and is restored from the database"),
            )
            .at(self.path.to_string()),
        }
    }
}

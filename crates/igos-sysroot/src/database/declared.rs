//! What packages declare about configuration files, alternatives and triggers.

use std::collections::BTreeSet;

use igos_format::declaration::TriggerDeclaration;
use igos_format::{EntryKind, PackageName, RelPath, Sha256};
use rusqlite::{Connection, params};

use super::read::{parse, path};
use super::{Database, DatabaseError, failed};
use crate::Record;
use crate::alternatives::Declared;
use igos_root::FollowedLinks;

/// A configuration file of an installed package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigurationRow {
    pub(crate) package: PackageName,
    pub(crate) path: RelPath,
    /// Its content as the package brought it; `None` for a symbolic link.
    pub(crate) digest: Option<Sha256>,
}

impl Database {
    /// Returns all configuration files of installed packages, also those that another package took over.
    pub(crate) fn configuration(&self) -> Result<Vec<ConfigurationRow>, DatabaseError> {
        self.rows(
            "SELECT package, path, digest FROM configuration ORDER BY path, package",
            [],
            |row| {
                let (package, own): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let digest: Option<String> = row.get(2)?;
                Ok((|| {
                    Ok(ConfigurationRow {
                        package: parse(&package, "a package name")?,
                        path: path(&own)?,
                        digest: digest.map(|text| parse(&text, "a digest")).transpose()?,
                    })
                })())
            },
        )
    }

    /// Returns the packages that have a configuration file with this pristine content.
    pub(crate) fn configured_with(
        &self,
        digest: &Sha256,
    ) -> Result<BTreeSet<PackageName>, DatabaseError> {
        let found = self.rows(
            "SELECT package FROM configuration WHERE digest = ?1",
            [digest.to_string()],
            |row| {
                let name: String = row.get(0)?;
                Ok(parse(&name, "a package name"))
            },
        )?;
        Ok(found.into_iter().collect())
    }

    /// Returns everything that installed packages offer to serve.
    pub(crate) fn alternatives(&self) -> Result<Vec<Declared>, DatabaseError> {
        self.rows(
            "SELECT package, path, target, priority FROM alternatives ORDER BY path, package",
            [],
            |row| {
                let (package, own): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let (target, priority): (Vec<u8>, i32) = (row.get(2)?, row.get(3)?);
                Ok((|| {
                    Ok(Declared {
                        path: path(&own)?,
                        package: parse(&package, "a package name")?,
                        target: path(&target)?,
                        priority,
                    })
                })())
            },
        )
    }
}

impl Database {
    /// Returns the triggers of all installed packages, by package.
    pub(crate) fn triggers(&self) -> Result<Vec<(PackageName, TriggerDeclaration)>, DatabaseError> {
        let words = |text: String| text.lines().map(str::to_owned).collect();
        self.rows(
            "SELECT package, name, paths, run FROM triggers ORDER BY package, position",
            [],
            |row| {
                let (package, name): (String, String) = (row.get(0)?, row.get(1)?);
                let (paths, run): (String, String) = (row.get(2)?, row.get(3)?);
                Ok((|| {
                    let trigger = TriggerDeclaration {
                        name: parse(&name, "a name")?,
                        paths: words(paths),
                        run: words(run),
                    };
                    Ok((parse(&package, "a package name")?, trigger))
                })())
            },
        )
    }
}

/// Takes up what one package declares.
pub(super) fn insert(
    connection: &Connection,
    record: &Record,
    links: &FollowedLinks,
) -> Result<(), DatabaseError> {
    let name = record.manifest.package.name.as_str();
    let execute = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map(|_| ())
            .map_err(failed("write to the database"))
    };
    for entry in record.entries().filter(|entry| entry.is_configuration) {
        let digest = match &entry.kind {
            EntryKind::File { sha256, .. } => Some(sha256.to_string()),
            _ => None,
        };
        execute(
            "INSERT INTO configuration VALUES (?1, ?2, ?3)",
            params![name, entry.path.as_bytes(), digest],
        )?;
    }
    for offer in Declared::all_of(&record.manifest, &record.installed.excluded, links) {
        execute(
            "INSERT OR IGNORE INTO alternatives VALUES (?1, ?2, ?3, ?4)",
            params![
                name,
                offer.path.as_bytes(),
                offer.target.as_bytes(),
                offer.priority
            ],
        )?;
    }
    for (position, trigger) in (0_i64..).zip(&record.manifest.triggers) {
        execute(
            "INSERT INTO triggers VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                name,
                position,
                trigger.name.as_str(),
                trigger.paths.join("\n"),
                trigger.run.join("\n")
            ],
        )?;
    }
    Ok(())
}

//! Everything in the database as text, to compare two of them.

use std::collections::BTreeSet;

use igos_format::{Sha256, escape};
use rusqlite::types::ValueRef;

use super::{Database, DatabaseError};

/// Longest value shown as it is, in bytes; of longer ones the digest says enough.
const VALUE_MAX_BYTES: usize = 256;

impl Database {
    /// Returns every row of every table, as table and text.
    pub(crate) fn dump(&self) -> Result<BTreeSet<(String, String)>, DatabaseError> {
        let tables: Vec<String> = self.rows(
            "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
            [],
            |row| row.get(0).map(Ok),
        )?;
        let mut all = BTreeSet::new();
        for table in tables {
            // The names come out of our own schema; a name that is not of it is quoted all the same.
            let sql = format!("SELECT * FROM \"{}\"", table.replace('"', "\"\""));
            let rows = self.rows(&sql, [], |row| {
                let names = row.as_ref().column_names();
                let mut fields = Vec::new();
                for (at, name) in names.enumerate() {
                    fields.push(format!("{name}={}", shown(row.get_ref(at)?)));
                }
                Ok(Ok(fields.join(" ")))
            })?;
            all.extend(rows.into_iter().map(|row| (table.clone(), row)));
        }
        Ok(all)
    }
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "-".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) if bytes.len() <= VALUE_MAX_BYTES => {
            escape::escape(bytes)
        }
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Sha256::of(bytes).to_string(),
    }
}

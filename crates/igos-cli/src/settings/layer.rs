//! One layer: a file or a set of variables, validated by itself so that an error can say where it is.

use igos_report::Diagnostic;
use serde::de::DeserializeOwned;
use toml::Table;
use toml::de::{DeTable, DeValue};

use super::files::SettingsFile;
use super::load::{Key, KeyKind};

/// Parses one settings file; `T` gives the types of the values.
pub(super) fn parse_file<T: DeserializeOwned>(
    file: &SettingsFile,
    keys: &[Key],
) -> Result<Table, Vec<Diagnostic>> {
    let name = file.path.display().to_string();
    let at = |error: &toml::de::Error| {
        let diagnostic = Diagnostic::error("setting-invalid", error.message().to_owned());
        vec![match error.span() {
            Some(span) => diagnostic.at_source(&name, &file.text, span),
            None => diagnostic.at(&name),
        }]
    };
    let document = DeTable::parse(&file.text).map_err(|error| at(&error))?;
    let mut unknown = Vec::new();
    find_unknown(document.get_ref(), "", keys, &mut |path, span| {
        let diagnostic =
            Diagnostic::error("setting-unknown", format!("there is no setting `{path}`"))
                .at_source(&name, &file.text, span);
        unknown.push(match suggest(path, keys) {
            Some(key) => diagnostic.hint(format!("did you mean `{key}`?")),
            None => diagnostic.hint("list what there is: `settings`"),
        });
    });
    if !unknown.is_empty() {
        return Err(unknown);
    }
    // The types of values are those of the program's own struct, of which every field has a default.
    toml::from_str::<T>(&file.text).map_err(|error| at(&error))?;
    toml::from_str(&file.text).map_err(|error| at(&error))
}

fn find_unknown(
    table: &DeTable<'_>,
    prefix: &str,
    keys: &[Key],
    found: &mut dyn FnMut(&str, std::ops::Range<usize>),
) {
    for (key, value) in table {
        let path = format!("{prefix}{}", key.get_ref());
        if keys.iter().any(|known| known.name == path) {
            continue;
        }
        let below = format!("{path}.");
        match value.get_ref() {
            DeValue::Table(inner) if keys.iter().any(|known| known.name.starts_with(&below)) => {
                find_unknown(inner, &below, keys, found);
            }
            _ => found(&path, key.span()),
        }
    }
}

/// Returns the known key most like `path`, if one is alike enough to have been meant.
fn suggest<'a>(path: &str, keys: &[Key<'a>]) -> Option<&'a str> {
    let distance = |key: &&str| strsim::damerau_levenshtein(path, key);
    let best = keys.iter().map(|key| key.name).min_by_key(distance)?;
    (distance(&best) <= (path.len() / 3).max(1)).then_some(best)
}

/// Parses the text of a variable as the kind of value its setting has.
pub(super) fn parse_variable(text: &str, kind: KeyKind) -> Option<toml::Value> {
    Some(match kind {
        KeyKind::Text => toml::Value::String(text.to_owned()),
        KeyKind::Number => toml::Value::Integer(text.parse().ok()?),
        KeyKind::Switch => toml::Value::Boolean(match text {
            "1" | "true" | "yes" => true,
            "0" | "false" | "no" => false,
            _ => return None,
        }),
        KeyKind::List => {
            let items = text.split(':').filter(|item| !item.is_empty());
            toml::Value::Array(
                items
                    .map(|item| toml::Value::String(item.to_owned()))
                    .collect(),
            )
        }
        KeyKind::Table => return None,
    })
}

/// Returns a table that holds `value` at the dotted path `name`.
pub(super) fn nested(name: &str, value: toml::Value) -> Table {
    let mut names = name.rsplit('.');
    let last = names.next().unwrap_or(name);
    let innermost = Table::from_iter([(last.to_owned(), value)]);
    names.fold(innermost, |inner, name| {
        Table::from_iter([(name.to_owned(), toml::Value::Table(inner))])
    })
}

/// Lays `upper` over `lower`: tables are merged, everything else is replaced.
pub(super) fn merge(lower: &mut Table, upper: Table) {
    for (key, value) in upper {
        match (lower.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => merge(below, above),
            (_, value) => {
                lower.insert(key, value);
            }
        }
    }
}

/// Returns the value at the dotted path `name`.
pub(super) fn find<'a>(table: &'a Table, name: &str) -> Option<&'a toml::Value> {
    match name.split_once('.') {
        None => table.get(name),
        Some((first, rest)) => find(table.get(first)?.as_table()?, rest),
    }
}

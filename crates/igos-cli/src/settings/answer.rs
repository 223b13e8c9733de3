//! The answer of the command `settings`, the same in every program.

use std::fmt;

use serde::Serialize;

use super::{Loaded, Origin, Settings};
use crate::Render;

/// Every setting of a program, in the order of the names.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct SettingsAnswer {
    settings: Vec<Row>,
    #[serde(skip)]
    shows_origin: bool,
}

#[derive(Debug, Clone, Serialize)]
struct Row {
    name: &'static str,
    value: serde_json::Value,
    origin: Origin,
    variable: Option<&'static str>,
    description: &'static str,
}

impl SettingsAnswer {
    /// Returns the answer for the settings in force; people see origins if `shows_origin`, programs always.
    ///
    /// # Panics
    ///
    /// Panics if the settings have a map whose keys are not text, which TOML could not have held.
    #[must_use]
    pub fn new<T: Settings>(loaded: &Loaded<T>, shows_origin: bool) -> Self {
        let values = serde_json::to_value(&loaded.settings)
            .expect("what was read from TOML has a form in JSON");
        let rows = T::KEYS.iter().map(|key| {
            let value = key
                .name
                .split('.')
                .try_fold(&values, |value, name| value.get(name));
            Row {
                name: key.name,
                value: value.cloned().unwrap_or_default(),
                origin: loaded.origin(key.name).clone(),
                variable: key.variable,
                description: key.description,
            }
        });
        SettingsAnswer {
            settings: rows.collect(),
            shows_origin,
        }
    }
}

impl Render for SettingsAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for row in &self.settings {
            let value = if row.value.is_null() {
                "# not set".to_owned()
            } else {
                row.value.to_string()
            };
            writeln!(out, "{} = {value}", row.name)?;
            if self.shows_origin {
                writeln!(out, "    {}", row.description)?;
                let variable = row
                    .variable
                    .map(|variable| format!(", or {variable}"))
                    .unwrap_or_default();
                writeln!(out, "    from: {}{variable}", row.origin)?;
            }
        }
        Ok(())
    }
}

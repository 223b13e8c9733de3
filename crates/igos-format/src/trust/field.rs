//! A value of JSON together with where it stands, so that every refusal names its field.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::{Json, ReadMetadataError};

/// A value, and the names that lead to it.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    value: &'a Json,
    at: String,
}

impl<'a> Field<'a> {
    /// Returns the outermost value.
    pub(super) fn top(value: &'a Json, name: &str) -> Self {
        Field {
            value,
            at: name.to_owned(),
        }
    }

    fn below(&self, name: &str, value: &'a Json) -> Field<'a> {
        // A hostile name may be as long as the file.
        let name: String = name.chars().take(80).collect();
        Field {
            value,
            at: format!("{}.{}", self.at, name.escape_debug()),
        }
    }

    pub(super) fn value(&self) -> &'a Json {
        self.value
    }

    pub(super) fn refuse(&self, problem: &'static str) -> ReadMetadataError {
        ReadMetadataError::Field {
            field: self.at.clone(),
            problem,
        }
    }

    fn fields(&self) -> Result<&'a BTreeMap<String, Json>, ReadMetadataError> {
        match self.value {
            Json::Object(fields) => Ok(fields),
            _ => Err(self.refuse("is not an object")),
        }
    }

    pub(super) fn optional(&self, name: &str) -> Result<Option<Field<'a>>, ReadMetadataError> {
        let value = self.fields()?.get(name);
        Ok(value.map(|value| self.below(name, value)))
    }

    pub(super) fn required(&self, name: &str) -> Result<Field<'a>, ReadMetadataError> {
        self.optional(name)?
            .ok_or_else(|| self.below(name, self.value).refuse("is missing"))
    }

    /// Returns the entries of an object that has names as keys.
    pub(super) fn entries(&self) -> Result<Vec<(&'a str, Field<'a>)>, ReadMetadataError> {
        let entry = |(name, value): (&'a String, &'a Json)| {
            let field = self.below(name, value);
            (name.as_str(), field)
        };
        Ok(self.fields()?.iter().map(entry).collect())
    }

    pub(super) fn items(&self) -> Result<Vec<Field<'a>>, ReadMetadataError> {
        let Json::List(items) = self.value else {
            return Err(self.refuse("is not a list"));
        };
        let item = |(at, value): (usize, &'a Json)| self.below(&at.to_string(), value);
        Ok(items.iter().enumerate().map(item).collect())
    }

    pub(super) fn text(&self) -> Result<&'a str, ReadMetadataError> {
        match self.value {
            Json::Text(text) => Ok(text),
            _ => Err(self.refuse("is not a string")),
        }
    }

    pub(super) fn boolean(&self) -> Result<bool, ReadMetadataError> {
        match self.value {
            Json::Boolean(value) => Ok(*value),
            _ => Err(self.refuse("is neither true nor false")),
        }
    }

    pub(super) fn size(&self) -> Result<u64, ReadMetadataError> {
        match self.value {
            Json::Integer(number) => {
                u64::try_from(*number).map_err(|_| self.refuse("is a negative number"))
            }
            _ => Err(self.refuse("is not a number")),
        }
    }

    /// Returns a number that counts from 1.
    pub(super) fn count(&self) -> Result<u64, ReadMetadataError> {
        match self.size()? {
            0 => Err(self.refuse("is 0, the first is 1")),
            number => Ok(number),
        }
    }

    /// Returns what the string is parsed as.
    pub(super) fn parse<T: FromStr>(&self, problem: &'static str) -> Result<T, ReadMetadataError> {
        self.text()?.parse().map_err(|_| self.refuse(problem))
    }
}

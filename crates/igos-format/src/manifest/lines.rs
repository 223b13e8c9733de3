//! The lines of the text, in the order in which they must come.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::{FromStr, Split};

use super::values::{parse, shown, words};
use super::{LineProblem, ManifestError};

/// Keys that later formats will give a meaning; a text that has one is for a later reader.
const RESERVED_KEYS: [&str; 7] = [
    "block",
    "character",
    "fifo",
    "recommends",
    "socket",
    "suggests",
    "verity",
];

/// The keys of this format.
const KEYS: [&str; 31] = [
    "igos-manifest",
    "name",
    "epoch",
    "version",
    "release",
    "arch",
    "recipe",
    "description",
    "license",
    "homepage",
    "tier",
    "origin",
    "build-key",
    "source-date-epoch",
    "essential",
    "depends",
    "provides",
    "conflicts",
    "supersedes",
    "feature-provided",
    "feature-required",
    "user",
    "group",
    "service",
    "alternative",
    "trigger",
    "hook",
    "directory",
    "file",
    "symlink",
    "end",
];

/// The lines of the text, each taken once, in the order in which they must come.
pub(super) struct Lines<'a> {
    rest: std::iter::Peekable<std::iter::Zip<std::ops::RangeFrom<usize>, Split<'a, char>>>,
    last: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(body: &'a str) -> Self {
        let lines = body.strip_suffix('\n').unwrap_or(body).split('\n');
        Lines {
            rest: (1..).zip(lines).peekable(),
            last: 0,
        }
    }

    /// Tells whether all lines were taken.
    pub(super) fn is_empty(&mut self) -> bool {
        self.rest.peek().is_none()
    }

    /// Returns the one-based number of the line last taken.
    pub(super) fn last(&self) -> usize {
        self.last
    }

    /// Takes the next line if it has this key, and parses its value.
    pub(super) fn take<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&'a str) -> Result<T, LineProblem>,
    ) -> Result<Option<T>, ManifestError> {
        let value = self.rest.peek().and_then(|(line, text)| {
            let (found, value) = text.split_once(' ')?;
            (found == key).then_some((*line, value))
        });
        let Some((line, value)) = value else {
            return Ok(None);
        };
        self.rest.next();
        self.last = line;
        parse(value)
            .map(Some)
            .map_err(|problem| ManifestError::Line { line, problem })
    }

    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&'a str) -> Result<T, LineProblem>,
    ) -> Result<T, ManifestError> {
        match self.take(key, parse)? {
            Some(value) => Ok(value),
            None => Err(self.unexpected(LineProblem::Missing { field: key })),
        }
    }

    pub(super) fn value<T>(&mut self, key: &'static str) -> Result<T, ManifestError>
    where
        T: FromStr<Err: Display>,
    {
        self.required(key, |text| parse(key, text))
    }

    pub(super) fn words(&mut self, key: &'static str) -> Result<String, ManifestError> {
        Ok(self.take(key, |text| words(key, text))?.unwrap_or_default())
    }

    pub(super) fn set<T: Ord>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&'a str) -> Result<T, LineProblem>,
    ) -> Result<BTreeSet<T>, ManifestError> {
        let mut members = BTreeSet::new();
        let mut before = "";
        while let Some(member) = self.take(key, |text| {
            let member = parse(text)?;
            if std::mem::replace(&mut before, text) < text {
                Ok(member)
            } else {
                Err(LineProblem::Order)
            }
        })? {
            members.insert(member);
        }
        Ok(members)
    }

    pub(super) fn values<T>(&mut self, key: &'static str) -> Result<BTreeSet<T>, ManifestError>
    where
        T: FromStr<Err: Display> + Ord,
    {
        self.set(key, |text| parse(key, text))
    }

    /// Returns what is wrong with the next line, which cannot stand here.
    pub(super) fn unexpected(&mut self, otherwise: LineProblem) -> ManifestError {
        let Some((line, text)) = self.rest.next() else {
            return ManifestError::Line {
                line: self.last + 1,
                problem: otherwise,
            };
        };
        let key = text.split(' ').next().unwrap_or_default();
        let problem = if RESERVED_KEYS.contains(&key) {
            LineProblem::ReservedKey { key: shown(key) }
        } else if KEYS.contains(&key) {
            otherwise
        } else {
            LineProblem::UnknownKey { key: shown(key) }
        };
        ManifestError::Line { line, problem }
    }
}

//! What goes into a phase and what comes out of it: named values, sorted.

use std::collections::BTreeMap;

/// Changes that a reason names before it counts.
const SHOWN: usize = 3;

/// Values by kind and name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<(String, String), String>);

impl Facts {
    /// Adds a value, in place of an earlier one of the same kind and name.
    pub fn add(&mut self, kind: &str, name: impl ToString, value: impl ToString) {
        self.0
            .insert((kind.to_owned(), name.to_string()), value.to_string());
    }

    /// Adds all values of others.
    pub fn extend(&mut self, others: Facts) {
        self.0.extend(others.0);
    }

    /// Returns all: kind, name, value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0
            .iter()
            .map(|((kind, name), value)| (kind.as_str(), name.as_str(), value.as_str()))
    }

    /// Returns names and values of one kind.
    pub fn of_kind<'a>(&'a self, kind: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let kind = kind.to_owned();
        self.iter()
            .filter(move |(one, ..)| *one == kind)
            .map(|(_, name, value)| (name, value))
    }

    /// Returns one value.
    #[must_use]
    pub fn get(&self, kind: &str, name: &str) -> Option<&str> {
        self.0
            .get(&(kind.to_owned(), name.to_owned()))
            .map(String::as_str)
    }

    /// Returns in words what differs from `before`; `None` if nothing does.
    #[must_use]
    pub fn changes_since(&self, before: &Facts) -> Option<String> {
        let mut told = Vec::new();
        let keys = before.0.keys().chain(self.0.keys());
        let keys: std::collections::BTreeSet<_> = keys.collect();
        for key in keys {
            let word = match (before.0.get(key), self.0.get(key)) {
                (Some(one), Some(other)) if one == other => continue,
                (Some(_), Some(_)) => "changed",
                (None, _) => "is new",
                (_, None) => "is gone",
            };
            told.push(format!("{} {} {word}", key.0, key.1));
        }
        if told.is_empty() {
            return None;
        }
        let more = told.len().saturating_sub(SHOWN);
        told.truncate(SHOWN);
        if more > 0 {
            told.push(format!("{more} more"));
        }
        Some(told.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::Facts;

    fn facts(list: &[(&str, &str)]) -> Facts {
        let mut facts = Facts::default();
        for (name, value) in list {
            facts.add("recipe", name, value);
        }
        facts
    }

    #[test]
    fn changes_are_told_in_words_and_counted_after_three() {
        let before = facts(&[("a", "1"), ("b", "1"), ("c", "1")]);
        assert_eq!(before.changes_since(&before), None);
        let after = facts(&[("a", "2"), ("c", "1"), ("d", "1")]);
        assert_eq!(
            after.changes_since(&before).as_deref(),
            Some("recipe a changed; recipe b is gone; recipe d is new")
        );
        let after = facts(&[("e", ""), ("f", "")]);
        assert_eq!(
            after.changes_since(&before).as_deref(),
            Some("recipe a is gone; recipe b is gone; recipe c is gone; 2 more")
        );
    }
}

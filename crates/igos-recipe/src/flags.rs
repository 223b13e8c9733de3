//! What a recipe changes of the compiler-flag profile.

use std::collections::BTreeMap;

/// Changes of the variables of a flag profile, such as `CFLAGS`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FlagOverrides {
    /// By the variable's name in capitals.
    pub variables: BTreeMap<String, FlagChange>,
}

/// What changes in one variable: the profile's words are replaced, then some are removed, then some added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FlagChange {
    /// Takes the place of the profile's words.
    pub replace: Option<Vec<String>>,
    /// Words left out.
    pub remove: Vec<String>,
    /// Words added at the end.
    pub append: Vec<String>,
}

impl FlagOverrides {
    /// The variables that a recipe can change.
    pub const VARIABLES: [&str; 9] = [
        "CFLAGS",
        "CPPFLAGS",
        "CXXFLAGS",
        "FCFLAGS",
        "FFLAGS",
        "GOFLAGS",
        "LDFLAGS",
        "MAKEFLAGS",
        "RUSTFLAGS",
    ];

    /// Returns the value of `variable`, where the profile says `profile`.
    #[must_use]
    pub fn apply(&self, variable: &str, profile: &str) -> String {
        let Some(change) = self.variables.get(variable) else {
            return profile.to_owned();
        };
        let base: Vec<&str> = match &change.replace {
            Some(words) => words.iter().map(String::as_str).collect(),
            None => profile.split_whitespace().collect(),
        };
        let words: Vec<&str> = base
            .into_iter()
            .filter(|word| !change.remove.iter().any(|removed| removed == word))
            .chain(change.append.iter().map(String::as_str))
            .collect();
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::{FlagChange, FlagOverrides};

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn change_replaces_then_removes_then_appends() {
        let mut overrides = FlagOverrides::default();
        assert_eq!(overrides.apply("CFLAGS", "-O2 -g"), "-O2 -g");
        let mut change = FlagChange {
            replace: None,
            remove: words("-g"),
            append: words("-fno-lto"),
        };
        overrides.variables.insert("CFLAGS".into(), change.clone());
        assert_eq!(overrides.apply("CFLAGS", "-O2  -g"), "-O2 -fno-lto");
        change.replace = Some(words("-O3 -g"));
        overrides.variables.insert("CFLAGS".into(), change);
        assert_eq!(overrides.apply("CFLAGS", "-O2"), "-O3 -fno-lto");
        assert_eq!(overrides.apply("LDFLAGS", "-s"), "-s");
    }
}

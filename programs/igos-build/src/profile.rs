//! The compiler-flag policy: which variables every build gets, and which flags are in them.

use std::collections::BTreeMap;

use igos_recipe::Recipe;

/// The variables of compilers and linkers that every build gets, before recipes change them.
///
/// Set by the table `[profile]` of the settings; all of it enters the key of every build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// By the variable's name.
    pub variables: BTreeMap<String, String>,
}

impl Default for Profile {
    /// Returns the profile used where the settings have none: optimised, for any machine of the architecture.
    fn default() -> Self {
        let variables = [
            ("AR", "ar"),
            ("CC", "cc"),
            ("CFLAGS", "-O2 -pipe"),
            ("CXX", "c++"),
            ("CXXFLAGS", "-O2 -pipe"),
            ("LDFLAGS", ""),
            ("NM", "nm"),
            ("RANLIB", "ranlib"),
        ];
        Profile {
            variables: variables
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        }
    }
}

impl Profile {
    /// Returns this profile with the variables of a settings table over it; names may be in lower case there.
    #[must_use]
    pub fn with(mut self, variables: &BTreeMap<String, String>) -> Self {
        for (name, value) in variables {
            self.variables.insert(name.to_uppercase(), value.clone());
        }
        self
    }

    /// Returns the variables for one recipe, after its changes; empty ones are left out.
    ///
    /// `MAKEFLAGS` is not among them: it has the number of jobs, see [`Profile::make_flags`].
    #[must_use]
    pub fn for_recipe(&self, recipe: &Recipe) -> BTreeMap<String, String> {
        let changed = recipe
            .flags
            .variables
            .keys()
            .filter(|name| name.as_str() != "MAKEFLAGS");
        let names = self.variables.keys().chain(changed);
        names
            .map(|name| {
                let profile = self.variables.get(name).map_or("", String::as_str);
                (name.clone(), recipe.flags.apply(name, profile))
            })
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    /// Returns the flags of `make` for one recipe, without the number of jobs unless the recipe gives one.
    #[must_use]
    pub fn make_flags(&self, recipe: &Recipe) -> String {
        let profile = self.variables.get("MAKEFLAGS").map_or("", String::as_str);
        recipe.flags.apply("MAKEFLAGS", profile)
    }
}

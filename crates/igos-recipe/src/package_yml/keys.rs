//! Which keys a recipe may have, and what to say about others.

use igos_report::Diagnostic;

use crate::Leniency;

/// The keys of one mapping.
#[derive(Debug)]
pub(super) struct Keys {
    /// Keys of the InterGenOS tree.
    pub(super) shared: &'static [&'static str],
    /// Keys that our own formats add.
    pub(super) ours: &'static [&'static str],
}

/// Keys that a later format may give a meaning; until then nobody can give them another.
const RESERVED: &[&str] = &[
    "cross",
    "extends",
    "features",
    "import",
    "includes",
    "matrix",
    "options",
    "signatures",
    "variants",
    "when",
];

/// Keys of ours that format 1 does not have, with the format that brought them.
const LATER: &[(&str, u32)] = &[("crates", 3), ("hooks", 2), ("imported", 3), ("only", 3)];

/// Keys that mean nothing in a recipe but are written often enough to deserve an answer.
const ADVICE: &[(&str, &str)] = &[
    (
        "fallback_url",
        "give another place of the same bytes in `alternatives`, with `format: 1`",
    ),
    ("configure()", "write the function in `build.sh`"),
    (
        "working_dir",
        "change the directory in the functions of `build.sh`",
    ),
    (
        "depends",
        "write `dependencies` with `build`, `host` and `runtime` below it",
    ),
];

/// How alike two keys must be for one to be suggested for the other (Jaro-Winkler, 0 to 1).
const LIKENESS_MIN: f64 = 0.85;

pub(super) const RECIPE: Keys = Keys {
    shared: &[
        "build_artifacts",
        "build_style",
        "bundled_deps",
        "configure_flags",
        "dependencies",
        "description",
        "direct_install",
        "format",
        "homepage",
        "install_func",
        "iso_include",
        "license",
        "name",
        "pass_number",
        "patches",
        "payload_license",
        "pending_acquisition",
        "release",
        "skip_tracking",
        "source",
        "sources_extra",
        "supersedes",
        "target_triple",
        "tests",
        "tier",
        "validation",
        "verify_paths",
        "version",
    ],
    ours: &[
        "alternatives",
        "arch",
        "configuration",
        "conflicts",
        "environment",
        "epoch",
        "essential",
        "files",
        "flags",
        "groups",
        "hooks",
        "imported",
        "outputs",
        "provides",
        "services",
        "source_date_epoch",
        "triggers",
        "triples",
        "users",
    ],
};
pub(super) const SOURCE: Keys = Keys {
    shared: &["filename", "sha256", "url"],
    ours: &[
        "alternatives",
        "commit",
        "crates",
        "destination",
        "directory",
        "extract",
        "file",
        "git",
        "only",
    ],
};
pub(super) const SOURCE_ALTERNATIVE: Keys = Keys {
    shared: &[],
    ours: &["debian", "inner", "repack", "sha256", "url"],
};
pub(super) const INNER: Keys = Keys {
    shared: &[],
    ours: &["path", "sha256"],
};
pub(super) const DEPENDENCIES: Keys = Keys {
    shared: &["build", "host", "runtime"],
    ours: &[],
};
pub(super) const PATCH: Keys = Keys {
    shared: &["file", "sha256"],
    ours: &[],
};
pub(super) const TESTS: Keys = Keys {
    shared: &["enabled", "failure_policy", "reason"],
    ours: &[],
};
pub(super) const BUILD_ARTIFACT: Keys = Keys {
    shared: &["generated_by", "name"],
    ours: &[],
};
pub(super) const VALIDATION: Keys = Keys {
    shared: &["description", "expect_contains", "fatal", "script", "type"],
    ours: &[],
};
pub(super) const OUTPUT: Keys = Keys {
    shared: &[],
    ours: &[
        "conflicts",
        "dependencies",
        "description",
        "essential",
        "name",
        "paths",
        "provides",
        "supersedes",
    ],
};
pub(super) const FILE_RULE: Keys = Keys {
    shared: &[],
    ours: &["capabilities", "mode", "owner"],
};
pub(super) const USER: Keys = Keys {
    shared: &[],
    ours: &["description", "group", "home", "name", "shell", "uid"],
};
pub(super) const GROUP: Keys = Keys {
    shared: &[],
    ours: &["gid", "name"],
};
pub(super) const SERVICE: Keys = Keys {
    shared: &[],
    ours: &["enabled", "name"],
};
pub(super) const ALTERNATIVE: Keys = Keys {
    shared: &[],
    ours: &["path", "priority", "target"],
};
pub(super) const TRIGGER: Keys = Keys {
    shared: &[],
    ours: &["name", "paths", "run"],
};
pub(super) const HOOK: Keys = Keys {
    shared: &[],
    ours: &["moment", "run"],
};
pub(super) const TRIPLES: Keys = Keys {
    shared: &[],
    ours: &["build", "host", "target"],
};
pub(super) const FLAG_CHANGE: Keys = Keys {
    shared: &[],
    ours: &["append", "remove", "replace"],
};
pub(super) const FLAGS: Keys = Keys {
    shared: &[],
    ours: &[
        "cflags",
        "cppflags",
        "cxxflags",
        "fcflags",
        "fflags",
        "goflags",
        "ldflags",
        "makeflags",
        "rustflags",
    ],
};

pub(super) const OVERLAY: Keys = Keys {
    shared: &["dialect", "format", "packages"],
    ours: &[],
};
pub(super) const OVERLAY_PACKAGE: Keys = Keys {
    shared: &[
        "description",
        "homepage",
        "license",
        "supersedes",
        "verify_paths",
    ],
    ours: &[
        "alternatives",
        "configuration",
        "conflicts",
        "environment",
        "essential",
        "files",
        "flags",
        "groups",
        "hooks",
        "provides",
        "services",
        "source_date_epoch",
        "sources",
        "triggers",
        "users",
    ],
};
pub(super) const OVERLAY_SOURCE: Keys = Keys {
    shared: &[],
    ours: &["alternatives"],
};

/// Why a key is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Unknown {
        suggestion: Option<&'static str>,
    },
    /// It is a key of this format, and the recipe has none or an earlier one.
    NeedsFormat(u32),
    Reserved,
}

impl Keys {
    /// Returns what is wrong with a key, `None` if it is known.
    pub(super) fn judge(&self, key: &str, format: u32) -> Option<Fault> {
        let later = LATER.iter().find(|(later, _)| *later == key);
        let since = later.map_or(1, |(_, since)| *since);
        if self.shared.contains(&key) || (format >= since && self.ours.contains(&key)) {
            return None;
        }
        if format > 0 && RESERVED.contains(&key) {
            return Some(Fault::Reserved);
        }
        if self.ours.contains(&key) {
            return Some(Fault::NeedsFormat(since));
        }
        let likely = self
            .shared
            .iter()
            .chain(self.ours.iter().filter(|_| format > 0));
        let suggestion = likely
            .map(|known| (strsim::jaro_winkler(known, key), *known))
            .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))
            .map(|(_, known)| known);
        Some(Fault::Unknown { suggestion })
    }
}

impl Fault {
    /// Returns what to say about a key of `what`.
    pub(super) fn diagnostic(
        self,
        what: &str,
        key: &str,
        format: u32,
        leniency: Leniency,
    ) -> Diagnostic {
        let (code, message) = match self {
            Fault::Reserved => (
                "recipe-key-reserved",
                format!("key `{key}` of {what} is reserved"),
            ),
            _ => (
                "recipe-key-unknown",
                format!("{what} has the unknown key `{key}`"),
            ),
        };
        let is_warning = leniency == Leniency::Lenient && format == 0;
        let diagnostic = if is_warning {
            Diagnostic::warning(code, message)
        } else {
            Diagnostic::error(code, message)
        };
        let diagnostic = match self {
            Fault::Unknown {
                suggestion: Some(known),
            } => diagnostic.hint(format!("did you mean `{known}`?")),
            Fault::NeedsFormat(since) => diagnostic.hint(format!(
                "`{key}` is a key of our own format: add `format: {since}`"
            )),
            Fault::Reserved => {
                diagnostic.hint("choose another way: a later format will give this key a meaning")
            }
            Fault::Unknown { suggestion: None } => {
                match ADVICE.iter().find(|(known, _)| *known == key) {
                    Some((_, advice)) => diagnostic.hint(*advice),
                    None => diagnostic,
                }
            }
        };
        if is_warning || format > 0 {
            diagnostic
        } else {
            diagnostic.hint("`--lenient` turns unknown keys of foreign trees into warnings")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, RECIPE, SOURCE};

    #[test]
    fn unknown_keys_get_the_likeliest_suggestion() {
        for (key, suggestion) in [
            ("verify_path", Some("verify_paths")),
            ("licence", Some("license")),
            ("dependancies", Some("dependencies")),
            ("confgure_flags", Some("configure_flags")),
            ("zzz", None),
        ] {
            assert_eq!(
                RECIPE.judge(key, 0),
                Some(Fault::Unknown { suggestion }),
                "{key}"
            );
        }
        assert_eq!(
            SOURCE.judge("sha265", 0),
            Some(Fault::Unknown {
                suggestion: Some("sha256")
            })
        );
    }

    #[test]
    fn keys_of_our_format_need_it() {
        assert_eq!(RECIPE.judge("provides", 0), Some(Fault::NeedsFormat(1)));
        assert_eq!(RECIPE.judge("hooks", 1), Some(Fault::NeedsFormat(2)));
        assert_eq!(RECIPE.judge("hooks", 2), None);
        for (keys, key) in [
            (&RECIPE, "imported"),
            (&SOURCE, "crates"),
            (&SOURCE, "only"),
        ] {
            for format in 0..3 {
                let fault = keys.judge(key, format);
                assert_eq!(fault, Some(Fault::NeedsFormat(3)), "{key} {format}");
            }
            assert_eq!(keys.judge(key, 3), None, "{key}");
        }
        assert_eq!(RECIPE.judge("provides", 1), None);
        assert_eq!(RECIPE.judge("variants", 1), Some(Fault::Reserved));
        assert_eq!(RECIPE.judge("supersedes", 0), None);
    }
}

//! The sandbox of one build: the same root and the same directories for every step.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use igos_sandbox::{Access, Ended, Limits, RootView, Sandbox, SandboxError, Terminal, Work};

use super::environment::{BUILD, DEST, RECIPE, SOURCES};
use crate::plan::Confinement;

/// Where one build runs.
#[derive(Debug, Clone)]
pub(crate) struct Chamber {
    /// The directory that relative paths are relative to: the cache.
    pub(crate) base: PathBuf,
    /// The directory of the build, relative to `base`.
    pub(crate) work: PathBuf,
    /// What `/` is.
    pub(crate) root: RootView,
    /// How much may be used.
    pub(crate) limits: Limits,
    /// Whether there is a sandbox at all.
    pub(crate) confinement: Confinement,
}

/// The directories of a build: their names in the work directory, where the build sees them, and what it may do.
const BINDS: [(&str, &str, Access); 4] = [
    ("build", BUILD, Access::Write),
    ("dest", DEST, Access::Write),
    ("recipe", RECIPE, Access::Read),
    ("sources", SOURCES, Access::Read),
];

impl Chamber {
    /// Runs a program and returns when every process of it is dead.
    pub(crate) fn run_program(
        &self,
        argv: Vec<OsString>,
        env: BTreeMap<OsString, OsString>,
        cwd: &str,
        terminal: Terminal,
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<Ended, SandboxError> {
        self.run(
            &Work::Program {
                argv,
                env,
                cwd: cwd.into(),
            },
            terminal,
            output,
        )
    }

    /// Calls a helper and returns how it ended.
    pub(crate) fn run_helper(
        &self,
        name: &str,
        input: Vec<u8>,
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<Ended, SandboxError> {
        self.run(
            &Work::Helper {
                name: name.to_owned(),
                input,
            },
            Terminal::None,
            output,
        )
    }

    fn run(
        &self,
        work: &Work,
        terminal: Terminal,
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<Ended, SandboxError> {
        if self.confinement == Confinement::None {
            let base = self.base.join(&self.work);
            let watched = [Path::new("build"), Path::new("dest")];
            return igos_sandbox::run_unconfined(
                &base,
                &watched,
                &self.limits,
                &self.outside(work),
                output,
            );
        }
        let mut sandbox = Sandbox::new(&self.base, self.root.clone());
        for (name, target, access) in BINDS {
            sandbox = sandbox.bind(self.work.join(name), target, access);
        }
        sandbox.limits = self.limits.clone();
        sandbox.terminal = terminal;
        igos_sandbox::run(&sandbox, work, output)
    }

    /// Returns work with the paths that its directories have without a sandbox.
    fn outside(&self, work: &Work) -> Work {
        match work {
            Work::Program { argv, env, cwd } => Work::Program {
                argv: argv.iter().map(|word| self.outside_text(word)).collect(),
                env: env
                    .iter()
                    .map(|(name, value)| (name.clone(), self.outside_text(value)))
                    .collect(),
                cwd: PathBuf::from(self.outside_text(cwd.as_os_str())),
            },
            Work::Helper { name, input } => {
                let input = self
                    .outside_str(&String::from_utf8_lossy(input))
                    .into_bytes();
                Work::Helper {
                    name: name.clone(),
                    input,
                }
            }
        }
    }

    fn outside_text(&self, text: &std::ffi::OsStr) -> OsString {
        match text.to_str() {
            Some(text) => self.outside_str(text).into(),
            None => text.to_owned(),
        }
    }

    fn outside_str(&self, text: &str) -> String {
        let work = self.base.join(&self.work);
        let mut text = text.to_owned();
        for (name, target, _) in BINDS {
            text = replace_path(&text, target, &work.join(name));
        }
        text
    }
}

/// Replaces `path` by `with` wherever it stands as a whole path or begins one.
fn replace_path(text: &str, path: &str, with: &Path) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(path) {
        let (before, found) = rest.split_at(at);
        let after = &found[path.len()..];
        let begins = before
            .chars()
            .next_back()
            .or(result.chars().next_back())
            .is_none_or(|c| "=:\" ".contains(c));
        let ends = after.chars().next().is_none_or(|c| "/:=\" ".contains(c));
        result.push_str(before);
        if begins && ends {
            result.push_str(&with.display().to_string());
        } else {
            result.push_str(path);
        }
        rest = after;
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::replace_path;

    #[test]
    fn only_whole_paths_are_replaced() {
        let with = Path::new("/w/build");
        for (text, expected) in [
            ("/build", "/w/build"),
            ("/build/zlib-1.3", "/w/build/zlib-1.3"),
            ("--map=/build/a=.", "--map=/w/build/a=."),
            ("/recipe/build", "/recipe/build"),
            ("/builder", "/builder"),
            ("{\"target\":\"/build/a\"}", "{\"target\":\"/w/build/a\"}"),
        ] {
            assert_eq!(replace_path(text, "/build", with), expected, "{text}");
        }
    }
}

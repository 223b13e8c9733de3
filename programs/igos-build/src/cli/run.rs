//! `igos-build run`

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use fs_err as fs;
use igos_cli::{Answer, Exit, Failure, Globals, Session};
use igos_report::Diagnostic;
use igos_sandbox::{RootView, Sandbox, Work};

use super::shell::{EndedAnswer, listener};
use super::workshop::require_sandbox;
use crate::plan::Confinement;

/// Run a program out of an installed root, in the sandbox
///
/// The program sees the root read-only as `/`, an empty `/tmp`, no network and nothing of this machine.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  igos-build run --root /tmp/root -- pigz --version")]
pub(super) struct RunCommand {
    /// The root, not that of this machine
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// The program and its arguments
    #[arg(required = true, last = true)]
    command: Vec<OsString>,
}

impl RunCommand {
    pub(super) fn execute(self, globals: &Globals, session: &Session) -> Result<Answer, Failure> {
        if fs::canonicalize(&self.root).is_ok_and(|root| root == Path::new("/")) {
            let message = "this machine's own root is not run in this way";
            return Err(Failure::usage(message).hint("name another installed root: `--root DIR`"));
        }
        require_sandbox(Confinement::Sandbox)?;
        let root = fs::canonicalize(&self.root).map_err(|error| {
            let diagnostic = Diagnostic::error(
                "root-absent",
                format!("cannot find the root {}", self.root.display()),
            );
            Failure::new(Exit::Unfinished, diagnostic.because(error.to_string()))
        })?;
        let sandbox = Sandbox::new(&root, RootView::Directory(PathBuf::from(".")));
        let variables = [
            ("HOME", "/tmp"),
            ("LC_ALL", "C.UTF-8"),
            ("PATH", "/usr/bin:/usr/sbin:/bin:/sbin"),
            ("TERM", "dumb"),
        ];
        let env: BTreeMap<OsString, OsString> = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let work = Work::Program {
            argv: self.command,
            env,
            cwd: PathBuf::from("/"),
        };
        let mut kept = globals.json.then(Vec::new);
        let ended = igos_sandbox::run(&sandbox, &work, &mut listener(session, &mut kept))?;
        Ok(Answer::from(EndedAnswer::new(ended.status, kept)))
    }
}

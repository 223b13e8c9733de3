//! `igos-build recipe lint`

use std::fmt;

use clap::Args;
use igos_cli::{Answer, Exit, Failure, Render, Session};
use igos_report::{Diagnostic, Severity};
use serde::Serialize;

use super::recipes::{self, RecipeFlags};
use crate::tree::{self, lint};

#[derive(Debug, Args)]
pub(super) struct LintCommand {
    /// Recipes to look at [default: all, and the tree as a whole]
    names: Vec<String>,
}

#[derive(Debug, Serialize)]
struct LintReport {
    checked: usize,
    errors: usize,
    warnings: usize,
    findings: Vec<Diagnostic>,
}

impl LintCommand {
    pub(super) fn execute(self, flags: &RecipeFlags, session: &Session) -> Result<Answer, Failure> {
        let tree = tree::load(&flags.settings(session))?;
        let mut findings = tree.diagnostics.clone();
        let checked = if self.names.is_empty() {
            findings.extend(lint(&tree, tree.entries.iter()));
            tree.entries.len()
        } else {
            let mut entries = Vec::new();
            for name in &self.names {
                entries.push(recipes::find(&tree, name)?);
            }
            findings.extend(lint(&tree, entries.iter().copied()));
            entries.len()
        };
        // What was found is the answer; it is shown in the same shape as everything else that is wrong.
        for finding in &findings {
            session.notice(finding.clone());
        }
        let count = |severity| {
            findings
                .iter()
                .filter(|one| one.severity == severity)
                .count()
        };
        Ok(Answer::from(LintReport {
            checked,
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            findings,
        }))
    }
}

impl Render for LintReport {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        writeln!(
            out,
            "{} recipes, {} errors, {} warnings",
            self.checked, self.errors, self.warnings
        )
    }

    fn exit(&self) -> Exit {
        if self.errors > 0 {
            Exit::No
        } else {
            Exit::Done
        }
    }
}

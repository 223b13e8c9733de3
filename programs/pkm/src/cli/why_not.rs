//! `pkm why-not`.

use std::fmt;

use clap::Args;
use igos_cli::{Exit, Failure, Render, complete_names};
use igos_solve::{Request, Upgrade};
use igos_sysroot::Unmanaged;
use serde::Serialize;

use super::Context;
use super::completion;
use super::install::by_name;
use super::rules::{From, Rules};

/// Show what stands against installing or upgrading a package
///
/// Nothing is changed. The exit code is 0 if something stands against it, and 1 if nothing does.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm why-not postfix\n  pkm why-not openssl=3.4")]
pub(super) struct WhyNot {
    /// The package, as `install` takes it
    #[arg(add = complete_names(completion::known), value_name = "NAME")]
    name: String,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    rules: Rules,
}

impl WhyNot {
    pub(super) fn run(self, context: &Context<'_>) -> Result<WhyNotAnswer, Failure> {
        let sysroot = context.sysroot(Unmanaged::Empty)?;
        let wanted = by_name(&self.name)?;
        let is_installed = sysroot.record(&wanted.name).is_ok();
        let is_plain = wanted.which == igos_solve::Which::Newest;
        let request = if is_installed && is_plain {
            Request::upgrade(Upgrade::Names([wanted.name].into()))
        } else {
            Request::install(vec![wanted])
        };
        let asked = self.rules.ask(request, &self.from, context)?;
        let catalogue = context.catalogue_for(&asked.request)?;
        let archives = self.from.read(context)?;
        let mut answer = WhyNotAnswer {
            name: self.name,
            would: Vec::new(),
            because: Vec::new(),
            hints: Vec::new(),
        };
        match context.solve(&sysroot, &archives, &catalogue, &asked.request) {
            Ok((solution, _)) => {
                let install = solution.install.iter();
                answer.would = install.map(|choice| choice.offer.to_string()).collect();
                for kept in solution.kept_back {
                    let why = kept.why.unwrap_or_default();
                    answer.because.push(format!("{} {why}", kept.offered));
                }
            }
            Err(failure) if failure.exit == Exit::No => {
                for diagnostic in failure.diagnostics {
                    answer.because.push(diagnostic.message);
                    answer.because.extend(diagnostic.because);
                    answer.hints.extend(diagnostic.hints);
                }
            }
            Err(failure) => return Err(failure),
        }
        Ok(answer)
    }
}

/// What stands against a package.
#[derive(Debug, Serialize)]
pub(super) struct WhyNotAnswer {
    name: String,
    /// What would be installed, if nothing stands against it.
    would: Vec<String>,
    /// What stands against it, step by step.
    because: Vec<String>,
    hints: Vec<String>,
}

impl Render for WhyNotAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for line in &self.because {
            writeln!(out, "{line}")?;
        }
        for hint in &self.hints {
            writeln!(out, "hint: {hint}")?;
        }
        match (self.because.is_empty(), self.would.is_empty()) {
            (false, _) => Ok(()),
            (true, true) => writeln!(out, "{} is as new as it can be", self.name),
            (true, false) => writeln!(
                out,
                "nothing stands against it; this would come: {}",
                self.would.join(", ")
            ),
        }
    }

    fn exit(&self) -> Exit {
        match self.because.is_empty() {
            true => Exit::No,
            false => Exit::Done,
        }
    }
}

//! `pkm why-not`.

use std::fmt;

use clap::Args;
use igos_cli::{Exit, Failure, Render, complete_names};
use igos_format::PackageId;
use igos_repo::repository::Catalogue;
use igos_solve::{Request, Upgrade, Wanted, Which};
use igos_sysroot::Unmanaged;
use serde::Serialize;

use super::Context;
use super::completion;
use super::install::by_name;
use super::rules::{From, Rules};

/// Show what stands against installing or upgrading a package
///
/// Newer versions that the priorities and pins of repositories keep from being considered are told too. Nothing is
/// changed. The exit code is 0 if something stands against it, and 1 if nothing does.
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
        let installed = sysroot.record(&wanted.name).ok();
        let installed = installed.map(|record| record.manifest.package);
        let is_plain = wanted.which == Which::Newest;
        let request = if installed.is_some() && is_plain {
            Request::upgrade(Upgrade::Names([wanted.name.clone()].into()))
        } else {
            Request::install(vec![wanted.clone()])
        };
        let asked = self.rules.ask(request, &self.from, context)?;
        let catalogue = context.catalogue_for(&asked.request)?;
        let archives = self.from.read(context)?;
        let mut answer = WhyNotAnswer {
            name: self.name,
            would: Vec::new(),
            because: Vec::new(),
            hidden: Vec::new(),
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
                let install = solution.install.iter();
                let chosen = install.map(|choice| &choice.offer.package);
                let mut chosen = chosen.chain(&installed);
                answer.add_hidden(
                    &catalogue,
                    &wanted,
                    chosen.find(|it| it.name == wanted.name),
                )?;
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
    /// What is newer and not considered, because of the priorities and pins of repositories.
    hidden: Vec<String>,
    hints: Vec<String>,
}

impl WhyNotAnswer {
    /// Adds what repositories have of the package, may not offer, and would be newer than `chosen`. Where there is no
    /// solution, that is part of the reasons already.
    fn add_hidden(
        &mut self,
        catalogue: &Catalogue,
        wanted: &Wanted,
        chosen: Option<&PackageId>,
    ) -> Result<(), Failure> {
        for hidden in catalogue.hidden_named(&wanted.name)? {
            let entry = &hidden.offered.entry;
            let package = &entry.package;
            let is_newer = chosen.is_none_or(|chosen| package.compare_versions(chosen).is_gt());
            let is_meant = wanted.which.accepts(package, &entry.seal);
            if package.name == wanted.name && is_newer && is_meant {
                self.hidden.push(format!(
                    "{package} (repository {}) {hidden}",
                    hidden.offered.repository
                ));
                self.hints.push(hidden.hint());
            }
        }
        Ok(())
    }

    /// Tells whether something stands against the package altogether.
    fn is_refused(&self) -> bool {
        !self.because.is_empty() || (self.would.is_empty() && !self.hidden.is_empty())
    }
}

impl Render for WhyNotAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for line in self.because.iter().chain(&self.hidden) {
            writeln!(out, "{line}")?;
        }
        for hint in &self.hints {
            writeln!(out, "hint: {hint}")?;
        }
        match (self.is_refused(), self.would.is_empty()) {
            (true, _) => Ok(()),
            (false, true) => writeln!(out, "{} is as new as it can be", self.name),
            (false, false) => writeln!(
                out,
                "nothing stands against it; this would come: {}",
                self.would.join(", ")
            ),
        }
    }

    fn exit(&self) -> Exit {
        match self.is_refused() {
            true => Exit::Done,
            false => Exit::No,
        }
    }
}

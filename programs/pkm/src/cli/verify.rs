//! `pkm verify`: does the disk still have what the record says?

use std::fmt;

use clap::Args;
use igos_cli::{Exit, Failure, Render, Size};
use igos_format::PackageName;
use igos_sysroot::{Class, Difference, Extras, Finding, Unmanaged, VerifyReport, VerifyRequest};
use serde::Serialize;

use super::Context;

/// Compare the files on disk with the record
///
/// Compares kind, content, mode, owner, link target, extended attributes and capabilities of every path of the
/// packages, or of all. Ends with 1 if anything differs, else with 4 if anything could not be read, else with 0.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm verify\n  pkm verify zlib pigz\n  pkm verify --extra --json"
)]
pub(super) struct Verify {
    /// Packages to verify; all if none is named
    #[arg(value_name = "NAME")]
    names: Vec<PackageName>,
    /// Also look for files that no package brought, in directories that belong to packages
    #[arg(long)]
    extra: bool,
}

impl Verify {
    pub(super) fn run(self, context: &Context<'_>) -> Result<VerifyAnswer, Failure> {
        let request = VerifyRequest {
            packages: (!self.names.is_empty()).then(|| self.names.into_iter().collect()),
            extras: if self.extra {
                Extras::PackageDirectories
            } else {
                Extras::No
            },
        };
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        let reporter = context.session.reporter();
        let report = context
            .threads()?
            .install(move || sysroot.verify(&request, reporter))?;
        Ok(VerifyAnswer(report))
    }
}

/// What verification found.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct VerifyAnswer(VerifyReport);

/// Sections of the answer, in the order in which they are shown: what deserves attention first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Record,
    Missing,
    Code,
    Configuration,
    Extra,
    Unreadable,
}

impl Section {
    const ALL: [(Section, &'static str); 6] = [
        (Section::Record, "damaged records"),
        (Section::Missing, "missing"),
        (Section::Code, "modified"),
        (
            Section::Configuration,
            "modified configuration, which may be your own edits",
        ),
        (Section::Extra, "not from any package"),
        (
            Section::Unreadable,
            "could not be read, so nothing is known of them",
        ),
    ];

    fn of(finding: &Finding) -> Self {
        match (finding.what, finding.class) {
            (Difference::RecordDisagrees, _) => Section::Record,
            (Difference::Unreadable, _) => Section::Unreadable,
            (Difference::Extra, _) => Section::Extra,
            (Difference::Missing, _) => Section::Missing,
            (_, Class::Configuration) => Section::Configuration,
            (_, Class::Code) => Section::Code,
        }
    }
}

impl Render for VerifyAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for (section, title) in Section::ALL {
            let findings: Vec<&Finding> = self
                .0
                .findings
                .iter()
                .filter(|finding| Section::of(finding) == section)
                .collect();
            if !findings.is_empty() {
                writeln!(out, "{title}:")?;
            }
            for finding in findings {
                render_finding(out, finding)?;
            }
        }
        let counts = &self.0.counts;
        writeln!(
            out,
            "checked {} packages: {} paths ({} files, {} directories, {} symbolic links), {}",
            counts.packages,
            counts.paths,
            counts.files,
            counts.directories,
            counts.symlinks,
            Size(counts.bytes)
        )?;
        let unapplied = counts.owners_not_checked
            + counts.capabilities_not_checked
            + counts.special_bits_not_checked;
        if unapplied > 0 {
            writeln!(
                out,
                "recorded but not applied in this root, so not compared: {} owners, {} capabilities, {} special mode bits",
                counts.owners_not_checked,
                counts.capabilities_not_checked,
                counts.special_bits_not_checked
            )?;
        }
        writeln!(
            out,
            "{} findings: {} in code, {} in configuration, {} could not be read",
            self.0.findings.len(),
            counts.code_findings,
            counts.configuration_findings,
            counts.unreadable
        )
    }

    fn exit(&self) -> Exit {
        Exit::from_code(self.0.exit_code())
    }
}

fn render_finding(out: &mut dyn fmt::Write, finding: &Finding) -> fmt::Result {
    write!(out, "  {}", finding.path)?;
    if let Some(package) = &finding.package {
        write!(out, " ({package})")?;
    }
    write!(out, ": {}", finding.what)?;
    match (finding.expected.as_str(), finding.observed.as_str()) {
        ("", "") => writeln!(out),
        (expected, "") => writeln!(out, ", expected {expected}"),
        ("", observed) => writeln!(out, ", {observed}"),
        (expected, observed) => writeln!(out, ", expected {expected}, found {observed}"),
    }
}

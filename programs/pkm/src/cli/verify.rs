//! `pkm verify`: does the disk still have what the record says?

use std::fmt;

use clap::Args;
use igos_cli::{Exit, Failure, Render, Size};
use igos_format::PackageName;
use igos_format::archive::Signature;
use igos_repo::trust::{SealKeys, VerifySealError, verify_seal};
use igos_sysroot::{
    Class, Difference, Extras, Finding, SealVerdict, Sysroot, Unmanaged, Unsigned, VerifyReport,
    VerifyRequest,
};
use serde::Serialize;

use super::Context;

/// Compare the files on disk with the record
///
/// Compares kind, content, mode, owner, link target, extended attributes and capabilities of every path of the
/// packages, or of all. Ends with 1 if anything differs, else with 4 if anything could not be read, else with 0.
///
/// With --signed nothing of the root is believed but what a trusted key signed: the seal of each package has to be
/// signed by a key that a repository of the root trusts, now or before it was replaced; the manifest follows from the
/// seal, and the files from the manifest. A database that does not come from the records is a finding.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm verify\n  pkm verify zlib pigz\n  pkm verify --extra --json\n  pkm verify --signed --allow-unsigned"
)]
pub(super) struct Verify {
    /// Packages to verify; all if none is named
    #[arg(value_name = "NAME")]
    names: Vec<PackageName>,
    /// Also look for files that no package brought, in directories that belong to packages
    #[arg(long)]
    extra: bool,
    /// Begin with the signatures of the packages instead of believing the record
    #[arg(long)]
    signed: bool,
    /// Do not count packages that nobody signed as findings
    #[arg(long, requires = "signed")]
    allow_unsigned: bool,
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
        let reporter = context.session.reporter();
        if self.signed {
            let unsigned = if self.allow_unsigned {
                Unsigned::Allow
            } else {
                Unsigned::Refuse
            };
            let keys = trusted_keys(context)?;
            let root = context.root_directory()?;
            let judge = move |_: Option<&_>, seal: &[u8], signature: &Signature| {
                judged(&keys, seal, signature)
            };
            let report = context.threads()?.install(move || {
                Sysroot::verify_signed(root, &request, &judge, unsigned, reporter)
            })?;
            return Ok(VerifyAnswer(report));
        }
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        let report = context
            .threads()?
            .install(move || sysroot.verify(&request, reporter))?;
        Ok(VerifyAnswer(report))
    }
}

/// Returns the keys that the repositories of the root trust, or trusted before they were replaced.
fn trusted_keys(context: &Context<'_>) -> Result<Vec<SealKeys>, Failure> {
    let catalogue = context.catalogue()?;
    let repositories = catalogue.repositories().iter();
    Ok(repositories
        .map(|repository| repository.seal_keys().clone())
        .collect())
}

/// Says whether one of the keys signed a seal; what a key that is trusted did not sign is told before keys that are
/// not known.
fn judged(keys: &[SealKeys], seal: &[u8], signature: &Signature) -> SealVerdict {
    let mut refused =
        SealVerdict::Refused("no repository is set up whose keys could be trusted".to_owned());
    for keys in keys {
        match verify_seal(seal, signature, keys) {
            Ok(_) => return SealVerdict::Signed,
            Err(error @ VerifySealError::BadSignature { .. }) => {
                return SealVerdict::Refused(error.to_string());
            }
            Err(error) => refused = SealVerdict::Refused(error.to_string()),
        }
    }
    refused
}

/// What verification found.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct VerifyAnswer(VerifyReport);

/// Sections of the answer, in the order in which they are shown: what deserves attention first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Trust,
    Record,
    Missing,
    Code,
    Configuration,
    Extra,
    Unreadable,
}

impl Section {
    const ALL: [(Section, &'static str); 7] = [
        (Section::Trust, "nobody who is trusted vouches for"),
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
            (_, Class::Trust) => Section::Trust,
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
        )?;
        if counts.trust_findings > 0 {
            let packages = counts.trust_findings;
            writeln!(
                out,
                "{packages} packages are not vouched for by a trusted key"
            )?;
        }
        Ok(())
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

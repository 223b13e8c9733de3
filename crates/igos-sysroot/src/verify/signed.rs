//! Verification that begins with signatures: nothing of the root is believed but what a trusted key signed.
//!
//! The record of a package holds its seal and the signature of it. Reading a record already proves that the seal is
//! that of the manifest in it; here somebody else, who knows the keys, says whether a trusted one signed the seal. The
//! database is not used at all: one is made in memory from the records, and where the one on disk differs that is a
//! finding.

use igos_format::archive::Signature;
use igos_report::Reporter;
use igos_root::RootDir;

use super::{Class, Difference, Finding, VerifyReport, VerifyRequest};
use crate::record::RootTexts;
use crate::{
    DatabaseCheck, OpenError, Record, RepositoryName, Sysroot, Trust, Unsigned, VerifyError,
    check_database, layout,
};

/// What somebody who knows the keys says about the signature of a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealVerdict {
    /// A key that is trusted signed it.
    Signed,
    /// Nobody who is trusted did; and why.
    Refused(String),
}

/// Judges the signature of a seal's bytes: the repository that the record names, the seal, the signature.
pub type JudgeSeal<'a> =
    dyn Fn(Option<&RepositoryName>, &[u8], &Signature) -> SealVerdict + Send + Sync + 'a;

/// Verification from signatures cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum VerifySignedError {
    /// The root cannot be opened.
    #[error("cannot verify: the root cannot be opened")]
    Open {
        /// Why.
        #[source]
        source: OpenError,
    },
    /// The files cannot be compared.
    #[error(transparent)]
    Verify(VerifyError),
}

impl igos_report::Explain for VerifySignedError {
    fn code(&self) -> &'static str {
        match self {
            VerifySignedError::Open { source } => source.code(),
            VerifySignedError::Verify(source) => source.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            VerifySignedError::Open { source } => source.hints(),
            VerifySignedError::Verify(source) => source.hints(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            VerifySignedError::Open { source } => source.exit_code(),
            VerifySignedError::Verify(source) => source.exit_code(),
        }
    }
}

impl Sysroot {
    /// Compares a root with what trusted keys signed; needs no lock and no privilege beyond reading.
    ///
    /// # Errors
    ///
    /// Returns why it cannot begin; everything found later is in the report.
    pub fn verify_signed(
        root: RootDir,
        request: &VerifyRequest,
        judge: &JudgeSeal<'_>,
        unsigned: Unsigned,
        reporter: &dyn Reporter,
    ) -> Result<VerifyReport, VerifySignedError> {
        let open = |source| VerifySignedError::Open { source };
        let check = check_database(&root).map_err(open)?;
        let texts = RootTexts::load(&root).map_err(open)?;
        let sysroot = Sysroot::of_texts(root, texts).map_err(open)?;
        let mut report = sysroot
            .verify(request, reporter)
            .map_err(VerifySignedError::Verify)?;
        let mut findings = database_findings(&check);
        let listed = sysroot.database.packages(None);
        let listed =
            listed.map_err(|source| VerifySignedError::Verify(VerifyError::Database { source }))?;
        for row in listed {
            let name = row.package.name;
            let is_wanted = request
                .packages
                .as_ref()
                .is_none_or(|names| names.contains(&name));
            if let (true, Ok(record)) = (is_wanted, sysroot.record(&name)) {
                findings.extend(judged(&record, judge, unsigned));
            }
        }
        report.counts.trust_findings = findings
            .iter()
            .filter(|finding| finding.class == Class::Trust)
            .count() as u64;
        report.counts.code_findings += findings.len() as u64 - report.counts.trust_findings;
        report.findings.extend(findings);
        report.findings.sort();
        Ok(report)
    }
}

/// Returns where the database on disk is not what records and history say, and where those are damaged.
fn database_findings(check: &DatabaseCheck) -> Vec<Finding> {
    let path = layout::state().join(layout::DATABASE);
    let path = path.map_or_else(|error| error.to_string(), |path| path.to_string());
    let finding = |expected: &str, observed: String| Finding {
        path: path.clone(),
        package: None,
        what: Difference::RecordDisagrees,
        expected: expected.to_owned(),
        observed,
        class: Class::Code,
    };
    let problem = check.problem.iter();
    let problem = problem.map(|problem| finding("a database that can be used", problem.clone()));
    let differences = check.differences.iter().map(|found| {
        let observed = format!("{:?}: {} {}", found.only_in, found.table, found.row);
        finding("what records and history say", observed)
    });
    let damaged = check.damaged.iter();
    let damaged = damaged.map(|damaged| finding("texts that are whole", damaged.message.clone()));
    problem.chain(differences).chain(damaged).collect()
}

/// Returns what is wrong with who vouches for a package.
fn judged(record: &Record, judge: &JudgeSeal<'_>, unsigned: Unsigned) -> Option<Finding> {
    let (installed, name) = (&record.installed, &record.manifest.package.name);
    let finding = |what, expected: &str, observed: String| Finding {
        path: layout::record(name).to_string(),
        package: Some(name.clone()),
        what,
        expected: expected.to_owned(),
        observed,
        class: Class::Trust,
    };
    let (Some(sealed), Some(signature)) = (&installed.sealed, &installed.signature) else {
        let observed = match &installed.trust {
            Trust::Unsigned => "nobody vouches for it".to_owned(),
            Trust::Key(id) => format!("key {id} is named, its signature is not in the record"),
        };
        return match (unsigned, &installed.trust) {
            (Unsigned::Allow, Trust::Unsigned) => None,
            _ => Some(finding(Difference::Unsigned, "a signed seal", observed)),
        };
    };
    match judge(installed.repository.as_ref(), &sealed.to_bytes(), signature) {
        SealVerdict::Signed => None,
        SealVerdict::Refused(problem) => Some(finding(
            Difference::Signature,
            "a seal that a trusted key signed",
            problem,
        )),
    }
}

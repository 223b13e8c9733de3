//! What verification finds.

use igos_format::{PackageName, RelPath};
use serde::Serialize;

/// One difference between disk and record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The path as the manifest has it; of an extra file, its place; of a damaged record, the record's.
    pub path: String,
    /// The package it belongs to; `None` for an extra file.
    pub package: Option<PackageName>,
    /// What differs.
    pub what: Difference,
    /// What the record says, as text for people.
    pub expected: String,
    /// What the disk has.
    pub observed: String,
    /// Whether local edits are expected there.
    pub class: Class,
}

impl Finding {
    /// Returns the path of `path` in the text form of findings.
    #[must_use]
    pub fn path_text(path: &RelPath) -> String {
        path.to_string()
    }
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// Nothing is there.
    Missing,
    /// Something of another kind is there.
    Type,
    /// The content differs.
    Content,
    /// The permission bits differ.
    Mode,
    /// The owner or group differs.
    Owner,
    /// The symbolic link points elsewhere.
    Target,
    /// A declared extended attribute differs.
    Xattr,
    /// The file capabilities differ.
    Capabilities,
    /// Files that should be one inode are not, or have other names besides.
    LinkCount,
    /// It cannot be read, so nothing is known; never fine, and not drift either.
    Unreadable,
    /// No package brought it.
    Extra,
    /// The text record and the database disagree, or one of them is damaged.
    RecordDisagrees,
    /// Nobody signed the package.
    Unsigned,
    /// Nobody who is trusted signed the package, or what was signed is something else.
    Signature,
}

impl Difference {
    /// Returns the word of messages and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Difference::Missing => "missing",
            Difference::Type => "type",
            Difference::Content => "content",
            Difference::Mode => "mode",
            Difference::Owner => "owner",
            Difference::Target => "target",
            Difference::Xattr => "xattr",
            Difference::Capabilities => "capabilities",
            Difference::LinkCount => "link-count",
            Difference::Unreadable => "unreadable",
            Difference::Extra => "extra",
            Difference::RecordDisagrees => "record-disagrees",
            Difference::Unsigned => "unsigned",
            Difference::Signature => "signature",
        }
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether local edits are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A configuration file: edits are the administrator's business.
    Configuration,
    /// Everything else: nobody should have changed it.
    Code,
    /// Who vouches for a package.
    Trust,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Packages.
    pub packages: u64,
    /// Paths of packages, of every kind.
    pub paths: u64,
    /// Regular files among them.
    pub files: u64,
    /// Directories among them.
    pub directories: u64,
    /// Symbolic links among them.
    pub symlinks: u64,
    /// Bytes read and compared.
    pub bytes: u64,
    /// Paths whose owner is recorded but was not applied, so was not compared.
    pub owners_not_checked: u64,
    /// Files whose capabilities are recorded but were not applied, so were not compared.
    pub capabilities_not_checked: u64,
    /// Paths whose setuid, setgid or sticky bits are recorded but were not applied, so were not compared.
    pub special_bits_not_checked: u64,
    /// Findings about configuration files.
    pub configuration_findings: u64,
    /// Findings about anything else, without what could not be read.
    pub code_findings: u64,
    /// Findings about who vouches for packages.
    pub trust_findings: u64,
    /// What could not be read.
    pub unreadable: u64,
}

/// Everything verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Differences, by path.
    pub findings: Vec<Finding>,
    /// How much was looked at.
    pub counts: Counts,
}

impl VerifyReport {
    /// Returns how a program ends after it: 0 nothing found, 1 drift, 4 no drift but something could not be read.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self
            .findings
            .iter()
            .any(|found| found.what != Difference::Unreadable)
        {
            true => 1,
            false if self.findings.is_empty() => 0,
            false => 4,
        }
    }
}

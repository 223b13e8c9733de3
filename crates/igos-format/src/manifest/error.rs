//! What can be wrong with a manifest.

use igos_report::Explain;

use crate::declaration::HookMoment;
use crate::{RelPath, Sha256};

/// A value of [`super::Manifest`] cannot be written because it breaks a rule of manifests.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct ManifestRuleError {
    /// The entry that breaks it, by its place in the manifest; `None` for what is not an entry.
    pub entry: Option<usize>,
    /// The rule.
    pub rule: ManifestRule,
}

/// A rule of manifests that is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestRule {
    /// A text has a control character.
    #[error("{key} has a control character")]
    Control {
        /// The key of the text.
        key: &'static str,
    },
    /// A hook names no program, or one without an absolute path.
    #[error("the program of a {moment} hook is not an absolute path")]
    HookProgram {
        /// When it would run.
        moment: HookMoment,
    },
    /// The modification time does not fit a tar header.
    #[error("source-date-epoch {epoch} is past the year 2242, which archives cannot hold")]
    Epoch {
        /// The time.
        epoch: u64,
    },
    /// There are too many entries.
    #[error("{count} entries, at most {limit} are allowed")]
    TooManyEntries {
        /// How many.
        count: usize,
        /// What is allowed.
        limit: usize,
    },
    /// Sizes of all files together are more than a number can say.
    #[error("the sizes of all files together are more than 2^64 bytes")]
    TotalSize,
    /// A path is not after the one before it, or there twice.
    #[error("path {path} is not in order after {before}")]
    Order {
        /// The path.
        path: RelPath,
        /// The one before it.
        before: RelPath,
    },
    /// A path lies below something that is not a directory.
    #[error("path {path} lies below {parent}, which is not a directory")]
    BelowFile {
        /// The path.
        path: RelPath,
        /// What it lies below.
        parent: RelPath,
    },
    /// A path belongs to the package manager itself.
    #[error("path {path} belongs to the package manager; packages cannot bring it")]
    ReservedPath {
        /// The path.
        path: RelPath,
    },
    /// A mode is not possible.
    #[error("path {path} has mode {mode:o}, which its kind cannot have")]
    Mode {
        /// The path.
        path: RelPath,
        /// The mode.
        mode: u16,
    },
    /// The target of a symbolic link is empty, too long or has a control byte.
    #[error(
        "symbolic link {path} has a target that is empty, longer than 4095 bytes or has a control byte"
    )]
    Target {
        /// The path of the link.
        path: RelPath,
    },
    /// A flag is on a kind of path that cannot have it.
    #[error("path {path} cannot have the flag `{flag}`")]
    Flag {
        /// The path.
        path: RelPath,
        /// The flag.
        flag: &'static str,
    },
    /// An extended attribute has a name that is not allowed, or there are too many or too long ones.
    #[error("path {path} has extended attributes that are not allowed: {problem}")]
    Xattr {
        /// The path.
        path: RelPath,
        /// What is wrong with them.
        problem: &'static str,
    },
    /// Groups of hard links are not numbered 1, 2, 3 by their first members.
    #[error("path {path} is in link group {found}, expected {expected} at most")]
    LinkNumber {
        /// The path.
        path: RelPath,
        /// Its number.
        found: u32,
        /// The highest possible number here.
        expected: u32,
    },
    /// A member of a link group differs from the first.
    #[error("path {path} is in link group {group} but differs from its first member {first}")]
    LinkDiffers {
        /// The path.
        path: RelPath,
        /// The group.
        group: u32,
        /// The first member.
        first: RelPath,
    },
    /// A link group has one member.
    #[error("path {path} is alone in link group {group}")]
    LinkAlone {
        /// The path.
        path: RelPath,
        /// The group.
        group: u32,
    },
}

impl Explain for ManifestRuleError {
    fn code(&self) -> &'static str {
        match self.rule {
            ManifestRule::Control { .. } => "manifest-control-character",
            ManifestRule::HookProgram { .. } => "manifest-hook-program",
            ManifestRule::Epoch { .. } => "manifest-epoch",
            ManifestRule::TooManyEntries { .. } => "manifest-too-many-entries",
            ManifestRule::TotalSize => "manifest-total-size",
            ManifestRule::Order { .. } => "manifest-path-order",
            ManifestRule::BelowFile { .. } => "manifest-path-below-file",
            ManifestRule::ReservedPath { .. } => "manifest-reserved-path",
            ManifestRule::Mode { .. } => "manifest-mode",
            ManifestRule::Target { .. } => "manifest-link-target",
            ManifestRule::Flag { .. } => "manifest-flag",
            ManifestRule::Xattr { .. } => "manifest-xattr",
            ManifestRule::LinkNumber { .. } => "manifest-link-number",
            ManifestRule::LinkDiffers { .. } => "manifest-link-differs",
            ManifestRule::LinkAlone { .. } => "manifest-link-alone",
        }
    }

    fn exit_code(&self) -> u8 {
        1
    }
}

/// A text is not a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is longer than manifests may be.
    #[error("the manifest has {size} bytes, at most {limit} are allowed")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// What is allowed.
        limit: usize,
    },
    /// It does not begin with `igos-manifest VERSION MINIMUM-READER`.
    #[error("not a manifest: it does not begin with `igos-manifest`")]
    NotAManifest,
    /// It was made for a newer program.
    #[error("the manifest needs a reader of format {needed}, this program reads {known}")]
    NewerFormat {
        /// The format it asks for.
        needed: u32,
        /// The newest this program knows.
        known: u32,
    },
    /// Its last line is not `end DIGEST`.
    #[error("the manifest does not end with a line `end DIGEST`")]
    NoEnd,
    /// Its last line has another digest than the text before it.
    #[error("the manifest has digest {actual}, its last line says {expected}")]
    Damaged {
        /// What the last line says.
        expected: Sha256,
        /// What the text before it has.
        actual: Sha256,
    },
    /// It is not UTF-8.
    #[error("the manifest is not UTF-8 after byte {position}")]
    NotText {
        /// How many bytes are.
        position: usize,
    },
    /// A line is wrong.
    #[error("line {line} of the manifest is refused")]
    Line {
        /// One-based.
        line: usize,
        /// What is wrong with it.
        #[source]
        problem: LineProblem,
    },
}

/// What is wrong with a line of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    /// Its key is not known.
    #[error("unknown key {key:?}")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// Its key is reserved for a later format.
    #[error("key `{key}` is reserved for a later format")]
    ReservedKey {
        /// The key.
        key: String,
    },
    /// A field is absent.
    #[error("{field} is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A field has a value it cannot have.
    #[error("{field} cannot be {text:?}: {reason}")]
    Value {
        /// The field.
        field: &'static str,
        /// The text, at most 200 characters of it.
        text: String,
        /// Why not.
        reason: String,
    },
    /// It cannot stand at this place: keys have an order, and so have lines with the same key.
    #[error("not in order, or there twice")]
    Order,
    /// The line is right by itself but not the only way to write this manifest: order, repetition, or spelling.
    #[error("not in canonical form; expected {expected:?}")]
    NotCanonical {
        /// The canonical line at this place, at most 200 characters of it.
        expected: String,
    },
    /// The value breaks a rule of manifests.
    #[error(transparent)]
    Rule(ManifestRule),
}

impl Explain for ManifestError {
    fn code(&self) -> &'static str {
        match self {
            ManifestError::TooLarge { .. } => "manifest-too-large",
            ManifestError::NotAManifest => "manifest-unknown-form",
            ManifestError::NewerFormat { .. } => "manifest-newer-format",
            ManifestError::NotText { .. } => "manifest-not-text",
            ManifestError::NoEnd => "manifest-no-end",
            ManifestError::Damaged { .. } => "manifest-damaged",
            ManifestError::Line { problem, .. } => match problem {
                LineProblem::UnknownKey { .. } => "manifest-unknown-key",
                LineProblem::ReservedKey { .. } => "manifest-reserved-key",
                LineProblem::Missing { .. } => "manifest-missing-field",
                LineProblem::Value { .. } => "manifest-bad-value",
                LineProblem::Order => "manifest-line-order",
                LineProblem::NotCanonical { .. } => "manifest-not-canonical",
                LineProblem::Rule(_) => "manifest-rule",
            },
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            ManifestError::NewerFormat { .. } => {
                vec!["install a newer version of this program".to_owned()]
            }
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        1
    }
}

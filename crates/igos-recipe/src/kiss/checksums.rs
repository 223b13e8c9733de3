//! The file `checksums`: a digest for each source that is a file.

use igos_report::Diagnostic;

use super::lines::{File, Line, lines};
use crate::source::placeholder_digest;
use crate::{Dialect, Source, SourceKind};
use igos_format::{Blake3, Digest, DigestError, Sha256};

/// What the lines of a `checksums` file tell about the dialect of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumsKind {
    /// A line has 64 hexadecimal digits.
    Sha256,
    /// A line has 66 hexadecimal digits.
    Blake3,
}

/// Returns the algorithm of the first digest in a `checksums` file.
#[must_use]
pub fn checksums_kind(text: &str) -> Option<ChecksumsKind> {
    lines(text)
        .iter()
        .find_map(|line| match line.first.parse::<Digest>() {
            Ok(Digest::Sha256(_)) => Some(ChecksumsKind::Sha256),
            Ok(Digest::Blake3(_)) => Some(ChecksumsKind::Blake3),
            Err(_) => None,
        })
}

/// Returns the text of a `checksums` file for these sources: a line for each that is a file, `SKIP` where it is
/// unpinned or `None` where its digest is not known.
#[must_use]
pub fn write_checksums(sources: &[Source]) -> Option<String> {
    let mut text = String::new();
    for source in sources.iter().filter(|source| needs_line(source)) {
        match source.digest {
            Some(digest) => text.push_str(&digest.to_string()),
            None if source.is_unpinned => text.push_str("SKIP"),
            None => return None,
        }
        text.push('\n');
    }
    Some(text)
}

fn needs_line(source: &Source) -> bool {
    matches!(source.kind, SourceKind::Http | SourceKind::File)
}

/// Gives each source its digest.
pub(super) fn checksums(
    file: Option<&mut File<'_>>,
    dialect: Dialect,
    sources: &mut [Source],
) -> Vec<Diagnostic> {
    let mut waiting: Vec<&mut Source> = sources
        .iter_mut()
        .filter(|source| needs_line(source))
        .collect();
    if waiting.is_empty() {
        // A file that nothing needs is not looked at: real repositories have stale ones.
        return Vec::new();
    }
    let Some(file) = file else {
        let message = format!(
            "there is no `checksums`, and {} sources need a line in it",
            waiting.len()
        );
        let diagnostic = Diagnostic::error("kiss-checksum-missing", message);
        return vec![diagnostic.hint("make it with `igos-build recipe checksum NAME`")];
    };
    let all = lines(file.text);
    for (source, line) in waiting.iter_mut().zip(&all) {
        checksum(file, dialect, source, line);
    }
    if let Some(first) = waiting.get(all.len()) {
        let missing = waiting.len() - all.len();
        let message = format!(
            "{missing} sources have no line, the first of them {}",
            first.location
        );
        let end = file.text.len();
        let diagnostic = Diagnostic::error("kiss-checksum-missing", message);
        file.push(
            diagnostic.hint("write it again with `igos-build recipe checksum NAME`"),
            &(end..end),
        );
    }
    for line in all
        .iter()
        .skip(waiting.len())
        .filter(|line| line.first != "SKIP")
    {
        let message = format!(
            "only {} sources need a line, this one is too many",
            waiting.len()
        );
        file.error("kiss-checksum-extra", message, &line.span);
    }
    Vec::new()
}

fn checksum(file: &mut File<'_>, dialect: Dialect, source: &mut Source, line: &Line<'_>) {
    if line.first == "SKIP" {
        source.is_unpinned = true;
        if dialect == Dialect::KissNg {
            let message = format!("kiss-ng knows no SKIP: {} will not match", source.location);
            file.push(
                Diagnostic::warning("kiss-checksum-skip", message),
                &line.first_span,
            );
        }
        return;
    }
    let digest: Result<Digest, DigestError> = match dialect {
        Dialect::KissClassic => line.first.parse::<Sha256>().map(Digest::Sha256),
        _ => line.first.parse::<Blake3>().map(Digest::Blake3),
    };
    match digest {
        Ok(digest) => {
            source.digest = Some(digest);
            if digest.is_placeholder() {
                file.push(placeholder_digest(true), &line.first_span);
            }
        }
        Err(error) => {
            let message = format!(
                "the line for {} is not a digest of {dialect}: {error}",
                source.location
            );
            let diagnostic = Diagnostic::error("kiss-checksum-invalid", message);
            let diagnostic = match line.first.parse::<Digest>() {
                Ok(_) => diagnostic.hint(
                    "it is one of another dialect: choose that with `--dialect`, or write the file again with \
                     `igos-build recipe checksum NAME`",
                ),
                Err(_) if line.first.is_empty() || line.first.starts_with('#') => {
                    diagnostic.hint("blank lines and comments are not allowed in `checksums`")
                }
                Err(_) => diagnostic,
            };
            file.push(diagnostic, &line.first_span);
        }
    }
}

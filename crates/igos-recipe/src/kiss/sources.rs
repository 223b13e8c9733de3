//! The file `sources`: what the package is built from.

use igos_report::Diagnostic;

use super::directory::KissDirectory;
use super::lines::{File, Line, lines};
use crate::source::last_component;
use crate::substitute::kiss_markers;
use crate::{Dialect, FileKind, GitReference, Source, SourceKind, is_kiss_archive};
use igos_format::{PackageName, RelPath, Release, Version};

/// What markers stand for.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) name: PackageName,
    pub(super) version: Version,
    pub(super) release: Release,
}

/// Returns the sources in the order of the lines, without digests.
pub(super) fn sources(
    file: &mut File<'_>,
    input: &KissDirectory<'_>,
    identity: &Identity,
) -> Vec<Source> {
    lines(file.text)
        .into_iter()
        .filter(|line| !line.first.is_empty() && !line.first.starts_with('#'))
        .filter_map(|line| source(file, input, identity, &line))
        .collect()
}

fn source(
    file: &mut File<'_>,
    input: &KissDirectory<'_>,
    identity: &Identity,
    line: &Line<'_>,
) -> Option<Source> {
    let written = line.first.trim_end_matches('/');
    let mut location = if input.dialect == Dialect::KissClassic {
        kiss_markers(
            written,
            &identity.name,
            &identity.version,
            &identity.release,
        )
    } else {
        written.to_owned()
    };
    let destination = destination(file, line);
    let is_remote = location.contains("://");
    let kind = match location.strip_prefix("git+") {
        Some(rest) => git(file, input.dialect, line, rest)?,
        None if is_remote => SourceKind::Http,
        None => {
            let (kind, place) = local(file, input, line, &location)?;
            location = place;
            kind
        }
    };
    let cache_name = match &kind {
        SourceKind::Git { url, .. } => last_component(url).to_owned(),
        SourceKind::Http => last_component(&location).to_owned(),
        SourceKind::File | SourceKind::Directory { .. } | SourceKind::Crate => String::new(),
    };
    let is_named =
        !matches!(kind, SourceKind::Git { .. } | SourceKind::Http) || is_file_name(&cache_name);
    if !is_named {
        file.error(
            "kiss-source-invalid",
            format!("{location:?} names no file"),
            &line.first_span,
        );
        return None;
    }
    let extract = match kind {
        SourceKind::Http | SourceKind::File => is_kiss_archive(last_component(&location)),
        SourceKind::Git { .. } | SourceKind::Directory { .. } | SourceKind::Crate => false,
    };
    let is_unpinned = matches!(
        &kind,
        SourceKind::Git { reference, .. } if !matches!(reference, Some(GitReference::Commit(_)))
    );
    Some(Source {
        location,
        kind,
        destination,
        cache_name,
        extract,
        digest: None,
        is_unpinned,
        alternatives: Vec::new(),
    })
}

fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
}

/// Returns the rest of the line as a path below the build directory.
fn destination(file: &mut File<'_>, line: &Line<'_>) -> String {
    // A leading slash and `.` mean the build directory there, too.
    let clean = clean(line.rest);
    if clean.is_empty() {
        return clean;
    }
    if let Err(error) = clean.parse::<RelPath>() {
        file.error(
            "kiss-source-invalid",
            format!("destination: {error}"),
            &line.span,
        );
        return String::new();
    }
    clean
}

/// Leaves out what does not change where a path leads: empty components and `.`.
fn clean(path: &str) -> String {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    parts.join("/")
}

fn git(file: &mut File<'_>, dialect: Dialect, line: &Line<'_>, text: &str) -> Option<SourceKind> {
    let (url, reference) = split_reference(text, dialect);
    if url.is_empty() {
        file.error(
            "kiss-source-invalid",
            "`git+` has no URL after it",
            &line.first_span,
        );
        return None;
    }
    Some(SourceKind::Git {
        url: url.to_owned(),
        reference: reference.map(GitReference::new),
    })
}

/// Cuts `URL#REFERENCE`, and `URL@REFERENCE` where the dialect has it.
///
/// An `@` before the first slash after the host is part of the URL (`ssh://git@host/x`), which the shell
/// programs get wrong; a reference may have slashes.
fn split_reference(text: &str, dialect: Dialect) -> (&str, Option<&str>) {
    let cut = |at: usize| {
        let reference = &text[at + 1..];
        (&text[..at], (!reference.is_empty()).then_some(reference))
    };
    if let Some(at) = text.rfind('#') {
        return cut(at);
    }
    let host = text.find("://").map_or(0, |at| at + 3);
    let path = text[host..].find('/').map_or(text.len(), |at| host + at);
    match text[path..].rfind('@') {
        Some(at) if dialect != Dialect::KissNg => cut(path + at),
        _ => (text, None),
    }
}

fn local(
    file: &mut File<'_>,
    input: &KissDirectory<'_>,
    line: &Line<'_>,
    location: &str,
) -> Option<(SourceKind, String)> {
    let path = clean(location);
    let below = input.files.get(&path).copied();
    let absolute = if path.is_empty() {
        None
    } else {
        (input.absolute)(&path)
    };
    let kind = if let Some(found) = below.or(absolute) {
        match found {
            FileKind::Directory => SourceKind::Directory { only: Vec::new() },
            FileKind::File | FileKind::Executable => SourceKind::File,
        }
    } else {
        let diagnostic = Diagnostic::error(
            "kiss-source-missing",
            format!("there is no file or directory {location:?}"),
        );
        let diagnostic = match input.dialect {
            Dialect::KissClassic => diagnostic,
            _ if has_marker(location) => diagnostic
                .hint("only kiss-classic replaces markers such as VERSION: choose it with `--dialect kiss-classic`"),
            _ => diagnostic,
        };
        file.push(diagnostic, &line.first_span);
        return None;
    };
    let is_outside = below.is_none();
    let is_directory = matches!(kind, SourceKind::Directory { .. });
    if input.dialect == Dialect::KissNg && (is_outside || is_directory) {
        let message = format!(
            "kiss-ng knows no {}",
            if is_outside {
                "absolute paths"
            } else {
                "directories"
            }
        );
        file.error("kiss-source-invalid", message, &line.first_span);
        return None;
    }
    // The leading slash of a path of the host is optional there; here it tells the two kinds apart.
    let bare = location.trim_start_matches('/');
    let place = if is_outside {
        format!("/{bare}")
    } else {
        bare.to_owned()
    };
    Some((kind, place))
}

fn has_marker(location: &str) -> bool {
    [
        "VERSION", "RELEASE", "MAJOR", "MINOR", "PATCH", "IDENT", "PACKAGE",
    ]
    .iter()
    .any(|marker| location.contains(marker))
}

//! What `igos-build reproduce` answers.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use igos_cli::{Elapsed, Exit, Render};
use igos_format::{PackageName, Sha256};
use serde::Serialize;

use crate::reproduce::{ContentDifference, Difference, Original};
use crate::schedule::AgainError;

/// Lines of a report of `diffoscope` that are shown to people.
const REPORT_LINES: usize = 40;
/// Paths that are shown to people.
const PATHS_SHOWN: usize = 5;

/// What became of all archives.
#[derive(Debug, Serialize)]
pub(super) struct ReproduceAnswer {
    pub(super) archives: Vec<ArchiveAnswer>,
    identical: usize,
    different: usize,
    failed: usize,
    build_jobs: usize,
    seconds: f64,
}

/// What became of one archive.
#[derive(Debug, Serialize)]
pub(super) struct ArchiveAnswer {
    name: PackageName,
    archive: Option<PathBuf>,
    status: Verdict,
    /// Why there is nothing to compare.
    pub(super) reason: Option<String>,
    sha256: Option<Sha256>,
    pub(super) sha256_again: Option<Sha256>,
    pub(super) seconds: f64,
    /// How much later it was made again.
    pub(super) seconds_later: Option<u64>,
    pub(super) difference: Option<Difference>,
    pub(super) diffoscope: Option<String>,
    pub(super) kept: Option<PathBuf>,
}

/// Whether an archive came out the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    /// It did.
    Identical,
    /// It did not.
    Different,
    /// It did not come out at all.
    Failed,
    /// It would be made again, without `--dry-run`.
    Planned,
}

impl ArchiveAnswer {
    pub(super) fn new(original: &Original, status: Verdict) -> Self {
        ArchiveAnswer {
            archive: Some(original.archive.clone()),
            sha256: Some(original.sha256),
            ..Self::empty(&original.name, status)
        }
    }

    /// Returns the row of a package that the cache does not have.
    pub(super) fn absent(name: &PackageName, error: &AgainError) -> Self {
        ArchiveAnswer {
            reason: Some(error.to_string()),
            ..Self::empty(name, Verdict::Failed)
        }
    }

    fn empty(name: &PackageName, status: Verdict) -> Self {
        ArchiveAnswer {
            name: name.clone(),
            archive: None,
            status,
            reason: None,
            sha256: None,
            sha256_again: None,
            seconds: 0.0,
            seconds_later: None,
            difference: None,
            diffoscope: None,
            kept: None,
        }
    }
}

impl ReproduceAnswer {
    pub(super) fn new(build_jobs: usize) -> Self {
        ReproduceAnswer {
            archives: Vec::new(),
            identical: 0,
            different: 0,
            failed: 0,
            build_jobs,
            seconds: 0.0,
        }
    }

    /// Sorts and counts.
    pub(super) fn close(&mut self, elapsed: Duration) {
        self.archives.sort_by(|a, b| a.name.cmp(&b.name));
        let count = |verdict| {
            let rows = self.archives.iter();
            rows.filter(|row| row.status == verdict).count()
        };
        let counts = [Verdict::Identical, Verdict::Different, Verdict::Failed].map(count);
        [self.identical, self.different, self.failed] = counts;
        self.seconds = elapsed.as_secs_f64();
    }
}

impl Render for ReproduceAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for row in &self.archives {
            row.render(out)?;
        }
        let all = self.archives.len();
        let share = match all {
            0 => 0,
            all => self.identical * 100 / all,
        };
        writeln!(
            out,
            "{} of {all} archives identical ({share} %), {} different, {} not made again; {} jobs each, in {}",
            self.identical,
            self.different,
            self.failed,
            self.build_jobs,
            Elapsed(Duration::from_secs_f64(self.seconds))
        )
    }

    fn exit(&self) -> Exit {
        match (self.different, self.failed) {
            (0, 0) => Exit::Done,
            (0, _) => Exit::Unfinished,
            _ => Exit::No,
        }
    }
}

impl ArchiveAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        match (self.status, &self.reason, &self.difference) {
            (Verdict::Identical, ..) => writeln!(out, "identical  {}", self.name)?,
            (Verdict::Planned, ..) => writeln!(out, "planned    {}", self.name)?,
            (Verdict::Failed, reason, _) => {
                let reason = reason.as_deref().unwrap_or_default();
                writeln!(out, "failed     {}: {reason}", self.name)?;
            }
            (Verdict::Different, reason, None) => {
                let reason = reason.as_deref().unwrap_or_default();
                writeln!(out, "different  {}: {reason}", self.name)?;
            }
            (Verdict::Different, _, Some(difference)) => {
                writeln!(out, "different  {}: {}", self.name, summary(difference))?;
                render_difference(difference, out)?;
            }
        }
        if let Some(report) = &self.diffoscope {
            writeln!(out, "  diffoscope:")?;
            for line in report.lines().take(REPORT_LINES) {
                writeln!(out, "    {line}")?;
            }
        }
        if let Some(kept) = &self.kept {
            writeln!(out, "  kept as {}", kept.display())?;
        }
        Ok(())
    }
}

fn summary(difference: &Difference) -> String {
    match (difference.part, difference.differing_paths) {
        ("manifest", _) => "the head of the manifest".to_owned(),
        ("provenance", _) => "the provenance".to_owned(),
        (_, 0) => "the compressed bytes alone".to_owned(),
        (_, 1) => "1 path".to_owned(),
        (_, count) => format!("{count} paths"),
    }
}

fn render_difference(difference: &Difference, out: &mut dyn fmt::Write) -> fmt::Result {
    for path in difference.paths.iter().take(PATHS_SHOWN) {
        let fields: Vec<String> = path
            .fields
            .iter()
            .map(|field| match field.field {
                "contents" => "contents".to_owned(),
                name => format!("{name} {} → {}", field.first, field.second),
            })
            .collect();
        writeln!(out, "  {}: {}", path.path, fields.join(", "))?;
    }
    if difference.differing_paths > PATHS_SHOWN {
        let more = difference.differing_paths - PATHS_SHOWN;
        writeln!(out, "  and {more} more")?;
    }
    for line in &difference.lines {
        writeln!(out, "    {line}")?;
    }
    let Some(content) = &difference.content else {
        return Ok(());
    };
    match &content.difference {
        None => writeln!(out, "  {} is too large to look into", content.path),
        Some(found) => {
            writeln!(out, "  {}: {}", content.path, place(found))?;
            for line in &found.lines {
                writeln!(out, "    {line}")?;
            }
            Ok(())
        }
    }
}

fn place(found: &ContentDifference) -> String {
    if found.sections.is_empty() {
        format!("{}, from byte {}", found.kind, found.offset)
    } else {
        let sections = found.sections.join(", ");
        format!("sections {sections}; from byte {}", found.offset)
    }
}

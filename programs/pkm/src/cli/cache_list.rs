//! `pkm cache list`.

use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render, Size};
use igos_repo::repository::CacheContents;
use serde::Serialize;

use super::Context;

/// List downloaded archives
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm cache list\n  pkm cache list --json")]
pub(super) struct CacheList {}

impl CacheList {
    pub(super) fn run(self, context: &Context<'_>) -> Result<CacheListAnswer, Failure> {
        Ok(CacheListAnswer(CacheContents::read(&context.places())?))
    }
}

/// What is in the cache.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct CacheListAnswer(CacheContents);

impl Render for CacheListAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let mut sum = 0;
        for archive in &self.0.archives {
            let size = Size(archive.size_bytes);
            sum += archive.size_bytes;
            match &archive.package {
                Some(package) => writeln!(out, "{:>10}  {}", size.to_string(), package.id)?,
                None => writeln!(
                    out,
                    "{:>10}  damaged: {}",
                    size.to_string(),
                    archive.file.path().display()
                )?,
            }
        }
        let parts: u64 = self.0.parts.iter().map(|part| part.size_bytes).sum();
        writeln!(
            out,
            "{} in {} archives, {} in {} parts of archives",
            Size(sum),
            self.0.archives.len(),
            Size(parts),
            self.0.parts.len()
        )
    }
}
